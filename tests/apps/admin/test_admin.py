"""The admin service's doors, with its real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from chalice.test import Client
from doors import Doors, doors, event, member, staff

from chalicelib.admin import live
from chalicelib.admin.model import OWNER, PERMISSIONS
from chalicelib.admin.staff import create_owner
from souk.audit import Audited
from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores
PASSWORD = "a-long-enough-secret"
EXPIRED = "UPDATE refresh_tokens SET expires_at = now() WHERE session_id = %(session)s"


@pytest.fixture
def admin(stores: dict[str, str]) -> Iterator[Doors]:
    with doors("admin") as opened:
        yield opened


@pytest.fixture
def email() -> str:
    return f"{new_id()}@example.com"


@pytest.fixture
def owner(admin: Doors, email: str) -> dict[str, str]:
    """Return the tokens of a fresh owner."""
    with live.staff() as store:
        create_owner(email, "Ada", PASSWORD, now=utcnow(), store=store)
    signed_in = admin("POST", "/sessions", {"email": email.upper(), "password": PASSWORD})
    assert signed_in.status == 201, signed_in
    tokens: dict[str, str] = signed_in.body
    return tokens


def invited(admin: Doors, owner: dict[str, str], roles: list[str]) -> str:
    wish = {"email": f"{new_id()}@example.com", "roles": roles}
    token: str = admin("POST", "/invitations", wish, token=owner["access_token"]).body["token"]
    return token


def role(admin: Doors, owner: dict[str, str], *permissions: str) -> str:
    name = "r" + new_id()[-12:]
    made = admin("POST", "/roles", {"name": name, "permissions": list(permissions)}, token=owner["access_token"])
    assert made.status == 201, made
    return name


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    admin: Doors, owner: dict[str, str], email: str
) -> None:
    wrong = admin("POST", "/sessions", {"email": email, "password": "not-the-password"})
    unknown = admin("POST", "/sessions", {"email": f"x{email}", "password": PASSWORD})
    assert wrong.status == unknown.status == 401
    assert wrong.body["detail"] == unknown.body["detail"]


def test_sign_in_is_throttled_per_account(admin: Doors, owner: dict[str, str], email: str) -> None:
    tries = [admin("POST", "/sessions", {"email": email, "password": "not-the-password"}) for _ in range(6)]
    assert [one.status for one in tries] == [401] * 5 + [429]
    assert int(tries[-1].headers["Retry-After"]) > 0


def test_guesses_that_come_at_once_are_throttled_too(admin: Doors, owner: dict[str, str], email: str) -> None:
    with ThreadPoolExecutor(12) as guessers:
        wish = {"email": email, "password": "not-the-password"}
        tries = list(guessers.map(lambda _: admin("POST", "/sessions", wish, x_real_ip=email).status, range(24)))
    assert sorted(tries) == [401] * 5 + [429] * 19


def test_signing_in_is_no_failure(admin: Doors, owner: dict[str, str], email: str) -> None:
    tries = [admin("POST", "/sessions", {"email": email, "password": PASSWORD}).status for _ in range(7)]
    assert tries == [201] * 7


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(admin: Doors, owner: dict[str, str]) -> None:
    spent = {"refresh_token": owner["refresh_token"]}
    first, again = admin("POST", "/sessions/refresh", spent), admin("POST", "/sessions/refresh", spent)
    assert first.status == again.status == 201
    assert first.body["refresh_token"] == again.body["refresh_token"], "a lost answer is not a theft"
    with live.database.transaction() as tx:
        tx.run("UPDATE refresh_tokens SET spent_at = spent_at - interval '31 seconds' WHERE spent_at IS NOT NULL")
    assert admin("POST", "/sessions/refresh", spent).status == 401
    assert admin("POST", "/sessions/refresh", {"refresh_token": first.body["refresh_token"]}).status == 401


def test_an_invitation_is_good_once(admin: Doors, owner: dict[str, str]) -> None:
    path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
    joined = admin("POST", path, {"name": "Grace", "password": PASSWORD})
    assert joined.status == 201
    assert joined.body["roles"] == [OWNER]
    assert admin("POST", path, {"name": "Eve", "password": PASSWORD}).body["type"].endswith("invitation-used")


def test_a_repeated_invitation_request_makes_one_invitation(admin: Doors, owner: dict[str, str]) -> None:
    wish = {"email": f"{new_id()}@example.com", "roles": [OWNER]}
    key = {"idempotency_key": new_id(), "token": owner["access_token"]}
    first, again = admin("POST", "/invitations", wish, **key), admin("POST", "/invitations", wish, **key)
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    other = admin("POST", "/invitations", {**wish, "roles": []}, **key)
    assert (other.status, other.body["type"]) == (422, "urn:souk:problem:key-reused")


def test_a_common_password_is_refused(admin: Doors, owner: dict[str, str]) -> None:
    path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
    refused = admin("POST", path, {"name": "Grace", "password": "password1234"})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/password")


def test_tokens_carry_the_permissions_of_the_roles(admin: Doors, owner: dict[str, str]) -> None:
    name = role(admin, owner, "orders:read")
    path = f"/invitations/{invited(admin, owner, [name])}/acceptance"
    joined = admin("POST", path, {"name": "Grace", "password": PASSWORD}).body
    tokens = admin("POST", "/sessions", {"email": joined["email"], "password": PASSWORD}).body
    assert admin("GET", "/staff", token=tokens["access_token"]).status == 403


def test_roles_are_edited_by_version(admin: Doors, owner: dict[str, str]) -> None:
    name, token = role(admin, owner, "orders:read"), owner["access_token"]
    grants = {"permissions": ["orders:read", "orders:write"]}
    assert admin("PUT", f"/roles/{name}", grants, token=token).status == 428
    assert admin("PUT", f"/roles/{name}", grants, token=token, if_match='"7"').status == 412
    changed = admin("PUT", f"/roles/{name}", grants, token=token, if_match='"1"')
    assert (changed.status, changed.etag) == (200, '"2"')


def test_a_role_is_found_where_it_was_made_and_its_name_is_taken(admin: Doors, owner: dict[str, str]) -> None:
    name, token = role(admin, owner, "orders:read"), owner["access_token"]
    found = admin("GET", f"/roles/{name}", token=token)
    assert (found.body["permissions"], found.etag) == (["orders:read"], '"1"')
    taken = admin("POST", "/roles", {"name": name, "permissions": []}, token=token)
    assert (taken.status, taken.body["type"]) == (409, "urn:souk:problem:name-taken")


def test_nobody_grants_what_they_may_not_do(admin: Doors) -> None:
    wish = {"name": "r" + new_id()[-12:], "permissions": sorted(PERMISSIONS)}
    assert admin("POST", "/roles", wish, token=member("roles:write")).status == 403


def test_a_suspended_member_cannot_sign_in_or_refresh(admin: Doors, owner: dict[str, str]) -> None:
    path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
    joined = admin("POST", path, {"name": "Grace", "password": PASSWORD}).body
    sign_in = {"email": joined["email"], "password": PASSWORD}
    tokens = admin("POST", "/sessions", sign_in).body
    where, token = f"/staff/{joined['id']}/suspension", owner["access_token"]
    assert admin("PUT", where, token=token).body["status"] == "suspended"
    assert admin("PUT", where, token=token).status == 409
    assert admin("POST", "/sessions", sign_in).status == 401
    assert admin("POST", "/sessions/refresh", {"refresh_token": tokens["refresh_token"]}).status == 401
    assert admin("DELETE", where, token=token).body["status"] == "active"
    assert admin("POST", "/sessions", sign_in).status == 201


def test_staff_pages_follow_one_another(admin: Doors, owner: dict[str, str]) -> None:
    for _ in range(3):
        path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
        admin("POST", path, {"name": "Grace", "password": PASSWORD})
    first = admin("GET", "/staff?limit=2", token=owner["access_token"]).body
    second = admin("GET", f"/staff?limit=2&cursor={first['next']}", token=owner["access_token"]).body
    assert len(first["items"]) == len(second["items"]) == 2
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in second["items"]}
    assert admin("GET", "/staff?cursor=nonsense!", token=owner["access_token"]).status == 422


def test_one_can_see_and_end_ones_own_sessions(admin: Doors, owner: dict[str, str]) -> None:
    listed = admin("GET", "/sessions", token=owner["access_token"]).body["items"]
    assert [one["id"] for one in listed] == [owner["session_id"]]
    assert admin("DELETE", f"/sessions/{owner['session_id']}", token=owner["access_token"]).status == 204
    assert admin("POST", "/sessions/refresh", {"refresh_token": owner["refresh_token"]}).status == 401


def test_an_audited_change_is_kept_once_and_cannot_be_changed(admin: Doors) -> None:
    subject = new_id()
    said = event(Audited(service="product", actor="ada", action="product.publish", subject=subject, after={"a": 1}))
    for _ in range(2):
        assert admin.deliver("admin-audit", said)["batchItemFailures"] == []
    entries = admin("GET", f"/audit?subject={subject}", token=staff("audit:read")).body["items"]
    assert [one["action"] for one in entries] == ["product.publish"]
    with pytest.raises(Exception, match="permission denied"), live.database.transaction() as tx:
        tx.run("UPDATE audit SET actor = 'eve'")


def test_an_acceptance_that_is_sent_again_is_answered_as_before(admin: Doors, owner: dict[str, str]) -> None:
    path, joining = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance", {"name": "Grace", "password": PASSWORD}
    key = new_id()
    first, again = (admin("POST", path, joining, idempotency_key=key) for _ in range(2))
    assert (first.status, first.body) == (again.status, again.body)


def test_who_joined_stands_in_the_audit_trail(admin: Doors, owner: dict[str, str]) -> None:
    path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
    joined = admin("POST", path, {"name": "Grace", "password": PASSWORD}).body
    with live.database.reading() as tx:
        said = tx.all("SELECT event FROM outbox WHERE event::jsonb #>> '{data,actor}' = %(who)s", who=joined["id"])
    assert [msgspec.json.decode(one["event"])["data"]["action"] for one in said] == ["invitation.accept"]


def test_a_member_can_be_renamed_alone(admin: Doors, owner: dict[str, str]) -> None:
    path = f"/invitations/{invited(admin, owner, [OWNER])}/acceptance"
    joined = admin("POST", path, {"name": "Grace", "password": PASSWORD}).body
    where, token = f"/staff/{joined['id']}", owner["access_token"]
    renamed = admin("PATCH", where, {"name": "Grace Hopper"}, token=token, if_match='"1"').body
    assert (renamed["name"], renamed["roles"]) == ("Grace Hopper", [OWNER])
    assert admin("PATCH", where, {"nmae": "Grace"}, token=token, if_match='"2"').status == 422


def test_every_hour_sessions_that_nobody_can_renew_are_forgotten(admin: Doors, owner: dict[str, str]) -> None:
    with live.database.transaction() as tx:
        tx.run(EXPIRED, session=owner["session_id"])
    with Client(admin.app) as client:
        client.lambda_.invoke("sweep_admin", client.events.generate_cw_event("aws.events", "Scheduled Event", {}, []))
    with live.database.reading() as tx:
        assert tx.one("SELECT 1 AS one FROM sessions WHERE id = %(session)s", session=owner["session_id"]) is None
    assert admin("POST", "/sessions/refresh", {"refresh_token": owner["refresh_token"]}).status == 401
