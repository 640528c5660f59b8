"""One promise of every outbox: what waits is published, and forgotten only when it arrived."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from souk import records
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.events import Event, Fact, decoded
from souk.ids import new_id
from souk.mongo import Mongo
from souk.postgres import Database
from souk.redis import Redis
from souk_cli.bridge.carts import DirtyCarts
from souk_cli.bridge.documents import DocumentOutbox
from souk_cli.bridge.outbox import Source
from souk_cli.bridge.publisher import Message
from souk_cli.bridge.rows import RowOutbox
from souk_local.patience import until

pytestmark = [pytest.mark.stores]
COLLECTION = "outbox_trial"
# What others wait for is put aside meanwhile: without its event nobody would ever hear of a category.
ASIDE = "WITH gone AS (DELETE FROM outbox RETURNING *) SELECT jsonb_agg(to_jsonb(gone))::text AS rows FROM gone"
BACK = "INSERT INTO outbox SELECT * FROM jsonb_populate_recordset(NULL::outbox, %(rows)s::jsonb)"
# Clients of MongoDB have threads; one of each is enough.
MONGO = Mongo("product")
DOCUMENTS = DocumentOutbox("product", COLLECTION)


class Happened(Fact, frozen=True):
    TYPE = "toy.happened"


def event() -> Event:
    return Event.of(Happened(), aggregate="toy", version=1, now=utcnow())


class Rows:
    """A PostgreSQL outbox."""

    def __init__(self) -> None:
        self.source: Source = RowOutbox("catalog")
        self._database = Database("catalog")

    def write(self) -> str:
        made = event()
        with self._database.transaction() as tx:
            records.add_events(tx, made)
        return made.id

    def clear(self) -> None:
        with self._database.transaction() as tx:
            tx.run("DELETE FROM outbox")


class Documents:
    """Entries in MongoDB documents."""

    def __init__(self) -> None:
        self.source: Source = DOCUMENTS
        self._mongo = MONGO

    def write(self) -> str:
        made = event()
        entry = {"id": made.id, "type": made.type, "event": made.encoded().decode(), "at": made.occurred_at}
        with self._mongo.documents() as documents:
            documents[COLLECTION].update_one({"_id": "one"}, {"$push": {"outbox": entry}}, upsert=True)
        return made.id

    def clear(self) -> None:
        with self._mongo.documents() as documents:
            documents[COLLECTION].delete_many({})


class Carts:
    """Dirty sets in Redis; every write is another version of another cart."""

    def __init__(self) -> None:
        source = DirtyCarts()
        self.source: Source = source
        self._sources = source._redis
        self.redis = Redis("cart")
        self.version = 1_789_000_000_000_000

    def write(self, cart: str = "") -> str:
        self.version += 1
        name = cart or new_id()
        self.redis.ask(
            ("HSET", f"{{b05}}:cart:{name}", "version", self.version, "packed", msgspec.msgpack.encode({})),
            ("ZADD", "{b05}:dirty", self.version, name),
        )
        return name

    def clear(self) -> None:
        self.redis.ask(("FLUSHDB",))
        for redis in (self.redis, self._sources):
            redis.close()


@pytest.fixture(scope="module", autouse=True)
def _others(stores: dict[str, str]) -> Iterator[None]:
    database = Database("catalog")
    with database.transaction() as tx:
        rows = (tx.one(ASIDE) or {})["rows"]
    yield
    with database.transaction() as tx:
        tx.run(BACK, rows=rows or "[]")


@pytest.fixture(scope="module", autouse=True)
def _clients() -> Iterator[None]:
    yield
    for mongo in (MONGO, DOCUMENTS._mongo):
        if mongo._client is not None:
            mongo._client.close()
            mongo._client = None


Outbox = Rows | Documents | Carts


@pytest.fixture(params=[Rows, Documents, Carts], ids=lambda kind: kind.__name__)
def outbox(request: pytest.FixtureRequest, stores: dict[str, str]) -> Iterator[Outbox]:
    made: Outbox = request.param()
    made.clear()
    yield made
    made.clear()


def taking(taken: list[Message]) -> Callable[[Sequence[Message]], frozenset[str]]:
    def publish(messages: Sequence[Message]) -> frozenset[str]:
        taken.extend(messages)
        return frozenset(one.id for one in messages)

    return publish


def refusing(_: Sequence[Message]) -> frozenset[str]:
    raise Unavailable("RabbitMQ is away")


def test_what_waits_is_published_once(outbox: Outbox) -> None:
    for _ in range(3):
        outbox.write()
    taken: list[Message] = []
    assert outbox.source.pass_on(taking(taken)) == 3
    assert outbox.source.pass_on(taking(taken)) == 0
    assert len({message.id for message in taken}) == len(taken) == 3
    assert all(decoded(message.body).id == message.id for message in taken)


def test_what_did_not_arrive_waits_on(outbox: Outbox) -> None:
    outbox.write()
    with pytest.raises(Unavailable):
        outbox.source.pass_on(refusing)
    assert outbox.source.lag().unsent == 1
    assert outbox.source.pass_on(taking([])) == 1
    assert outbox.source.lag().unsent == 0


def test_what_arrived_in_part_is_forgotten_in_part(outbox: Outbox) -> None:
    for _ in range(4):
        outbox.write()
    seen: list[str] = []

    def half(messages: Sequence[Message]) -> frozenset[str]:
        seen.extend(message.id for message in messages[:2])
        return frozenset(seen)

    assert outbox.source.pass_on(half) == 2
    rest: list[Message] = []
    outbox.source.pass_on(taking(rest))
    assert not {message.id for message in rest} & set(seen)
    assert len(rest) == 2


def test_what_is_written_while_others_are_published_waits_for_its_turn(outbox: Outbox) -> None:
    outbox.write()

    def publish(messages: Sequence[Message]) -> frozenset[str]:
        outbox.write()
        return frozenset(message.id for message in messages)

    assert outbox.source.pass_on(publish) == 1
    assert outbox.source.pass_on(taking([])) == 1


def test_a_cart_that_changes_while_it_is_published_is_published_again(stores: dict[str, str]) -> None:
    carts = Carts()
    carts.clear()
    name = carts.write()

    def publish(messages: Sequence[Message]) -> frozenset[str]:
        carts.write(name)
        return frozenset(message.id for message in messages)

    assert carts.source.pass_on(publish) == 1
    taken: list[Message] = []
    assert carts.source.pass_on(taking(taken)) == 1
    assert decoded(taken[0].body).version == carts.version


def test_a_mark_of_a_cart_that_is_gone_goes_too(stores: dict[str, str]) -> None:
    carts = Carts()
    carts.clear()
    carts.redis.ask(("ZADD", "{b05}:dirty", 1, "gone"))
    assert carts.source.pass_on(taking([])) == 0
    assert carts.source.lag().unsent == 0


@pytest.mark.parametrize("packed", [b"\xc1", msgspec.msgpack.encode([1]), b""])
def test_a_cart_that_cannot_be_read_holds_no_other_up(stores: dict[str, str], packed: bytes) -> None:
    carts = Carts()
    carts.clear()
    wrong, text = carts.write(), carts.write()
    carts.redis.ask(
        ("HSET", f"{{b05}}:cart:{wrong}", "packed", packed),
        ("SET", "{b05}:cart:text", "no cart"),
        ("ZADD", "{b05}:dirty", 1, "text"),
        ("HSET", f"{{b05}}:cart:{text}", "version", "one"),
    )
    good = carts.write()
    taken: list[Message] = []
    assert carts.source.pass_on(taking(taken)) == 1
    assert [decoded(one.body).aggregate for one in taken] == [good]
    assert carts.source.lag().unsent == 0
    carts.clear()


@pytest.mark.parametrize("wrong", [{"type": 3}, {"type": "toy.happened", "id": "x"}, "text"])
def test_a_document_that_cannot_be_read_holds_no_other_up(stores: dict[str, str], wrong: object) -> None:
    outbox = Documents()
    outbox.clear()
    with MONGO.documents() as documents:
        at = utcnow() - timedelta(days=1)
        entries = [wrong, {"id": "y", "at": at}]
        documents[COLLECTION].insert_many(
            [{"_id": "wrong", "outbox": entries}, {"_id": "none", "outbox": {"at": at, "id": "z"}}]
        )
    outbox.source.purge()
    taken: list[Message] = []
    for _ in range(2):
        made = outbox.write()
        assert outbox.source.pass_on(taking(taken)) == 1
        assert taken[-1].id == made
    assert outbox.source.lag().unsent == 2
    with MONGO.documents() as documents:
        mended = event()
        entry = {"id": mended.id, "type": mended.type, "event": mended.encoded().decode(), "at": at}
        documents[COLLECTION].update_one({"_id": "wrong"}, {"$set": {"outbox": [entry]}})
    outbox.source.purge()
    assert outbox.source.pass_on(taking(taken)) == 1
    assert taken[-1].id == mended.id
    outbox.clear()


def test_a_row_is_kept_a_week_after_it_was_sent(stores: dict[str, str]) -> None:
    rows = Rows()
    rows.clear()
    for _ in range(2):
        rows.write()
    rows.source.pass_on(taking([]))
    database = Database("catalog")
    with database.transaction() as tx:
        tx.run(
            "UPDATE outbox SET sent_at = now() - interval '8 days' WHERE id = (SELECT min(id::text)::uuid FROM outbox)"
        )
    assert rows.source.purge() == 1
    rows.clear()


def test_neither_the_relay_nor_a_transaction_keeps_the_other_from_its_end(stores: dict[str, str]) -> None:
    outbox = Documents()
    outbox.clear()
    made = outbox.write()
    sent: list[str] = []

    def publish(messages: Sequence[Message]) -> frozenset[str]:
        sent.extend(one.id for one in messages)
        return frozenset(sent)

    with ThreadPoolExecutor(max_workers=1) as pool:
        with MONGO.transaction() as (documents, session):
            documents[COLLECTION].update_one({"_id": "one"}, {"$inc": {"sold": 1}}, session=session)
            relay = pool.submit(outbox.source.pass_on, publish)
            until(lambda: sent, "the relay to publish")
            for _ in range(20):  # each of them asks for the collection that the relay is about to change
                documents[COLLECTION].update_one({"_id": "another"}, {"$inc": {"sold": 1}}, session=session)
        assert relay.result(timeout=30) == 1
    assert sent == [made]
    assert outbox.source.lag().unsent == 0
