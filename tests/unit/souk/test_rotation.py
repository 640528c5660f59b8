"""Refresh tokens, whoever uses which of a family, and when."""

from datetime import UTC, datetime, timedelta

import pytest
from contract.souk.memory import MemorySessions
from hypothesis import given
from hypothesis import strategies as st

from souk.auth import new_key
from souk.errors import Missing
from souk.ids import new_id
from souk.sessions import AGAIN, REFRESH, Desk, Tokens, end

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DESK = Desk(issuer="admin", audience="admin", key=new_key())
TICK = timedelta(microseconds=1)
pauses = st.sampled_from([timedelta(), TICK, AGAIN, AGAIN + TICK, REFRESH / 2, REFRESH - TICK, REFRESH])
uses = st.lists(st.tuples(st.integers(0, 5), pauses), max_size=12)


def opened(store: MemorySessions, subject: str = "ada") -> Tokens:
    return DESK.open(subject, frozenset(), ip="", device="", now=NOW, store=store)


def used(store: MemorySessions, token: str, now: datetime) -> Tokens | None:
    spent = DESK.spend(token, now=now, store=store)
    return DESK.renew(token, spent, frozenset(), now=now) if spent else None


class Family:
    """A session's tokens from the first to the newest, and what is to be expected of each."""

    def __init__(self, store: MemorySessions) -> None:
        self._store = store
        self.first = opened(store)
        self.tokens = [self.first.refresh_token]
        self.issued = {self.first.refresh_token: NOW}
        self.spent: dict[str, datetime] = {}
        self.ended = False

    def use(self, token: str, now: datetime) -> None:
        got = used(self._store, token, now)
        if self.ended or now >= self.issued[token] + REFRESH:
            assert got is None
            return
        spent = self.spent.setdefault(token, now)
        self.ended = now > spent + AGAIN
        assert (got is None) is self.ended
        if got is not None:
            assert got.session_id == self.first.session_id
            self._follow(token, got.refresh_token, now)

    def _follow(self, token: str, following: str, now: datetime) -> None:
        """A token has one successor, whoever asks for it and how often."""
        place = self.tokens.index(token) + 1
        if place == len(self.tokens):
            self.tokens.append(following)
            self.issued[following] = now
        assert self.tokens[place] == following


@given(uses)
def test_a_family_goes_on_until_a_token_of_it_is_used_late_and_no_token_is_good_after_that(
    steps: list[tuple[int, timedelta]],
) -> None:
    store, now = MemorySessions(), NOW
    family, beside = Family(store), opened(store)
    for which, pause in steps:
        now += pause
        family.use(family.tokens[which % len(family.tokens)], now)
    for token in family.tokens:
        if family.ended:
            assert used(store, token, now) is None
    assert used(store, beside.refresh_token, NOW), "another session of the same person is not touched"


@given(st.lists(pauses.filter(lambda pause: pause < REFRESH), max_size=20))
def test_who_uses_the_newest_token_in_time_stays_signed_in(waits: list[timedelta]) -> None:
    store, now = MemorySessions(), NOW
    tokens = opened(store)
    for wait in waits:
        now += wait
        got = used(store, tokens.refresh_token, now)
        assert got is not None
        tokens = got
    assert [one.used_at for one in store.sessions("ada", now)] == [now]


@given(pauses)
def test_a_token_whose_session_was_ended_is_not_good_and_ends_nothing_else(wait: timedelta) -> None:
    store = MemorySessions()
    first, second = opened(store), opened(store)
    store.end_session(first.session_id, NOW)
    assert used(store, first.refresh_token, NOW + wait) is None
    assert [one.id for one in store.sessions("ada", NOW)] == [second.session_id]


def test_a_token_that_was_never_given_out_ends_nothing() -> None:
    store = MemorySessions()
    tokens = opened(store)
    for guess in ("", tokens.refresh_token[:-1], tokens.session_id, tokens.access_token):
        assert used(store, guess, NOW) is None
    assert used(store, tokens.refresh_token, NOW)


def test_a_successor_cannot_be_told_without_the_key() -> None:
    store, other = MemorySessions(), Desk(issuer="admin", audience="admin", key=new_key())
    token = opened(store).refresh_token
    spent = DESK.spend(token, now=NOW, store=store)
    assert spent is not None
    mine, theirs = (desk.renew(token, spent, frozenset(), now=NOW) for desk in (DESK, other))
    assert mine.refresh_token != theirs.refresh_token


@pytest.mark.parametrize("nowhere", [new_id(), "nonsense", ""])
def test_only_ones_own_open_session_is_ended(nowhere: str) -> None:
    store, ada = MemorySessions(), new_id()
    tokens = opened(store, ada)
    for session, subject in ((nowhere, ada), (tokens.session_id, new_id())):
        with pytest.raises(Missing):
            end(session, subject, now=NOW, store=store)
    end(tokens.session_id, ada, now=NOW, store=store)
    with pytest.raises(Missing):
        end(tokens.session_id, ada, now=NOW, store=store)
    assert used(store, tokens.refresh_token, NOW) is None
