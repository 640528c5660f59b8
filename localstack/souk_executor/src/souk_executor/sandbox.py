"""An execution environment: one invocation at a time, in a process that is replaced when it has died."""

import threading
import time
from dataclasses import dataclass

from souk_executor.process import FunctionProcess, Program
from souk_executor.runtime_api import Answer, InitFailed, Invocation, fault

LARGEST_ANSWER = 6 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An answer, with what the function wrote before and during the invocation, and what it took."""

    answer: Answer
    init_output: str
    output: str
    milliseconds: float
    peak_memory: int | None


class Sandbox:
    """Keeps a process of a function ready and lets it answer invocations."""

    def __init__(self, program: Program, *, init_seconds: float) -> None:
        self._program = program
        self._init_seconds = init_seconds
        self._process: FunctionProcess | None = None
        self._init_output = ""
        self._stopped = False
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process that runs now."""
        return self._process.pid if self._process and not self._process.ended else None

    def start(self) -> None:
        """Start the process and wait until the function is loaded. Raises InitFailed."""
        self._process = process = FunctionProcess(self._program)
        if self._stopped:  # meanwhile, by another thread, which knew of the process before at most
            process.kill()
        try:
            process.await_ready(seconds=self._init_seconds)
        except InitFailed:
            process.kill()
            self._init_output = process.take_output()
            raise
        self._init_output = process.take_output()

    def invoke(self, invocation: Invocation) -> Outcome:
        """Let the function answer; a function that is too slow, or died, answers an error and starts anew next time."""
        with self._turn:
            began = time.monotonic()
            try:
                process = self._running()
            except InitFailed as failure:
                return self._outcome(failure.answer, None, began)
            began = time.monotonic()
            return self._outcome(_answer(process, invocation), process, began)

    def stop(self, *, patience: float) -> None:
        """End the process; an invocation under way may finish within so many seconds."""
        self._stopped = True
        idle = self._turn.acquire(timeout=patience)
        if self._process:
            self._process.kill()
        if idle and self._process:
            self._process.discard()
        if idle:
            self._turn.release()

    def take_output(self) -> str:
        """Answer what the function wrote outside of invocations, such as why it could not be loaded."""
        output, self._init_output = self._init_output, ""
        return output + (self._process.take_output() if self._process else "")

    def _running(self) -> FunctionProcess:
        if self._process is None or self._process.ended:
            if self._process:
                self._process.discard()
            self.start()
        if self._process is None:
            raise AssertionError("start() sets the process")
        return self._process

    def _outcome(self, answer: Answer, process: FunctionProcess | None, began: float) -> Outcome:
        init_output, self._init_output = self._init_output, ""
        return Outcome(
            answer=answer,
            init_output=init_output,
            output=process.take_output() if process else "",
            milliseconds=(time.monotonic() - began) * 1000,
            peak_memory=process.peak_memory() if process else None,
        )


def _answer(process: FunctionProcess, invocation: Invocation) -> Answer:
    try:
        answer = process.api.offer(invocation).result(invocation.seconds)
    except TimeoutError:
        process.kill()
        return fault("Sandbox.Timedout", f"Task timed out after {invocation.seconds:.2f} seconds", invocation.id)
    if len(answer.payload) > LARGEST_ANSWER:
        size = f"Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
        return fault("Function.ResponseSizeTooLarge", size, invocation.id)
    return answer
