"""The lines that the bench removes are there, just once; and what it asks stays on this machine."""

import pytest
from bench.checkout.sabotage import CUTS, ROOT, Cut
from bench.wire import CannotGoOn, Elsewhere, place_of


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.what)
def test_each_protective_line_is_there_once_and_can_be_removed(cut: Cut) -> None:
    text = (ROOT / cut.file).read_text()
    assert cut.applied(text) == text.replace(cut.line, cut.instead) != text


def test_a_line_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(CannotGoOn):
        CUTS[0].applied("another file")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8081", "http://localhost:80", "http://[::1]:8081"])
def test_loopback_addresses_are_asked(base: str) -> None:
    assert place_of(base)


@pytest.mark.parametrize(
    "base",
    ["http://example.com", "https://127.0.0.1:8081", "http://10.0.0.1:8081", "http://127.0.0.1.example.com", "x"],
)
def test_no_other_address_is_asked(base: str) -> None:
    with pytest.raises(Elsewhere):
        place_of(base)
