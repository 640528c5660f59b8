"""What waits in Redis and MongoDB becomes messages."""

import msgspec

from souk.events import decoded
from souk.ids import id_of
from souk.redis_wire import LOSSLESS
from souk_cli.bridge import carts, documents, topology


def test_a_changed_cart_is_told_as_it_is_now() -> None:
    version = 1_789_000_000_123_456
    mark = carts._Mark("b07", "c-1", "1789000000000000")
    packed = msgspec.msgpack.encode({"lines": []}).decode("utf-8", LOSSLESS)
    event = carts._event(mark, [str(version), packed, "a-history"])
    assert event is not None
    again = decoded(event.encoded())
    assert (again.type, again.aggregate, again.version) == ("cart.changed", "c-1", version)
    assert again.id == id_of("cart.changed", "c-1", version)
    assert bytes(again.data) == b'{"lines":[],"history":"a-history"}'
    assert again.occurred_at.timestamp() == version / 1_000_000


def test_a_mark_without_a_cart_is_no_event() -> None:
    assert carts._event(carts._Mark("b00", "c-1", "1"), [None, None, None]) is None


def test_an_entry_of_a_document_becomes_a_message() -> None:
    entry = {"id": "e-1", "type": "product.published", "event": '{"id":"e-1"}', "at": None}
    [message] = documents._messages([entry, entry]).values()
    assert (message.exchange, message.key, message.id) == (topology.EVENTS, "product.published", "e-1")
    assert msgspec.json.decode(message.body) == {"id": "e-1"}
