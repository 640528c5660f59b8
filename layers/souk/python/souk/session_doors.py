"""The doors of whoever signs in, the same for staff and for customers: signing in and out, refreshing, listing sessions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from souk import sessions, signing_in
from souk.clock import utcnow
from souk.doors import Admits
from souk.paging import Page
from souk.sessions import Desk, RefreshWish, Session, Tokens
from souk.signing_in import Opening, SignIn
from souk.throttle import Failures

if TYPE_CHECKING:
    from souk.http import Souk


def add_doors(
    app: "Souk", admits: Admits, *, accounts: Opening, reading: Opening, failures: Failures, desk: Callable[[], Desk]
) -> None:
    """Add the doors of sessions to an app; `admits` says whose they are."""

    @app.route("/sessions", methods=["POST"], status=201)
    def sign_in(body: SignIn) -> Tokens:
        """Sign in."""
        device = app.request.headers.get("user-agent", "")
        return signing_in.sign_in(
            body, ip=app.client_ip, device=device, now=utcnow(), accounts=accounts, failures=failures, desk=desk()
        )

    @app.route("/sessions/refresh", methods=["POST"], status=201)
    def refresh(body: RefreshWish) -> Tokens:
        """Spend a refresh token for new tokens."""
        with accounts() as store:
            tokens = signing_in.refresh(body.refresh_token, now=utcnow(), store=store, desk=desk())
        if tokens is None:
            raise sessions.refused()
        return tokens

    @app.route("/sessions", admits=admits)
    def list_sessions() -> Page[Session]:
        """List one's own open sessions."""
        with reading() as store:
            return Page(store.sessions(app.caller.subject, utcnow()))

    @app.route("/sessions/{session_id}", methods=["DELETE"], status=204, admits=admits)
    def sign_out(session_id: str) -> None:
        """End one of one's own sessions."""
        with accounts() as store:
            sessions.end(session_id, app.caller.subject, now=utcnow(), store=store)
