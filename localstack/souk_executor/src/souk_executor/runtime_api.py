"""The AWS Lambda Runtime API of one execution environment, served on a loopback port of its own.

The protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import socket
import sys
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from queue import SimpleQueue
from socketserver import ThreadingTCPServer

PREFIX = "/2018-06-01/runtime/"
HOST = "127.0.0.1"
RESULTS = {"response": False, "error": True}


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of a function, and how many seconds it may take."""

    id: str
    arn: str
    trace: str
    payload: bytes
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call: the function's result, or the error in AWS's form.

    `note` is for the log, where the function itself could not say what went wrong.
    """

    payload: bytes
    failed: bool = False
    note: str = ""


class InitFailed(Exception):
    """The process ended, or gave up, before it asked for its first invocation."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.payload.decode(errors="replace"))
        self.answer = answer


def fault(kind: str, message: str, request_id: str = "") -> Answer:
    """Make the error that AWS itself answers for a function that cannot."""
    text = f"RequestId: {request_id} Error: {message}"
    return Answer(payload=json.dumps({"errorType": kind, "errorMessage": text}).encode(), failed=True, note=text)


class RuntimeApi(ThreadingTCPServer):
    """Hands invocations to a runtime and takes its answers.

    `ready` ends when the runtime first asks for work, or with InitFailed.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Door)
        self._port = int(self.server_address[1])
        self.ready: Future[None] = Future()
        self._offered: SimpleQueue[Invocation | None] = SimpleQueue()
        self._pending: dict[str, Future[Answer]] = {}
        self._lost: str | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=f"runtime-api-{self.address}", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"{HOST}:{self._port}"

    @property
    def lost(self) -> bool:
        """Whether the runtime on the other side is gone."""
        return self._lost is not None

    def offer(self, invocation: Invocation) -> Future[Answer]:
        """Give the runtime something to do; its answer comes through the future."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._lost is not None:
                future.set_result(fault("Runtime.ExitError", self._lost, invocation.id))
                return future
            self._pending[invocation.id] = future
        self._offered.put(invocation)
        return future

    def lose(self, reason: str) -> None:
        """Answer everything that still waits: the runtime is gone for this reason."""
        with self._lock:
            self._lost = reason
            pending, self._pending = self._pending, {}
        for request_id, future in pending.items():
            future.set_result(fault("Runtime.ExitError", reason, request_id))
        self.fail_init(fault("Runtime.ExitError", reason))
        self._offered.put(None)

    def close(self) -> None:
        """Stop serving."""
        self._closed = True
        self._offered.put(None)
        with suppress(OSError):
            socket.create_connection((HOST, self._port)).close()  # wakes the thread that waits for connections
        self._thread.join()
        self.server_close()

    def _serve(self) -> None:
        while not self._closed:
            self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Report bugs only: a runtime killed mid-request breaks its connection, which lose() reports."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came

    def next_invocation(self) -> Invocation | None:
        """Wait for an invocation; None when there will be no more."""
        with suppress(InvalidStateError):
            self.ready.set_result(None)
        invocation = self._offered.get()
        if invocation is None:
            self._offered.put(None)
        return invocation

    def fail_init(self, answer: Answer) -> None:
        """Say that the function could not be loaded, unless it was ready already."""
        with suppress(InvalidStateError):
            self.ready.set_exception(InitFailed(answer))

    def settle(self, request_id: str, answer: Answer) -> bool:
        """Pass an answer on to the one who waits; False when nobody does."""
        with self._lock:
            future = self._pending.pop(request_id, None)
        if future is None:
            return False
        future.set_result(answer)
        return True

    def awaits(self, request_id: str) -> bool:
        """Whether somebody waits for the answer to this invocation."""
        return request_id in self._pending


class _Door(BaseHTTPRequestHandler):
    """Speaks HTTP with the runtime, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: RuntimeApi

    def do_GET(self) -> None:
        if self.path != PREFIX + "invocation/next":
            self._reply(HTTPStatus.NOT_FOUND)
            return
        invocation = self.server.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._reply(HTTPStatus.OK, invocation.payload, _headers(invocation))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == PREFIX + "init/error":
            self._reply(HTTPStatus.ACCEPTED, b"{}")
            self.server.fail_init(Answer(payload=body, failed=True))
            return
        request_id, _, result = self.path.removeprefix(PREFIX + "invocation/").partition("/")
        if result not in RESULTS or not self.server.awaits(request_id):
            self._reply(HTTPStatus.NOT_FOUND)
            return
        # The runtime goes back to ask for more while its answer travels on.
        self._reply(HTTPStatus.ACCEPTED, b"{}")
        self.server.settle(request_id, Answer(payload=body, failed=RESULTS[result]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Say nothing: one line per request is noise."""

    def _reply(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _headers(invocation: Invocation) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": invocation.id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.seconds) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
        "Lambda-Runtime-Trace-Id": invocation.trace,
    }
