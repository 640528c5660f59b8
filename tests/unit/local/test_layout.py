from pathlib import Path

import pytest

from souk_local import layout
from souk_local.errors import StackError


def test_ports_start_at_the_base() -> None:
    found = layout.find({"SOUK_HOME": "/somewhere", "SOUK_PORT_BASE": "9000"})
    assert [found.port("gateway"), found.port("postgres"), found.port("bridge")] == [9000, 9003, 9018]


def test_no_two_listeners_share_a_port() -> None:
    assert len(set(layout.OFFSETS.values())) == len(layout.OFFSETS)


@pytest.mark.parametrize("base", ["80", "65001", "many", "-1"])
def test_a_base_that_is_no_port_is_refused(base: str) -> None:
    with pytest.raises(StackError, match="SOUK_PORT_BASE"):
        layout.find({"SOUK_HOME": "/somewhere", "SOUK_PORT_BASE": base})


def test_everything_lies_in_the_home_that_the_environment_names(tmp_path: Path) -> None:
    found = layout.find({"SOUK_HOME": str(tmp_path)})
    assert {found.credentials.parent, found.records.parent, found.data("redis").parents[1]} == {tmp_path}


def test_roots_state_lies_outside_of_its_home_under_a_name_of_the_checkout() -> None:
    one, other = layout.outside_of(Path("/root/souk")), layout.outside_of(Path("/root/copies/souk"))
    assert one.parent == Path("/var/lib/souk")
    assert one.name.startswith("souk-")
    assert one != other


def test_a_folder_that_cannot_be_made_is_an_error_with_advice() -> None:
    found = layout.find({"SOUK_HOME": "/proc/souk"})
    with pytest.raises(StackError, match="SOUK_HOME"):
        layout.make_folders(found)


def test_what_lies_in_the_hidden_folder_lies_where_that_is_a_link_to(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "checkout"
    outside.mkdir()
    root.mkdir()
    (root / ".souk").symlink_to(outside)
    assert layout.placed(root / ".souk" / "test", root) == outside / "test"
    assert layout.placed(tmp_path / "elsewhere", root) == tmp_path / "elsewhere"
