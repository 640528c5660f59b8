"""Bells are rung by what has been committed, and by nothing else."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

import pytest

from souk.bells import Bells, Listener
from souk.ids import new_id
from souk.plans import OWN, SESSIONS
from souk.postgres import Database
from souk.waiting import UNHEARD, Room
from souk_cli.bridge.rows import RowOutbox
from souk_local.patience import until

pytestmark = pytest.mark.stores
CHANNEL = "test_bells"
RING = f"NOTIFY {CHANNEL}, %(about)s"
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s AND usename = current_user"
SOON = 20.0  # seconds


class Heard:
    """What a listener heard."""

    def __init__(self) -> None:
        self._heard: SimpleQueue[str] = SimpleQueue()
        self.listener = Listener("order", CHANNEL, self._heard.put)

    def next(self) -> str | None:
        with suppress(Empty):
            return self._heard.get(timeout=SOON)
        return None


@pytest.fixture
def own(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SESSIONS, OWN)


@pytest.fixture
def heard(own: None) -> Iterator[Heard]:
    heard = Heard()
    heard.listener.start()
    until(lambda: heard.listener.hears)
    yield heard
    heard.listener.stop()
    until(lambda: not heard.listener.hears)


@pytest.fixture
def database(stores: dict[str, str]) -> Database:
    return Database("order")


def ring(database: Database, about: str) -> None:
    with database.transaction() as tx:
        tx.one("SELECT 1 AS one")
        tx.after(RING, about=about)


def test_what_has_been_committed_is_heard_and_what_was_undone_is_not(heard: Heard, database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction() as tx:
        tx.after(RING, about="undone")
        tx.one("SELECT 1 AS one")
        raise ZeroDivisionError
    ring(database, "done")
    assert heard.next() == "done"


def test_the_same_is_said_once_in_a_transaction(heard: Heard, database: Database) -> None:
    with database.transaction() as tx:
        for about in ("this", "this", "that"):
            tx.after(RING, about=about)
        tx.one("SELECT 1 AS one")
    assert [heard.next(), heard.next()] == ["this", "that"]


def test_a_listener_whose_connection_was_ended_listens_again(heard: Heard, database: Database) -> None:
    with database.reading() as session:
        assert session.run(END, name=f"souk-order-{CHANNEL}") >= 1  # one that was hung up on may still be there

    def is_heard() -> bool:
        ring(database, "again")
        return heard.listener.hears and heard.next() == "again"

    until(lambda: not heard.listener.hears)
    until(is_heard)


def test_who_waits_looks_as_soon_as_its_bell_is_rung(own: None, database: Database) -> None:
    bells, about, looks = Bells("order", CHANNEL), new_id(), list[bool]()
    waiting = threading.Event()

    def look() -> bool:
        looks.append(True)
        waiting.set()
        return len(looks) == 2

    with bells.at(about) as bell:
        until(lambda: bell.hears)
        waiter = threading.Thread(target=Room().until, args=(look,), kwargs={"seconds": 60, "bell": bell})
        waiter.start()
        waiting.wait()
        ring(database, new_id())
        ring(database, about)
        waiter.join(UNHEARD)
    bells._listener.stop()
    assert len(looks) == 2


def test_a_relay_hears_of_what_it_shall_send(own: None, database: Database) -> None:
    woken = threading.Event()
    hears = RowOutbox("order").listen(woken.set)
    until(hears)
    with database.transaction() as tx:
        tx.after("NOTIFY outbox")
        tx.one("SELECT 1 AS one")
    assert woken.wait(SOON)


def test_who_shares_a_session_hears_nothing(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SESSIONS, raising=False)
    with Bells("order", CHANNEL).at("anything") as bell:
        assert not bell.hears
