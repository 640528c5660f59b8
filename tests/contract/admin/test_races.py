"""What holds when members of staff act at once; in PostgreSQL alone, as memory has no rivals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from contract.admin.conftest import Store
from contract.admin.people import NOW, boss, invitation, joined, role
from contract.souk.keeping import at_once, await_somebody_waiting, given_up
from msgspec.structs import replace

from chalicelib.admin import invitations, live, staff
from chalicelib.admin.model import PERMISSIONS, StaffMember
from souk.accounts import Status
from souk.audit import Origin
from souk.auth import Caller, Kind, digest
from souk.errors import Refused, Stale, Unauthenticated
from souk.ids import new_id

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("stores")]


def of(member: StaffMember) -> Origin:
    return Origin(Caller(kind=Kind.STAFF, subject=member.id, permissions=PERMISSIONS))


def suspending(whom: StaffMember, by: StaffMember, now: datetime = NOW) -> Callable[[], object]:
    def suspend() -> None:
        with live.staff() as store:
            staff.suspend(whom.id, by=of(by), now=now, store=store)

    return suspend


def test_of_two_who_suspend_each_other_one_stays() -> None:
    with live.staff() as store:
        ada, grace = boss(store), boss(store)
    refused = at_once(suspending(ada, grace), suspending(grace, ada))
    assert [type(one) for one in refused if one] == [Unauthenticated]
    with live.reading() as store:
        found = [store.member(one.id) for one in (ada, grace)]
    assert sorted(one.status for one in found if one) == [Status.ACTIVE, Status.SUSPENDED]


def test_changes_of_staff_wait_for_one_another() -> None:
    with live.staff() as store:
        ada, grace, joan = boss(store), boss(store), joined(store, "orders:read")
    with ThreadPoolExecutor() as beside:
        with live.staff() as store:
            staff.acting(of(ada), "staff:write", store=store)
            suspended = beside.submit(suspending(joan, grace))
            await_somebody_waiting("admin")
            assert not suspended.done()
        suspended.result()


def test_an_invitation_that_many_accept_at_once_is_one_members() -> None:
    with live.staff() as store:
        ada = boss(store)
        made, token = invitation(by=ada.id, roles=ada.roles), new_id()
        store.add_invitation(made, digest(token))

    def accept() -> None:
        with live.staff() as store:
            invitations.accept(token, "Grace", "a hash", ip="", now=NOW, store=store)

    refused = [one for one in at_once(*[accept] * 6) if one]
    assert [(type(one), one.kind) for one in refused] == [(Refused, "invitation-used")] * 5


def test_an_address_that_is_invited_twice_joins_once_and_the_other_invitation_stays_good() -> None:
    tokens = [new_id(), new_id()]
    with live.staff() as store:
        ada = boss(store)
        made = invitation(by=ada.id, roles=ada.roles)
        for token in tokens:
            store.add_invitation(replace(made, id=new_id()), digest(token))

    def accept(token: str) -> Callable[[], object]:
        def join() -> None:
            with live.staff() as store:
                invitations.accept(token, "Grace", "a hash", ip="", now=NOW, store=store)

        return join

    refused = at_once(*(accept(token) for token in tokens))
    assert [one.kind for one in refused if one] == ["email-taken"]
    with live.reading() as store:
        left = [store.invitation(digest(token)) for token in tokens]
    assert sorted(one.accepted_at is None for one in left if one) == [False, True]


def test_of_many_who_edit_what_they_saw_one_does() -> None:
    with live.staff() as store:
        ada, grace = boss(store), joined(store, "orders:read")

    def rename(name: str) -> Callable[[], object]:
        def edit() -> None:
            with live.staff() as store:
                staff.assign(grace.id, None, name, seen=1, by=of(ada), now=NOW, store=store)

        return edit

    refused = [one for one in at_once(*(rename(f"Grace {number}") for number in range(6))) if one]
    assert [type(one) for one in refused] == [Stale] * 5
    with live.reading() as store:
        found = store.member(grace.id)
    assert found is not None
    assert found.version == 2


def test_of_many_who_change_a_role_as_they_saw_it_one_does() -> None:
    with live.staff() as store:
        ada, shared = boss(store), role("orders:read")
        store.add_role(shared)

    def grant() -> None:
        with live.staff() as store:
            staff.change_role(shared.name, frozenset(), seen=1, by=of(ada), now=NOW, store=store)

    refused = [one for one in at_once(*[grant] * 6) if one]
    assert [type(one) for one in refused] == [Stale] * 5


def test_of_many_who_add_a_role_of_one_name_one_does() -> None:
    with live.staff() as store:
        ada = boss(store)
    shared = role("orders:read")

    def add() -> None:
        with live.staff() as store:
            staff.add_role(shared, by=of(ada), now=NOW, store=store)

    refused = [one for one in at_once(*[add] * 6) if one]
    assert [one.kind for one in refused] == ["name-taken"] * 5


def test_who_is_being_signed_in_is_suspended_after_that() -> None:
    with live.staff() as store:
        ada, grace = boss(store), joined(store, "orders:read")
    with ThreadPoolExecutor() as beside:
        with live.staff() as store:
            assert store.permissions(grace.id, held=True) == frozenset({"orders:read"})
            suspended = beside.submit(suspending(grace, ada))
            await_somebody_waiting("admin")
            assert not suspended.done()
            assert store.permissions(grace.id) == frozenset({"orders:read"})
        suspended.result()
    with live.reading() as store:
        assert store.permissions(grace.id) is None


TAKES: dict[str, Callable[[Store, StaffMember], object]] = {
    "member": lambda store, who: store.member_for_change(who.id),
    "role": lambda store, who: store.role(*who.roles),
    "invitation": lambda store, who: store.invitation(who.id),
}


@pytest.mark.parametrize("what", TAKES)
def test_what_is_read_for_change_waits_for_who_has_it_and_others_read_on(what: str) -> None:
    with live.staff() as store:
        grace = joined(store, "orders:read")
        store.add_invitation(invitation(by=grace.id), grace.id)

    def take() -> None:
        with given_up(live.staff()) as store:
            TAKES[what](store, grace)

    def read() -> StaffMember | None:
        with live.reading() as store:
            assert store.roles(grace.roles)
            return store.member(grace.id)

    with ThreadPoolExecutor() as beside:
        with live.staff() as store:
            for each in TAKES.values():
                assert each(store, grace)
            taken = beside.submit(take)
            await_somebody_waiting("admin")
            assert beside.submit(read).result() == grace
            assert not taken.done()
        taken.result()
