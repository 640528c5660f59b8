"""Vouchers: staff make, list, read and change them; one is ended by the moment it is valid until."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from chalicelib.order.model.voucher import Code, Limit, Off, Voucher
from souk import paging
from souk.audit import Origin, audited
from souk.errors import Fault, Invalid
from souk.events import Event
from souk.markets import DEFAULT, market_of
from souk.money import Money
from souk.paging import Page, PageQuery
from souk.versions import as_seen

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
FIRST, LAST = (
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 1, 1, tzinfo=UTC),
)  # a zone may lead past the years there are


class NewVoucher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A voucher to be made: valid from now on unless it says from when."""

    code: Code
    off: Off
    market: str = DEFAULT
    usage_limit: Limit | None = None
    minimum: Money | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class VoucherEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not named stays. To end a voucher is to say until when it was valid."""

    off: Off | UnsetType = UNSET
    usage_limit: Limit | UnsetType | None = UNSET
    minimum: Money | UnsetType | None = UNSET
    valid_from: Moment | UnsetType = UNSET
    valid_until: Moment | UnsetType | None = UNSET


class VoucherQuery(PageQuery, frozen=True, kw_only=True):
    """Which vouchers to list; `text` is how the code begins."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] | None = None


class Vouchers(Protocol):
    """Vouchers in one transaction."""

    def add_voucher(self, voucher: Voucher) -> None:
        """Keep a new voucher. Raises Refused where its code is taken."""

    def voucher(self, code: str) -> Voucher:
        """Return a voucher. Raises Missing."""

    def voucher_for_change(self, code: str) -> Voucher:
        """Return a voucher and lock it. Raises Missing."""

    def change_voucher(self, voucher: Voucher) -> None:
        """Keep a changed voucher; its uses stay as they are."""

    def vouchers(self, *, after: str, limit: int, text: str | None) -> list[Voucher]:
        """Return vouchers in the order of their codes."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def create(new: NewVoucher, *, by: Origin, now: datetime, vouchers: Vouchers) -> Voucher:
    """Make a voucher. Raises Invalid, and Refused where its code is taken."""
    known = {**asdict(new), "valid_from": new.valid_from or now}
    made = _checked(Voucher(**known, created_at=now, changed_at=now))
    vouchers.add_voucher(made)
    vouchers.tell(audited(by, "voucher.create", made.code, service="order", now=now, after=made))
    return made


def listed(query: VoucherQuery, *, vouchers: Vouchers) -> Page[Voucher]:
    """Return vouchers in the order of their codes."""
    after, text = paging.unseal(query.cursor, str) or "", query.text and query.text.upper()
    found = vouchers.vouchers(after=after, limit=query.limit + 1, text=text)
    return paging.page(found, query.limit, key=lambda one: one.code)


def read(code: str, *, vouchers: Vouchers) -> Voucher:
    """Return a voucher. Raises Missing."""
    return vouchers.voucher(code.upper())


def edit(code: str, edits: VoucherEdit, *, seen: int, by: Origin, now: datetime, vouchers: Vouchers) -> Voucher:
    """Change a voucher that is still at version `seen`. Orders placed with it stay as they are.

    Raises Missing, Stale, Invalid also for a limit below what is used.
    """
    before = as_seen(vouchers.voucher_for_change(code.upper()), seen, name="voucher")
    named = {name: value for name, value in asdict(edits).items() if value is not UNSET}
    after = _checked(replace(before, **named, changed_at=now, version=before.version + 1))
    vouchers.change_voucher(after)
    trail = audited(by, "voucher.change", after.code, service="order", now=now, before=before, after=after)
    vouchers.tell(trail)
    return after


def _checked(voucher: Voucher) -> Voucher:
    if faults := list(_faults(voucher)):
        raise Invalid("the voucher cannot be kept like this", faults=faults)
    return voucher


def _faults(voucher: Voucher) -> Iterator[Fault]:
    currency = market_of(voucher.market).currency
    if voucher.minimum is not None and voucher.minimum.currency != currency:
        yield Fault("/minimum/currency", f"this market's prices are in {currency}")
    if voucher.minimum is not None and voucher.minimum.amount < 0:
        yield Fault("/minimum/amount", "a worth is not below zero")
    for name, moment in (("valid_from", voucher.valid_from), ("valid_until", voucher.valid_until)):
        if moment is not None and not FIRST <= moment < LAST:
            yield Fault(f"/{name}", f"is from {FIRST.year} on and before {LAST.year}")
    if voucher.valid_until is not None and voucher.valid_until < voucher.valid_from:
        yield Fault("/valid_until", "is before it begins")
    if voucher.usage_limit is not None and voucher.usage_limit < voucher.used:
        yield Fault("/usage_limit", f"{voucher.used} orders use it already")
