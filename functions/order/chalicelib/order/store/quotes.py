"""Quotes in PostgreSQL."""

import msgspec

from chalicelib.order.model.quote import Quote
from souk.ids import is_id
from souk.postgres import Transaction

ADD_QUOTE = """
    INSERT INTO quotes (id, bill, recipient, made_at, expires_at)
    VALUES (%(id)s, %(bill)s, %(recipient)s, %(made_at)s, %(expires_at)s)
"""
READ_QUOTE = "SELECT id, bill, recipient, made_at, expires_at FROM quotes WHERE id = %(id)s"
FORGET_QUOTES = "DELETE FROM quotes WHERE expires_at < now() - interval '7 days'"


class QuoteRows:
    """Quotes, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def add_quote(self, quote: Quote) -> None:
        """Keep a new quote."""
        self.tx.run(
            ADD_QUOTE,
            id=quote.id,
            bill=msgspec.json.encode(quote.bill).decode(),
            recipient=msgspec.json.encode(quote.recipient).decode(),
            made_at=quote.made_at,
            expires_at=quote.expires_at,
        )

    def quote(self, quote_id: str) -> Quote | None:
        """Return a quote, None for one that does not exist (any more)."""
        row = self.tx.one(READ_QUOTE, id=quote_id) if is_id(quote_id) else None
        return None if row is None else msgspec.convert(row, Quote)

    def forget_quotes(self) -> int:
        """Remove quotes a week after they expired: they hold personal data."""
        return self.tx.run(FORGET_QUOTES)
