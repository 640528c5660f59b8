import subprocess
import sys
from pathlib import Path

import pytest

import souk_executor

LAUNCH = Path(souk_executor.__file__).with_name("launch.py")
CLIENT = """
import os, subprocess, sys, time

def main(arguments):
    child = subprocess.Popen(["sleep", "60"])
    print(arguments[1], repr(sys.stdin.read()), child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def launched(tmp_path: Path) -> subprocess.Popen[str]:
    """Start launch.py with a client in place of AWS's that runs until it is ended."""
    package = tmp_path / "awslambdaric"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(CLIENT)
    return subprocess.Popen(
        [sys.executable, "-P", LAUNCH, "app.handler"],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_function_lives_until_the_lifeline_ends_and_takes_its_children_along(
    launched: subprocess.Popen[str],
) -> None:
    assert launched.stdout
    assert launched.stdin
    with launched:
        assert launched.stdout.readline().startswith("app.handler ''")
        assert launched.poll() is None
        launched.stdin.close()
        # Standard output ends only when the child that shares it is gone too.
        assert launched.stdout.read() == ""
        assert launched.wait(10) == -9
