"""The carts of a customer: found from any device, one open cart per name, and so many at the most."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from chalicelib.cart.carts import Backup, Begun, Carts, Kept, standing
from chalicelib.cart.lines import Lines
from chalicelib.cart.model import Asked, Cart, State
from chalicelib.cart.views import CartSummary, opened, summary
from souk.errors import Missing, Refused, Unavailable
from souk.markets import market_of

TRIES = 8  # every try that fails found another cart that is done with
UNBORN_FOR = timedelta(hours=1)  # far longer than opening a cart takes


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A cart in a customer's register; `previous` is the one before it from which it takes what is saved for later."""

    cart_id: str
    customer_id: str
    market: str
    name: str | None = None
    previous: str | None = None
    opened_at: datetime


class Register(Protocol):
    """Knows customers' carts as they were opened."""

    def find(self, customer_id: str, market: str, name: str) -> Place | None:
        """Return the cart of that name. Raises Unavailable."""

    def enter(self, place: Place, most: int) -> Place | None:
        """Note a cart, or return the one of its name or id that is there; None where there are `most` already."""

    def of(self, customer_id: str) -> list[Place]:
        """Return the carts of a customer, in the order in which they were opened."""

    def follow(self, before: str, place: Place) -> None:
        """Let a cart, or the same one anew, take the place and the name of one before; unless another one has by now.

        Raises Invalid where it has a place of its own: the key it was made by was used for another name.
        """

    def leave(self, places: Collection[Place]) -> None:
        """Forget places as they were seen; carts may be opened anew under their names."""


def open_cart(wanted: Place, *, asked: Asked, most: int, register: Register, carts: Carts, now: datetime) -> Begun:
    """Open a customer's cart; by a name, the one that is open under it. Raises Invalid, Refused, Unavailable.

    PostgreSQL decides which cart has the name, so that devices that open it at the same time get the same. One that was
    ordered, or merged into another, gives its name to the next, and with it what is saved for later.
    """
    market_of(wanted.market)
    for _ in range(TRIES):
        place = _entered(wanted, most=most, register=register, carts=carts, now=now)
        found = _found(place, wanted, asked, carts)
        if found is None and _is_unborn(place, now):  # whoever lists carts meanwhile would forget it
            wanted = msgspec.structs.replace(wanted, previous=place.previous)
            register.follow(place.cart_id, wanted)
            continue
        kept = found or _made(place, asked=asked, carts=carts, now=now)
        repeated = kept.cart.operation(asked) is not None
        if repeated or place.name is None or kept.cart.state in {State.OPEN, State.FROZEN}:
            answer = opened(kept.cart, kept.cart.operation(asked), None)
            return Begun(answer, again=repeated and not kept.changed, found=not repeated and not kept.changed)
        wanted = msgspec.structs.replace(wanted, previous=place.cart_id)
        register.follow(place.cart_id, wanted)
    raise Unavailable("carts of that name come and go; try again")


def _found(place: Place, wanted: Place, asked: Asked, carts: Carts) -> Kept | None:
    """Return the cart of a place, None where it is yet to be made; surely there for whoever may have made it before."""
    if asked.key is not None:
        return standing(place.cart_id, carts)
    cart = None if place == wanted else _there(place.cart_id, carts)
    return None if cart is None else Kept(cart, changed=False)


def _entered(wanted: Place, *, most: int, register: Register, carts: Carts, now: datetime) -> Place:
    """Return the place of a cart that is there, or was entered now. Raises Refused for one too many."""
    if wanted.name and (found := register.find(wanted.customer_id, wanted.market, wanted.name)):
        return found
    if entered := register.enter(wanted, most):
        return entered
    _tidied(wanted.customer_id, register=register, carts=carts, now=now)
    if entered := register.enter(wanted, most):
        return entered
    raise Refused(f"a customer has at most {most} open carts", code="too-many-carts")


def _made(place: Place, *, asked: Asked, carts: Carts, now: datetime) -> Kept:
    lines: Lines = ()
    if place.previous and (before := _there(place.previous, carts)):
        lines = tuple(line for line in before.lines if line.later)
    new = Cart(
        id=place.cart_id,
        market=place.market,
        name=place.name,
        holder=asked.holder,
        lines=lines,
        created_at=now,
        changed_at=now,
    )
    return carts.create(new.stamped(now, asked))


def show(customer_id: str, *, register: Register, carts: Carts, backup: Backup, now: datetime) -> list[CartSummary]:
    """Return a customer's carts that are open or being ordered, the oldest first; degraded where Redis is away."""
    try:
        found = _tidied(customer_id, register=register, carts=carts, now=now)
    except Unavailable:
        return [summary(cart, degraded=True) for place in register.of(customer_id) for cart in _kept(place, backup)]
    return [summary(cart) for cart in found]


def _tidied(customer_id: str, *, register: Register, carts: Carts, now: datetime) -> list[Cart]:
    """Return a customer's carts that are open or being ordered; forget those that are done with."""
    found, gone = list[Cart](), list[Place]()
    for place in register.of(customer_id):
        cart = _there(place.cart_id, carts)
        if cart is not None and cart.state in {State.OPEN, State.FROZEN}:
            found.append(cart)
        elif _is_done(place, cart, now):
            gone.append(place)
    if gone:
        register.leave(gone)
    return found


def _is_done(place: Place, cart: Cart | None, now: datetime) -> bool:
    """Tell whether nobody needs to know of a cart: nothing in it waits for the next one of its name."""
    if cart is None:
        return _is_unborn(place, now)
    return place.name is None or cart.line_count == len(cart.lines)


def _is_unborn(place: Place, now: datetime) -> bool:
    """Tell whether a place without a cart has been that for so long that nobody is making one now."""
    return place.opened_at < now - UNBORN_FOR


def _there(cart_id: str, carts: Carts) -> Cart | None:
    try:
        return carts.get(cart_id)
    except Missing:
        return None


def _kept(place: Place, backup: Backup) -> list[Cart]:
    try:
        cart = backup.find(place.cart_id)
    except Missing:
        return []
    return [cart] if cart.state in {State.OPEN, State.FROZEN} else []
