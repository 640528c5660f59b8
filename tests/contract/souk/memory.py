"""Sessions, accounts and failed sign-ins in memory, held to the same contract as those in PostgreSQL."""

from datetime import datetime

from contract.souk.keeping import MemoryTransactions
from msgspec.structs import replace

from souk.errors import TooMany
from souk.sessions import REFRESH, Refresh, Session
from souk.signing_in import NOTHING, Account
from souk.throttle import KINDS, WINDOW, network, wait_of


class MemorySessions:
    """Sessions and their refresh tokens; see `sessions.SessionStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, Session] = {}
        self._ended: dict[str, datetime] = {}
        self._tokens: dict[str, Refresh] = {}

    def open_session(self, session: Session) -> None:
        self._sessions[session.id] = session

    def issue(self, token_hash: str, session_id: str, expires_at: datetime) -> None:
        subject = self._sessions[session_id].subject
        fresh = Refresh(session_id=session_id, subject=subject, expires_at=expires_at, spent_at=None, ended_at=None)
        self._tokens.setdefault(token_hash, fresh)

    def refresh_token(self, token_hash: str) -> Refresh | None:
        known = self._tokens.get(token_hash)
        return replace(known, ended_at=self._ended.get(known.session_id)) if known else None

    def spend(self, token_hash: str, session_id: str, now: datetime) -> None:
        self._tokens[token_hash] = replace(self._tokens[token_hash], spent_at=now)
        self._sessions[session_id] = replace(self._sessions[session_id], used_at=now)

    def end_session(self, session_id: str, now: datetime, *, subject: str | None = None) -> bool:
        session = self._sessions.get(session_id)
        if session is None or session_id in self._ended or subject not in {None, session.subject}:
            return False
        self._ended[session_id] = now
        return True

    def end_sessions(self, subject: str, now: datetime) -> None:
        mine = [one.id for one in self._sessions.values() if one.subject == subject]
        self._ended |= {one: now for one in mine if one not in self._ended}

    def sessions(self, subject: str, now: datetime) -> list[Session]:
        mine = [one for one in self._sessions.values() if one.subject == subject and one.id not in self._ended]
        alive = [one for one in mine if one.used_at > now - REFRESH]
        return sorted(alive, key=lambda one: one.started_at, reverse=True)[:100]


class Member(Account, frozen=True, kw_only=True):
    """An account, and what it may do."""

    permissions: frozenset[str] = NOTHING


class MemoryAccounts(MemorySessions, MemoryTransactions):
    """Whoever may sign in, by email address; see `signing_in.Accounts`."""

    def __init__(self, **accounts: Member) -> None:
        super().__init__()
        self.accounts = accounts

    def account(self, email: str) -> Account | None:
        return self.accounts.get(email.lower())

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:  # noqa: ARG002 - nobody else is here
        found = (one.permissions for one in self.accounts.values() if one.subject == subject and one.active)
        return next(found, None)


class MemoryFailures:
    """Failed sign-ins in a dict; see `throttle.Failures`."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[int, datetime]] = {}

    def admit(self, account: str, address: str, now: datetime) -> None:
        keys = _keys(account, address)
        for key in keys:
            failures, since = self._counts.get(key, (0, now))
            self._counts[key] = (failures + 1, since) if since > now - WINDOW else (1, now)
        wait = max(wait_of(kind, *self._counts[kind, value], now) for kind, value in keys)
        if wait:
            self._take_off(keys)
            raise TooMany("too many failed sign-ins", retry_after=wait)

    def forgive(self, account: str, address: str) -> None:
        mine, ours = _keys(account, address)
        self._counts.pop(mine, None)
        self._take_off([ours])

    def _take_off(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            failures, since = self._counts.get(key, (0, None))
            if failures and since:
                self._counts[key] = (failures - 1, since)


def _keys(account: str, address: str) -> list[tuple[str, str]]:
    return list(zip(KINDS, (account, network(address)), strict=True))
