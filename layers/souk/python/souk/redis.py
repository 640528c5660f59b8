"""Redis: one connection per thread, so that WAIT and the replication id belong to the connection that wrote."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from souk.errors import Unavailable
from souk.redis_wire import LOSSLESS, Place, Refusal, Wire, Word, Words, connected
from souk.settings import setting

Result = TypeVar("Result")
REPLICAS_WITHIN = 150  # milliseconds that replicas are given to confirm a write; as a rule they need less than one
# What a server says that has not done what it was asked to: another one is the primary by now, or none is yet.
UNSERVED = frozenset({"READONLY", "MASTERDOWN", "LOADING", "TRYAGAIN", "CLUSTERDOWN", "UNBLOCKED"})
FULL = frozenset({"NOREPLICAS", "OOM", "MISCONF", "BUSY"})


class Script(msgspec.Struct, frozen=True):
    """A Lua script. ARGV[1] is always the replication id of the server, as the connection that runs it knows it."""

    text: str
    sha: str
    repeatable: bool

    @classmethod
    def of(cls, text: str, *, repeatable: bool = False) -> "Script":
        """Make a script; a `repeatable` one is run again when its answer was lost."""
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), repeatable)


class _Unserved(Exception):
    """The server refused without doing anything."""


class Redis:
    """A service's Redis, by the setting that holds its URL."""

    def __init__(self, service: str) -> None:
        """Say whose; nothing is read or connected before the first use."""
        self._service = service
        self._threads = threading.local()

    def run(self, script: Script, keys: Sequence[str], *arguments: Word) -> Any:
        """Run a script and return its answer. Raises Unavailable; then a script that writes may have taken effect."""
        return self._served(lambda wire: self._run(wire, script, keys, arguments)[0], again=script.repeatable)

    def write(self, script: Script, keys: Sequence[str], *arguments: Word) -> tuple[Any, bool]:
        """Run a script and tell whether every replica has what it wrote or read; one round trip. Raises as `run`."""
        replicas = self._place().replicas

        def both(wire: Wire) -> tuple[Any, bool]:
            answer, confirmed = self._run(wire, script, keys, arguments, ("WAIT", replicas, REPLICAS_WITHIN))
            return answer, isinstance(confirmed, int) and confirmed >= replicas

        return self._served(both, again=script.repeatable)

    def ask(self, *commands: Words) -> list[Any]:
        """Send commands that are safe to repeat in one round trip; return their answers. Raises Unavailable."""
        return self._served(lambda wire: [_checked(answer) for answer in wire.exchange(commands)], again=True)

    def before(self, history: str) -> str:
        """Return the history that this thread's server carries on as `history`. Raises Unavailable for another one's."""
        wire = self._wire()
        if wire.history != history:
            raise Unavailable(f"the Redis of {self._service} is another one by now")
        return wire.before

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        self.ask(("PING",))

    def close(self) -> None:
        """Close this thread's connection; the next use makes another."""
        wire: Wire | None = getattr(self._threads, "wire", None)
        self._threads.wire = None
        if wire is not None:
            wire.close()

    def _run(self, wire: Wire, script: Script, keys: Sequence[str], arguments: Words, *after: Words) -> list[Any]:
        """Run a script by its hash, and by its text where the server does not know it yet."""
        rest: Words = (len(keys), *keys, wire.history, *arguments)
        answers = wire.exchange([("EVALSHA", script.sha, *rest), *after])
        if isinstance(answers[0], Refusal) and answers[0].code == "NOSCRIPT":
            answers = wire.exchange([("EVAL", script.text, *rest), *after])
        return [_checked(answers[0]), *answers[1:]]

    def _served(self, work: Callable[[Wire], Result], *, again: bool) -> Result:
        """Do `work` on this thread's connection; once more on a new one where that can do no harm."""
        for last in (False, True):
            wire = self._wire()
            try:
                result = work(wire)
            except (_Unserved, OSError) as error:
                self.close()
                if last or not (again or isinstance(error, _Unserved)):
                    raise Unavailable(f"the Redis of {self._service} does not answer") from error
            else:
                wire.used = time.monotonic()
                return result
        raise AssertionError  # the loop returns or raises

    def _place(self) -> Place:
        return Place.of(setting(self._service, "REDIS_URL"))

    def _wire(self) -> Wire:
        wire: Wire | None = getattr(self._threads, "wire", None)
        if wire is not None and wire.alive():
            return wire
        self.close()
        try:
            wire = connected(self._place())
        except (OSError, Refusal) as error:
            raise Unavailable(f"the Redis of {self._service} cannot be reached") from error
        self._threads.wire = wire
        return wire


def as_bytes(answer: str) -> bytes:
    """Return an answer that is no text as it came."""
    return answer.encode("utf-8", LOSSLESS)


def _checked(answer: Any) -> Any:
    """Return an answer that is none of the server's errors; what it refuses for want of something is Unavailable."""
    if not isinstance(answer, Refusal):
        return answer
    if answer.code in UNSERVED:
        raise _Unserved(answer.code)
    if answer.code in FULL:
        raise Unavailable(f"Redis takes no changes at the moment: {answer.code}")
    raise answer
