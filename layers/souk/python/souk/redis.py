"""Redis: one connection per thread, so that WAIT and the replication id belong to the connection that wrote."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from souk.errors import Unavailable
from souk.settings import setting

Word = str | int
Words = tuple[Word, ...]
Result = TypeVar("Result")
CONNECT, ANSWER, SENTINEL_ANSWER = 2.0, 1.5, 0.5  # seconds
REPLICAS_WITHIN = 150  # milliseconds that replicas are given to confirm a write; as a rule they need less than one
IDLE = 30.0  # seconds after which a connection is asked whether it still lives: a silent network tells nothing
PORT, SENTINEL_PORT = 6379, 26379
# What a server says when it can't serve, and has not done what it was asked to.
UNSERVED = ("READONLY", "MASTERDOWN", "LOADING", "TRYAGAIN", "CLUSTERDOWN", "UNBLOCKED")
FULL = ("NOREPLICAS", "OOM", "MISCONF", "BUSY")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a Redis is, as its URL says: the server itself, or sentinels and the name they know the primary by."""

    hosts: tuple[tuple[str, int], ...]
    primary: str = ""
    tls: bool = False
    username: str | None = None
    password: str | None = None
    sentinel_password: str | None = None
    database: int = 0
    replicas: int = 0

    @classmethod
    def of(cls, url: str) -> "Place":
        """Read `redis[s]://user:password@host:port/0?replicas=1` or `redis[s]+sentinel://:password@h:p,h:p/name`."""
        parts = urlsplit(url)
        scheme, _, sentinel = parts.scheme.partition("+")
        account, _, hosts = parts.netloc.rpartition("@")
        username, _, password = account.partition(":")
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = parts.path.strip("/")
        return cls(
            hosts=tuple(_host(host, SENTINEL_PORT if sentinel else PORT) for host in hosts.split(",")),
            primary=path if sentinel else "",
            tls=scheme == "rediss",
            username=unquote(username) or None,
            password=unquote(password) or None,
            sentinel_password=asked.get("sentinel_password"),
            database=int(asked.get("db", "0") if sentinel else path or "0"),
            replicas=int(asked.get("replicas", "0")),
        )


def _host(text: str, port: int) -> tuple[str, int]:
    split = urlsplit(f"//{text}")
    return split.hostname or "127.0.0.1", split.port or port


class Script(msgspec.Struct, frozen=True):
    """A Lua script. ARGV[1] is always the replication id of the server, as the connection that runs it knows it."""

    text: str
    sha: str
    repeatable: bool

    @classmethod
    def of(cls, text: str, *, repeatable: bool = False) -> "Script":
        """Make a script; a `repeatable` one is run again when its answer was lost."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), repeatable)


class _Link(msgspec.Struct):
    """One thread's connection."""

    wire: Any  # redis.connection.Connection: mostly untyped, imported when first used
    history: str  # master_replid: which history of writes the server carries on
    used: float


class _Unserved(Exception):
    """The server refused without doing anything: another one is the primary by now, or none is yet."""


