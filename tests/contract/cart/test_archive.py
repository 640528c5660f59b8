"""What every archive of carts promises about those that nobody comes back to."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.cart import idle, live
from chalicelib.cart.events import CartAbandoned
from chalicelib.cart.keeping import Keeping
from chalicelib.cart.live_cart import body_of
from chalicelib.cart.model import Cart, Holder, Illegible, State, versioned
from chalicelib.cart.store import KeptCarts
from souk.clock import utcnow
from souk.errors import Missing
from souk.events import decoded

from .keepers import MemoryArchive, line, new_cart

pytestmark = pytest.mark.stores
Archive = MemoryArchive | KeptCarts


@pytest.fixture(params=[MemoryArchive, lambda: live.backup], ids=["in_memory", "in_postgres"])
def archive(request: pytest.FixtureRequest, stores: dict[str, str]) -> Archive:
    make: Callable[[], Archive] = request.param
    return make()


def kept(archive: Archive, cart: Cart, ago: timedelta) -> Cart:
    """Keep a cart whose last change is so long ago."""
    aged = versioned(replace(cart, changed_at=utcnow() - ago), max(1, cart.version + 1))
    assert archive.upsert_all([aged], body_of(aged))
    return aged


def told(archive: Archive, cart: Cart) -> list[int]:
    """Return how many things were in a cart each time that it was told of."""
    if isinstance(archive, MemoryArchive):
        return [one.item_count for one in archive.abandoned if one.cart_id == cart.id]
    with live.database.reading() as session:
        rows = session.all("SELECT event FROM outbox WHERE event LIKE %(id)s ORDER BY created_at", id=f"%{cart.id}%")
    return [msgspec.json.decode(decoded(row["event"]).data, type=CartAbandoned).item_count for row in rows]


def look(archive: Archive, now: datetime) -> None:
    idle.look(archive=archive, keeping=Keeping(), now=now)


def damage(archive: Archive, cart: Cart) -> None:
    if isinstance(archive, MemoryArchive):
        archive.illegible.add(cart.id)
        return
    with live.database.reading() as session:
        session.run("UPDATE carts SET body = '{' WHERE id = %(id)s", id=cart.id)


def is_there(archive: Archive, cart: Cart) -> bool:
    try:
        return archive.find(cart.id).id == cart.id
    except Missing:
        return False


def test_an_idle_cart_is_told_of_once_for_each_version(archive: Archive) -> None:
    cart = kept(archive, new_cart(line("tea", 2)), timedelta(hours=25))
    for _ in range(2):
        look(archive, utcnow())
    assert told(archive, cart) == [2]
    cart = kept(archive, replace(cart, lines=(line("tea", 3),)), timedelta(hours=23))
    look(archive, utcnow())
    assert told(archive, cart) == [2]
    look(archive, utcnow() + timedelta(hours=2))
    assert told(archive, cart) == [2, 3]


def test_a_cart_that_cannot_be_read_holds_no_other_up(archive: Archive) -> None:
    wrong = kept(archive, new_cart(line("tea")), timedelta(hours=26))
    damage(archive, wrong)
    cart = kept(archive, new_cart(line("tea", 2)), timedelta(hours=25))
    guest = replace(new_cart(line("tea")), holder=Holder(token_hash="hash"))
    gone = kept(archive, guest, timedelta(days=31))
    with pytest.raises(Illegible) as found:
        look(archive, utcnow())
    assert found.value.ids == {wrong.id}
    assert (told(archive, cart), is_there(archive, gone)) == ([2], False)
    look(archive, utcnow())


def test_nobody_is_told_of_carts_with_nothing_to_buy(archive: Archive) -> None:
    saved = replace(line("tea"), later=True)
    idle_for = timedelta(hours=25)
    carts = [
        kept(archive, new_cart(), idle_for),
        kept(archive, new_cart(saved), idle_for),
        kept(archive, replace(new_cart(line("tea")), state=State.CLOSED), idle_for),
    ]
    look(archive, utcnow())
    assert [told(archive, cart) for cart in carts] == [[], [], []]


def test_carts_are_forgotten_in_time_and_never_while_they_are_ordered(archive: Archive) -> None:
    guest = replace(new_cart(line("tea")), holder=Holder(token_hash="hash"))
    month = timedelta(days=31)
    gone = kept(archive, guest, month)
    mine = kept(archive, new_cart(line("tea")), month)
    frozen = kept(archive, replace(new_cart(line("tea")), state=State.FROZEN), timedelta(days=400))
    look(archive, utcnow())
    assert [is_there(archive, cart) for cart in (gone, mine, frozen)] == [False, True, True]
    look(archive, utcnow() + timedelta(days=60))
    assert [is_there(archive, cart) for cart in (mine, frozen)] == [False, True]
