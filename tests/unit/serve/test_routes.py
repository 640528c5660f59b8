"""An address finds its route as in API Gateway."""

import pytest

from souk_cli.serve.routes import Routes

ROUTES = Routes(
    [
        "/",
        "/orders",
        "/orders/{order_id}",
        "/orders/latest",
        "/orders/{order_id}/shipments/{shipment_id}",
        "/files/{path+}",
        "/{proxy+}",
    ]
)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/orders", "/orders"),
        ("/orders/latest", "/orders/latest"),
        ("/orders/17", "/orders/{order_id}"),
        ("/orders/17/shipments/3", "/orders/{order_id}/shipments/{shipment_id}"),
        ("/orders/17/nothing", "/{proxy+}"),
        ("/files/a/b", "/files/{path+}"),
        ("/orders/", "/{proxy+}"),
        ("/else", "/{proxy+}"),
    ],
)
def test_exact_routes_win_over_parts_and_those_over_greedy_ones(path: str, template: str) -> None:
    found = ROUTES.find(path)
    assert found is not None
    assert found.template == template


def test_an_address_without_a_route_is_not_found() -> None:
    assert Routes(["/orders"]).find("/order") is None


def test_a_dot_in_a_template_is_only_a_dot() -> None:
    assert Routes(["/{name}/openapi.json"]).find("/x/openapi-json") is None


@pytest.mark.parametrize(
    ("path", "part"), [("/orders/a b", "a%20b"), ("/orders/käse", "k%C3%A4se"), ("/orders/50%", "50%25")]
)
def test_parts_are_percent_encoded_as_api_gateway_passes_them(path: str, part: str) -> None:
    found = ROUTES.find(path)
    assert found is not None
    assert found.parts == {"order_id": part}


def test_a_greedy_part_keeps_its_slashes() -> None:
    found = ROUTES.find("/files/a b/c")
    assert found is not None
    assert found.parts == {"path": "a%20b/c"}
