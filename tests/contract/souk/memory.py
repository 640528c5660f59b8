"""Sessions and accounts in memory, held to the same contract as those in PostgreSQL."""

from datetime import datetime

from msgspec.structs import replace

from souk.sessions import REFRESH, Refresh, Session
from souk.signing_in import NOTHING, Account


class MemorySessions:
    """Sessions and their refresh tokens; see `sessions.SessionStore`."""

    def __init__(self) -> None:
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
        for session in self.sessions(subject, now):
            self._ended[session.id] = now

    def sessions(self, subject: str, now: datetime) -> list[Session]:
        mine = [one for one in self._sessions.values() if one.subject == subject and one.id not in self._ended]
        alive = [one for one in mine if one.used_at > now - REFRESH]
        return sorted(alive, key=lambda one: one.started_at, reverse=True)


class Member(Account, frozen=True, kw_only=True):
    """An account, and what it may do."""

    permissions: frozenset[str] = NOTHING


class MemoryAccounts(MemorySessions):
    """Whoever may sign in, by email address; see `signing_in.Accounts`."""

    def __init__(self, **accounts: Member) -> None:
        super().__init__()
        self.accounts = accounts

    def account(self, email: str) -> Account | None:
        return self.accounts.get(email)

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:  # noqa: ARG002 - nobody else is here
        found = (one.permissions for one in self.accounts.values() if one.subject == subject and one.active)
        return next(found, None)
