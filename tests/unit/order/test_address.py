"""Addresses: what a country's look like, and where one that does not is pointed at."""

import pytest
from msgspec.structs import replace

from chalicelib.order.model.address import FORMS, Address, faults_of
from souk.markets import MARKETS

ADDRESS = Address(recipient="Ada", street="1 Mill Lane", city="Somewhere", postal_code="", country="US")
GOOD = [
    ("US", "89501", "NV"),
    ("US", "89501-1234", "nv"),
    ("CA", "K1A 0B1", "ON"),
    ("CA", "k1a0b1", "on"),
    ("GB", "SW1A 1AA", ""),
    ("GB", "M1 1AE", ""),
    ("GB", "EC1A1BB", ""),
    ("IE", "D02 AF30", ""),
    ("DE", "01067", ""),
    ("FR", "75001", ""),
    ("NL", "1012 JS", ""),
    ("AT", "1010", ""),
    ("ES", "08001", ""),
    ("IT", "00184", ""),
    ("JP", "anything", ""),
]
BAD = [
    ("US", "8950", "NV", ["postal_code"]),
    ("US", "89501", "", ["region"]),
    ("US", "89501", "ON", ["region"]),
    ("US", "٨٩٥٠١", "NV", ["postal_code"]),
    ("CA", "89501", "NV", ["postal_code", "region"]),
    ("CA", "D1A 0B1", "ON", ["postal_code"]),
    ("DE", "1011", "", ["postal_code"]),
    ("GB", "12345", "", ["postal_code"]),
    ("AT", "0110", "", ["postal_code"]),
    ("ES", "53001", "", ["postal_code"]),
    ("NL", "1012", "", ["postal_code"]),
]


def faults(country: str, postal_code: str, region: str) -> list[str]:
    written = replace(ADDRESS, country=country, postal_code=postal_code, region=region)
    return [fault.pointer for fault in faults_of(written, "/shipping_address")]


@pytest.mark.parametrize(("country", "postal_code", "region"), GOOD)
def test_an_address_as_people_there_write_it_is_taken(country: str, postal_code: str, region: str) -> None:
    assert faults(country, postal_code, region) == []


@pytest.mark.parametrize(("country", "postal_code", "region", "wrong"), BAD)
def test_what_is_wrong_with_an_address_is_pointed_at(
    country: str, postal_code: str, region: str, wrong: list[str]
) -> None:
    assert faults(country, postal_code, region) == [f"/shipping_address/{one}" for one in wrong]


def test_every_country_that_we_ship_to_has_its_form() -> None:
    assert {country for market in MARKETS.values() for country in market.countries} <= FORMS.keys()


@pytest.mark.parametrize("country", FORMS)
def test_the_example_that_people_are_shown_is_a_good_one(country: str) -> None:
    region = FORMS[country].regions.split()[:1]
    assert faults(country, FORMS[country].example, "".join(region)) == []
