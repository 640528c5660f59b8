"""The local gateway's configuration and page, as text."""

import json
from pathlib import Path

import pytest

from souk_local import docs, gateway, nginx
from souk_local.errors import StackError
from souk_local.layout import Layout
from souk_local.services import SERVICES


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    return Layout(root=tmp_path, state=tmp_path, tools=tmp_path / "tools", base=61_000)


def test_every_slot_of_the_template_is_filled(place: Layout) -> None:
    assert "{{" not in nginx.render(place, {})


def test_it_listens_on_loopback_alone(place: Layout) -> None:
    assert [line.strip() for line in nginx.render(place, {}).splitlines() if "listen " in line] == [
        "listen 127.0.0.1:61000;"
    ]


def test_every_file_lies_in_its_own_folder(place: Layout) -> None:
    named = [
        line.split()[-1] for line in nginx.render(place, {}).splitlines() if "_temp_path" in line or "pid " in line
    ]
    assert not any(path.startswith("/") for path in named)


def test_a_template_with_an_unknown_slot_is_refused() -> None:
    with pytest.raises(KeyError):
        nginx.fill("{{one}} {{two}}", {"one": "1"})
    with pytest.raises(KeyError):
        nginx.fill("{{one}}", {"one": "1", "two": "2"})


def test_text_cannot_leave_its_quotes() -> None:
    assert nginx.quoted("it's a \\") == "it\\'s a \\\\"
    with pytest.raises(ValueError, match="variable"):
        nginx.quoted("$host")


def test_each_failure_belongs_to_one_problem() -> None:
    for codes in ([one.codes for one in nginx.PROBLEMS], [one.behind for one in nginx.PROBLEMS]):
        flat = [code for group in codes for code in group]
        assert len(flat) == len(set(flat))
    assert len({problem.status for problem in nginx.PROBLEMS}) == len(nginx.PROBLEMS)


def test_a_service_without_api_is_marked() -> None:
    assert "order abc;\n" in nginx.render_routes({"order": "abc"})
    assert "cart -;\n" in nginx.render_routes({"order": "abc"})


def test_routes_are_kept_for_the_next_start(place: Layout) -> None:
    gateway.write_routes({"order": "abc"}, place=place)
    assert gateway.routes(place) == {"order": "abc"}


@pytest.mark.parametrize("wrong", [{"order": "a; return 200"}, {"order": ""}, {"stranger": "abc"}])
def test_only_services_and_ids_become_routes(place: Layout, wrong: dict[str, str]) -> None:
    with pytest.raises(StackError, match="no service, or no id"):
        gateway.write_routes(wrong, place=place)


def test_damaged_routes_are_told(place: Layout) -> None:
    (place.state / "gateway.json").write_text("{")
    with pytest.raises(StackError, match="deploy again"):
        gateway.routes(place)


def test_the_page_offers_every_service() -> None:
    page = gateway.docs_page(SERVICES)
    assert 'data-services="admin customer catalog product cart order"' in page
    assert '<a href="../openapi/order.json">order</a>' in page


def test_a_name_cannot_leave_its_attribute() -> None:
    assert "<script>alert" not in gateway.docs_page(['"><script>alert(1)</script>'])


def test_pages_are_published_without_what_is_not_there_yet(place: Layout) -> None:
    docs.publish(place, place.state / "pages")
    assert (place.state / "pages" / "docs" / "index.html").exists()
    assert not (place.state / "pages" / "docs" / "assets" / "swagger-ui.css").exists()


def test_the_page_of_an_older_document_is_renewed(tmp_path: Path) -> None:
    source, target = tmp_path / "source.json", tmp_path / "target.json"
    target.write_text("old")
    source.write_text(json.dumps({}))
    docs.copy(source, target)
    assert target.read_text() == "{}"
