"""What the request being answered says: who calls, from where, what was seen, under which key, and its body."""

import re
from collections.abc import Collection
from contextvars import ContextVar
from typing import Any

import msgspec
from chalice.app import Request

from souk import auth, problems, stages, throttle
from souk.audit import Origin
from souk.clock import utcnow
from souk.errors import Invalid
from souk.idempotency import Attempt
from souk.ids import id_of
from souk.settings import setting
from souk.waiting import LONGEST, Preferences

BODY_LIMIT = 1_048_576  # bytes
_ETAG = re.compile(r'"?(\d{1,19})"?', re.ASCII)
_TAGS = re.compile(r'"[^"]*"')
_request: ContextVar[Request | None] = ContextVar("request", default=None)
_context: ContextVar[Any] = ContextVar("lambda_context", default=None)
_caller: ContextVar[auth.Caller | None] = ContextVar("caller", default=None)


class CurrentRequest:
    """The part of an app that reads the request being answered; mixed into `souk.http.Souk`."""

    app_name: str

    # Chalice keeps these on the app itself, where threads would mix them up.
    @property
    def current_request(self) -> Request | None:
        """The request being answered."""
        return _request.get()

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        _request.set(request)
        _caller.set(None)

    @property
    def lambda_context(self) -> Any:
        """The context Lambda gave with the event."""
        return _context.get()

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        _context.set(context)

    @property
    def request(self) -> Request:
        """The request being answered; only doors may ask."""
        request = _request.get()
        if request is None:
            raise LookupError("no request is being answered")
        return request

    @property
    def bearer(self) -> str | None:
        """The token of the Authorization header, if there is one."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def caller(self) -> auth.Caller:
        """Who is calling. Raises Unauthenticated for a token that does not hold."""
        if (known := _caller.get()) is None:
            known = self._read_caller()
            _caller.set(known)
        return known

    def _read_caller(self) -> auth.Caller:
        token = self.bearer
        if token is None:
            return auth.ANYONE
        if token.count(".") != 2:  # noqa: PLR2004 - a JWT has three parts; anything else is a guest's opaque token
            return auth.guest(token)
        return self._trust().read(token, now=utcnow())

    def _trust(self) -> auth.Trust:
        found: auth.Trust | None = self.__dict__.get("_trusted")
        if found is None:
            found = auth.Trust.of(setting(self.app_name, "TRUSTED_KEYS"))
            self.__dict__["_trusted"] = found
        return found

    @property
    def origin(self) -> Origin:
        """Who is calling, and from where: what an audit entry says of them."""
        return Origin(self.caller, self.client_ip)

    @property
    def client_ip(self) -> str:
        """The client's address: the gateway's word, never a header the client could have written."""
        real = self.request.headers.get("x-real-ip") if stages.current() in stages.HERE else None
        return real or str(self.request.context.get("identity", {}).get("sourceIp", ""))

    @property
    def where_from(self) -> str:
        """A hash of the network that the client is in: something to count by that doesn't tell who."""
        return id_of("network", throttle.network(self.client_ip))

    @property
    def if_match(self) -> int:
        """The version the caller saw. Raises Unversioned (428) where the header is missing, Invalid for no version."""
        given = self.request.headers.get("if-match")
        if given is None:
            raise problems.Unversioned("say in If-Match which version you saw: the ETag of what you read")
        tag = _ETAG.fullmatch(given.strip())
        if tag is None:
            raise Invalid("If-Match does not hold an ETag of ours")
        return int(tag[1])

    @property
    def preferences(self) -> Preferences:
        """What the client would like (RFC 7240)."""
        return Preferences.of(self.request.headers.get("prefer", ""))

    @property
    def longest_wait(self) -> int:
        """For how many seconds this service keeps a request open that prefers to wait."""
        return int(setting(self.app_name, "LONGEST_WAIT", str(LONGEST)))

    @property
    def is_conditional(self) -> bool:
        """Whether the client asks for another state than it has."""
        return "if-none-match" in self.request.headers

    def has_seen(self, tag: str) -> bool:
        """Tell whether the client has this state already: If-None-Match names its ETag, compared weakly (RFC 9110)."""
        given = self.request.headers.get("if-none-match", "").strip()
        return given == "*" or tag in _TAGS.findall(given)

    @property
    def attempt(self) -> Attempt | None:
        """What the Idempotency-Key makes of this request; None without one. Raises Invalid for an unusable key."""
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= 255:  # noqa: PLR2004 - as long as such keys are elsewhere
            raise Invalid("Idempotency-Key is from 1 to 255 characters long")
        who = self.caller
        parts = sorted((self.request.uri_params or {}).items())  # the path itself is the route's pattern here
        route = f"{self.request.method} {self.app_name} {self.request.path} {parts}"
        scope = id_of("attempt", who.kind, who.subject, route, key)
        return Attempt.of(scope, key, self._raw())

    def read_body(self, decoder: msgspec.json.Decoder[Any]) -> Any:
        """Return the body as its type. Raises Malformed, Unsupported, TooLarge, and what the decoder raises."""
        try:
            return decoder.decode(self._body())
        except UnicodeDecodeError as error:
            raise problems.Malformed("the body is not UTF-8") from error
        except RecursionError as error:
            raise problems.Malformed("the body is nested too deep") from error

    def _body(self) -> bytes:
        kind = self.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise problems.Unsupported(f"send application/json, not {kind or 'nothing'}")
        raw = self._raw()
        if len(raw) > BODY_LIMIT:
            raise problems.TooLarge(f"a body has at most {BODY_LIMIT} bytes")
        return raw

    def _raw(self) -> bytes:
        raw = self.request.raw_body
        return raw.encode() if isinstance(raw, str) else raw

    def query(self, lists: Collection[str] = ()) -> dict[str, str | list[str]]:
        """Return what stands behind the question mark; all values of the names in `lists`, of others the last one."""
        given = self.request.query_params
        return {name: given.getlist(name) if name in lists else given[name] for name in given} if given else {}
