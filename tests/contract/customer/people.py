"""Customers, addresses and events to give to keepers."""

from datetime import timedelta

from chalicelib.customer.events import CustomerRegistered
from chalicelib.customer.model import Address, Customer, PostalAddress
from souk.clock import utcnow
from souk.events import Event
from souk.ids import new_id

NOW = utcnow()
HOME = PostalAddress(recipient="Ada", street="1 Main St", city="Springfield", postal_code="12345", country="US")


def customer(*, email: str = "", name: str = "Ada", minutes: int = 0) -> Customer:
    """Return somebody who registered so many minutes ago."""
    who = new_id()
    return Customer(id=who, email=email or f"{who}@example.com", name=name, created_at=NOW - timedelta(minutes=minutes))


def address(city: str = "Springfield") -> Address:
    return Address(
        id=new_id(),
        recipient="Ada",
        street="1 Main St",
        city=city,
        postal_code="12345",
        country="US",
        extra="c/o Grace",
        region="IL",
        phone="+1 555 0100",
    )


def event(customer_id: str = "") -> Event:
    who = customer_id or new_id()
    return Event.of(CustomerRegistered(customer_id=who), aggregate=who, version=1, now=NOW)
