"""How often the relay looks, and whom it makes look."""

from collections.abc import Sequence

from souk.errors import Unavailable
from souk_cli.bridge.outbox import Lag, Publish, deaf
from souk_cli.bridge.patience import BUSY, IDLE, LINGER
from souk_cli.bridge.publisher import Message
from souk_cli.bridge.relay import FULL, Relay
from souk_cli.bridge.topology import Line


class Outbox:
    looked_after = True

    def __init__(self, service: str, *kinds: str) -> None:
        self.name = self.service = service
        self.busy = BUSY
        self.kinds = list(kinds)

    listen = staticmethod(deaf)

    def pass_on(self, publish: Publish) -> int:
        kinds, self.kinds = self.kinds, []
        return len(publish([Message(exchange="e", key=kind, id=str(n), body=b"") for n, kind in enumerate(kinds)]))

    def lag(self) -> Lag:
        if not self.looked_after:
            raise Unavailable("there is too much of it to be counted in time")
        return Lag(unsent=0, oldest_seconds=0.0)

    def purge(self) -> int:
        return 0


def published(messages: Sequence[Message]) -> frozenset[str]:
    return frozenset(one.id for one in messages)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def relay(*outboxes: Outbox, clock: Clock | None = None) -> Relay:
    lines = [Line(consumer="order-submissions", types=("cart.submitted",)), Line(consumer="cart-stock", types=("x",))]
    return Relay(outboxes, published, lines, clock or Clock())


def test_a_source_is_looked_at_at_once_while_much_is_found_and_soon_after_a_little() -> None:
    outbox = Outbox("cart", *["x"] * FULL)
    (sender,) = relay(outbox).senders
    assert sender.turn() == 0.0
    outbox.kinds = ["x"]
    assert sender.turn() == BUSY


def test_those_who_hear_of_something_are_looked_at_often() -> None:
    clock = Clock()
    cart, order, catalog = relay(
        Outbox("cart", "cart.submitted"), Outbox("order"), Outbox("catalog"), clock=clock
    ).senders
    clock.now += LINGER + 1
    for _ in range(20):
        idle = order.turn(), catalog.turn()
    assert idle == (IDLE, IDLE)
    cart.turn()
    assert (order.turn(), catalog.turn()) == (BUSY, IDLE)


def test_an_outbox_that_cannot_be_counted_is_sent_all_the_same() -> None:
    clock, outbox = Clock(), Outbox("cart")
    outbox.looked_after = False
    (sender,) = relay(outbox, clock=clock).senders
    for _ in range(3):
        clock.now += LINGER
        outbox.kinds = ["x"]
        sender.turn()
    assert (sender.sent, sender.trouble) == (3, "")
