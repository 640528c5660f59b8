"""What shoppers are shown."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from chalicelib.cart.lines import Line
from chalicelib.cart.model import Cart
from chalicelib.cart.views import Code, Shelved, view
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
    ("known", "problems"),
    [
        (shelved(), []),
        (shelved(price=300), [(Code.PRICE_CHANGED, None)]),
        (shelved(available=1), [(Code.NOT_ENOUGH, 1)]),
        (shelved(available=0), [(Code.OUT_OF_STOCK, 0)]),
        (shelved(available=None), []),
        (replace(shelved(available=2), ready=1), [(Code.BACK_ORDER, None)]),
        (replace(shelved(available=1), ready=1), [(Code.NOT_ENOUGH, 1)]),
        (replace(shelved(available=9), ready=9, released_on=NOW.date()), [(Code.PRE_ORDER, None)]),
        (shelved(published=False), [(Code.NO_LONGER_SOLD, None)]),
    ],
)
def test_what_is_the_matter_with_a_line_is_said(known: Shelved, problems: list[tuple[Code, int | None]]) -> None:
    [seen] = view(cart(2), {"a": known}, degraded=False).lines
    assert [(one.code, one.left) for one in seen.problems] == problems
    assert all(one.detail for one in seen.problems)


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
    assert (line.title, line.total, line.problems) == ("Old tea", usd(500), ())


@pytest.mark.parametrize(("title", "name"), [("", "Tea"), ("Tea", "Tea"), ("500 g", "Tea, 500 g")])
def test_a_sku_is_named_by_what_says_more(title: str, name: str) -> None:
    assert shelved(title=title).name == name
