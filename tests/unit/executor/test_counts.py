from souk_executor.counts import ERROR_CHARACTERS, Counts
from souk_executor.runtime_api import Answer, fault
from souk_executor.sandbox import Outcome


def outcome(answer: Answer) -> Outcome:
    return Outcome(answer=answer, init_output="", output="", milliseconds=1.234, peak_memory=None)


def test_invocations_and_errors_are_counted_by_function() -> None:
    counts = Counts()
    counts.invoked("a", outcome(Answer(payload=b"1")))
    counts.invoked("a", outcome(fault("Runtime.ExitError", "gone", "r")))
    counts.invoked("b", outcome(Answer(payload=b"1")))
    shown = counts.shown()
    assert (shown["a"]["invocations"], shown["a"]["errors"]) == (2, 1)
    assert shown["a"]["last_error"] == "Runtime.ExitError: RequestId: r Error: gone"
    assert shown["a"]["last_duration_ms"] == 1.23
    assert (shown["b"]["invocations"], shown["b"]["errors"], shown["b"]["last_error"]) == (1, 0, None)


def test_environments_are_counted_while_they_live() -> None:
    counts = Counts()
    counts.started("a")
    counts.started("a")
    counts.stopped("a")
    assert (counts.shown()["a"]["cold_starts"], counts.shown()["a"]["environments"]) == (2, 1)


def test_an_error_that_is_not_in_aws_form_is_shown_as_it_is_and_not_at_length() -> None:
    counts = Counts()
    counts.failed("a", b"x" * 10_000)
    assert counts.shown()["a"]["last_error"] == "x" * ERROR_CHARACTERS
