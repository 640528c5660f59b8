"""What shoppers ask for when they open a cart, change a line or merge two carts."""

from typing import Annotated

import msgspec

from chalicelib.cart.lines import MOST_OF_ONE, Change, Merging, Quantity, Step, Words
from souk.errors import Fault, Invalid
from souk.markets import DEFAULT

Name = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$(?!\n)", description="a name of the customer's own")
]


class NewCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the shopper shops; and for customers a name, under which the same open cart is found from every device."""

    market: str = DEFAULT
    name: Name | None = None


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a line is to hold."""

    quantity: Quantity


class Revision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change in a line: how much it holds, or by how much more or less; its note; saved for later or not.

    A line that would hold nothing goes.
    """

    quantity: Annotated[int, msgspec.Meta(ge=0, le=MOST_OF_ONE)] | None = None
    by: Step | None = None
    note: Words | None = None
    later: bool | None = None

    def change(self, sku: str) -> Change:
        """Return the change of that SKU's line. Raises Invalid where it says both how much and by how much."""
        if self.quantity is not None and self.by is not None:
            raise Invalid("say how much, or by how much", faults=[Fault("/by", "beside a quantity")])
        return Change(sku=sku, quantity=self.quantity, by=self.by or 0, note=self.note, later=self.later)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cart whose lines are moved, and the token it is held by; none for a cart of the same customer.

    By its strategy quantities of the same SKU add up, the larger one counts, or these lines take the place of all others.
    """

    source: str
    source_token: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    strategy: Merging = Merging.SUM
