"""What every keeper of invitations and of the audit trail promises, in memory as in PostgreSQL."""

import pytest
from contract.admin.conftest import Keeper
from contract.admin.people import NOW, entry, invitation
from contract.souk.keeping import given_up, walked
from msgspec.structs import replace

from souk.errors import Invalid
from souk.ids import new_id


def test_an_invitation_is_found_by_the_hash_of_its_token_alone(keeper: Keeper) -> None:
    one, token_hash = invitation(by=new_id(), roles=frozenset({"desk", "shelves"})), new_id()
    with keeper.open() as store:
        store.add_invitation(one, token_hash)
    with keeper.open() as store:
        assert store.invitation(token_hash) == one
        assert store.invitation(one.id) is None


def test_of_an_invitation_only_that_it_was_accepted_changes(keeper: Keeper) -> None:
    one, other, hashes = invitation(by=new_id()), invitation(by=new_id()), (new_id(), new_id())
    with keeper.open() as store:
        store.add_invitation(one, hashes[0])
        store.add_invitation(other, hashes[1])
        store.save_invitation(replace(one.accepted(NOW), email="eve@example.com", roles=frozenset({"owner"})))
        assert store.invitation(hashes[0]) == replace(one, accepted_at=NOW)
        assert store.invitation(hashes[1]) == other


def test_an_invitation_whose_acceptance_fails_later_is_still_good(keeper: Keeper) -> None:
    one, token_hash = invitation(by=new_id()), new_id()
    with keeper.open() as store:
        store.add_invitation(one, token_hash)
    with given_up(keeper.open()) as store:
        store.save_invitation(one.accepted(NOW))
    with keeper.open() as store:
        assert store.invitation(token_hash) == one


def test_invitations_are_listed_newest_first_page_by_page(keeper: Keeper) -> None:
    made = [invitation(by=new_id(), minutes=age) for age in (1, 1, 2, 3)]
    with keeper.open() as store:
        for one in made:
            store.add_invitation(one, new_id())
        listed = [one for one in walked(lambda cursor: store.invitations(limit=2, cursor=cursor)) if one in made]
    assert listed == sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)


def test_an_entry_is_kept_as_it_came_and_once(keeper: Keeper) -> None:
    one = entry()
    with keeper.open() as store:
        store.add_entry(one)
        store.add_entry(replace(one, actor="eve"))
        assert store.entries(actor=None, subject=one.subject, limit=9, cursor=None).items == [one]
        assert store.entries(actor="eve", subject=one.subject, limit=9, cursor=None).items == []


def test_entries_are_found_by_who_did_it_and_to_what(keeper: Keeper) -> None:
    ada, tea = new_id(), new_id()
    both, mine, other = entry(actor=ada, subject=tea), entry(actor=ada, minutes=1), entry(subject=tea, minutes=2)
    with keeper.open() as store:
        for one in (both, mine, other):
            store.add_entry(one)

        def found(actor: str | None, subject: str | None) -> list[str]:
            return [one.id for one in store.entries(actor=actor, subject=subject, limit=9, cursor=None).items]

        assert found(ada, None) == [both.id, mine.id]
        assert found(None, tea) == [both.id, other.id]
        assert found(ada, tea) == [both.id]


def test_entries_are_listed_newest_first_page_by_page(keeper: Keeper) -> None:
    tea = new_id()
    made = [entry(subject=tea, minutes=age) for age in (3, 1, 1, 2)]
    with keeper.open() as store:
        for one in made:
            store.add_entry(one)
        listed = walked(lambda cursor: store.entries(actor=None, subject=tea, limit=2, cursor=cursor))
    assert listed == sorted(made, key=lambda one: (one.at, one.id), reverse=True)


def test_a_cursor_that_was_never_given_out_is_invalid(keeper: Keeper) -> None:
    with pytest.raises(Invalid), keeper.open() as store:
        store.invitations(limit=2, cursor="nonsense!")
    with pytest.raises(Invalid), keeper.open() as store:
        store.entries(actor=None, subject=None, limit=2, cursor="nonsense!")
