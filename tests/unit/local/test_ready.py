import pytest

from souk_local import ready
from souk_local.errors import StackError
from souk_local.ready import NotReady


def never() -> None:
    raise NotReady("port 1: refused")


def test_a_server_that_answers_is_waited_for() -> None:
    tries = iter([NotReady("not yet"), None])

    def probe() -> None:
        if error := next(tries):
            raise error

    ready.wait("redis", probe, alive=lambda: True, tail=str, within=5)


def test_a_server_that_ended_is_told_with_its_last_words() -> None:
    with pytest.raises(StackError, match=r"redis ended while starting.*\nout of memory"):
        ready.wait("redis", never, alive=lambda: False, tail=lambda: "out of memory", within=5)


def test_a_server_that_does_not_answer_in_time_is_told_with_the_reason() -> None:
    with pytest.raises(StackError, match=r"redis didn't answer in 0 s .port 1: refused"):
        ready.wait("redis", never, alive=lambda: True, tail=str, within=0)
