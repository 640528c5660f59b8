import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from souk_cli import layers

LOCKED = "# nothing from the registry\n"
CODE = 'KNOWN = frozenset({"a", "b", "c", "d"})\n\n\ndef greet(name: str) -> str:\n    return f"hello {name}"\n'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A layer of our own code alone."""
    own = tmp_path / "layers" / "souk" / "python" / "souk"
    own.mkdir(parents=True)
    (own / "__init__.py").write_text("")
    (own / "greeting.py").write_text(CODE)
    (tmp_path / "layers" / "souk" / "requirements.txt").write_text(LOCKED)
    monkeypatch.setattr(layers, "SOURCES", tmp_path / "layers")
    return own


def built(folder: Path) -> layers.Layer:
    return layers.build("souk", out=folder / "out", cache=folder / "cache", architecture=layers.here())


def test_two_builds_are_byte_identical(sources: Path, tmp_path: Path) -> None:
    one, other = built(tmp_path / "one"), built(tmp_path / "other")
    assert one.zip.read_bytes() == other.zip.read_bytes()
    assert one.zip.name == other.zip.name


def test_an_unchanged_layer_is_found_again(sources: Path, tmp_path: Path) -> None:
    assert [built(tmp_path).fresh, built(tmp_path).fresh] == [True, False]


def test_changed_code_makes_another_layer_and_forgets_the_old_one(sources: Path, tmp_path: Path) -> None:
    before = built(tmp_path)
    (sources / "greeting.py").write_text(CODE + "GREETING = 1\n")
    after = built(tmp_path)
    assert after.fresh
    assert not before.zip.exists()


def test_a_layer_brings_compiled_code_that_is_never_checked_against_dates(sources: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path).zip) as archive:
        compiled = archive.read("python/souk/__pycache__/greeting.cpython-311.pyc")
        assert {entry.date_time for entry in archive.infolist()} == {layers.EPOCH}
    unchecked_hash = 0b01
    assert int.from_bytes(compiled[4:8], "little") == unchecked_hash
    assert b"/opt/python/souk/greeting.py" in compiled


def test_entries_are_sorted_and_have_fixed_modes(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    for name in ("b.py", "a.py", "c.so"):
        (tmp_path / "python" / name).write_text("")
        (tmp_path / "python" / name).chmod(0o777)
    entries = zipfile.ZipFile(BytesIO(layers.packed(tmp_path))).infolist()
    assert [entry.filename for entry in entries] == ["python/a.py", "python/b.py", "python/c.so"]
    assert [oct(entry.external_attr >> 16) for entry in entries] == ["0o644", "0o644", "0o755"]
