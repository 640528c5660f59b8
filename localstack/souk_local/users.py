"""Files and folders that a server's own user may use when we are root."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from souk_local.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path


def own_folder(folder: Path, user: str | None) -> Path:
    """Make a folder that only this user may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    give(folder, user)
    return folder


def secret_file(path: Path, text: str, user: str | None) -> Path:
    """Write a file that only this user may read, from its first byte on."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    give(draft, user)
    return draft.replace(path)


def give(path: Path, user: str | None) -> None:
    """Hand a file to a user; only root can, and only root needs to."""
    if user is None or os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise StackError(f"there is no user {user!r} on this machine, which its Debian package creates") from None
    os.chown(path, entry.pw_uid, entry.pw_gid)
