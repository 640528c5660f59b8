"""The cart service's keepers in memory, and carts to give them."""

import itertools
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.cart.carts import Kept
from chalicelib.cart.events import CartAbandoned, CartSubmitted
from chalicelib.cart.lines import Change, Limits, Line
from chalicelib.cart.model import Asked, Cart, Holder, Illegible, Rejection, State, Verdict, versioned
from chalicelib.cart.own import Place
from chalicelib.cart.submission import Submission
from chalicelib.cart.views import Shelved
from souk.clock import utcnow
from souk.errors import Missing
from souk.idempotency import reused
from souk.ids import new_id
from souk.money import Money

PRICE = Money(250, "USD")
LIMITS = Limits()


class Shelf:
    """Everything is sold."""

    def shelved(self, skus: Collection[str], beside: str | None = None) -> dict[str, Shelved]:
        del beside  # what is not asked for is known too
        return {sku: shelved(sku) for sku in skus}


def shelved(sku: str) -> Shelved:
    prices = {"default": PRICE}
    return Shelved(
        sku=sku, product_id="p", version=1, published=True, title="", product_title="Tea", slug="", prices=prices
    )


def line(sku: str = "tea", quantity: int = 1) -> Line:
    return Line(sku=sku, product_id=new_id(), product_version=3, title="Tea", price=PRICE, quantity=quantity)


def new_cart(*lines: Line) -> Cart:
    now = utcnow()
    return Cart(id=new_id(), holder=Holder(customer_id="me"), lines=lines, created_at=now, changed_at=now)


def frozen(cart: Cart) -> Cart:
    return cart.freezing(new_id(), PRICE, utcnow()).stamped(utcnow())


class MemoryCarts:
    """Carts in a dict; see `carts.Carts`."""

    def __init__(self) -> None:
        self._carts: dict[str, Cart] = {}
        self._versions = itertools.count(1)

    def get(self, cart_id: str) -> Cart:
        if cart_id not in self._carts:
            raise Missing("there is no such cart")
        return self._carts[cart_id]

    def create(self, cart: Cart) -> Kept:
        if cart.id in self._carts:
            return Kept(self._carts[cart.id], changed=False)
        return Kept(self._keep(cart), changed=True)

    def change(self, cart_id: str, decide: Callable[[Cart], Cart]) -> Kept:
        before = self.get(cart_id)
        after = decide(before)
        return Kept(before, changed=False) if after is before else Kept(self._keep(after), changed=True)

    def revise(self, cart_id: str, change: Change, *, asked: Asked, limits: Limits, now: datetime) -> Kept:
        return self.change(cart_id, lambda cart: cart.revised(change, asked=asked, limits=limits, now=now))

    def frozen_before(self, moment: datetime) -> list[str]:
        return [one.id for one in self._carts.values() if one.frozen_at is not None and one.frozen_at <= moment]

    def _keep(self, cart: Cart) -> Cart:
        kept = versioned(replace(cart), next(self._versions))
        self._carts[cart.id] = kept
        return kept


class MemorySubmissions:
    """Submissions in a dict; see `submission.Submissions`."""

    def __init__(self) -> None:
        self._kept: dict[str, Submission] = {}
        self.asked: dict[str, datetime] = {}
        self.told: list[CartSubmitted] = []
        self.illegible: set[str] = set()

    def open(self, cart: Cart, now: datetime) -> Submission:
        fact = CartSubmitted.of(cart)
        standing = self._standing(fact)
        if standing is None:
            standing = self._kept[fact.order_id] = Submission(fact=fact, submitted_at=now)
            self.asked[fact.order_id] = now
            self.told.append(fact)
        return standing

    def find(self, order_id: str) -> Submission | None:
        return self._kept.get(order_id)

    def abandon(self, cart: Cart, now: datetime) -> Submission:
        fact = CartSubmitted.of(cart)
        if standing := self._standing(fact, opened=False):
            return standing
        given_up = Submission(fact=fact, verdict=Verdict.ABANDONED, submitted_at=now)
        return self._kept.setdefault(fact.order_id, given_up)

    def settle(
        self, order_id: str, verdict: Verdict, now: datetime, rejection: Rejection | None = None
    ) -> Submission | None:
        del now
        kept = self._kept.get(order_id)
        if kept is not None and kept.verdict is Verdict.OPEN:
            kept = self._kept[order_id] = replace(kept, verdict=verdict, rejection=rejection)
        return kept

    def undecided(self, cart_ids: Collection[str]) -> set[str]:
        return {one.fact.cart_id for one in self._kept.values() if one.verdict is Verdict.OPEN} & set(cart_ids)

    def ask_again(self, before: datetime, now: datetime) -> int:
        late = [order_id for order_id, at in self.asked.items() if at < before and self._is_due(order_id, at, now)]
        self.asked.update(dict.fromkeys(late, now))
        self.told.extend(self._kept[order_id].fact for order_id in late if order_id not in self.illegible)
        if wrong := self.illegible.intersection(late):
            raise Illegible(wrong)
        return len(late)

    def _is_due(self, order_id: str, asked_at: datetime, now: datetime) -> bool:
        kept = self._kept[order_id]
        return kept.verdict is Verdict.OPEN and asked_at < now - min(asked_at - kept.submitted_at, timedelta(hours=6))

    def _standing(self, fact: CartSubmitted, *, opened: bool = True) -> Submission | None:
        own = self._kept.get(fact.order_id)
        others = (
            one for one in self._kept.values() if one.fact.cart_id == fact.cart_id and one.verdict is Verdict.OPEN
        )
        return own or (next(others, None) if opened else None)


