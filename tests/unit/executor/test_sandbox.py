import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from souk_executor.runtime_api import InitFailed
from souk_executor.sandbox import LARGEST_ANSWER, Sandbox
from souk_local.patience import until

from .conftest import invocation

Maker = Callable[..., Sandbox]


def do(sandbox: Sandbox, expression: str, *, seconds: float = 20) -> object:
    outcome = sandbox.invoke(invocation(json.dumps(expression).encode(), seconds=seconds))
    return json.loads(outcome.answer.payload)


def pid_of(sandbox: Sandbox) -> int:
    assert sandbox.pid is not None
    return sandbox.pid


def await_gone(pid: int) -> None:
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_function_answers_in_the_same_process_again_and_again(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    assert [do(one, "os.getpid()") for _ in range(3)] == [one.pid] * 3


def test_what_a_function_writes_is_told_apart_by_invocation(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    first, second = (one.invoke(invocation(json.dumps(f"print({n})").encode())) for n in (1, 2))
    assert (first.init_output, first.output) == ("loading\n", "doing\n1\n")
    assert (second.init_output, second.output) == ("", "doing\n2\n")


def test_a_function_that_raises_stays_loaded(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    before = one.pid
    assert one.invoke(invocation(b'"1/0"')).answer.failed
    assert do(one, "os.getpid()") == before


def test_a_function_that_exits_is_reported_and_starts_anew(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    answer = do(one, "os._exit(3)")
    assert answer == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: exit status 3",
    }
    assert do(one, "1 + 1") == 2


def test_a_function_killed_in_the_middle_is_reported_and_starts_anew(sandbox: Maker, tmp_path: Path) -> None:
    one = sandbox()
    one.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(do, one, "open('begun', 'w').close() or time.sleep(60)")
        until(tmp_path.joinpath("begun").exists, within=10)
        os.kill(pid_of(one), signal.SIGKILL)
        assert "signal: SIGKILL" in str(asked.result(10))
    assert do(one, "1 + 1") == 2


def test_a_function_that_is_too_slow_is_killed_and_starts_anew(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    before = pid_of(one)
    assert "Task timed out after 0.20 seconds" in str(do(one, "time.sleep(60)", seconds=0.2))
    await_gone(before)
    assert do(one, "1 + 1") == 2


def test_an_answer_larger_than_aws_allows_is_refused(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    assert "Function.ResponseSizeTooLarge" in str(do(one, f"'x' * {LARGEST_ANSWER}"))


def test_a_function_that_cannot_be_loaded_fails_to_start_with_its_own_words(sandbox: Maker) -> None:
    one = sandbox("""call("POST", "init/error", b'{"errorType": "ImportError"}'); sys.exit(1)""")
    with pytest.raises(InitFailed, match="ImportError"):
        one.start()
    assert one.take_output() == "loading\n"


def test_a_function_that_dies_while_loading_fails_to_start(sandbox: Maker) -> None:
    with pytest.raises(InitFailed, match="exit status 7"):
        sandbox("os._exit(7)").start()


def test_a_function_that_never_finishes_loading_is_killed(sandbox: Maker) -> None:
    one = sandbox("time.sleep(60)", init_seconds=0.2)
    with pytest.raises(InitFailed, match="Init timed out"):
        one.start()
    assert one.pid is None


def test_stopping_leaves_no_process_not_even_what_the_function_started(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    child = do(one, "subprocess.Popen(['sleep', '60']).pid")
    assert isinstance(child, int)
    before = pid_of(one)
    one.stop(patience=1)
    await_gone(before)
    await_gone(child)


def test_stopping_lets_an_invocation_finish(sandbox: Maker, tmp_path: Path) -> None:
    one = sandbox()
    one.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(do, one, "open('begun', 'w').close() or time.sleep(0.3) or 'finished'")
        until(tmp_path.joinpath("begun").exists, within=10)
        one.stop(patience=10)
        assert asked.result(10) == "finished"


def test_invocations_wait_for_their_turn(sandbox: Maker) -> None:
    one = sandbox()
    one.start()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: do(one, str(n)), range(40)))
    assert answers == list(range(40))
