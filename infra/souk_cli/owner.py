"""Makes the first member of staff, straight in the admin service's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from souk.errors import Invalid
from souk_cli import apps, connections

if TYPE_CHECKING:
    from chalicelib.admin.model import StaffMember


def create(email: str, name: str, password: str, *, stage: str | None = None) -> StaffMember:
    """Make an owner. Raises Invalid for what the service would refuse, Refused when the address is taken.

    Raises StackError where no database is known, or nobody answers there.
    """
    connections.adopt(stage, only=connections.of_functions)
    connections.insist({"ADMIN_DATABASE_URL": "PostgreSQL"})
    apps.reach("admin")
    from chalicelib.admin import live, staff
    from souk.accounts import Email, Name
    from souk.clock import utcnow

    try:
        email, name = msgspec.convert((email, name), tuple[Email, Name])
    except msgspec.ValidationError as error:
        raise Invalid("this is not an email address, or the name is empty or too long") from error
    with live.staff() as store:
        return staff.create_owner(email, name, password, now=utcnow(), store=store)
