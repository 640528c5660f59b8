"""Managing the category tree. Changes of the tree wait for one another, so that two moves cannot make a cycle."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from chalicelib.catalog.events import category_changed
from chalicelib.catalog.model import DEEPEST, Category, State, Tree, slug_of
from souk.audit import Origin, audited
from souk.errors import Missing, Refused
from souk.events import Event
from souk.ids import new_id
from souk.versions import as_seen


class Categories(Protocol):
    """What keeps the tree."""

    def tree(self) -> Tree:
        """Return the tree as it is."""

    def tree_for_change(self) -> Tree:
        """Return the tree, which nobody else changes until the transaction ends."""

    def save_categories(self, categories: Iterable[Category], *events: Event, now: datetime) -> None:
        """Keep new or changed categories and put events in the outbox. Raises Refused for a sibling's slug."""


def read(category_id: str, *, store: Categories) -> tuple[Category, Tree]:
    """Return a category and the tree that it stands in. Raises Missing."""
    tree = store.tree()
    return _found(tree, category_id), tree


def create(name: str, parent_id: str | None, *, by: Origin, now: datetime, store: Categories) -> tuple[Category, Tree]:
    """Add a category below another, or as a root. Raises Missing, Refused."""
    tree = store.tree_for_change()
    if parent_id is not None and len(tree.path(_found(tree, parent_id).id)) >= DEEPEST:
        raise Refused(f"the tree is at most {DEEPEST} levels deep", code="too-deep")
    made = Category(
        id=new_id(), parent_id=parent_id, name=name, slug=slug_of(name), position=len(tree.children(parent_id))
    )
    return made, _save(tree, None, made, [], "category.create", by=by, now=now, store=store)


def rename(
    category_id: str, name: str, *, seen: int, by: Origin, now: datetime, store: Categories
) -> tuple[Category, Tree]:
    """Give a category another name; what is below it gets another path. Raises Missing, Stale, Refused."""
    tree = store.tree_for_change()
    before = as_seen(_found(tree, category_id), seen, name="category")
    after, below = before.renamed(name), [one.touched() for one in tree.below(category_id)]
    return after, _save(tree, before, after, below, "category.rename", by=by, now=now, store=store)


def move(
    category_id: str, parent_id: str | None, position: int, *, seen: int, by: Origin, now: datetime, store: Categories
) -> tuple[Category, Tree]:
    """Put a category elsewhere. Raises Missing, Stale, and Refused where it would lie below itself."""
    tree = store.tree_for_change()
    before = as_seen(_found(tree, category_id), seen, name="category")
    if parent_id is not None:
        _found(tree, parent_id)
    tree.check_move(category_id, parent_id)
    after = before.placed(parent_id, position)
    below = [one.touched() for one in tree.below(category_id)] if parent_id != before.parent_id else []
    return after, _save(tree, before, after, below, "category.move", by=by, now=now, store=store)


def remove(category_id: str, *, seen: int, by: Origin, now: datetime, store: Categories) -> None:
    """Remove a category; a tombstone stays. Raises Missing, Stale, and Refused while there is something below it."""
    tree = store.tree_for_change()
    before = as_seen(_found(tree, category_id), seen, name="category")
    if tree.children(category_id):
        raise Refused("there are categories below it: move or remove them first", code="not-empty")
    _save(tree, before, before.removed(), [], "category.remove", by=by, now=now, store=store)


def told(categories: Iterable[Category], tree: Tree, now: datetime) -> list[Event]:
    """Return the events that tell others what these categories are in `tree`."""
    return [Event.of(category_changed(one, tree), aggregate=one.id, version=one.version, now=now) for one in categories]


def _save(
    tree: Tree,
    before: Category | None,
    after: Category,
    below: list[Category],
    action: str,
    *,
    by: Origin,
    now: datetime,
    store: Categories,
) -> Tree:
    changed = [after, *below]
    there = {**tree.by_id, **{one.id: one for one in changed}}
    new_tree = Tree([one for one in there.values() if one.state is State.ACTIVE])
    entry = audited(by, action, after.id, service="catalog", now=now, before=before, after=after)
    store.save_categories(changed, *told(changed, new_tree, now), entry, now=now)
    return new_tree


def _found(tree: Tree, category_id: str) -> Category:
    if category_id not in tree.by_id:
        raise Missing("no such category")
    return tree.by_id[category_id]
