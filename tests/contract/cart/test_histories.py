"""Redis changes lines by rules in Lua, the tests' keeper by the model's: whatever is done, both answer alike."""

import functools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.carts import Carts, Kept
from chalicelib.cart.lines import Change, Limits, Offer
from chalicelib.cart.model import NEW, Asked, Cart, Holder, State, versioned
from souk.errors import SoukError
from souk.ids import new_id
from souk.money import MOST, Money

from .keepers import MemoryCarts

pytestmark = pytest.mark.stores
BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = Limits(of_one=9, lines=2, items=12)
ME, OTHER = Holder(customer_id="me"), Holder(token_hash="hash")
SKUS = st.sampled_from(["tea", "ключ ☕", "c"])
quantities = st.sampled_from([0, 1, 1, 2, 3, 5, 9, 10])


def offered(sku: str, price: int, market: str) -> dict[str, Offer]:
    offer = Offer(sku=sku, product_id="p", product_version=price, title="Tee ☕", price=Money(price, "USD"))
    return {market: offer}


prices = st.one_of(st.integers(0, 500), st.integers(MOST - 1000, MOST))
offers = st.builds(offered, SKUS, prices, st.sampled_from([*["default"] * 9, "moon"]))


def added(given: dict[str, Offer], by: int) -> Change:
    [offer] = given.values()
    return Change(sku=offer.sku, offers=given, by=by, later=False)


adding = st.builds(added, offers, quantities)
revising = st.builds(
    Change,
    sku=SKUS,
    quantity=st.none() | quantities,
    by=st.integers(-5, 5),
    later=st.sampled_from([None, True, False]),
    note=st.sampled_from([None, "", "für Ann", 'a "quoted" one']),
)
nothing_sold = st.builds(Change, sku=SKUS, offers=st.just({}), by=st.just(1))
changes = st.sampled_from([*[adding] * 6, *[revising] * 8, nothing_sold, st.just(Change())]).flatmap(lambda one: one)


class Step(msgspec.Struct, frozen=True):
    """One request: what is to change, under which key, after how long, by whom, having seen what."""

    change: Change
    key: str | None
    fingerprint: str
    later: int
    holder: Holder
    sees: str


steps = st.builds(
    Step,
    change=changes,
    key=st.sampled_from([None, None, None, "k1", "k2", "k3"]),
    fingerprint=st.sampled_from([*["f"] * 9, "g"]),
    later=st.sampled_from([0, 1, 700_001, 86_399_000_000, 86_400_000_000]),
    holder=st.sampled_from([*[ME] * 18, OTHER, Holder()]),
    sees=st.sampled_from([*[""] * 8, "this", "an older one"]),
)


def told(kept: Kept) -> tuple[Cart, bool]:
    """Return what both keepers have to agree on: everything but versions, which are times."""
    cart = kept.cart
    assert all(one.version != NEW for one in cart.operations)
    assert cart.version != NEW
    if kept.changed and cart.operations:
        assert cart.operations[-1].version <= cart.version
    bare = versioned(replace(cart, id="", operations=tuple(replace(one, version=NEW) for one in cart.operations)), 0)
    return bare, kept.changed


def done(carts: Carts, cart_id: str, step: Step, now: datetime) -> object:
    """Return what came of a step: the cart, or why not."""
    version = carts.get(cart_id).version if step.sees else 0
    seen = {"": None, "this": version, "an older one": version - 1}[step.sees]
    asked = Asked(holder=step.holder, seen=seen, key=step.key, fingerprint=step.fingerprint)
    try:
        return told(carts.revise(cart_id, step.change, asked=asked, limits=LIMITS, now=now))
    except SoukError as error:
        return error.kind, error.detail.replace(f"version {version}", "that version")


def moved(to: State, now: datetime, cart: Cart) -> Cart:
    return replace(cart, state=to, merged_into="t" if to is State.MERGED else None).stamped(now)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=st.lists(steps, min_size=8, max_size=20), ends=st.sampled_from(State))
def test_whatever_is_done_both_keepers_answer_alike(stores: dict[str, str], history: list[Step], ends: State) -> None:
    keepers: list[Carts] = [MemoryCarts(), live.carts]
    now = BEGIN
    opened = [
        one.create(Cart(id=new_id(), holder=ME, created_at=now, changed_at=now).stamped(now)).cart for one in keepers
    ]
    for number, step in enumerate(history):
        now += timedelta(microseconds=step.later)
        if number == len(history) - 1:
            for carts, cart in zip(keepers, opened, strict=True):
                carts.change(cart.id, functools.partial(moved, ends, now))
        first, second = (done(carts, cart.id, step, now) for carts, cart in zip(keepers, opened, strict=True))
        assert first == second
    first, second = (told(Kept(carts.get(cart.id), changed=False)) for carts, cart in zip(keepers, opened, strict=True))
    assert first == second


def test_a_version_is_exact_and_no_list_becomes_anything_else(stores: dict[str, str]) -> None:
    kept = live.carts.create(Cart(id=new_id(), holder=ME, created_at=BEGIN, changed_at=BEGIN)).cart
    change = added(offered("tea", MOST, "default"), 1)
    revised = live.carts.revise(kept.id, change, asked=Asked(holder=ME), limits=LIMITS, now=BEGIN).cart
    assert revised.lines[0].price.amount == MOST
    emptied = live.carts.revise(
        kept.id, Change(), asked=Asked(holder=ME, seen=revised.version), limits=LIMITS, now=BEGIN
    )
    assert (emptied.cart.lines, emptied.cart.merged_from) == ((), ())
    assert emptied.cart.version > revised.version > kept.version > 10**15
