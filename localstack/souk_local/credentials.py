"""The stack's passwords and signing keys: generated once, kept in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from souk.auth import Jwks, PrivateKey, new_key
from souk_local.errors import StackError
from souk_local.services import SIGNERS, SQL_SERVICES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROLES = ("owner", "app", "relay")
PASSWORDS = (
    "postgres",
    *(f"{service}_{role}" for service in SQL_SERVICES for role in ROLES),
    "mongo",
    "search",
    "graph",
    "redis",
    "rabbitmq",
    "rabbitmq-cookie",
)


class Credentials(Struct, frozen=True, kw_only=True):
    """Every secret of one stack."""

    passwords: dict[str, str]
    signing_keys: dict[str, PrivateKey]

    def password(self, name: str) -> str:
        """Return the password of a name in PASSWORDS."""
        return self.passwords[name]


def load(path: Path) -> Credentials:
    """Read the file, adding what is missing from it; creates it the first time."""
    kept = read(path)
    passwords = {name: kept.passwords.get(name) or new_password() for name in PASSWORDS}
    keys = {signer: kept.signing_keys.get(signer) or new_key() for signer in SIGNERS}
    complete = Credentials(passwords={**kept.passwords, **passwords}, signing_keys={**kept.signing_keys, **keys})
    if complete != kept:
        write(path, complete)
        return read(path)
    return kept


def new_password() -> str:
    """Make a password of digits and letters alone: one that began with a dash was read as an option by a server's tool."""
    return secrets.token_hex(24)


def read(path: Path) -> Credentials:
    """Return what the file holds; nothing when there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return Credentials(passwords={}, signing_keys={})
    except PermissionError:
        raise StackError(f"{path} belongs to another user; this stack was set up by them") from None
    except msgspec.DecodeError as error:
        raise StackError(
            f"{path} is damaged ({error}); remove it, then the data that need it by `souk reset`"
        ) from error


def write(path: Path, what: Credentials) -> None:
    """Replace the file as a whole, readable by its owner alone from its first byte on."""
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(what)))
    draft.replace(path)


def trusted(credentials: Credentials, signers: Sequence[str]) -> Jwks:
    """Return the public keys of these signers."""
    return Jwks([credentials.signing_keys[signer].public(signer) for signer in signers])
