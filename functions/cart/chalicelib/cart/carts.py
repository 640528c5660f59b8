"""What shoppers do with a cart: open one, look at it, change its lines, merge two."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from chalicelib.cart.lines import Change, Limits, Merging, Offer, Quantity, Sku, Words
from chalicelib.cart.model import Asked, Cart, Holder, State
from chalicelib.cart.views import CartView, Changed, Opened, Shelved, changed, opened, view
from souk.errors import Fault, Invalid, Missing, Unavailable
from souk.markets import market_of


class Kept(msgspec.Struct, frozen=True):
    """A cart as it is kept now, and whether that took a change."""

    cart: Cart
    changed: bool


class Carts(Protocol):
    """The live carts."""

    def get(self, cart_id: str) -> Cart:
        """Return a cart. Raises Missing, Unavailable."""

    def create(self, cart: Cart) -> Kept:
        """Keep a new cart, or return the one that is there under its id. Raises Unavailable."""

    def change(self, cart_id: str, decide: Callable[[Cart], Cart]) -> Kept:
        """Keep what `decide` makes of a cart; it is asked again when another change came first.

        What it returns unchanged is as sure afterwards as a change is. Raises what `decide` raises, Missing, and
        Unavailable: then whether the change took effect is unknown, and the same key may be sent again.
        """

    def revise(self, cart_id: str, change: Change, *, asked: Asked, limits: Limits, now: datetime) -> Kept:
        """Change the lines of a cart as `Cart.revised` says, in one round trip. Raises as that, Missing, Unavailable."""


class Backup(Protocol):
    """Where carts can be read while the live ones can't."""

    def find(self, cart_id: str) -> Cart:
        """Return a cart as it was last kept. Raises Missing, Unavailable."""


class Shelf(Protocol):
    """What the service knows of products and stock."""

    def shelved(self, skus: Collection[str], beside: str | None = None) -> Mapping[str, Shelved]:
        """Return what is known of these SKUs, by SKU; and of those that a cart is thought to hold. Raises Unavailable."""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be put into a cart, beside what is there already."""

    sku: Sku
    quantity: Quantity = 1
    note: Words | None = None


class Begun(msgspec.Struct, frozen=True):
    """The answer to opening a cart; whether the same request had got it before, whether it was open already."""

    answer: Opened
    again: bool
    found: bool = False


class Done(msgspec.Struct, frozen=True):
    """The answer to a change, and whether the same request had got it before."""

    answer: Changed
    again: bool


def token_of(cart_id: str, secret: str) -> str:
    """Return the token of an anonymous cart: derived, so that a repeated request can be answered with it again."""
    return hmac.new(secret.encode(), f"cart {cart_id}".encode(), hashlib.sha256).hexdigest()


def create(cart_id: str, *, market: str, token: str, asked: Asked, carts: Carts, now: datetime) -> Begun:
    """Open a guest's empty cart; the same key again finds the same cart. Raises Invalid, Unavailable."""
    market_of(market)
    kept = standing(cart_id, carts) if asked.key else None
    if kept is None:
        new = Cart(id=cart_id, market=market, holder=asked.holder, created_at=now, changed_at=now)
        kept = carts.create(new.stamped(now, asked))
    return Begun(opened(kept.cart, kept.cart.operation(asked), token), again=not kept.changed)


def standing(cart_id: str, carts: Carts) -> Kept | None:
    """Return the cart that is there under an id, as sure as if it had just been written."""
    try:
        return carts.change(cart_id, lambda cart: cart)
    except Missing:
        return None


def display(cart_id: str, *, holder: Holder, carts: Carts, backup: Backup, shelf: Shelf) -> CartView:
    """Show a cart with titles, prices and availability as they are now; degraded where a store does not answer."""
    cart, degraded = _readable(cart_id, carts, backup)
    return _shown(cart.open_to(holder), shelf, degraded=degraded)


def _readable(cart_id: str, carts: Carts, backup: Backup) -> tuple[Cart, bool]:
    """Return a cart, and whether it could only be read as it was last backed up."""
    try:
        return carts.get(cart_id), False
    except Unavailable as unavailable:
        try:
            return backup.find(cart_id), True
        except Missing:
            raise unavailable from None  # it may well exist: nobody who could tell answers


def add(
    cart_id: str,
    wish: Wish,
    *,
    asked: Asked,
    limits: Limits,
    carts: Carts,
    shelf: Shelf,
    now: datetime,
) -> Done:
    """Put a quantity of a SKU into a cart, beside what is there already. Raises Missing, Refused, Stale, Unavailable."""
    known = shelf.shelved([wish.sku], beside=cart_id)
    change = Change(sku=wish.sku, offers=_offers(known.get(wish.sku)), by=wish.quantity, later=False, note=wish.note)
    kept = carts.revise(cart_id, change, asked=asked, limits=limits, now=now)
    return _done(kept, wish.sku, asked=asked, shelf=shelf, known=known)


