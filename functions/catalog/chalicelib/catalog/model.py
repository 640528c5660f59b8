"""Nouns and rules of the catalog service: the category tree and the types of products; pure."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from souk.errors import Fault, Invalid, Refused

DEEPEST = 8  # levels of the tree
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,59}$(?!\n)", examples=["wine"])]
AttributeName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)", examples=["vintage"])]


class State(StrEnum):
    """Whether something is there; what is removed leaves a tombstone."""

    ACTIVE = "active"
    REMOVED = "removed"


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the tree; among its siblings it is told by its slug and ordered by its position, then its name."""

    id: str
    parent_id: str | None
    name: str
    slug: str
    position: int = 0
    state: State = State.ACTIVE
    version: int = 1

    def renamed(self, name: str) -> "Category":
        """Return this category under another name, and the slug that goes with it."""
        return replace(self, name=name, slug=slug_of(name), version=self.version + 1)

    def placed(self, parent_id: str | None, position: int) -> "Category":
        """Return this category at another place."""
        return replace(self, parent_id=parent_id, position=position, version=self.version + 1)

    def touched(self) -> "Category":
        """Return this category after something above it changed, which changes its path."""
        return replace(self, version=self.version + 1)

    def removed(self) -> "Category":
        """Return this category's tombstone."""
        return replace(self, state=State.REMOVED, version=self.version + 1)


class Tree:
    """The categories that are there, by id."""

    def __init__(self, categories: list[Category]) -> None:
        """Build from categories in any order."""
        self.by_id: Mapping[str, Category] = {one.id: one for one in categories}
        self._below: dict[str | None, list[Category]] = {}
        for one in sorted(categories, key=lambda each: (each.position, each.name)):
            self._below.setdefault(one.parent_id, []).append(one)

    def children(self, category_id: str | None) -> list[Category]:
        """Return what lies directly below; None for the roots."""
        return self._below.get(category_id, [])

    def below(self, category_id: str) -> list[Category]:
        """Return everything below, nearest first."""
        found = list(self.children(category_id))
        for one in found:  # grows while it is walked
            found.extend(self.children(one.id))
        return found

    def path(self, category_id: str) -> list[Category]:
        """Return the way from the root to a category, itself last."""
        way: list[Category] = []
        step: str | None = category_id
        while step is not None:
            one = self.by_id[step]
            way.append(one)
            step = one.parent_id
        return way[::-1]

    def height(self, category_id: str) -> int:
        """Return how many levels a category and what is below it take."""
        return 1 + max((self.height(one.id) for one in self.children(category_id)), default=0)

    def check_move(self, category_id: str, parent_id: str | None) -> None:
        """Raise Refused for a place that would make a cycle, or a tree too deep."""
        if parent_id is not None and category_id in {one.id for one in self.path(parent_id)}:
            raise Refused("a category cannot lie below itself", code="cycle")
        above = 0 if parent_id is None else len(self.path(parent_id))
        if above + self.height(category_id) > DEEPEST:
            raise Refused(f"the tree is at most {DEEPEST} levels deep", code="too-deep")


class AttributeType(StrEnum):
    """What values an attribute takes."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class Attribute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One typed attribute of a type of products; `choices` are for a choice, and only for it."""

    name: AttributeName
    type: AttributeType
    required: bool = False
    choices: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=120)], ...] = ()


class ProductType(msgspec.Struct, frozen=True, kw_only=True):
    """What products of one kind have in common."""

    id: str
    code: str
    name: str
    attributes: tuple[Attribute, ...] = ()
    state: State = State.ACTIVE
    version: int = 1

    def __post_init__(self) -> None:
        """Raise Invalid for attributes that contradict themselves."""
        faults = list(_faults(self.attributes))
        if faults:
            raise Invalid("the attributes contradict themselves", faults=faults)

    def edited(self, *, name: str, attributes: tuple[Attribute, ...]) -> "ProductType":
        """Return this type with another name and other attributes; its code stays."""
        return ProductType(id=self.id, code=self.code, name=name, attributes=attributes, version=self.version + 1)

    def removed(self) -> "ProductType":
        """Return this type's tombstone."""
        return replace(self, state=State.REMOVED, version=self.version + 1)


def _faults(attributes: tuple[Attribute, ...]) -> "list[Fault]":
    faults: list[Fault] = []
    seen: set[str] = set()
    for place, one in enumerate(attributes):
        if one.name in seen:
            faults.append(Fault(f"/attributes/{place}/name", "is there twice"))
        seen.add(one.name)
        if (one.type is AttributeType.CHOICE) != bool(one.choices):
            faults.append(Fault(f"/attributes/{place}/choices", "choices go with a choice, and with nothing else"))
    return faults


def slug_of(name: str) -> str:
    """Return the form of a name that stands in addresses: plain lower-case letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "category"
