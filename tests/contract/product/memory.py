"""The product service's keepers in memory."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from msgspec.structs import replace

from chalicelib.product.changes import Change, Overtaken
from chalicelib.product.events import changed
from chalicelib.product.model import ALL, Category, Product, Stock
from chalicelib.product.product_types import ProductType
from chalicelib.product.products import Made, Wish
from chalicelib.product.receipts import Receipt
from chalicelib.product.recommendation import Basket
from chalicelib.product.sales import Progress, doubled
from chalicelib.product.storefront import (
    SORTS,
    Found,
    Row,
    Sort,
    Suggestion,
    Wanted,
    each_title_once,
    place,
    words,
    words_of,
)
from souk.audit import Audited
from souk.clock import utcnow
from souk.errors import Missing, Refused, Unavailable
from souk.events import Event


class MemoryProducts:
    """Products in a dict; see `products.Products`, `merging.Merged`, `imports.Importable` and `resync.Tellable`."""

    def __init__(self) -> None:
        self.kept: dict[str, Product] = {}
        self.outboxes: dict[str, list[Event]] = {}
        self._touched: dict[str, datetime] = {}
        self._old: dict[tuple[str, int], Product] = {}

    def get(self, product_id: str) -> Product:
        if product_id not in self.kept:
            raise Missing("there is no such product")
        return self.kept[product_id]

    def get_all(self, product_ids: Sequence[str]) -> list[Product]:
        return [self.get(one) for one in product_ids]

    def unsent(self, product_id: str) -> list[str]:
        return [event.type for event in self.outboxes[product_id]]

    def add(self, product: Product, events: Sequence[Event]) -> Product:
        if product.id not in self.kept:
            self._write(product, events)
        return self.kept[product.id]

    def save(self, change: Change) -> None:
        before, after = change.before, change.after
        if self.get(before.id).rev != before.rev:
            raise Overtaken("the product was changed by somebody else")
        self._write(after, change.events)
        if before.version != after.version:
            self._old.setdefault((before.id, before.version), before)

    def save_all(self, changes: Sequence[Change]) -> int:
        ours = [one for one in changes if self.get(one.before.id).rev == one.before.rev]
        for one in ours:
            self.save(one)
        return len(ours)

    def pick(self, wish: Wish, *, after: Made | None, limit: int) -> list[Product]:
        found = [(Made(int(one.created_at.timestamp() * 1000), one.id), one) for one in self.kept.values()]
        found = [(key, one) for key, one in found if _wished(one, wish) and (after is None or key < after)]
        return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)][:limit]

    def versions(self, product_id: str, *, below: int, limit: int) -> list[Product]:
        numbers = sorted(
            (number for known, number in self._old if known == product_id and number < below), reverse=True
        )
        return [self._old[product_id, number] for number in numbers[:limit]]

    def in_category(self, category_id: str, *, older_than: int, limit: int) -> list[Product]:
        mine = [one for one in self.kept.values() if one.details.category_id == category_id]
        return [one for one in mine if one.category is None or one.category.version < older_than][:limit]

    def of_skus(self, skus: Sequence[str]) -> list[Product]:
        wanted = set(skus)
        return [one for one in self.kept.values() if wanted & {own.sku for own in one.details.skus}]

    def known(self, product_ids: Sequence[str]) -> set[str]:
        return set(product_ids) & set(self.kept)

    def add_all(self, products: Sequence[tuple[Product, Sequence[Event]]]) -> set[str]:
        new = {one.id for one, _ in products if one.id not in self.kept}
        for one, events in products:
            self.add(one, events)
        return new

    def touched(self, since: datetime) -> Iterator[list[Product]]:
        yield [self.kept[one] for one, at in self._touched.items() if at >= since]

    def tell(self, said: Sequence[tuple[Product, Sequence[Event]]]) -> int:
        current = [(one, events) for one, events in said if self.get(one.id).version == one.version]
        for one, events in current:
            self._post(one.id, events)
        return len(current)

    def show_sold(self, product_id: str, sold: int) -> None:
        self.kept[product_id] = replace(self.kept[product_id], sold=sold)

    def _write(self, product: Product, events: Sequence[Event]) -> None:
        codes = {own.sku for own in product.details.skus}
        for other in self.kept.values():
            taken = other.details.slug == product.details.slug or codes & {own.sku for own in other.details.skus}
            if other.id != product.id and taken:
                raise Refused("the slug or a SKU is another product's", code="taken")
        self.kept[product.id] = product
        self._touched[product.id] = utcnow() if product.rev > 1 else product.created_at
        self._post(product.id, events)

    def _post(self, product_id: str, events: Sequence[Event]) -> None:
        newer = {event.type for event in events} - {Audited.TYPE}
        unsent = [event for event in self.outboxes.get(product_id, []) if event.type not in newer]
        self.outboxes[product_id] = [*unsent, *events]


def _wished(one: Product, wish: Wish) -> bool:
    asked = [
        (wish.state, one.state),
        (wish.category, one.details.category_id),
        (wish.brand, one.details.brand),
    ]
    fits = all(wanted is None or wanted == is_so for wanted, is_so in asked)
    codes = {own.sku for own in one.details.skus}
    known = set(words_of(one))
    return fits and (wish.sku is None or wish.sku in codes) and set(words(wish.text or "")) <= known


class MemorySources:
    """Replicas in dicts; see `merging.Sources`."""

    def __init__(self) -> None:
        self._categories: dict[str, Category] = {}
        self._types: dict[str, ProductType] = {}
        self._stock: dict[tuple[str, str], Stock] = {}

    def categories(self, category_ids: Sequence[str]) -> list[Category]:
        return [self._categories[one] for one in category_ids if one in self._categories]

    def product_type(self, code: str) -> ProductType | None:
        found = [kind for kind in self._types.values() if kind.code == code]
        return min(found, key=lambda kind: kind.removed, default=None)

    def stock(self, skus: Sequence[str]) -> list[Stock]:
        return [level for level in self._stock.values() if level.sku in skus]

    def keep_category(self, category: Category) -> None:
        known = self._categories.setdefault(category.id, category)
        self._categories[category.id] = max(known, category, key=lambda one: one.version)

    def keep_product_type(self, kind: ProductType) -> None:
        known = self._types.setdefault(kind.id, kind)
        self._types[kind.id] = max(known, kind, key=lambda one: one.version)

    def keep_stock(self, levels: Sequence[Stock]) -> None:
        for stock in levels:
            known = self._stock.setdefault(stock.place, stock)
            self._stock[stock.place] = max(known, stock, key=lambda one: one.version)


class MemoryShop:
    """A storefront and its index in a dict; see `storefront.Storefront`, `recommendation.Shop` and `indexing.Index`."""

    def __init__(self) -> None:
        self.kept: dict[str, Product] = {}

    def write(self, products: Sequence[Product]) -> None:
        for one in products:
            known = self.kept.get(one.id)
            if known is None or known.rev <= one.rev:
                self.kept[one.id] = one

    def find(self, wanted: Wanted) -> Found:
        sort = Sort.BESTSELLING if wanted.sort is Sort.RELEVANCE else wanted.sort
        up = SORTS[sort].up
        rows = [Row(one, place(one, sort, wanted.market)) for one in self.kept.values() if _fits(one, wanted)]
        rows.sort(key=lambda row: row.key, reverse=not up)
        if wanted.after is not None:
            rows = [row for row in rows if row.key != wanted.after and (row.key > wanted.after) is up]
        return Found(rows=rows[: wanted.limit + 1])

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        if not (typed_words := words(typed)):
            return []
        *whole, begun = typed_words
        found = [
            one
            for one in self._on_sale()
            if set(whole) <= set(words_of(one)) and any(word.startswith(begun) for word in words_of(one))
        ]
        likely = [Suggestion(id=one.id, slug=one.details.slug, title=one.details.title) for one in found]
        return each_title_once(likely, limit)

    def show(self, id_or_slug: str) -> Product | None:
        return next((one for one in self._on_sale() if id_or_slug in {one.id, one.details.slug}), None)

    def show_all(self, product_ids: Sequence[str]) -> list[Product]:
        return [one for one in self._on_sale() if one.id in product_ids]

    def _on_sale(self) -> list[Product]:
        return [one for one in self.kept.values() if ALL in one.shelves]


def _fits(one: Product, wanted: Wanted) -> bool:
    price = one.lowest(wanted.market)
    amount = price.amount if price else -1
    dear = wanted.highest is not None and amount > wanted.highest
    cheap = wanted.lowest is not None and amount < wanted.lowest
    brand = not wanted.brands or one.details.brand in wanted.brands
    asked = set(words(wanted.text))
    said = not wanted.text or (bool(asked) and asked <= set(words_of(one)))
    return wanted.category in one.shelves and brand and said and not dear and not cheap


class MemoryCounters:
    """Sales in memory; see `sales.Counters` and `sales.PastSales`."""

    def __init__(self, products: MemoryProducts) -> None:
        self._products = products
        self._known: set[str] = set()
        self._sold: Counter[str] = Counter()

    def count(self, receipts: Sequence[Receipt], now: datetime) -> None:
        pieces = self._fresh(receipts)
        grown = [one for one, more in pieces.items() if doubled(self._sold[one], more)]
        for one in grown:
            self._products.show_sold(one, self._sold[one])
        told = [self._products.get(one) for one in grown]
        self._products.tell([(one, [changed(one, now)]) for one in told])

    def sold(self, product_ids: Sequence[str]) -> Mapping[str, int]:
        return {one: self._sold[one] for one in product_ids if one in self._sold}

    def note(self, receipts: Sequence[Receipt]) -> None:
        self._fresh(receipts)

    def add_up(self, say: Progress) -> int:
        differing = [one for one, sold in self._sold.items() if self._products.get(one).sold != sold]
        for one in differing:
            self._products.show_sold(one, self._sold[one])
        say(len(self._sold), len(self._sold))
        return len(differing)

    def _fresh(self, receipts: Sequence[Receipt]) -> Counter[str]:
        pieces: Counter[str] = Counter()
        for receipt in receipts:
            if receipt.order_id not in self._known:
                self._known.add(receipt.order_id)
                for sale in receipt.sales:
                    pieces[sale.product_id] += sale.quantity
        self._sold += pieces
        return pieces


class MemoryPurchases:
    """Purchases in memory; see `recommendation.Purchases`."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._orders: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()

    def count(self, baskets: Sequence[Basket]) -> None:
        for basket in baskets:
            if basket.order_id not in self._known:
                self._known.add(basket.order_id)
                self._orders.update(basket.products)
                self._pairs.update(combinations(basket.products, 2))

    def together(self, product_id: str, limit: int) -> list[str]:
        likeness = {
            (low if high == product_id else high): times
            for (low, high), times in self._pairs.items()
            if product_id in {low, high}
        }
        ranked = sorted(likeness, key=lambda one: (-likeness[one] / self._orders[one] ** 0.5, one))
        return ranked[:limit]


class Down:
    """A store that does not answer."""

    def together(self, *_: object) -> list[str]:
        raise Unavailable("down")

    def count(self, *_: object) -> None:
        raise Unavailable("down")

    def write(self, *_: object) -> None:
        raise Unavailable("down")

    def find(self, *_: object) -> Found:
        raise Unavailable("down")

    def suggest(self, *_: object) -> list[Suggestion]:
        raise Unavailable("down")

    def show(self, *_: object) -> Product | None:
        raise Unavailable("down")
