"""Doors: Chalice routes that read, authorise, answer and fail alike."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import unquote

import msgspec
from chalice.app import Chalice, CORSConfig, Response

from souk import auth, problems, telemetry
from souk.doors import Admits, Answer, Door, Takes, created
from souk.errors import Forbidden, SoukError, Unauthenticated
from souk.idempotency import Attempts, Recalled
from souk.queues import Consumer, QueueDoors, Tick
from souk.requests import BODY_LIMIT, CurrentRequest

View = TypeVar("View", bound=Callable[..., Any])
Decided = TypeVar("Decided")
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
READING = frozenset({"GET", "HEAD"})
FAILED = 500
CORS = CORSConfig(
    allow_origin="*",
    allow_headers=["If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "X-Request-Id", "Traceparent"],
    expose_headers=["ETag", "Location", "Preference-Applied", "Retry-After", "X-Request-Id", "Idempotent-Replayed"],
    max_age=600,
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_ADMITTED = {
    auth.Kind.CUSTOMER: Admits.CUSTOMER,
    auth.Kind.GUEST: Admits.GUEST,
    auth.Kind.ORDER_HOLDER: Admits.ORDER_HOLDER,
    auth.Kind.STAFF: Admits.STAFF,
}


class Souk(CurrentRequest, QueueDoors, Chalice):
    """A Chalice app whose doors are typed and whose current request is safe among threads."""

    def __init__(self, app_name: str, *, version: str = "1.0.0") -> None:
        """Make the app of one service; `app_name` is the service's name."""
        super().__init__(app_name, configure_logs=False)
        self.api.cors = CORS
        self.api.binary_types = []  # JSON in, JSON out; Chalice compares each request's types with its list of them
        self.version = version
        self.doors: list[Door] = []
        self.consumers: list[Consumer] = []
        self.ticks: list[Tick] = []
        self.telemetry = telemetry.logger(app_name)

    def once(self, attempts: Attempts, decide: Callable[[], Decided]) -> Decided:
        """Answer with what `decide` says, and the same again when the same Idempotency-Key comes again.

        `attempts` keeps the answer in the transaction that keeps the effect; `decide` may raise Recalled where it finds
        an earlier answer while it changes something. Refusals are decisions too. What comes back is for the door to answer with, and nothing else.
        """
        attempt = self.attempt
        if attempt is None:
            return decide()
        if (stored := attempts.recall(attempt)) is not None:
            return cast("Decided", problems.replayed(attempt.unseal(stored)))
        try:
            with attempts.savepoint():
                answer = self._answer(decide(), self._status_of_route())
        except Recalled as known:
            return cast("Decided", problems.replayed(attempt.unseal(known.outcome)))
        except SoukError as error:
            if not problems.is_decision(error):
                raise
            answer = problems.answer(error)
        attempts.remember(attempt, attempt.seal(problems.sealed(answer)))
        return cast("Decided", answer)

    def _status_of_route(self) -> int:
        path, method = self.request.context["resourcePath"], self.request.method
        return next((door.status for door in self.doors if door.path == path and method in door.methods), 200)

    def route(  # type: ignore[override]  # doors say more than Chalice's routes
        self,
        path: str,
        *,
        methods: Sequence[str] = ("GET",),
        status: int = 200,
        also: tuple[int, ...] = (),
        permission: str | None = None,
        admits: Admits = Admits.NOBODY,
        takes: Takes = Takes.NOTHING,
    ) -> Callable[[View], View]:
        """Register a door. `permission` admits staff who hold it, `admits` others; neither: everyone.

        `status` is said where the view says none; `also` are those that it says itself with the same kind of body.
        One that takes a version is closed to whoever does not say which one was seen, before anything is opened.
        """

        def register(view: View) -> View:
            door = Door.of(
                view,
                path,
                tuple(methods),
                status=status,
                also=also,
                permission=permission,
                admits=admits,
                takes=takes,
            )
            self.doors.append(door)
            Chalice.route(self, path, methods=list(methods), content_types=[], name=view.__name__)(self._guard(door))
            return view

        return register

    def _guard(self, door: Door) -> Callable[..., Response]:
        decoder = msgspec.json.Decoder(door.body) if door.body is not None else None

        def guarded(**parts: str) -> Response:
            with problems.traced(self.request.headers):
                try:
                    self._admit(door)
                    if Takes.VERSION in door.takes:
                        _ = self.if_match
                    arguments: dict[str, Any] = {name: unquote(part) for name, part in parts.items()}
                    if decoder is not None:
                        arguments["body"] = self.read_body(decoder)
                    if door.query is not None:
                        arguments["query"] = msgspec.convert(self.query(door.lists), door.query, strict=False)
                    answer = self._answer(door.view(**arguments), door.status)
                except Exception as error:  # noqa: BLE001 - the outermost door: nothing may get past it
                    answer = problems.answer(error, log=self.telemetry, shapes=(door.body, door.query))
                self._note(answer)
                return self._finished(answer)

        guarded.__name__ = door.view.__name__
        guarded.__doc__ = inspect.getdoc(door.view)
        return guarded

    def _note(self, answer: Response) -> None:
        """Log what may have changed something, and what failed, for its trace to be followed into the events it caused.

        By the address's pattern: there are tokens in addresses. What was only read leaves nothing to follow.
        """
        method, status = self.request.method, answer.status_code
        if method in READING and status < FAILED:
            return
        said = {"method": method, "route": self.request.context["resourcePath"], "status": status}
        self.telemetry.info("answered", extra=said)

    def _admit(self, door: Door) -> None:
        if door.public:
            return
        caller = self.caller
        if caller.kind is auth.Kind.ANYONE:
            raise Unauthenticated("this needs a token")
        if door.permission is not None and caller.may(door.permission):
            return
        if not door.admits & _ADMITTED.get(caller.kind, Admits.NOBODY):
            if caller.kind is auth.Kind.GUEST:
                raise Unauthenticated("the token is not one we trust")
            raise Forbidden(
                f"this needs the permission {door.permission}" if door.permission else "this is not for you"
            )

    def _answer(self, given: Any, status: int) -> Response:
        if isinstance(given, Response):
            return given
        answer: Answer[Any] = given if isinstance(given, Answer) else Answer(given)
        headers: dict[str, str | list[str]] = {**answer.headers}
        version = getattr(answer.body, "version", None)
        if isinstance(version, int):
            headers.setdefault("ETag", f'"{version}"')
        body = "" if answer.body is None else msgspec.json.encode(answer.body).decode()
        if body:
            headers["Content-Type"] = "application/json"
        return Response(body, status_code=answer.status or (status if body else 204), headers=headers)

    def _finished(self, answer: Response) -> Response:
        """Add what every answer carries, and say 304 to whoever has this version already."""
        tag = answer.headers.get("ETag")
        if isinstance(tag, str) and self.request.method in READING and self.has_seen(tag):
            kept = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
            answer = Response("", status_code=304, headers=kept)
        cache = {"Cache-Control": "no-store" if self.bearer else "no-cache"}
        # Chalice adds CORS to answers it makes itself, not to ours after an error; here they all get it.
        headers: dict[str, str | list[str]] = {**CORS.get_access_control_headers(), **ALWAYS, **cache, **answer.headers}
        headers["X-Request-Id"] = telemetry.request_id.get()
        return Response(answer.body, status_code=answer.status_code, headers=headers)

    def refuse_the_rest(self) -> None:
        """Answer HEAD, 404 and 405 ourselves: API Gateway would say 403 Missing Authentication Token."""
        for path, entries in list(self.routes.items()):
            allowed = sorted({*entries, *(["HEAD"] if "GET" in entries else []), "OPTIONS"})
            if "GET" in entries:
                head = _without_body(entries["GET"].view_function)
                Chalice.route(self, path, methods=["HEAD"], content_types=[], name=f"head_{entries['GET'].view_name}")(
                    head
                )
            absent = [verb for verb in VERBS if verb not in self.routes[path]]
            refused = self._refusing(problems.NotAllowed("this address does not answer that method", allowed))
            Chalice.route(self, path, methods=absent, content_types=[], cors=False, name="refused")(refused)
        missing = self._refusing(problems.nowhere())
        for path in ("/", "/{proxy+}"):
            Chalice.route(self, path, methods=list(VERBS), content_types=[], cors=False, name="missing")(missing)

    def _refusing(self, error: SoukError) -> Callable[..., Response]:
        def refused(**_: str) -> Response:
            with problems.traced(self.request.headers):
                return self._finished(problems.answer(error))

        return refused


def _without_body(view: Callable[..., Response]) -> Callable[..., Response]:
    def head(**parts: str) -> Response:
        answer = view(**parts)
        return Response("", status_code=answer.status_code, headers=answer.headers)

    return head


__all__ = ["ALWAYS", "BODY_LIMIT", "CORS", "VERBS", "Admits", "Answer", "Door", "Souk", "Takes", "created"]
