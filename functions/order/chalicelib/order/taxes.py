"""Taxes: staff read and set the rates of a country; what is priced from then on is taxed by them."""

import re
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.tax import Rate, TaxRates
from souk.audit import Origin, audited
from souk.errors import Missing
from souk.events import Event
from souk.versions import as_seen

CODE = re.compile(r"[A-Z]{2}", re.ASCII)


class RatesWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country's rates, whose version 0 stands for a country that has none so far."""

    standard: Rate
    reduced: Rate


class Taxes(Protocol):
    """Rates of tax in one transaction."""

    def tax_rates(self) -> list[TaxRates]:
        """Return every country's rates."""

    def tax_rates_for_change(self, country: str) -> TaxRates:
        """Return a country's rates and lock them."""

    def set_tax_rates(self, rates: TaxRates) -> None:
        """Keep a country's rates."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def set_rates(country: str, wish: RatesWish, *, seen: int, by: Origin, now: datetime, taxes: Taxes) -> TaxRates:
    """Set a country's rates, if they are still as they were seen. Raises Missing, Stale."""
    if not CODE.fullmatch(country):
        raise Missing("a country is written as two capital letters")
    before = as_seen(taxes.tax_rates_for_change(country), seen, name=f"tax of {country}")
    after = replace(before, standard=wish.standard, reduced=wish.reduced, version=before.version + 1, changed_at=now)
    taxes.set_tax_rates(after)
    taxes.tell(audited(by, "tax.set", country, service="order", now=now, before=before, after=after))
    return after
