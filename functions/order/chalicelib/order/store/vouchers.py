"""Vouchers in PostgreSQL: locked in the order of their codes, used by a conditional update.

A cancelled order only marks its uses as released, without a lock of the voucher: whoever uses it next takes them off the
count, under its lock. So vouchers are the last rows that a transaction locks, and always all at once.
"""

from collections.abc import Collection
from datetime import datetime

import msgspec

from chalicelib.order.model.voucher import UsedUp, Voucher
from souk.errors import Missing
from souk.postgres import Transaction, beginning, unique

KEY = "vouchers_pkey"
COLUMNS = """
    code, market, off, usage_limit, minimum, valid_from, valid_until, created_at, changed_at, version,
    used - (SELECT count(*) FROM voucher_uses gone WHERE gone.code = vouchers.code AND state = 'released') AS used
"""
ADD = """
    INSERT INTO vouchers (code, market, off, usage_limit, minimum, valid_from, valid_until, created_at, changed_at)
    VALUES (%(code)s, %(market)s, %(off)s, %(usage_limit)s, %(minimum)s, %(valid_from)s, %(valid_until)s,
            %(created_at)s, %(changed_at)s)
"""
CHANGE = """
    UPDATE vouchers
       SET off = %(off)s, usage_limit = %(usage_limit)s, minimum = %(minimum)s, valid_from = %(valid_from)s,
           valid_until = %(valid_until)s, changed_at = %(changed_at)s, version = %(version)s
     WHERE code = %(code)s
"""
READ = f"SELECT {COLUMNS} FROM vouchers WHERE code = %(code)s"  # noqa: S608 - made of constants
# By then its count is without what was released. One that was not there yet for the lock is read under it all the same.
READ_LOCKED = "SELECT * FROM vouchers WHERE code = %(code)s FOR NO KEY UPDATE"
LIST = f"""
    SELECT {COLUMNS} FROM vouchers
     WHERE code > %(after)s AND (%(text)s::text IS NULL OR code LIKE %(text)s)
     ORDER BY code
     LIMIT %(limit)s
"""  # noqa: S608 - made of constants
LOCK = "SELECT code FROM vouchers WHERE code = ANY(%(codes)s) ORDER BY code FOR NO KEY UPDATE"
RETURN = """
    WITH returned AS (
        UPDATE voucher_uses SET state = 'returned' WHERE code = ANY(%(codes)s) AND state = 'released' RETURNING code
    )
    UPDATE vouchers SET used = used - gone.uses
      FROM (SELECT code, count(*) AS uses FROM returned GROUP BY code) gone
     WHERE vouchers.code = gone.code
"""
USE = """
    WITH returned AS (
        UPDATE voucher_uses SET state = 'returned' WHERE code = ANY(%(codes)s) AND state = 'released' RETURNING code
    ), wanted AS (
        SELECT code, (SELECT count(*) FROM returned WHERE returned.code = given.code) AS gone
          FROM unnest(%(codes)s::text[]) AS given (code)
    )
    UPDATE vouchers SET used = used - gone + 1
      FROM wanted
     WHERE vouchers.code = wanted.code AND (usage_limit IS NULL OR used - gone < usage_limit)
 RETURNING vouchers.code
"""


class VoucherRows:
    """Vouchers, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def add_voucher(self, voucher: Voucher) -> None:
        """Keep a new voucher. Raises Refused where its code is taken."""
        with unique(KEY, "there is a voucher with that code", code="voucher-taken"):
            self.tx.run(ADD, **_columns(voucher))

    def voucher(self, code: str) -> Voucher:
        """Return a voucher. Raises Missing."""
        return self._read(READ, code)

    def voucher_for_change(self, code: str) -> Voucher:
        """Return a voucher and lock it, its count without what was released. Raises Missing."""
        self.tx.later(LOCK, codes=[code])
        self.tx.later(RETURN, codes=[code])
        return self._read(READ_LOCKED, code)

    def change_voucher(self, voucher: Voucher) -> None:
        """Keep a changed voucher; its uses stay as they are."""
        self.tx.run(CHANGE, **_columns(voucher))

    def vouchers(self, *, after: str, limit: int, text: str | None) -> list[Voucher]:
        """Return vouchers in the order of their codes, those whose code begins with `text`."""
        begins = None if text is None else beginning(text)
        return msgspec.convert(self.tx.all(LIST, after=after, text=begins, limit=limit), list[Voucher])

    def use(self, codes: Collection[str]) -> None:
        """Use vouchers once more, at the end of what locks anything. Raises UsedUp."""
        if not codes:
            return
        wanted = sorted(set(codes))
        self.tx.later(LOCK, codes=wanted)
        used = {row["code"] for row in self.tx.all(USE, codes=wanted)}
        if lacking := set(wanted) - used:
            raise UsedUp(lacking)

    def _read(self, sql: str, code: str) -> Voucher:
        row = self.tx.one(sql, code=code)
        if row is None:
            raise Missing(f"there is no voucher {code}")
        return msgspec.convert(row, Voucher)


def _columns(voucher: Voucher) -> dict[str, str | int | datetime | None]:
    columns = msgspec.structs.asdict(voucher)
    minimum = voucher.minimum and msgspec.json.encode(voucher.minimum).decode()
    return {**columns, "minimum": minimum}
