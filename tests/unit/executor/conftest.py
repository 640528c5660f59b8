"""A runtime as small as can be: it speaks the Runtime API and does what its invocations say."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from souk_executor.process import Program
from souk_executor.runtime_api import Invocation, RuntimeApi
from souk_executor.sandbox import Sandbox

RUNTIME = """
import http.client, json, os, subprocess, sys, time

def call(method, path, body=None):
    api.request(method, "/2018-06-01/runtime/" + path, body)
    answer = api.getresponse()
    return answer.headers, answer.read()

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
print("loading")
exec(os.environ.get("WHEN_LOADED", ""))
while True:
    headers, event = call("GET", "invocation/next")
    event, result = json.loads(event), "response"
    print("doing")
    try:
        answer = eval(event)
    except ZeroDivisionError as error:
        answer, result = {"errorType": "ZeroDivisionError", "errorMessage": str(error)}, "error"
    call("POST", f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/{result}", json.dumps(answer))
"""


@pytest.fixture
def api(socket_enabled: None) -> Iterator[RuntimeApi]:
    served = RuntimeApi()
    yield served
    served.close()


@pytest.fixture
def sandbox(tmp_path: Path, socket_enabled: None) -> Iterator[Callable[..., Sandbox]]:
    """Make a sandbox whose runtime first does what `when_loaded` says."""
    made: list[Sandbox] = []

    def make(when_loaded: str = "", *, init_seconds: float = 20) -> Sandbox:
        variables = {"WHEN_LOADED": when_loaded, "PYTHONUNBUFFERED": "1"}
        program = Program(command=(sys.executable, "-c", RUNTIME), variables=variables, folder=tmp_path)
        made.append(Sandbox(program, init_seconds=init_seconds))
        return made[-1]

    yield make
    for one in made:
        one.stop(patience=1)


def invocation(payload: bytes = b"1", *, seconds: float = 20, name: str = "r-1") -> Invocation:
    return Invocation(id=name, arn="arn:f", trace="Root=1", payload=payload, seconds=seconds)
