"""Shipping: flat methods by country; weights, zones and carriers' own rates will have their place here."""

from collections.abc import Iterable, Mapping

import msgspec

from souk.errors import Fault, Invalid
from souk.money import Money


class ShippingMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ship: where to, its price in minor units of the market's currency, from which worth of goods it is free.

    `version` is raised whenever any of this changes: orders keep which one they were priced with.
    """

    code: str
    title: str
    price: int
    free_from: int | None = None
    countries: tuple[str, ...]
    version: int = 1

    def cost(self, goods: Money) -> Money:
        """Return what shipping these goods costs; their worth is what is paid for them, after discounts."""
        free = self.free_from is not None and goods.amount >= self.free_from
        return Money(0 if free else self.price, goods.currency)


HOME = ("US",)
NEAR = ("CA",)
EUROPE = ("AT", "DE", "ES", "FR", "GB", "IE", "IT", "NL")
SHIPPING_METHODS: Mapping[str, ShippingMethod] = {
    method.code: method
    for method in (
        ShippingMethod(
            code="standard", title="Standard, 3 to 5 days", price=499, free_from=5_000, countries=HOME, version=2
        ),
        ShippingMethod(code="express", title="Express, next day", price=1_299, countries=HOME, version=2),
        ShippingMethod(code="pickup", title="Collect in the shop", price=0, countries=HOME, version=2),
        ShippingMethod(code="north", title="To Canada, 5 to 8 days", price=1_199, free_from=10_000, countries=NEAR),
        ShippingMethod(code="europe", title="To Europe, 6 to 10 days", price=1_899, free_from=20_000, countries=EUROPE),
        ShippingMethod(
            code="worldwide-express", title="Express abroad, 2 days", price=3_999, countries=(*NEAR, *EUROPE)
        ),
    )
}


def methods_to(country: str | None) -> Iterable[ShippingMethod]:
    """Return the ways to ship to a country, or all of them."""
    return [one for one in SHIPPING_METHODS.values() if country is None or country in one.countries]


def method_of(code: str, country: str) -> ShippingMethod:
    """Return the shipping method. Raises Invalid for an unknown one, and for one that does not go to that country."""
    method = SHIPPING_METHODS.get(code)
    if method is None or country not in method.countries:
        going = ", ".join(one.code for one in methods_to(country)) or "none"
        why = "there is no such shipping method" if method is None else f"{code} does not go to {country}"
        raise Invalid(why, faults=[Fault("/shipping_method", f"to {country}: {going}")])
    return method
