"""Sessions: a short access token, and a refresh token that is good for one use and belongs to a family.

Reuse of a spent refresh token ends its family (RFC 9700, 4.14.2), but for a moment the same successor is answered
again: a lost answer is not a theft. The successor is derived, so that it need not be stored readable.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Protocol

import msgspec

from souk.auth import PrivateKey, Signer, digest
from souk.errors import Missing, Unauthenticated
from souk.ids import is_id, new_id
from souk.postgres import AT_ONCE, Database, Row, Transaction

ACCESS = timedelta(minutes=15)
REFRESH = timedelta(days=30)
AGAIN = timedelta(seconds=30)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in or a refresh gives; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    session_id: str
    expires_in: int = int(ACCESS.total_seconds())
    token_type: str = "Bearer"  # noqa: S105 - RFC 6749's word, not a password


class RefreshWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token to spend."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=200)]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in on one device, and all refresh tokens that came of it."""

    id: str
    subject: str
    started_at: datetime
    used_at: datetime
    ip: str = ""
    device: str = ""


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as it is stored, with the session it belongs to."""

    session_id: str
    subject: str
    expires_at: datetime
    spent_at: datetime | None
    ended_at: datetime | None


class SessionStore(Protocol):
    """Where sessions are kept."""

    def open_session(self, session: Session) -> None:
        """Keep a new session."""

    def issue(self, token_hash: str, session_id: str, expires_at: datetime) -> None:
        """Keep a new refresh token; the same one twice is one."""

    def refresh_token(self, token_hash: str) -> Refresh | None:
        """Return a refresh token, locked until the transaction ends."""

    def spend(self, token_hash: str, session_id: str, now: datetime) -> None:
        """Mark a refresh token as used, and its session as seen."""

    def end_session(self, session_id: str, now: datetime, *, subject: str | None = None) -> bool:
        """End a session (of that subject); False when there is none that is open."""

    def end_sessions(self, subject: str, now: datetime) -> None:
        """End all sessions of a subject."""

    def sessions(self, subject: str, now: datetime) -> list[Session]:
        """Return the open sessions of a subject, newest first, a hundred at the most."""


class Desk:
    """Hands out tokens for one audience."""

    def __init__(self, *, issuer: str, audience: str, key: PrivateKey) -> None:
        """Sign with `key` in the name of `issuer`."""
        self._signer = Signer(issuer, key)
        self._audience = audience
        self._secret = hmac.digest(key.d.encode(), b"refresh tokens", "sha256")
        self.jwks = self._signer.jwks

    def open(
        self, subject: str, permissions: frozenset[str], *, ip: str, device: str, now: datetime, store: SessionStore
    ) -> Tokens:
        """Start a session for somebody whose password was right."""
        session = Session(id=new_id(), subject=subject, started_at=now, used_at=now, ip=ip, device=device[:200])
        store.open_session(session)
        token = secrets.token_urlsafe(32)
        store.issue(digest(token), session.id, now + REFRESH)
        return self._tokens(subject, permissions, session.id, token, now)

    def spend(self, token: str, *, now: datetime, store: SessionStore) -> Refresh | None:
        """Use up a refresh token and answer whose it was; None where it is refused.

        None is answered, not raised, so that the end of a family whose token was stolen is committed.
        """
        known = store.refresh_token(digest(token))
        if known is None or known.ended_at is not None or known.expires_at <= now:
            return None
        if known.spent_at is None:
            store.spend(digest(token), known.session_id, now)
            store.issue(digest(self._successor(token)), known.session_id, now + REFRESH)
            return known
        if now - known.spent_at <= AGAIN:
            return known
        store.end_session(known.session_id, now)
        return None

    def renew(self, token: str, spent: Refresh, permissions: frozenset[str], *, now: datetime) -> Tokens:
        """Return the tokens that follow a spent one."""
        return self._tokens(spent.subject, permissions, spent.session_id, self._successor(token), now)

    def _successor(self, token: str) -> str:
        raw = hmac.digest(self._secret, token.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _tokens(self, subject: str, permissions: frozenset[str], session: str, refresh: str, now: datetime) -> Tokens:
        access = self._signer.sign(
            subject, audience=self._audience, now=now, lasts=ACCESS, permissions=permissions, session=session
        )
        return Tokens(access_token=access, refresh_token=refresh, session_id=session)


def refused() -> Unauthenticated:
    """Return the one answer to a refresh token that is not good, whatever the reason."""
    return Unauthenticated("the refresh token is not good any more: sign in again")


def end(session_id: str, subject: str, *, now: datetime, store: SessionStore) -> None:
    """End one of the subject's own sessions. Raises Missing."""
    if not is_id(session_id) or not store.end_session(session_id, now, subject=subject):
        raise Missing("no such session")


