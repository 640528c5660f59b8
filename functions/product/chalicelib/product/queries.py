"""What the doors of the product service are asked in the part of an address behind the question mark."""

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.product.listing import after
from chalicelib.product.model import ALL, Reference, SkuCode, State, Text
from chalicelib.product.products import Made, Wish
from chalicelib.product.storefront import Sort, Wanted, Whole
from souk.errors import Fault, Invalid
from souk.markets import DEFAULT, market_of
from souk.paging import PageQuery, unseal

Minor = Annotated[int, Meta(ge=0, le=10**15, description="in minor units of the market's currency")]
Few = Annotated[int, Meta(ge=1, le=20)]
Typed = Annotated[str, Meta(max_length=200)]
Brands = Annotated[tuple[Text, ...], Meta(max_length=20, description="each in a parameter of its own")]


class ProductsQuery(PageQuery, frozen=True, kw_only=True):
    """Which products staff want to see."""

    state: State | None = None
    category: Reference | None = None
    brand: Text | None = None
    sku: SkuCode | None = None
    text: Typed | None = None

    def wish(self) -> Wish:
        """Return it in the shop's words."""
        return Wish(state=self.state, category=self.category, brand=self.brand, sku=self.sku, text=self.text)

    def after(self) -> Made | None:
        """Return where the page before ended."""
        return unseal(self.cursor, Made)


class VersionsQuery(PageQuery, frozen=True, kw_only=True):
    """Which page of a product's history."""

    def below(self) -> int | None:
        """Return where the page before ended."""
        return unseal(self.cursor, Whole)


class ListingQuery(PageQuery, frozen=True, kw_only=True):
    """Which products a shopper wants to see."""

    category: Reference = ALL
    sort: Sort = Sort.NEWEST
    market: str = DEFAULT

    def wanted(self) -> Wanted:
        """Return it in the shop's words."""
        if self.sort is Sort.RELEVANCE:
            raise Invalid("only a search has relevance", faults=[Fault("/sort", "is not relevance")])
        return Wanted(
            category=self.category,
            sort=self.sort,
            after=after(self.cursor, self.sort),
            limit=self.limit,
            market=market_of(self.market).code,
        )


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    """What a shopper looks for."""

    q: Typed = ""
    category: Reference = ALL
    brand: Brands = ()
    min_price: Minor | None = None
    max_price: Minor | None = None
    sort: Sort = Sort.RELEVANCE
    market: str = DEFAULT
    facets: bool = True

    def wanted(self) -> Wanted:
        """Return it in the shop's words."""
        return Wanted(
            text=self.q.strip(),
            category=self.category,
            brands=self.brand,
            lowest=self.min_price,
            highest=self.max_price,
            sort=self.sort,
            after=after(self.cursor, self.sort),
            limit=self.limit,
            market=market_of(self.market).code,
            facets=self.facets,
        )


class SuggestionsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a shopper has typed so far."""

    q: Annotated[str, Meta(min_length=1, max_length=100)]
    limit: Few = 8


class ItemQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which market a product is shown."""

    market: str = DEFAULT


class RecommendationsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which product others are recommended."""

    product: Reference
    market: str = DEFAULT
    limit: Few = 8
