"""Markets: what is priced or shown belongs to one; from the first day there is a default one."""

import msgspec

from souk.errors import Fault, Invalid


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shop sells: in which currency, in which languages, to which countries (ISO 3166), with tax in prices or not."""

    code: str
    currency: str
    locales: tuple[str, ...]
    countries: tuple[str, ...]
    prices_include_tax: bool


DEFAULT = "default"
COUNTRIES = ("US", "AT", "CA", "DE", "ES", "FR", "GB", "IE", "IT", "NL")  # at home first
MARKETS = {
    DEFAULT: Market(code=DEFAULT, currency="USD", locales=("en",), countries=COUNTRIES, prices_include_tax=True),
}


def market_of(code: str) -> Market:
    """Return the market. Raises Invalid for an unknown one."""
    if code not in MARKETS:
        raise Invalid("there is no such market", faults=[Fault("/market", "there is no such market")])
    return MARKETS[code]
