"""Whatever staff do to categories, they stay a tree, and whoever listens to what is told knows the same one."""

from collections.abc import Callable
from datetime import UTC, datetime

from contract.catalog.memory import MemoryCatalog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from chalicelib.catalog import categories, imports
from chalicelib.catalog.events import CategoryChanged, Step
from chalicelib.catalog.model import DEEPEST, Category, Tree
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.errors import Missing, Refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BY = Origin(Caller(kind=Kind.STAFF, subject="ada"))
names = st.sampled_from(["Tea", "Wine", "Fruit & Veg", "fruit veg", "日本"])


class Replica:
    """What somebody knows who hears of every change, in the order of versions."""

    def __init__(self) -> None:
        self.known: dict[str, CategoryChanged] = {}
        self._heard = 0
        self._versions: dict[str, int] = {}

    def listen(self, store: MemoryCatalog) -> None:
        for event in store.outbox[self._heard :]:
            if event.type == CategoryChanged.TYPE:
                assert event.version == self._versions.get(event.aggregate, 0) + 1, (
                    "no version is told twice or left out"
                )
                self._versions[event.aggregate] = event.version
                self.known[event.aggregate] = event.read(CategoryChanged)
        self._heard = len(store.outbox)


class Staff(RuleBasedStateMachine):
    """Staff make, rename, move and remove categories, among them some that are gone, while others come from elsewhere."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.store, self.replica = MemoryCatalog(), Replica()

    @initialize(target=made, first=st.integers(1, DEEPEST), second=st.integers(1, DEEPEST))
    def grow(self, first: int, second: int) -> MultipleResults[str | None]:
        ways: list[str | None] = []
        for name, levels in (("Food", first), ("Drinks", second)):
            above: str | None = None
            for _ in range(levels):
                above = self._made(name, above)
                ways.append(above)
        return multiple(*ways)

    @rule(target=made, name=names, parent=made)
    def create(self, name: str, parent: str | None) -> str | None:
        return self._made(name, parent)

    @rule(target=made, name=names)
    def plant(self, name: str) -> str | None:
        return self._made(name, None)

    def _made(self, name: str, parent: str | None) -> str | None:
        made: list[str] = []

        def make(_: int) -> None:
            made.append(categories.create(name, parent, by=BY, now=NOW, store=self.store)[0].id)

        self._try(make, None)
        return made[0] if made else parent

    @rule(which=made, name=names)
    def rename(self, which: str | None, name: str) -> None:
        self._try(lambda seen: categories.rename(which or "", name, seen=seen, by=BY, now=NOW, store=self.store), which)

    @rule(which=made, parent=st.none() | made, position=st.integers(0, 3))
    def move(self, which: str | None, parent: str | None, position: int) -> None:
        self._try(
            lambda seen: categories.move(which or "", parent, position, seen=seen, by=BY, now=NOW, store=self.store),
            which,
        )

    @rule(target=made, name=names)
    def bring_in(self, name: str) -> str:
        """An import adds a root of its own, again after staff removed it."""
        imports.import_categories([(name,)], now=NOW, store=self.store)
        return imports.category_id((name,))

    @rule(which=consumes(made))
    def remove(self, which: str | None) -> None:
        self._try(lambda seen: categories.remove(which or "", seen=seen, by=BY, now=NOW, store=self.store), which)

    def _try(self, change: Callable[[int], object], which: str | None) -> None:
        """Change something as it was seen; what is refused changes and tells nothing."""
        before, told = self.store.tree().by_id, list(self.store.outbox)
        seen = before[which].version if which is not None and which in before else 1
        try:
            change(seen)
        except (Missing, Refused):
            assert (self.store.tree().by_id, self.store.outbox) == (before, told)

    @invariant()
    def it_is_a_tree(self) -> None:
        tree = self.store.tree()
        reached = [one for root in tree.children(None) for one in [root, *tree.below(root.id)]]
        assert len(reached) == len({one.id for one in reached}) == len(tree.by_id)

    @invariant()
    def it_is_not_too_deep(self) -> None:
        tree = self.store.tree()
        assert all(len(tree.path(one)) <= DEEPEST for one in tree.by_id)

    @invariant()
    def siblings_differ_in_their_slug(self) -> None:
        places = [(one.parent_id, one.slug) for one in self.store.tree().by_id.values()]
        assert len(places) == len(set(places))

    @invariant()
    def whoever_listens_knows_the_same_tree(self) -> None:
        self.replica.listen(self.store)
        tree = self.store.tree()
        there = {one: fact for one, fact in self.replica.known.items() if fact.state == "active"}
        assert there.keys() == tree.by_id.keys()
        assert all(fact.path == way(tree, one) for one, fact in there.items())
        assert all((fact.parent_id, fact.name) == said(tree.by_id[one]) for one, fact in there.items())


def way(tree: Tree, category_id: str) -> list[Step]:
    return [Step(one.id, one.name, one.slug) for one in tree.path(category_id)]


def said(category: Category) -> tuple[str | None, str]:
    return category.parent_id, category.name


TestStaff = Staff.TestCase
TestStaff.settings = settings(max_examples=100, stateful_step_count=30)