def _offers(known: Shelved | None) -> dict[str, Offer]:
    """Return by market what a line of a SKU is made of; nothing for what is not sold."""
    if known is None or not known.published:
        return {}
    return {
        market: Offer(
            sku=known.sku,
            product_id=known.product_id,
            product_version=known.version,
            title=known.name,
            price=price,
        )
        for market, price in known.prices.items()
    }


def revise(
    cart_id: str, change: Change, *, asked: Asked, limits: Limits, carts: Carts, shelf: Shelf, now: datetime
) -> Done:
    """Change a line that is there, or all of them. Raises Missing, Refused, Stale, Unavailable."""
    kept = carts.revise(cart_id, change, asked=asked, limits=limits, now=now)
    return _done(kept, change.sku, asked=asked, shelf=shelf)


def _done(
    kept: Kept, sku: str | None, *, asked: Asked, shelf: Shelf, known: Mapping[str, Shelved] | None = None
) -> Done:
    """Answer a change with its numbers as they were then, and with the cart as it is."""
    seen = _shown(kept.cart, shelf, known)
    return Done(changed(kept.cart, kept.cart.operation(asked), sku, seen), again=not kept.changed)


def _shown(cart: Cart, shelf: Shelf, known: Mapping[str, Shelved] | None = None, *, degraded: bool = False) -> CartView:
    """Show a cart; what is known of its products already is not asked for again."""
    known = known or {}
    unknown = [line.sku for line in cart.lines if line.sku not in known]
    try:
        return view(cart, {**known, **shelf.shelved(unknown)} if unknown else known, degraded=degraded)
    except Unavailable:
        return view(cart, None, degraded=True)


def merge(
    target_id: str,
    source_id: str,
    *,
    source: Holder,
    how: Merging,
    asked: Asked,
    limits: Limits,
    carts: Carts,
    shelf: Shelf,
    now: datetime,
) -> Done:
    """Move the lines of one cart into another. Raises Missing, Gone, Refused, Invalid, Stale, Unavailable.

    The source gives itself up first, for good, so that two parallel merges can't both have its lines; the target takes
    them once, as was said first. Whatever breaks off in between is finished by doing it again, or by the source's event.
    """
    if source_id == target_id:
        raise Invalid("a cart cannot be merged into itself", faults=[Fault("/source", "the same cart")])
    into = carts.get(target_id).open_to(asked.holder)
    if source_id not in into.merged_from and not into.operation(asked):
        into.changeable(asked).takes_one_more()
    given = carts.change(source_id, lambda cart: _giving_up(cart, target_id, how, source, now)).cart

    def absorb(cart: Cart) -> Cart:
        if cart.open_to(asked.holder).operation(asked) or given.id in cart.merged_from:
            return cart
        return cart.changeable(asked).absorbing(given, limits).stamped(now, asked)

    return _done(carts.change(target_id, absorb), None, asked=asked, shelf=shelf)


def _giving_up(cart: Cart, target_id: str, how: Merging, holder: Holder, now: datetime) -> Cart:
    if cart.merged_into != target_id:
        cart.open_to(holder)
    elif cart.holder != holder:
        raise Missing("there is no such cart")
    merged = cart.merging_into(target_id, how)
    return cart if merged is cart else merged.stamped(now)


def absorb(source: Cart, *, limits: Limits, carts: Carts, now: datetime) -> None:
    """Finish a merge that broke off after the source had given itself up. Raises Missing, Unavailable.

    The target may have been merged further by now, or be with the order service: then it is tried again later. One that
    was ordered without it takes nothing more: the source opens again. Carts that gave themselves up to one another at
    once lead round in a ring, which one of them, always the same, opens again.
    """
    target_id, passed = source.merged_into, [source.id]

    def absorbing(cart: Cart) -> Cart:
        if source.id in {cart.id, *cart.merged_from} or cart.state in {State.CLOSED, State.MERGED}:
            return cart
        if cart.state is State.FROZEN:
            raise Unavailable("the cart is being ordered")
        return cart.absorbing(source, limits).stamped(now)

    while target_id is not None:
        if target_id in passed:
            target_id = _opened_again(passed[passed.index(target_id) :], carts, now)
            passed = [source.id]
        if target_id == source.id:
            return
        passed.append(target_id)
        target = carts.change(target_id, absorbing).cart
        if target.state is State.CLOSED and source.id not in target.merged_from:
            carts.change(source.id, lambda cart: cart.kept_back().stamped(now) if cart.merged_into else cart)
        target_id = None if source.id in target.merged_from else target.merged_into


def _opened_again(ring: list[str], carts: Carts, now: datetime) -> str:
    """Open the cart of a ring that all others are to go into, and return its id."""

    def opening(cart: Cart) -> Cart:
        return cart.kept_back().stamped(now) if cart.merged_into in ring else cart

    return carts.change(min(ring), opening).cart.id
