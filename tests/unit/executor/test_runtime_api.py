import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from souk_executor.runtime_api import PREFIX, Answer, InitFailed, Invocation, RuntimeApi


def invocation(name: str = "r-1") -> Invocation:
    return Invocation(id=name, arn="arn:f", trace="Root=1", payload=b'{"a": 1}', seconds=3)


@pytest.fixture
def runtime(api: RuntimeApi) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(api.address, timeout=10)
    yield connection
    connection.close()


def call(
    runtime: http.client.HTTPConnection, method: str, path: str, body: bytes = b""
) -> tuple[http.client.HTTPResponse, bytes]:
    runtime.request(method, path, body)
    response = runtime.getresponse()
    return response, response.read()


def test_an_invocation_reaches_the_runtime_with_what_aws_tells_it(
    api: RuntimeApi, runtime: http.client.HTTPConnection
) -> None:
    api.offer(invocation())
    response, body = call(runtime, "GET", PREFIX + "invocation/next")
    assert (response.status, body) == (200, b'{"a": 1}')
    assert response.headers["Lambda-Runtime-Aws-Request-Id"] == "r-1"
    assert response.headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:f"
    assert response.headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert 0 < int(response.headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time() <= 3


@pytest.mark.parametrize(("result", "failed"), [("response", False), ("error", True)])
def test_the_runtimes_answer_reaches_the_one_who_asked(
    api: RuntimeApi, runtime: http.client.HTTPConnection, *, result: str, failed: bool
) -> None:
    future = api.offer(invocation())
    call(runtime, "GET", PREFIX + "invocation/next")
    response, _ = call(runtime, "POST", f"{PREFIX}invocation/r-1/{result}", b'"done"')
    assert response.status == 202
    assert future.result(5) == Answer(payload=b'"done"', failed=failed)


def test_one_connection_serves_many_invocations(api: RuntimeApi, runtime: http.client.HTTPConnection) -> None:
    for name in ("r-1", "r-2", "r-3"):
        future = api.offer(invocation(name))
        call(runtime, "GET", PREFIX + "invocation/next")
        call(runtime, "POST", f"{PREFIX}invocation/{name}/response", name.encode())
        assert future.result(5).payload == name.encode()


def test_a_runtime_is_ready_when_it_asks_for_work(api: RuntimeApi, runtime: http.client.HTTPConnection) -> None:
    assert not api.ready.done()
    runtime.request("GET", PREFIX + "invocation/next")
    api.ready.result(5)


def test_a_runtime_that_cannot_load_its_function_says_why(api: RuntimeApi, runtime: http.client.HTTPConnection) -> None:
    response, _ = call(runtime, "POST", PREFIX + "init/error", b'{"errorType": "ImportError"}')
    assert response.status == 202
    with pytest.raises(InitFailed, match="ImportError"):
        api.ready.result(5)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", PREFIX + "nothing"),
        ("POST", PREFIX + "invocation/unknown/response"),
        ("POST", PREFIX + "invocation/next"),
        ("POST", "/elsewhere"),
    ],
)
def test_an_address_that_is_not_in_the_protocol_is_not_found(
    runtime: http.client.HTTPConnection, method: str, path: str
) -> None:
    assert call(runtime, method, path)[0].status == 404


def test_an_answer_counts_once(api: RuntimeApi, runtime: http.client.HTTPConnection) -> None:
    future = api.offer(invocation())
    call(runtime, "GET", PREFIX + "invocation/next")
    call(runtime, "POST", PREFIX + "invocation/r-1/response", b"1")
    assert call(runtime, "POST", PREFIX + "invocation/r-1/response", b"2")[0].status == 404
    assert future.result(5).payload == b"1"


def test_a_lost_runtime_answers_what_waited_and_what_comes_later(api: RuntimeApi) -> None:
    waiting = api.offer(invocation())
    api.lose("signal: SIGKILL")
    for future in (waiting, api.offer(invocation())):
        assert json.loads(future.result(5).payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: r-1 Error: signal: SIGKILL",
        }
    with pytest.raises(InitFailed, match="SIGKILL"):
        api.ready.result(5)
    assert api.lost


def test_closing_ends_the_wait_for_work(api: RuntimeApi, runtime: http.client.HTTPConnection) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(call, runtime, "GET", PREFIX + "invocation/next")
        api.ready.result(5)
        api.lose("gone")
        assert isinstance(asking.exception(5), http.client.RemoteDisconnected)
