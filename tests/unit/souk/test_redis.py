"""Where a Redis is, as its URL says."""

import pytest

from souk.redis_wire import Place


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://cache", Place(hosts=(("cache", 6379),))),
        (
            "rediss://me:p%40ss@cache:7000/2?replicas=1",
            Place(hosts=(("cache", 7000),), tls=True, username="me", password="p@ss", database=2, replicas=1),
        ),
        (
            "redis+sentinel://:secret@a:1,b:2,c/souk?replicas=2",
            Place(hosts=(("a", 1), ("b", 2), ("c", 26379)), primary="souk", password="secret", replicas=2),
        ),
        (
            "rediss+sentinel://:secret@a:1/souk?replicas=2&db=3&sentinel_password=other",
            Place(
                hosts=(("a", 1),),
                primary="souk",
                tls=True,
                password="secret",
                sentinel_password="other",
                database=3,
                replicas=2,
            ),
        ),
    ],
)
def test_a_place_is_read_from_its_url(url: str, place: Place) -> None:
    assert Place.of(url) == place
