"""What runs in a function's process: AWS's own runtime client, whose life ends with LocalStack's.

Standard input is a pipe that LocalStack holds open and never writes to. When LocalStack is gone, however it went, the
pipe ends, and with it this process and all it started. It is run by path, with the functions' own interpreter.
"""

import os
import signal
import sys
import threading

from awslambdaric.__main__ import main


def _take_lifeline() -> int:
    """Move the pipe out of the function's sight and leave it an empty standard input, as on AWS."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lifeline


def _end_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(_take_lifeline(),), daemon=True).start()
    main(sys.argv)
