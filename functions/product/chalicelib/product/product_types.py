"""Product types: which attributes products of a kind have, and what they may hold."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from chalicelib.product.model import Attributes, Details
from souk.errors import Fault, Invalid


class Kind(StrEnum):
    """What an attribute holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class Attribute(Struct, frozen=True, kw_only=True):
    """One attribute of a product type."""

    name: str
    type: Kind = Kind.TEXT
    required: bool = False
    choices: list[str] = []


class ProductType(Struct, frozen=True, kw_only=True):
    """What is known of a product type of the catalog, as of its version."""

    id: str
    version: int
    code: str
    name: str
    attributes: list[Attribute] = []
    removed: bool = False

    def check(self, details: Details) -> None:
        """Raise Invalid where attributes do not fit; those that the type does not name are free."""
        if faults := [*self._unfit(details), *self._absent(details)]:
            raise Invalid(f"the attributes do not fit the type {self.code}", faults=faults)

    def _unfit(self, details: Details) -> Iterator[Fault]:
        yield from self._unfit_in(details.attributes, "/attributes")
        for number, sku in enumerate(details.skus):
            yield from self._unfit_in(sku.attributes, f"/skus/{number}/attributes")

    def _unfit_in(self, given: Attributes, where: str) -> Iterator[Fault]:
        for attribute in self.attributes:
            if attribute.name in given and (wrong := WRONG[attribute.type](given[attribute.name], attribute)):
                yield Fault(f"{where}/{attribute.name}", wrong)

    def _absent(self, details: Details) -> Iterator[Fault]:
        """Find what is required and neither the product's nor every SKU's."""
        for attribute in self.attributes:
            by_sku = bool(details.skus) and all(attribute.name in sku.attributes for sku in details.skus)
            if attribute.required and attribute.name not in details.attributes and not by_sku:
                yield Fault(f"/attributes/{attribute.name}", "is required")


def _wrong_text(value: object, _: Attribute) -> str:
    return "" if isinstance(value, str) else "is a text"


def _wrong_number(value: object, _: Attribute) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) else "is a number"


def _wrong_boolean(value: object, _: Attribute) -> str:
    return "" if isinstance(value, bool) else "is true or false"


def _wrong_choice(value: object, attribute: Attribute) -> str:
    chosen = value if isinstance(value, list) else [value]
    return "" if set(map(str, chosen)) <= set(attribute.choices) else f"is one of {', '.join(attribute.choices)}"


WRONG: Mapping[Kind, Callable[[object, Attribute], str]] = {
    Kind.TEXT: _wrong_text,
    Kind.NUMBER: _wrong_number,
    Kind.BOOLEAN: _wrong_boolean,
    Kind.CHOICE: _wrong_choice,
}
