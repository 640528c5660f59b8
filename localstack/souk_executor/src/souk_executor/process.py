"""One process of a function, from its start to its end, with the Runtime API it speaks to and what it wrote."""

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from souk_executor.runtime_api import InitFailed, RuntimeApi, fault

LOG_BYTES = 1024 * 1024
KILL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: command line, variables (nothing is inherited) and working folder."""

    command: tuple[str, ...]
    variables: Mapping[str, str]
    folder: Path


class FunctionProcess:
    """Runs a program in a process group of its own; its end is seen at once and answers whatever still waited.

    The output goes to a file without a name: no pipe to pump, nothing to block on, nothing left behind.
    """

    def __init__(self, program: Program) -> None:
        self.api = RuntimeApi()
        self._output = TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as the process: discard()
        fcntl.fcntl(self._output, fcntl.F_SETFL, os.O_APPEND)  # so that it can be cut while it is written
        try:
            self._process = self._spawn(program)
        except OSError:
            self._close()
            raise
        self._watch = threading.Thread(target=self._see_off, name=f"function-{self._process.pid}", daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self.api.lost

    def await_ready(self, *, seconds: float) -> None:
        """Wait until the function is loaded. Raises InitFailed, and then the process is killed."""
        try:
            self.api.ready.result(seconds)
        except TimeoutError:
            self.kill()
            raise InitFailed(fault("Sandbox.Timedout", f"Init timed out after {seconds:.2f} seconds")) from None

    def kill(self) -> None:
        """End the process and all it started; it has `ended` when this returns."""
        self._kill_group()
        self._watch.join(KILL_SECONDS)

    def take_output(self) -> str:
        """Answer, and forget, what was written since the last time; of very much only the end."""
        if self._output.closed:
            return ""
        size = os.fstat(self._output.fileno()).st_size
        text = os.pread(self._output.fileno(), LOG_BYTES, max(0, size - LOG_BYTES))
        os.ftruncate(self._output.fileno(), 0)
        return text.decode(errors="replace").replace("\r", "\n")  # AWS's client parts the lines of a traceback so

    def peak_memory(self) -> int | None:
        """Megabytes of memory at most, where the system tells (Linux)."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return None
        kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(kilobytes[0]) // 1024 if kilobytes else None

    def discard(self) -> None:
        """Let go of the output of a process that has ended."""
        self._output.close()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command,
            cwd=program.folder,
            env={**program.variables, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            stdin=subprocess.PIPE,  # the lifeline of launch.py
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def _see_off(self) -> None:
        status = self._process.wait()
        self._kill_group()  # what it started does not outlive it
        self.api.lose(_reason(status))
        if self._process.stdin:
            self._process.stdin.close()
        self.api.close()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _close(self) -> None:
        self.discard()
        self.api.close()


def _reason(status: int) -> str:
    """Say how a process ended, in AWS's words."""
    if status < 0:
        return f"Runtime exited with error: signal: {signal.Signals(-status).name}"
    return f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"
