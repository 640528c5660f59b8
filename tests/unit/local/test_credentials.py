import stat
from pathlib import Path

import msgspec
import pytest

from souk.auth import Signer, Trust
from souk_local import credentials
from souk_local.errors import StackError


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    credentials.load(tmp_path / "credentials.json")
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_they_are_generated_once(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    assert credentials.load(path) == credentials.load(path)


def test_a_name_that_comes_later_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    before = credentials.load(path)
    older = {name: word for name, word in before.passwords.items() if name != "order_relay"}
    credentials.write(path, msgspec.structs.replace(before, passwords=older))
    after = credentials.load(path)
    assert after.password("order_relay") != before.password("order_relay")
    assert {name: after.password(name) for name in older} == older


def test_no_two_passwords_are_alike(tmp_path: Path) -> None:
    passwords = credentials.load(tmp_path / "credentials.json").passwords
    assert len(set(passwords.values())) == len(passwords)


def test_no_password_can_be_read_as_an_option_or_an_address(tmp_path: Path) -> None:
    passwords = credentials.load(tmp_path / "credentials.json").passwords
    assert all(password.isalnum() for password in passwords.values())


def test_whoever_trusts_a_signer_accepts_its_tokens(tmp_path: Path) -> None:
    found = credentials.load(tmp_path / "credentials.json")
    trust = Trust.of(msgspec.json.encode(credentials.trusted(found, ["cart", "admin"])).decode())
    assert Signer("admin", found.signing_keys["admin"]).jwks.keys[0].kid in trust._keys
    assert Signer("customer", found.signing_keys["customer"]).jwks.keys[0].kid not in trust._keys


def test_a_damaged_file_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(StackError, match="souk reset"):
        credentials.load(tmp_path / "credentials.json")
