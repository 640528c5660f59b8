"""The local gateway as it runs: a real nginx before a server that tells what it was sent."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ports import free_base

from souk.problems import REQUEST_ID
from souk_local import credentials, gateway, install, nginx, processes, ready
from souk_local.layout import OFFSETS, Layout, find, make_folders
from souk_local.site import Site

pytestmark = pytest.mark.stack
ANSWERS = {"missing": 404, "refused": 409, "invalid": 422, "bug": 500, "degraded": 503, "crash": 502, "expired": 504}


class Echo(BaseHTTPRequestHandler):
    """Answers with the request as it arrived."""

    protocol_version = "HTTP/1.1"
    hold = threading.Event()

    def answer(self) -> None:
        if "slow" in self.path:
            self.hold.wait()
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        told = {"method": self.command, "path": self.path, "length": len(body)}
        told["headers"] = {name.lower(): value for name, value in self.headers.items()}
        said = json.dumps(told).encode()
        status = next((code for word, code in ANSWERS.items() if word in self.path), 200)
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Server", "secret/1.0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_OPTIONS = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Gateway:
    """A gateway that runs, what stands behind it, and how to ask it."""

    place: Layout
    upstream: ThreadingHTTPServer | None = field(default=None)

    def ask(self, target: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.place.port("gateway"), timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.putrequest(method, target)  # sent as it is, encoded or not
            for name, value in named.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return read(connection.getresponse())
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.place.port("gateway")), timeout=10) as wire:
            wire.sendall(sent)
            return b"".join(iter(lambda: wire.recv(65536), b""))

    def stand_behind(self) -> None:
        Echo.hold.clear()
        self.upstream = ThreadingHTTPServer(("127.0.0.1", self.place.port("localstack")), Echo)
        threading.Thread(target=self.upstream.serve_forever, args=(0.02,), daemon=True).start()

    def leave(self) -> None:
        if self.upstream is not None:
            Echo.hold.set()
            self.upstream.shutdown()
            self.upstream.server_close()
            self.upstream = None


def read(response: HTTPResponse) -> Answer:
    text = response.read().decode()
    kind = response.headers.get_content_type()
    body = json.loads(text) if text and kind.endswith("json") else text
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


@pytest.fixture(scope="module")
def running() -> Iterator[Gateway]:
    # Beside the test stack, where nginx's own user passes through, and where the next run finds what a killed one left.
    state = find().state.with_name("test-gateway")
    place = Layout(root=state, state=state, tools=find().tools, base=free_base(max(OFFSETS.values()) + 1))
    processes.stop(place, "gateway")
    shutil.rmtree(state, ignore_errors=True)
    make_folders(place)
    install.packages(gateway.PACKAGES, say=print)
    here = Site(layout=place, credentials=credentials.load(place.credentials))
    with pytest.MonkeyPatch.context() as settings:
        settings.setattr(nginx, "PATIENCE", "3s")
        yield from served(here, place)


def served(here: Site, place: Layout) -> Iterator[Gateway]:
    gateway.initialise(here)
    record = processes.launch(gateway.programs(here)[0], place)
    one = Gateway(place)
    try:
        ready.wait(
            "gateway",
            lambda: gateway.glance(here),
            alive=lambda: processes.is_alive(record),
            tail=lambda: place.log("gateway").read_text(),
            within=60,
        )
        gateway.write_routes({"order": "abc123", "cart": "def456"}, place=place)
        yield one
    finally:
        processes.stop(place, "gateway")
        one.leave()
        shutil.rmtree(place.state)


@pytest.fixture
def door(running: Gateway) -> Iterator[Gateway]:
    running.stand_behind()
    yield running
    running.leave()


def test_a_base_path_leads_to_its_api(door: Gateway) -> None:
    assert door.ask("/order/orders?limit=5").body["path"] == "/_aws/execute-api/abc123/api/orders?limit=5"
    assert door.ask("/cart/carts").body["path"] == "/_aws/execute-api/def456/api/carts"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("/order", "/"),
        ("/order/", "/"),
        ("/order?a=/b", "/?a=/b"),
        ("/order/a%2Fb%20c", "/a%2Fb%20c"),
        ("/order/caf%C3%A9/%25", "/caf%C3%A9/%25"),
        ("/order//twice", "//twice"),
        ("/order/a?b=%26&c=+", "/a?b=%26&c=+"),
        ("/order/a;b=c,d", "/a;b=c,d"),
    ],
)
def test_a_path_arrives_as_it_was_sent(door: Gateway, sent: str, arrives: str) -> None:
    assert door.ask(sent).body["path"] == "/_aws/execute-api/abc123/api" + arrives


def test_who_asks_is_what_the_gateway_sees(door: Gateway) -> None:
    lie = "6.6.6.6"
    seen = door.ask("/order/orders", X_Real_IP=lie, X_Forwarded_For=lie, Forwarded=f"for={lie}").body["headers"]
    assert seen["x-real-ip"] == "127.0.0.1"
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert lie not in seen.values()
    assert "forwarded" not in seen


def test_a_request_is_known_by_one_id_before_the_door_and_behind_it(door: Gateway) -> None:
    assert door.ask("/order/orders", X_Request_Id="mine-1234").body["headers"]["x-request-id"] == "mine-1234"
    assert door.ask("/order/crash", X_Request_Id="mine-1234").headers["x-request-id"] == "mine-1234"
    for unusable in ("", "short", "x" * 65, '"},{"a":"', "id with spaces"):
        given = door.ask("/order/orders", X_Request_Id=unusable).body["headers"]["x-request-id"]
        assert REQUEST_ID.fullmatch(given)
        assert given != unusable


@pytest.mark.parametrize("word", ["missing", "refused", "invalid", "bug", "degraded"])
def test_the_doors_answer_passes_untouched(door: Gateway, word: str) -> None:
    answer = door.ask(f"/order/{word}")
    assert answer.status == ANSWERS[word]
    assert answer.body["path"].endswith(word)
    assert "secret" not in answer.headers["server"]


def test_what_localstack_answers_by_itself_becomes_a_problem(door: Gateway) -> None:
    is_problem(door.ask("/order/crash"), 503, "unavailable")
    is_problem(door.ask("/order/expired"), 504, "timeout")


def test_a_body_a_little_too_large_reaches_the_door(door: Gateway) -> None:
    assert door.ask("/order/orders", "POST", b"x" * (1024 * 1024 + 1)).body["length"] == 1024 * 1024 + 1


def test_a_body_far_too_large_is_a_problem(door: Gateway) -> None:
    answer = door.ask("/order/orders", "POST", b"x" * (2 * 1024 * 1024))
    is_problem(answer, 413, "too-large")


def test_a_body_of_unknown_length_is_limited_as_well(door: Gateway) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST /order/orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = door.raw(head + piece * 20 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"urn:souk:problem:too-large" in answer


def test_a_service_that_does_not_exist_is_a_problem(door: Gateway) -> None:
    is_problem(door.ask("/nowhere/at/all"), 404, "missing")
    is_problem(door.ask("/ordering"), 404, "missing")


def test_a_service_that_is_not_deployed_is_unavailable(door: Gateway) -> None:
    answer = door.ask("/product/search?q=x")
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "2"


def test_without_localstack_it_is_unavailable(running: Gateway) -> None:
    answer = running.ask("/order/orders", "POST", b"{}")
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "2"


def test_a_service_that_takes_too_long_is_given_up(door: Gateway) -> None:
    answer = door.ask("/order/slow", "POST", b"{}")
    is_problem(answer, 504, "timeout")
    assert "retry-after" not in answer.headers  # whether it happened is unknown


def test_a_method_nobody_knows_is_a_problem(door: Gateway) -> None:
    is_problem(door.ask("/order/orders", "BREW"), 405, "not-allowed")
    is_problem(door.ask("/", "DELETE"), 405, "not-allowed")


def test_a_preflight_succeeds_even_without_localstack(running: Gateway) -> None:
    answer = running.ask("/order/orders", "OPTIONS", Origin="http://shop.example", Access_Control_Request_Method="PUT")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PUT" in answer.headers["access-control-allow-methods"]


def test_what_is_not_http_is_a_problem(running: Gateway) -> None:
    answer = running.raw(b"GET /order/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


def test_too_many_headers_are_a_problem(running: Gateway) -> None:
    is_problem(running.ask("/order/orders", X_Long="x" * 20_000), 431, "headers-too-large")


def test_a_new_deployment_is_taken_up_at_once(door: Gateway) -> None:
    gateway.write_routes({"order": "new789"}, place=door.place)
    try:
        assert door.ask("/order/orders").body["path"].startswith("/_aws/execute-api/new789/")
    finally:
        gateway.write_routes({"order": "abc123", "cart": "def456"}, place=door.place)
    assert door.ask("/order/orders").body["path"].startswith("/_aws/execute-api/abc123/")


def test_the_root_tells_where_everything_is(running: Gateway) -> None:
    told = running.ask("/").body
    assert told["docs"] == "/docs/"
    assert told["services"]["order"] == {"address": "/order", "health": "/order/health/ready", "deployed": True}


def test_the_reference_page_is_there_with_security_headers(running: Gateway) -> None:
    assert running.ask("/docs").headers["location"] == "/docs/"
    answer = running.ask("/docs/")
    assert answer.status == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert running.ask("/docs/reference.js").headers["content-type"] == "text/javascript"
    is_problem(running.ask("/docs/nothing"), 404, "missing")


def is_problem(answer: Answer, status: int, kind: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.body["type"] == f"urn:souk:problem:{kind}"
    assert answer.body["status"] == status
    assert answer.body["instance"] == f"urn:souk:request:{answer.headers['x-request-id']}"
