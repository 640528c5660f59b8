"""The terms of prices in PostgreSQL: rates of tax by country, and with them the vouchers that a quote is about."""

from collections.abc import Collection

import msgspec

from chalicelib.order.model.pricing import Known
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.store.vouchers import COLUMNS
from souk.postgres import Row, Transaction

RATES = "country, standard, reduced, version, changed_at"
TERMS = f"""
    SELECT (SELECT to_jsonb(rates) FROM (SELECT {RATES} FROM tax_rates WHERE country = %(country)s) rates) AS rates,
           (SELECT jsonb_agg(voucher ORDER BY code)
              FROM (SELECT {COLUMNS} FROM vouchers WHERE code = ANY(%(codes)s)) voucher) AS vouchers
"""  # noqa: S608 - made of constants
LIST_RATES = f"SELECT {RATES} FROM tax_rates ORDER BY country"  # noqa: S608 - made of constants
OPEN_RATES = """
    INSERT INTO tax_rates (country, standard, reduced, version) VALUES (%(country)s, 0, 0, 0) ON CONFLICT DO NOTHING
"""
LOCK_RATES = f"SELECT {RATES} FROM tax_rates WHERE country = %(country)s FOR UPDATE"  # noqa: S608 - made of constants
SET_RATES = """
    UPDATE tax_rates
       SET standard = %(standard)s, reduced = %(reduced)s, version = %(version)s, changed_at = %(changed_at)s
     WHERE country = %(country)s
"""


NOTHING: Row = {"rates": None, "vouchers": None}


class TermRows:
    """Rates of tax, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def terms(self, country: str, codes: Collection[str]) -> Known:
        """Return a country's rates of tax, and those of the vouchers that exist, in the order of their codes."""
        return known(self.tx.one(TERMS, country=country, codes=sorted(codes)) or NOTHING, country)

    def tax_rates(self) -> list[TaxRates]:
        """Return every country's rates."""
        return msgspec.convert(self.tx.all(LIST_RATES), list[TaxRates])

    def tax_rates_for_change(self, country: str) -> TaxRates:
        """Return a country's rates and lock them; a country without any so far gets a row."""
        self.tx.run(OPEN_RATES, country=country)
        return msgspec.convert(self.tx.one(LOCK_RATES, country=country), TaxRates)

    def set_tax_rates(self, rates: TaxRates) -> None:
        """Keep a country's rates."""
        self.tx.run(SET_RATES, **msgspec.structs.asdict(rates))


def known(row: Row, country: str) -> Known:
    """Return what a row tells of a country's rates and of vouchers."""
    rates = row["rates"] or {"country": country}
    return msgspec.convert({"rates": rates, "vouchers": row["vouchers"] or []}, Known)
