"""What LocalStack's queues are called beside those of RabbitMQ."""

import pytest
from bench.checkout import queues


@pytest.mark.parametrize(
    ("queue", "name"),
    [
        ("local-souk-cart-stock", "sqs souk.cart-stock"),
        ("local-souk-cart-stock-dead", "sqs souk.cart-stock.dead"),
    ],
)
def test_dead_letters_end_alike_wherever_they_lie(queue: str, name: str) -> None:
    assert queues.named(queue) == name


def test_a_shop_that_is_served_has_no_queues_of_localstack() -> None:
    assert queues.waiting("http://127.0.0.1:1") == {}
