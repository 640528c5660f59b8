"""What staff may do follows what they are now, not what their token says of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doors import Doors, token

from chalicelib.admin import live, staff
from chalicelib.admin.model import PERMISSIONS
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.ids import new_id
from souk.postgres import Database
from souk_local.patience import until

from .test_admin import PASSWORD, admin, email, invited, owner, role

pytestmark = pytest.mark.stores
__all__ = ["admin", "email", "owner"]  # fixtures
DESK = ("staff:read", "staff:write", "roles:write")


def join(admin: Doors, owner: dict[str, str], *roles: str) -> dict[str, Any]:
    """Return a new member with an access token of theirs."""
    path = f"/invitations/{invited(admin, owner, list(roles))}/acceptance"
    joined = admin("POST", path, {"name": "Mallory", "password": PASSWORD}).body
    tokens = admin("POST", "/sessions", {"email": joined["email"], "password": PASSWORD}).body
    return {**joined, "token": tokens["access_token"]}


def test_who_is_suspended_changes_nothing_with_a_token_that_is_still_good(admin: Doors, owner: dict[str, str]) -> None:
    desk = role(admin, owner, *DESK)
    mallory = join(admin, owner, desk)
    own = f"/staff/{mallory['id']}/suspension"
    assert admin("PUT", own, token=owner["access_token"]).status == 200
    assert admin("DELETE", own, token=mallory["token"]).status == 401
    wish = {"email": "m@example.com", "roles": [desk]}
    assert admin("POST", "/invitations", wish, token=mallory["token"]).status == 401
    assert admin("POST", "/roles", {"name": "mine", "permissions": []}, token=mallory["token"]).status == 401


def test_who_is_being_suspended_at_the_moment_does_not_undo_it(admin: Doors, owner: dict[str, str], email: str) -> None:
    mallory = join(admin, owner, role(admin, owner, *DESK))
    with live.reading() as store:
        above = store.account(email)
    assert above
    by = Origin(Caller(kind=Kind.STAFF, subject=above.subject, permissions=PERMISSIONS))
    with ThreadPoolExecutor() as beside:
        with live.staff() as store:
            staff.suspend(mallory["id"], by=by, now=utcnow(), store=store)
            undone = beside.submit(admin, "DELETE", f"/staff/{mallory['id']}/suspension", token=mallory["token"])
            until(waits_for_its_turn)
        assert undone.result().status == 401


def waits_for_its_turn() -> bool:
    with Database("admin").reading() as session:
        return session.one("SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") is not None


def test_who_lost_a_role_does_not_take_it_back_with_an_old_token(admin: Doors, owner: dict[str, str]) -> None:
    desk, less = role(admin, owner, *DESK), role(admin, owner, "staff:read")
    mallory = join(admin, owner, desk)
    where = f"/staff/{mallory['id']}"
    assert admin("PATCH", where, {"roles": [less]}, token=owner["access_token"], if_match='"1"').status == 200
    assert admin("PATCH", where, {"roles": [desk]}, token=mallory["token"], if_match='"2"').status == 403


def test_nobody_touches_those_who_may_do_more(admin: Doors, owner: dict[str, str]) -> None:
    desk, other = role(admin, owner, *DESK), role(admin, owner, "orders:write")
    mallory, above = join(admin, owner, desk), join(admin, owner, "owner")
    where, token = f"/staff/{above['id']}", mallory["token"]
    assert admin("PUT", f"{where}/suspension", token=token).status == 403
    assert admin("PATCH", where, {"roles": [desk]}, token=token, if_match='"1"').status == 403
    assert admin("PUT", f"/roles/{other}", {"permissions": []}, token=token, if_match='"1"').status == 403


def test_an_invitation_falls_with_whoever_made_it(admin: Doors, owner: dict[str, str]) -> None:
    desk = role(admin, owner, *DESK)
    mallory = join(admin, owner, desk)
    back_door = invited(admin, {"access_token": mallory["token"]}, [desk])
    assert admin("PUT", f"/staff/{mallory['id']}/suspension", token=owner["access_token"]).status == 200
    answer = admin("POST", f"/invitations/{back_door}/acceptance", {"name": "Eve", "password": PASSWORD})
    assert (answer.status, answer.body["type"]) == (409, "urn:souk:problem:invitation-void")


def test_a_token_of_somebody_who_is_no_member_changes_nothing(admin: Doors) -> None:
    wish = {"name": "r" + new_id()[-12:], "permissions": []}
    assert admin("POST", "/roles", wish, token=token("admin", None, "roles:write")).status == 401