class MemoryRegister:
    """Customers' carts in a dict; see `own.Register`."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def find(self, customer_id: str, market: str, name: str) -> Place | None:
        wanted = (customer_id, market, name)
        found = (one for one in self._places.values() if (one.customer_id, one.market, one.name) == wanted)
        return next(found, None)

    def enter(self, place: Place, most: int) -> Place | None:
        named = self.find(place.customer_id, place.market, place.name) if place.name else None
        if there := named or self._places.get(place.cart_id):
            return there
        if len(self.of(place.customer_id)) >= most:
            return None
        return self._places.setdefault(place.cart_id, place)

    def of(self, customer_id: str) -> list[Place]:
        mine = (one for one in self._places.values() if one.customer_id == customer_id)
        return sorted(mine, key=lambda one: (one.opened_at, one.cart_id))

    def follow(self, before: str, place: Place) -> None:
        if before in self._places and place.cart_id in self._places.keys() - {before}:
            raise reused()
        if (there := self._places.pop(before, None)) is not None:
            after = replace(there, cart_id=place.cart_id, previous=place.previous, opened_at=place.opened_at)
            self._places[place.cart_id] = after

    def leave(self, places: Collection[Place]) -> None:
        for place in places:
            if self._places.get(place.cart_id) == place:
                del self._places[place.cart_id]


class MemoryArchive:
    """Carts as they were last kept; see `idle.Archive`. It knows of no orders."""

    def __init__(self) -> None:
        self._carts: dict[str, Cart] = {}
        self._told: dict[str, int] = {}
        self.illegible: set[str] = set()
        self.abandoned: list[CartAbandoned] = []

    def upsert_all(self, carts: Collection[Cart], history: str | None) -> int:
        del history  # what a real one keeps
        newer = [one for one in carts if one.id not in self._carts or self._carts[one.id].version < one.version]
        self._carts.update({one.id: one for one in newer})
        return len(newer)

    def find(self, cart_id: str) -> Cart:
        if cart_id not in self._carts:
            raise Missing("there is no such cart")
        return self._carts[cart_id]

    def tell_abandoned(self, *, before: datetime, now: datetime) -> int:
        del now  # when it is told
        idle = [
            cart
            for cart in self._carts.values()
            if cart.state is State.OPEN
            and cart.lines
            and cart.changed_at < before
            and self._told.get(cart.id) != cart.version
        ]
        self._told.update({cart.id: cart.version for cart in idle})
        self.abandoned.extend(CartAbandoned.of(cart) for cart in idle if cart.wanted and cart.id not in self.illegible)
        if wrong := self.illegible.intersection(cart.id for cart in idle):
            raise Illegible(wrong)
        return len(idle)

    def forget(self, *, guests: datetime, customers: datetime) -> int:
        def is_old(cart: Cart) -> bool:
            return cart.changed_at < (guests if cart.holder.customer_id is None else customers)

        gone = [cart.id for cart in self._carts.values() if is_old(cart) and cart.state is not State.FROZEN]
        for cart_id in gone:
            del self._carts[cart_id]
        return len(gone)
