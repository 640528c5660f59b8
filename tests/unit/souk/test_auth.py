"""Tokens and passwords."""

import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from souk import passwords
from souk.auth import Jwks, Kind, Signer, Trust, digest, new_key
from souk.errors import Invalid, Unauthenticated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = new_key()
SIGNER = Signer("admin", KEY)
TRUST = Trust(SIGNER.jwks)
MINUTE = timedelta(minutes=1)


def signed(**more: object) -> str:
    return SIGNER.sign("ada", **{"audience": "admin", "now": NOW, "lasts": MINUTE, **more})  # type: ignore[arg-type]  # defaults


def test_a_token_names_its_bearer_and_their_permissions() -> None:
    caller = TRUST.read(signed(permissions=frozenset({"orders:read"}), session="s"), now=NOW)
    assert (caller.kind, caller.subject, caller.session) == (Kind.STAFF, "ada", "s")
    assert caller.may("orders:read")
    assert not caller.may("orders:write")


def test_an_expired_token_is_refused_after_the_leeway() -> None:
    TRUST.read(signed(), now=NOW + timedelta(seconds=80))
    with pytest.raises(Unauthenticated):
        TRUST.read(signed(), now=NOW + timedelta(seconds=100))


@pytest.mark.parametrize("place", range(3))
def test_a_token_with_any_part_changed_is_refused(place: int) -> None:
    parts = signed().split(".")
    parts[place] = parts[place][:-2] + ("AA" if parts[place][-2:] != "AA" else "BB")
    with pytest.raises(Unauthenticated):
        TRUST.read(".".join(parts), now=NOW)


def test_an_unsigned_token_is_refused() -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none","kid":"%s"}' % KEY.kid.encode()).decode().rstrip("=")
    body = signed().split(".")[1]
    with pytest.raises(Unauthenticated):
        TRUST.read(f"{head}.{body}.", now=NOW)


def test_one_signer_cannot_speak_for_another() -> None:
    shop = Signer("customer", new_key())
    trust = Trust(Jwks([*SIGNER.jwks.keys, *shop.jwks.keys]))
    forged = shop.sign("eve", audience="admin", now=NOW, lasts=MINUTE, permissions=frozenset({"orders:write"}))
    with pytest.raises(Unauthenticated):
        trust.read(forged, now=NOW)


def test_one_signers_key_does_not_sign_in_anothers_name() -> None:
    stolen = new_key()
    trust = Trust(Jwks([*SIGNER.jwks.keys, *Signer("cart", stolen).jwks.keys]))
    forged = Signer("admin", stolen).sign("eve", audience="admin", now=NOW, lasts=MINUTE)
    with pytest.raises(Unauthenticated):
        trust.read(forged, now=NOW)


def test_a_key_that_is_not_trusted_does_not_sign() -> None:
    other = Signer("admin", new_key()).sign("ada", audience="admin", now=NOW, lasts=MINUTE)
    with pytest.raises(Unauthenticated):
        TRUST.read(other, now=NOW)


def test_the_public_key_does_not_carry_the_private_one() -> None:
    assert KEY.d.encode() not in msgspec.json.encode(SIGNER.jwks)


def test_a_password_matches_its_own_hash_only() -> None:
    stored = passwords.hashed("a-long-enough-secret")
    assert stored.startswith("$argon2id$")
    assert passwords.matches("a-long-enough-secret", stored)
    assert not passwords.matches("another-long-secret", stored)
    assert not passwords.matches("a-long-enough-secret", None)


@pytest.mark.parametrize("password", ["short", "x" * 257, "password1234", "QWERTY123456"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password)
    assert refused.value.faults[0].pointer == "/password"


def test_a_token_is_kept_as_its_hash() -> None:
    assert digest("secret") != "secret"
    assert len(digest("secret")) == 64
