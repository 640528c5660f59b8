"""What shoppers are shown."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from chalicelib.cart.model import Cart, Line
from chalicelib.cart.views import Note, Shelved, view
from souk.money import Money

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def usd(amount: int) -> Money:
    return Money(amount, "USD")


def shelved(*, published: bool = True, price: int = 250, available: int | None = 5, title: str = "") -> Shelved:
    return Shelved(
        sku="a",
        product_id="p",
        version=1,
        published=published,
        title=title,
        product_title="Tea",
        slug="tea",
        prices={"default": usd(price)},
        available=available,
    )


def cart(quantity: int) -> Cart:
    line = Line(sku="a", product_id="p", product_version=1, title="Old tea", price=usd(250), quantity=quantity)
    return Cart(id="c", version=1, lines=(line,), created_at=NOW, changed_at=NOW)


@pytest.mark.parametrize(
    ("known", "notes"),
    [
        (shelved(), ()),
        (shelved(price=300), (Note.PRICE_CHANGED,)),
        (shelved(available=1), (Note.NOT_ENOUGH,)),
        (shelved(available=0), (Note.OUT_OF_STOCK,)),
        (shelved(available=None), ()),
        (replace(shelved(available=2), ready=1), (Note.BACK_ORDER,)),
        (replace(shelved(available=1), ready=1), (Note.NOT_ENOUGH,)),
        (replace(shelved(available=9), ready=9, released_on=NOW.date()), (Note.PRE_ORDER,)),
        (shelved(published=False), (Note.UNAVAILABLE,)),
    ],
)
def test_a_line_is_noted_as_it_is_now(known: Shelved, notes: tuple[Note, ...]) -> None:
    assert view(cart(2), {"a": known}, degraded=False).lines[0].notes == notes


def test_a_line_says_how_many_are_not_there_yet_and_when_they_come() -> None:
    coming = replace(shelved(available=9), ready=1, expected_on=NOW.date())
    [line] = view(cart(2), {"a": coming}, degraded=False).lines
    assert (line.awaited, line.due_on) == (1, NOW.date())
    [line] = view(cart(1), {"a": coming}, degraded=False).lines
    assert (line.awaited, line.due_on) == (0, None)


def test_what_is_not_sold_any_more_costs_nothing() -> None:
    assert view(cart(2), {}, degraded=False).subtotal == usd(0)
    assert view(cart(2), {"a": shelved(published=False)}, degraded=False).subtotal == usd(0)


def test_without_its_replica_a_cart_shows_what_was_seen_when_adding() -> None:
    [line] = view(cart(2), None, degraded=True).lines
    assert (line.title, line.total, line.notes) == ("Old tea", usd(500), ())


@pytest.mark.parametrize(("title", "name"), [("", "Tea"), ("Tea", "Tea"), ("500 g", "Tea, 500 g")])
def test_a_sku_is_named_by_what_says_more(title: str, name: str) -> None:
    assert shelved(title=title).name == name
