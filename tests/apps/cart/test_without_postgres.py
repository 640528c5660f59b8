"""While PostgreSQL is away carts are shown as they were last seen, and nothing is half done."""

from collections.abc import Iterator

import pytest

from chalicelib.cart import live
from souk.ids import id_of, new_id

from .conftest import Shop, Shopper, told

pytestmark = pytest.mark.stores


class Postgres:
    """Can be taken away and given back."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def leave(self) -> None:
        live.database._drop()
        self._patch.setenv("CART_DATABASE_URL", "postgresql://cart_app@127.0.0.1:1/souk_cart")

    def come_back(self) -> None:
        self._patch.undo()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with pytest.MonkeyPatch.context() as patch:
        yield Postgres(patch)


@pytest.fixture
def tea(shop: Shop, guest: Shopper) -> str:
    sku = shop.sell()
    guest.add(sku, 2)
    return sku


def test_a_cart_is_shown_as_it_was_last_seen(guest: Shopper, tea: str, postgres: Postgres) -> None:
    postgres.leave()
    seen = guest.look()
    assert (seen["degraded"], seen["lines"][0]["title"], seen["subtotal"]["amount"]) == (True, "Tea, 500 g", 500)


def test_amounts_change_and_nothing_new_is_added(guest: Shopper, tea: str, postgres: Postgres) -> None:
    postgres.leave()
    assert guest("PUT", f"/lines/{tea}", {"quantity": 5}).status == 200
    assert (guest.add(tea).status, guest.look()["item_count"]) == (503, 5)


def test_a_submission_is_finished_by_sending_it_again(guest: Shopper, tea: str, postgres: Postgres) -> None:
    wish = {"quote_id": new_id(), "total": {"amount": 500, "currency": "USD"}}
    seen = f'"{guest.look()["version"]}"'
    postgres.leave()
    assert guest("POST", "/submission", wish, if_match=seen).status == 503
    postgres.come_back()
    again = guest("POST", "/submission", wish, if_match=seen)
    assert (again.status, again.body["order_id"]) == (202, id_of("order", guest.cart, 1))
    assert len(told(guest.cart)) == 1
