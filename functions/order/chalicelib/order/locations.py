"""Locations: where stock lies; orders take from the one of the lowest rank first."""

from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.stock import Location, Site
from souk.audit import Origin, audited
from souk.errors import Refused
from souk.events import Event
from souk.versions import as_seen

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Rank = Annotated[int, msgspec.Meta(ge=0, le=1_000, description="orders take from the lowest first")]


class NewSite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A location to be."""

    code: Location
    name: Name
    rank: Rank = 1


class SiteChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes different of a location."""

    name: Name | None = None
    rank: Rank | None = None


class Sites(Protocol):
    """Locations in one transaction."""

    def sites(self) -> list[Site]:
        """Return all locations by rank."""

    def site_for_change(self, code: str) -> Site:
        """Return a location and lock it. Raises Missing."""

    def add_site(self, site: Site) -> bool:
        """Keep a new location; False when there is one of that code."""

    def save_site(self, site: Site) -> None:
        """Keep a changed location."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def add(wish: NewSite, *, by: Origin, now: datetime, sites: Sites) -> Site:
    """Open a location. Raises Refused when there is one of that code."""
    site = Site(code=wish.code, name=wish.name, rank=wish.rank, version=1, changed_at=now)
    if not sites.add_site(site):
        raise Refused(f"there is a location {wish.code}", code="taken")
    sites.tell(audited(by, "location.add", site.code, service="order", now=now, before=None, after=site))
    return site


def change(code: str, wish: SiteChange, *, seen: int, by: Origin, now: datetime, sites: Sites) -> Site:
    """Call a location something else, or rank it anew. Raises Missing, Stale."""
    before = as_seen(sites.site_for_change(code), seen, name="location")
    after = replace(
        before,
        name=wish.name or before.name,
        rank=before.rank if wish.rank is None else wish.rank,
        version=before.version + 1,
        changed_at=now,
    )
    sites.save_site(after)
    sites.tell(audited(by, "location.change", code, service="order", now=now, before=before, after=after))
    return after
