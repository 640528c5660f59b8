"""Categories, types of products and events to give to keepers."""

from chalicelib.catalog.events import product_type_changed
from chalicelib.catalog.model import Attribute, AttributeType, Category, ProductType
from souk.clock import utcnow
from souk.events import Event
from souk.ids import new_id

NOW = utcnow()
COLOR = Attribute(name="color", type=AttributeType.CHOICE, required=True, choices=("red", "white"))
VINTAGE = Attribute(name="vintage", type=AttributeType.NUMBER)


def category(parent: Category | None = None, *, slug: str = "", position: int = 0) -> Category:
    own = new_id()
    return Category(
        id=own, parent_id=parent.id if parent else None, name=slug or own, slug=slug or own, position=position
    )


def kind(*attributes: Attribute, code: str = "") -> ProductType:
    return ProductType(id=new_id(), code=code or f"t{new_id()}", name="Wine", attributes=attributes)


def event() -> Event:
    return Event.of(product_type_changed(kind()), aggregate=new_id(), version=1, now=NOW)
