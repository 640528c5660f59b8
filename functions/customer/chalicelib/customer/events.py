"""What the customer service tells others; no personal data."""

from typing import ClassVar

from souk.audit import Audited
from souk.events import Fact, catalogue


class CustomerRegistered(Fact, frozen=True, kw_only=True):
    """Somebody became a customer."""

    TYPE: ClassVar[str] = "customer.registered"

    customer_id: str


PUBLISHES = catalogue(CustomerRegistered, Audited)
