"""Locations in PostgreSQL."""

import msgspec

from chalicelib.order.model.stock import Site
from souk.errors import Missing
from souk.postgres import Transaction

READ_SITES = "SELECT * FROM locations ORDER BY rank, code"
READ_SITE = "SELECT * FROM locations WHERE code = %(code)s"
READ_LOCKED = "SELECT * FROM locations WHERE code = %(code)s FOR NO KEY UPDATE"
ADD_SITE = """
    INSERT INTO locations (code, name, rank, version, changed_at)
    VALUES (%(code)s, %(name)s, %(rank)s, %(version)s, %(changed_at)s)
    ON CONFLICT DO NOTHING
"""
SAVE_SITE = """
    UPDATE locations SET name = %(name)s, rank = %(rank)s, version = %(version)s, changed_at = %(changed_at)s
     WHERE code = %(code)s
"""


class SiteRows:
    """Locations, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def sites(self) -> list[Site]:
        """Return all locations by rank."""
        return msgspec.convert(self.tx.all(READ_SITES), list[Site])

    def site(self, code: str) -> Site:
        """Return a location. Raises Missing."""
        return self._site(READ_SITE, code)

    def site_for_change(self, code: str) -> Site:
        """Return a location, locked until the transaction ends. Raises Missing."""
        return self._site(READ_LOCKED, code)

    def _site(self, sql: str, code: str) -> Site:
        row = self.tx.one(sql, code=code)
        if row is None:
            raise Missing(f"there is no location {code}")
        return msgspec.convert(row, Site)

    def add_site(self, site: Site) -> bool:
        """Keep a new location; False when there is one of that code."""
        return self.tx.run(ADD_SITE, **msgspec.structs.asdict(site)) == 1

    def save_site(self, site: Site) -> None:
        """Keep a changed location."""
        self.tx.run(SAVE_SITE, **msgspec.structs.asdict(site))
