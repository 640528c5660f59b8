"""What every service may rely on when it speaks to Redis."""

import threading
from collections.abc import Iterator

import pytest

import souk.redis
from souk.errors import Unavailable
from souk.ids import new_id
from souk.redis import Redis, Script, as_bytes
from souk.redis_wire import Place, Refusal

pytestmark = pytest.mark.stores
PUT = Script.of("redis.call('SET', KEYS[1], ARGV[2], 'EX', 60) return {ARGV[1], redis.call('GET', KEYS[1])}")
COUNT = Script.of("redis.call('EXPIRE', KEYS[1], 60) return redis.call('INCR', KEYS[1])")


@pytest.fixture
def redis(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(souk.redis, "REPLICAS_WITHIN", 1_000)  # replicas on a busy machine may need a while
    opened = Redis("cart")
    yield opened
    opened.close()


@pytest.fixture
def key() -> str:
    return f"{{b00}}:test:{new_id()}"


def client_id(redis: Redis) -> int:
    [found] = redis.ask(("CLIENT", "ID"))
    return int(found)


def kill(redis: Redis) -> None:
    other = Redis("cart")
    other.ask(("CLIENT", "KILL", "ID", client_id(redis)))
    other.close()


def test_a_script_is_told_which_history_its_server_carries_on(redis: Redis, key: str) -> None:
    history, kept = redis.run(PUT, [key], "ключ")
    [told] = redis.ask(("INFO", "replication"))
    assert kept == "ключ"
    assert f"master_replid:{history}" in told


def test_a_write_is_confirmed_by_every_replica(redis: Redis, key: str) -> None:
    assert redis.write(COUNT, [key]) == (1, True)


def test_a_script_the_server_forgot_is_sent_again(redis: Redis, key: str) -> None:
    redis.write(COUNT, [key])
    redis.ask(("SCRIPT", "FLUSH"))
    assert redis.write(COUNT, [key]) == (2, True)


def test_a_connection_that_was_cut_is_made_anew(redis: Redis, key: str) -> None:
    before = client_id(redis)
    kill(redis)
    assert redis.run(COUNT, [key]) == 1
    assert client_id(redis) != before


def test_every_thread_has_a_connection_of_its_own(redis: Redis) -> None:
    seen = {client_id(redis)}
    thread = threading.Thread(target=lambda: seen.add(client_id(redis)))
    thread.start()
    thread.join()
    assert len(seen) == 2


def test_an_error_of_ours_is_no_want_of_the_servers(redis: Redis, key: str) -> None:
    with pytest.raises(Refusal) as refused:
        redis.ask(("SET", key))
    assert refused.value.code == "ERR"
    redis.ping()


def test_what_cannot_be_sent_leaves_the_connection_usable(redis: Redis, key: str) -> None:
    with pytest.raises(TypeError):
        redis.ask(("SET", key, object()))  # type: ignore[arg-type]  # on purpose
    redis.ping()


def test_an_answer_that_is_no_text_comes_back_as_the_bytes_it_was(redis: Redis, key: str) -> None:
    redis.run(Script.of("redis.call('SET', KEYS[1], string.char(255), 'EX', 60)"), [key])
    kept, echoed = redis.ask(("GET", key), ("ECHO", "text"))
    assert (as_bytes(kept), echoed) == (b"\xff", "text")


class Elsewhere(Redis):
    """A Redis by its place."""

    def __init__(self, place: Place) -> None:
        super().__init__("cart")
        self._there = place

    def _place(self) -> Place:
        return self._there


def test_a_replica_is_never_taken_for_the_primary(redis: Redis, stores: dict[str, str]) -> None:
    place = Place.of(stores["CART_REDIS_URL"])
    [told] = redis.ask(("INFO", "replication"))
    replica = next(line for line in told.splitlines() if line.startswith("slave0:"))
    port = int(replica.split("port=")[1].split(",")[0])
    with pytest.raises(Unavailable):
        Elsewhere(Place(hosts=(("127.0.0.1", port),), password=place.password)).ping()


@pytest.mark.parametrize("primary", ["", "souk", "unknown"])
def test_nobody_there_is_unavailable(primary: str) -> None:
    with pytest.raises(Unavailable):
        Elsewhere(Place(hosts=(("127.0.0.1", 1),), primary=primary)).ping()


def test_a_wrong_password_is_unavailable(redis: Redis, stores: dict[str, str]) -> None:
    place = Place.of(stores["CART_REDIS_URL"])
    with pytest.raises(Unavailable):
        Elsewhere(Place(hosts=place.hosts, primary=place.primary, password="wrong")).ping()
