"""Quotes in PostgreSQL."""

import msgspec

from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.quote import Quote, QuoteToday
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.store.terms import RATES, known
from chalicelib.order.store.vouchers import COLUMNS
from souk.ids import is_id
from souk.plans import Planned
from souk.postgres import Transaction

ADD_QUOTE = Planned("""
    INSERT INTO quotes (id, bill, recipient, made_at, expires_at)
    SELECT %(id)s, %(bill)s, %(recipient)s, %(made_at)s, %(expires_at)s
     WHERE %(seen)s::bigint IS NULL
        OR %(seen)s = COALESCE((SELECT version FROM tax_rates WHERE country = %(country)s), 0)
 RETURNING (SELECT COALESCE(jsonb_agg(jsonb_build_object('level', to_jsonb(stock), 'rank', rank)), '[]')
              FROM stock JOIN locations ON code = location WHERE sku = ANY(%(skus)s::text[])) AS shelves
""")
READ_QUOTE = Planned(f"""
    SELECT id, bill, recipient, made_at, expires_at,
           (SELECT to_jsonb(rates) FROM (
               SELECT {RATES} FROM tax_rates WHERE country = (recipient#>>'{{shipping_address,country}}')::char(2)) rates) AS rates,
           (SELECT jsonb_agg(voucher ORDER BY code) FROM (
               SELECT {COLUMNS} FROM vouchers
                WHERE code = ANY(ARRAY(SELECT d->>'code' FROM jsonb_array_elements(bill->'discounts') AS discount (d)))) voucher
           ) AS vouchers
      FROM quotes WHERE id = %(id)s
""")  # noqa: S608 - made of constants
FORGET_QUOTES = """
    DELETE FROM quotes
     WHERE id IN (SELECT id FROM quotes WHERE expires_at < now() - interval '7 days' LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


class QuoteRows:
    """Quotes, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def add_quote(self, quote: Quote, *, under: TaxRates | None = None) -> list[Shelf] | None:
        """Keep a new quote and return how its goods lie; None where its country's rates are others than it was made `under`."""
        row = self.tx.one(
            ADD_QUOTE,
            id=quote.id,
            bill=msgspec.json.encode(quote.bill).decode(),
            recipient=msgspec.json.encode(quote.recipient).decode(),
            made_at=quote.made_at,
            expires_at=quote.expires_at,
            country=quote.recipient.shipping_address.country,
            seen=None if under is None else under.version,
            skus=list(quote.wanted),
        )
        return None if row is None else msgspec.convert(row["shelves"], list[Shelf])

    def quote(self, quote_id: str) -> QuoteToday | None:
        """Return a quote, with the rates and the vouchers it is about as they are now; None for one that is not here.

        One that an older release made, whose bill says less, is as good as forgotten.
        """
        row = self.tx.one(READ_QUOTE, id=quote_id) if is_id(quote_id) else None
        if row is None:
            return None
        try:
            quote = msgspec.convert(row, Quote)
        except msgspec.ValidationError:
            return None
        return QuoteToday(quote, known(row, quote.recipient.shipping_address.country))

    def forget_quotes(self) -> int:
        """Remove quotes a week after they expired: they hold personal data."""
        return self.tx.remove(FORGET_QUOTES)
