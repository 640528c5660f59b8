"""Addresses by country: which parts one has, and what its postal codes look like; a country without a rule takes any.

Sources: postal codes as the Universal Postal Union describes them; subdivisions of ISO 3166-2 by their last part.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from chalicelib.order.model.tax import Country
from souk.errors import Fault

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Extra = Annotated[str, msgspec.Meta(max_length=200)]


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send to; personal."""

    recipient: Text
    street: Text
    city: Text
    postal_code: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    country: Country
    extra: Extra = ""
    region: Annotated[str, msgspec.Meta(max_length=200, description="state or province: two letters in US and CA")] = ""
    phone: Extra = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What an address in a country looks like: its postal codes, one of them, and the regions it has to name one of."""

    postal_code: str
    example: str
    regions: str = ""


STATES = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA
    RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR UM VI AA AE AP
"""
# Breaks of lines would begin another header of a letter, marks of direction show another address than is written.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
PROVINCES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
FORMS: Mapping[str, Form] = {
    "AT": Form(postal_code=r"[1-9]\d{3}", example="1010"),
    "CA": Form(postal_code=r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d", example="K1A 0B1", regions=PROVINCES),
    "DE": Form(postal_code=r"\d{5}", example="10115"),
    "ES": Form(postal_code=r"(0[1-9]|[1-4]\d|5[0-2])\d{3}", example="28013"),
    "FR": Form(postal_code=r"\d{5}", example="75001"),
    "GB": Form(postal_code=r"(GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})", example="SW1A 1AA"),
    "IE": Form(postal_code=r"[A-Z]\d[\dW] ?[A-Z\d]{4}", example="D02 AF30"),
    "IT": Form(postal_code=r"\d{5}", example="00184"),
    "NL": Form(postal_code=r"[1-9]\d{3} ?[A-Z]{2}", example="1012 JS"),
    "US": Form(postal_code=r"\d{5}(-\d{4})?", example="89501", regions=STATES),
}  # fmt: skip


def faults_of(address: Address, pointer: str) -> Iterator[Fault]:
    """Say what is wrong with an address that stands at `pointer`; letters may be small."""
    yield from unprintable(address, pointer)
    form = FORMS.get(address.country)
    if form is None:
        return
    if not re.fullmatch(form.postal_code, address.postal_code.strip().upper(), re.ASCII):
        yield Fault(f"{pointer}/postal_code", f"is not one of {address.country}, such as {form.example}")
    regions = form.regions.split()
    if regions and address.region.strip().upper() not in regions:
        yield Fault(f"{pointer}/region", f"one of {', '.join(sorted(regions))}")


def unprintable(said: msgspec.Struct, pointer: str) -> Iterator[Fault]:
    """Say which texts of what stands at `pointer` hold signs that nobody writes on a parcel."""
    for name, text in msgspec.structs.asdict(said).items():
        if UNPRINTABLE.search(text):
            yield Fault(f"{pointer}/{name}", "has a sign that cannot be printed")
