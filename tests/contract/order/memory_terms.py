"""Quotes and what they are priced by, rates of tax and vouchers, in memory."""

from collections.abc import Collection

from msgspec.structs import replace

from chalicelib.order.model.pricing import Known
from chalicelib.order.model.quote import Quote, QuoteToday
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import UsedUp, Voucher
from souk.errors import Missing, Refused


class MemoryTerms:
    """Quotes and their terms."""

    def __init__(self) -> None:
        super().__init__()
        self.quotes: dict[str, Quote] = {}
        self.rates: dict[str, TaxRates] = {"US": TaxRates(country="US", standard=800, reduced=200, version=1)}
        self.codes: dict[str, Voucher] = {}

    def keep_quote(self, quote: Quote, under: TaxRates | None) -> bool:
        country = quote.recipient.shipping_address.country
        if under is not None and under.version != self.rates.get(country, TaxRates(country=country)).version:
            return False
        self.quotes[quote.id] = quote
        return True

    def quote(self, quote_id: str) -> QuoteToday | None:
        found = self.quotes.get(quote_id)
        if found is None:
            return None
        return QuoteToday(found, self.terms(found.recipient.shipping_address.country, found.bill.codes))

    def terms(self, country: str, codes: Collection[str]) -> Known:
        rates = self.rates.get(country, TaxRates(country=country))
        return Known(rates=rates, vouchers=tuple(self.codes[code] for code in sorted(codes) if code in self.codes))

    def tax_rates(self) -> list[TaxRates]:
        return [self.rates[country] for country in sorted(self.rates)]

    def tax_rates_for_change(self, country: str) -> TaxRates:
        return self.rates.setdefault(country, TaxRates(country=country))

    def set_tax_rates(self, rates: TaxRates) -> None:
        self.rates[rates.country] = rates

    def add_voucher(self, voucher: Voucher) -> None:
        if voucher.code in self.codes:
            raise Refused("there is a voucher with that code", code="voucher-taken")
        self.codes[voucher.code] = voucher

    def voucher(self, code: str) -> Voucher:
        if code not in self.codes:
            raise Missing("there is no such voucher")
        return self.codes[code]

    def voucher_for_change(self, code: str) -> Voucher:
        return self.voucher(code)

    def change_voucher(self, voucher: Voucher) -> None:
        self.codes[voucher.code] = voucher

    def vouchers(self, *, after: str, limit: int, text: str | None) -> list[Voucher]:
        codes = [code for code in sorted(self.codes) if code > after and code.startswith(text or "")]
        return [self.codes[code] for code in codes[:limit]]

    def use(self, codes: Collection[str]) -> None:
        if gone := {code for code in codes if self.codes[code].is_used_up}:
            raise UsedUp(gone)
        self._count(codes, 1)

    def _count(self, codes: Collection[str], uses: int) -> None:
        self.codes |= {code: replace(self.codes[code], used=self.codes[code].used + uses) for code in codes}
