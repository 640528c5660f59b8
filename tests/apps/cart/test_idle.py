"""Carts that nobody comes back to: told of once, and forgotten when their time is over."""

from datetime import datetime, timedelta

import msgspec
import pytest
from doors import Doors, customer

from chalicelib.cart import idle, live
from chalicelib.cart.events import CartAbandoned, OrderPlaced
from chalicelib.cart.keeping import Keeping
from chalicelib.cart.live_cart import body_of
from chalicelib.cart.scripts import keys
from souk.clock import utcnow
from souk.errors import Missing

from .conftest import Shop, Shopper, changed, told

pytestmark = pytest.mark.stores
KEEPING = Keeping()


@pytest.fixture
def full(shop: Shop, guest: Shopper) -> Shopper:
    guest.add(shop.sell(), 2)
    shop.take("cart-persistence", changed(guest.cart))
    return guest


def look(now: datetime, keeping: Keeping = KEEPING) -> None:
    idle.look(archive=live.backup, keeping=keeping, now=now)


def age(shopper: Shopper, by: timedelta) -> None:
    """Let the last change of a cart be longer ago."""
    cart = msgspec.structs.replace(live.backup.find(shopper.cart), changed_at=utcnow() - by)
    with live.database.reading() as session:
        aged = "UPDATE carts SET changed_at = %(at)s, body = %(body)s WHERE id = %(id)s"
        session.run(aged, at=cart.changed_at, body=body_of(cart), id=cart.id)


def abandoned(shopper: Shopper) -> list[CartAbandoned]:
    events = [one for one in told(shopper.cart) if one.type == "cart.abandoned"]
    return [msgspec.json.decode(one.data, type=CartAbandoned) for one in events]


def test_an_idle_cart_is_told_of_once_until_it_changes_again(shop: Shop, full: Shopper) -> None:
    age(full, timedelta(hours=25))
    for _ in range(2):
        look(utcnow())
    [fact] = abandoned(full)
    assert (fact.cart_id, fact.customer_id, fact.line_count, fact.item_count) == (full.cart, None, 1, 2)
    full.add(shop.sell())
    shop.take("cart-persistence", changed(full.cart))
    look(utcnow())
    assert len(abandoned(full)) == 1
    age(full, timedelta(hours=25))
    look(utcnow())
    assert len(abandoned(full)) == 2


def test_no_cart_is_abandoned_that_is_young_empty_or_submitted(shop: Shop, cart: Doors, full: Shopper) -> None:
    empty, submitted = Shopper(cart), Shopper(cart)
    submitted.add(shop.sell())
    submitted.submit()
    for one in (empty, submitted):
        shop.take("cart-persistence", changed(one.cart))
        age(one, timedelta(hours=25))
    look(utcnow())
    assert [abandoned(one) for one in (empty, submitted, full)] == [[], [], []]


def test_a_shop_may_have_nothing_told_of_idle_carts(full: Shopper) -> None:
    age(full, timedelta(days=2))
    look(utcnow(), Keeping(abandoned_hours=0))
    assert abandoned(full) == []


def test_a_guests_cart_is_forgotten_sooner_than_a_customers(shop: Shop, cart: Doors, full: Shopper) -> None:
    mine = Shopper(cart, customer())
    mine.add(shop.sell())
    shop.take("cart-persistence", changed(mine.cart))
    for one in (full, mine):
        age(one, timedelta(days=31))
    look(utcnow())
    with pytest.raises(Missing):
        live.backup.find(full.cart)
    assert live.backup.find(mine.cart).id == mine.cart
    age(mine, timedelta(days=91))
    look(utcnow())
    with pytest.raises(Missing):
        live.backup.find(mine.cart)


def test_what_was_ordered_or_may_be_is_kept(shop: Shop, cart: Doors, full: Shopper) -> None:
    pending = Shopper(cart)
    pending.add(shop.sell())
    for one in (full, pending):
        one.submit()
    order = full.look()["order_id"]
    shop.deliver("cart-outcomes", OrderPlaced(order_id=order), order)
    shop.take("cart-persistence", changed(full.cart))
    for one in (full, pending):
        age(one, timedelta(days=400))
    look(utcnow())
    assert {live.backup.find(one.cart).state for one in (full, pending)} == {"closed", "frozen"}


def test_an_expired_cart_does_not_come_back_from_its_row(full: Shopper) -> None:
    live.redis.ask(("DEL", keys(full.cart)[0]))
    age(full, timedelta(days=31))
    assert full("GET").status == 404


def test_every_change_gives_a_cart_its_whole_time_again(shop: Shop, cart: Doors, full: Shopper) -> None:
    mine, day = Shopper(cart, customer()), 86_400_000
    for one, days in ((full, 30), (mine, 90)):
        name = keys(one.cart)[0]
        live.redis.ask(("PEXPIRE", name, 1_000_000))
        one.add(shop.sell())
        [left] = live.redis.ask(("PTTL", name))
        assert (days - 1) * day < left <= days * day
