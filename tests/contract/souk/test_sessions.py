"""What every keeper of sessions promises: in memory, and in the databases of both services that sign people in."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial

import pytest
from contract.souk.keeping import await_somebody_waiting
from contract.souk.memory import MemorySessions
from msgspec.structs import replace

from souk.auth import new_key
from souk.clock import utcnow
from souk.ids import new_id
from souk.postgres import Database
from souk.sessions import REFRESH, Desk, KeptSessions, Session, SessionStore

NOW = utcnow().replace(microsecond=0)
LATER = NOW + timedelta(minutes=5)


@contextmanager
def memory() -> Iterator[SessionStore]:
    yield MemorySessions()


@contextmanager
def kept(service: str) -> Iterator[SessionStore]:
    with Database(service).transaction() as tx:
        yield KeptSessions(tx)


KEEPERS: dict[str, Callable[[], AbstractContextManager[SessionStore]]] = {
    "memory": memory,
    "admin": partial(kept, "admin"),
    "customer": partial(kept, "customer"),
}


@pytest.fixture(params=list(KEEPERS))
def store(request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    if request.param != "memory":
        request.getfixturevalue("stores")
    with KEEPERS[request.param]() as opened:
        yield opened


def opened(store: SessionStore, subject: str = "") -> Session:
    session = Session(id=new_id(), subject=subject or new_id(), started_at=NOW, used_at=NOW, ip="10.0.0.1", device="x")
    store.open_session(session)
    return session


def test_a_session_is_listed_to_its_subject_until_it_ends(store: SessionStore) -> None:
    session = opened(store)
    assert store.sessions(session.subject, NOW) == [session]
    assert store.sessions(new_id(), NOW) == []
    assert store.end_session(session.id, LATER, subject=session.subject)
    assert store.sessions(session.subject, LATER) == []


def test_a_session_is_ended_once_and_by_its_own_subject(store: SessionStore) -> None:
    session = opened(store)
    assert not store.end_session(session.id, NOW, subject=new_id())
    assert store.end_session(session.id, NOW)
    assert not store.end_session(session.id, LATER)


def test_sessions_that_nobody_used_for_long_are_not_listed(store: SessionStore) -> None:
    session = opened(store)
    assert store.sessions(session.subject, NOW + REFRESH) == []


def test_sessions_are_listed_newest_first_and_a_hundred_of_them(store: SessionStore) -> None:
    subject = new_id()
    made = [
        Session(id=new_id(), subject=subject, started_at=NOW + age * timedelta(seconds=1), used_at=LATER)
        for age in range(101)
    ]
    for one in made:
        store.open_session(one)
    assert store.sessions(subject, LATER) == made[:0:-1]


def test_a_session_that_nobody_used_for_long_ends_with_the_others(store: SessionStore) -> None:
    session, token = opened(store), new_id()
    store.issue(token, session.id, LATER + REFRESH)
    store.end_sessions(session.subject, NOW + REFRESH)
    found = store.refresh_token(token)
    assert found is not None
    assert found.ended_at == NOW + REFRESH


def test_what_ended_before_the_others_ended_then(store: SessionStore) -> None:
    session, token = opened(store), new_id()
    store.issue(token, session.id, LATER)
    store.end_session(session.id, NOW)
    store.end_sessions(session.subject, LATER)
    found = store.refresh_token(token)
    assert found is not None
    assert found.ended_at == NOW


def test_all_sessions_of_a_subject_end_and_no_others(store: SessionStore) -> None:
    first = opened(store)
    second, stranger = opened(store, first.subject), opened(store)
    store.end_sessions(first.subject, NOW)
    assert store.sessions(second.subject, NOW) == []
    assert store.sessions(stranger.subject, NOW) == [stranger]


def test_a_refresh_token_says_whose_it_is_and_when_it_was_spent(store: SessionStore) -> None:
    session, token = opened(store), new_id()
    store.issue(token, session.id, LATER)
    fresh = store.refresh_token(token)
    assert fresh is not None
    assert (fresh.session_id, fresh.subject, fresh.expires_at, fresh.spent_at, fresh.ended_at) == (
        session.id,
        session.subject,
        LATER,
        None,
        None,
    )
    store.spend(token, session.id, LATER)
    assert store.refresh_token(token) == replace(fresh, spent_at=LATER)
    assert store.sessions(session.subject, LATER) == [replace(session, used_at=LATER)]


def test_a_refresh_token_that_is_issued_twice_is_one_and_stays_spent(store: SessionStore) -> None:
    session, token = opened(store), new_id()
    store.issue(token, session.id, LATER)
    store.spend(token, session.id, NOW)
    store.issue(token, session.id, LATER + REFRESH)
    found = store.refresh_token(token)
    assert found is not None
    assert (found.expires_at, found.spent_at) == (LATER, NOW)


def test_a_refresh_token_of_an_ended_session_says_so(store: SessionStore) -> None:
    session, token = opened(store), new_id()
    store.issue(token, session.id, LATER)
    store.end_session(session.id, NOW)
    found = store.refresh_token(token)
    assert found is not None
    assert found.ended_at == NOW


def test_an_unknown_refresh_token_is_nobodys(store: SessionStore) -> None:
    assert store.refresh_token(new_id()) is None


@pytest.mark.stores
@pytest.mark.parametrize("service", ["admin", "customer"])
def test_a_refresh_token_that_many_use_at_once_is_spent_once_and_has_one_successor(
    stores: dict[str, str], service: str
) -> None:
    desk = Desk(issuer="admin", audience="admin", key=new_key())
    with kept(service) as store:
        tokens = desk.open(new_id(), frozenset(), ip="", device="", now=NOW, store=store)

    def use(number: int) -> str:
        now = NOW + timedelta(seconds=number)
        with kept(service) as store:
            spent = desk.spend(tokens.refresh_token, now=now, store=store)
        assert spent is not None
        return desk.renew(tokens.refresh_token, spent, frozenset(), now=now).refresh_token

    with ThreadPoolExecutor(8) as devices:
        (successor,) = set(devices.map(use, range(8)))
    with kept(service) as store:
        assert desk.spend(successor, now=LATER, store=store)


@pytest.mark.stores
@pytest.mark.parametrize("service", ["admin", "customer"])
def test_a_session_that_ends_while_its_token_is_used_is_ended_after_that(stores: dict[str, str], service: str) -> None:
    with kept(service) as store:
        session, token = opened(store), new_id()
        store.issue(token, session.id, LATER)

    def end() -> None:
        with kept(service) as store:
            store.end_sessions(session.subject, LATER)

    with ThreadPoolExecutor() as beside:
        with kept(service) as store:
            assert store.refresh_token(token)
            ended = beside.submit(end)
            await_somebody_waiting(service)
            assert not ended.done()
        ended.result()
    with kept(service) as store:
        assert store.sessions(session.subject, NOW) == []