OPEN = """
    INSERT INTO sessions (id, subject, started_at, used_at, ip, device)
    VALUES (%(id)s, %(subject)s, %(started_at)s, %(used_at)s, %(ip)s, %(device)s)
"""
ISSUE = """
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    VALUES (%(token_hash)s, %(session_id)s, %(expires_at)s) ON CONFLICT DO NOTHING
"""
FIND = """
    SELECT session_id, subject, expires_at, spent_at, ended_at
      FROM refresh_tokens JOIN sessions ON sessions.id = session_id
     WHERE token_hash = %(token_hash)s
       FOR UPDATE
"""
SPEND = """
    WITH seen AS (UPDATE sessions SET used_at = %(now)s WHERE id = %(session_id)s)
    UPDATE refresh_tokens SET spent_at = %(now)s WHERE token_hash = %(token_hash)s
"""
END = """
    UPDATE sessions SET ended_at = %(now)s
     WHERE id = %(id)s AND ended_at IS NULL AND (%(subject)s::uuid IS NULL OR subject = %(subject)s)
"""
END_ALL = "UPDATE sessions SET ended_at = %(now)s WHERE subject = %(subject)s AND ended_at IS NULL"
LIST = """
    SELECT id, subject, started_at, used_at, ip, device FROM sessions
     WHERE subject = %(subject)s AND ended_at IS NULL AND used_at > %(oldest)s ORDER BY started_at DESC LIMIT 100
"""

FORGET_TOKENS = """
    DELETE FROM refresh_tokens
     WHERE token_hash IN (
           SELECT token_hash FROM refresh_tokens WHERE expires_at < now() LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING session_id
"""
FORGET_SESSIONS = """
    DELETE FROM sessions
     WHERE id = ANY(%(ids)s::uuid[]) AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = sessions.id)
"""


def sweep(database: Database) -> None:
    """Remove refresh tokens that have expired, and sessions that have none left: they tell where somebody was."""
    forgotten = AT_ONCE
    while forgotten >= AT_ONCE:
        with database.transaction() as tx:
            tokens = tx.all(FORGET_TOKENS, limit=AT_ONCE)
            tx.run(FORGET_SESSIONS, ids=sorted({str(one["session_id"]) for one in tokens}))
        forgotten = len(tokens)


class KeptSessions:
    """Sessions in PostgreSQL: the tables `sessions` and `refresh_tokens` of the service."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self._tx = tx

    def open_session(self, session: Session) -> None:
        """Keep a new session."""
        self._tx.run(OPEN, **msgspec.structs.asdict(session))

    def issue(self, token_hash: str, session_id: str, expires_at: datetime) -> None:
        """Keep a new refresh token; the same one twice is one."""
        self._tx.run(ISSUE, token_hash=token_hash, session_id=session_id, expires_at=expires_at)

    def refresh_token(self, token_hash: str) -> Refresh | None:
        """Return a refresh token, locked until the transaction ends."""
        row = self._tx.one(FIND, token_hash=token_hash)
        return None if row is None else msgspec.convert(row, Refresh)

    def spend(self, token_hash: str, session_id: str, now: datetime) -> None:
        """Mark a refresh token as used, and its session as seen."""
        self._tx.run(SPEND, token_hash=token_hash, session_id=session_id, now=now)

    def end_session(self, session_id: str, now: datetime, *, subject: str | None = None) -> bool:
        """End a session (of that subject); False when there is none that is open."""
        return self._tx.run(END, id=session_id, now=now, subject=subject) == 1

    def end_sessions(self, subject: str, now: datetime) -> None:
        """End all sessions of a subject."""
        self._tx.run(END_ALL, subject=subject, now=now)

    def sessions(self, subject: str, now: datetime) -> list[Session]:
        """Return the open sessions of a subject, newest first, a hundred at the most."""
        rows: list[Row] = self._tx.all(LIST, subject=subject, oldest=now - REFRESH)
        return [msgspec.convert(row, Session) for row in rows]