class Redis:
    """A service's Redis, by the setting that holds its URL."""

    def __init__(self, service: str) -> None:
        """Say whose; nothing is read or connected before the first use."""
        self._service = service
        self._threads = threading.local()

    def run(self, script: Script, keys: Sequence[str], *arguments: Word) -> Any:
        """Run a script and return its answer. Raises Unavailable; then a script that writes may have taken effect."""
        return self._served(lambda link: self._run(link, script, keys, arguments)[0], again=script.repeatable)

    def write(self, script: Script, keys: Sequence[str], *arguments: Word) -> tuple[Any, bool]:
        """Run a script and tell whether every replica has what it wrote or read; one round trip. Raises as `run`."""
        place = self._place()
        wait: Words = ("WAIT", place.replicas, REPLICAS_WITHIN)

        def both(link: _Link) -> tuple[Any, bool]:
            answer, confirmed = self._run(link, script, keys, arguments, wait)
            return answer, isinstance(confirmed, int) and confirmed >= place.replicas

        return self._served(both, again=script.repeatable)

    def ask(self, *commands: Words) -> list[Any]:
        """Send commands that are safe to repeat in one round trip; return their answers. Raises Unavailable."""
        return self._served(lambda link: [_checked(one) for one in _exchange(link, commands)], again=True)

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        self.ask(("PING",))

    def close(self) -> None:
        """Close this thread's connection; the next use makes another."""
        self._drop()

    def _run(self, link: _Link, script: Script, keys: Sequence[str], arguments: Words, *after: Words) -> list[Any]:
        """Run a script by its hash, and by its text where the server does not know it yet."""
        rest: Words = (len(keys), *keys, link.history, *arguments)
        answers = _exchange(link, [("EVALSHA", script.sha, *rest), *after])
        if _code(answers[0]) == "NOSCRIPT":
            answers = _exchange(link, [("EVAL", script.text, *rest), *after])
        return [_checked(answers[0]), *answers[1:]]

    def _served(self, work: Callable[[_Link], Result], *, again: bool) -> Result:
        """Do `work` on this thread's connection; once more on a new one where that can do no harm."""
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import TimeoutError as Late

        for last in (False, True):
            link = self._link()
            try:
                result = work(link)
            except (_Unserved, Lost, Late) as error:
                self._drop()
                if last or not (again or isinstance(error, _Unserved)):
                    raise Unavailable(f"the Redis of {self._service} does not answer") from error
            else:
                link.used = time.monotonic()
                return result
        raise AssertionError  # the loop returns or raises

    def _place(self) -> Place:
        return Place.of(setting(self._service, "REDIS_URL"))

    def _link(self) -> _Link:
        link: _Link | None = getattr(self._threads, "link", None)
        if link is not None and _alive(link):
            return link
        self._drop()
        link = self._connected()
        self._threads.link = link
        return link

    def _connected(self) -> _Link:
        """Connect to the primary; a server that is not one, or does not answer, is no use."""
        from redis.exceptions import RedisError

        place = self._place()
        try:
            host, port = _primary(place) if place.primary else place.hosts[0]
            wire = _wire(place, host, port, answer=ANSWER)
            wire.connect()
            wire.send_command("INFO", "replication")
            told = dict(line.split(":", 1) for line in str(wire.read_response()).splitlines() if ":" in line)
        except RedisError as error:
            raise Unavailable(f"the Redis of {self._service} cannot be reached") from error
        if told.get("role") != "master":
            wire.disconnect()
            raise Unavailable(f"the Redis of {self._service} has no primary at the moment")
        return _Link(wire, told.get("master_replid", ""), time.monotonic())

    def _drop(self) -> None:
        link: _Link | None = getattr(self._threads, "link", None)
        self._threads.link = None
        if link is not None:
            link.wire.disconnect()


def _primary(place: Place) -> tuple[str, int]:
    """Ask the sentinels, one after the other, which server is the primary."""
    from redis.exceptions import ConnectionError as Lost
    from redis.exceptions import RedisError

    for host, port in place.hosts:
        wire = _wire(place, host, port, answer=SENTINEL_ANSWER, sentinel=True)
        try:
            wire.connect()
            wire.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", place.primary)
            if found := wire.read_response():
                return str(found[0]), int(found[1])
        except RedisError:
            continue
        finally:
            wire.disconnect()
    raise Lost("no sentinel knows the primary")


def _wire(place: Place, host: str, port: int, *, answer: float, sentinel: bool = False) -> Any:
    from redis.connection import Connection, SSLConnection

    return (SSLConnection if place.tls else Connection)(
        host=host,
        port=port,
        username=None if sentinel else place.username,
        password=place.sentinel_password if sentinel else place.password,
        db=0 if sentinel else place.database,
        socket_connect_timeout=min(CONNECT, answer),
        socket_timeout=answer,
        decode_responses=True,
        protocol=2,
        driver_info=None,
    )


def _alive(link: _Link) -> bool:
    """Tell whether an idle connection still lives: something to read from it can only be its end."""
    from redis.exceptions import RedisError

    try:
        if link.wire.can_read():
            return False
        return time.monotonic() - link.used < IDLE or _exchange(link, [("PING",)]) == ["PONG"]
    except RedisError:
        return False


def _exchange(link: _Link, commands: Iterable[Words]) -> list[Any]:
    """Send commands at once and read an answer for each; an answer that is an error stands in the list."""
    from redis.exceptions import ResponseError

    def answer() -> Any:
        try:
            return link.wire.read_response()
        except ResponseError as error:
            return error

    asked = list(commands)
    link.wire.send_packed_command(link.wire.pack_commands(asked), check_health=False)
    return [answer() for _ in asked]


def _code(answer: Any) -> str:
    """Return an error's code, the first word that the server said; nothing for an answer that is none."""
    from redis.exceptions import ResponseError

    if not isinstance(answer, ResponseError):
        return ""
    return str(getattr(answer, "status_code", None) or str(answer).partition(" ")[0])


def _checked(answer: Any) -> Any:
    """Return an answer that is none of the server's errors; what it refuses for want of something is Unavailable."""
    code = _code(answer)
    if code in UNSERVED:
        raise _Unserved(code)
    if code in FULL:
        raise Unavailable(f"Redis takes no changes at the moment: {code}")
    if isinstance(answer, Exception):
        raise answer
    return answer
