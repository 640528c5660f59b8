"""Makes the first member of staff, straight in the admin service's database."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec

from souk.errors import Invalid

if TYPE_CHECKING:
    from chalicelib.admin.model import StaffMember


def create(email: str, name: str, password: str) -> StaffMember:
    """Make an owner. Raises Invalid for what the service would refuse, Refused when the address is taken."""
    from souk_cli.apps import ROOT
    from souk_local import settings, stack

    if "ADMIN_DATABASE_URL" not in os.environ:
        os.environ.update(settings.databases(stack.here().site))
    sys.path.append(str(ROOT / "functions" / "admin"))
    from chalicelib.admin import live, model, staff
    from souk.clock import utcnow

    try:
        email, name = msgspec.convert((email, name), tuple[model.Email, model.Name])
    except msgspec.ValidationError as error:
        raise Invalid("this is not an email address, or the name is empty or too long") from error
    with live.staff() as store:
        return staff.create_owner(email, name, password, now=utcnow(), store=store)
