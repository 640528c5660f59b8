"""Where a checkout's local stack keeps its state, and which ports it listens on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from souk_local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 8080
LOWEST_BASE, HIGHEST_BASE = 1024, 65_000

OFFSETS: Mapping[str, int] = {
    "gateway": 0,
    "serve": 1,
    "localstack": 2,
    "postgres": 3,
    "mongo": 4,
    "search": 5,
    "search-transport": 6,
    "graph": 7,
    "redis-1": 8,
    "redis-2": 9,
    "redis-3": 10,
    "sentinel-1": 11,
    "sentinel-2": 12,
    "sentinel-3": 13,
    "rabbitmq": 14,
    "rabbitmq-management": 15,
    "rabbitmq-dist": 16,
    "epmd": 17,
    "bridge": 18,
}


class Layout(Struct, frozen=True, kw_only=True):
    """The folders and ports of one checkout's stack."""

    root: Path
    state: Path
    tools: Path
    base: int
    foreign_localstack: str = ""
    """The address of a LocalStack that the user runs and we don't."""

    def port(self, name: str) -> int:
        """Return the port of a listener named in OFFSETS."""
        return self.base + OFFSETS[name]

    @property
    def credentials(self) -> Path:
        """The file of passwords and signing keys."""
        return self.state / "credentials.json"

    @property
    def records(self) -> Path:
        """The folder of what is known of running processes."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.state / "log"

    @property
    def deployed(self) -> Path:
        """Written by a deployment to LocalStack; what is in it has to be deployed again when LocalStack died."""
        return self.state / "deployed.json"

    def data(self, store: str) -> Path:
        """Return the folder that a store keeps its data in."""
        return self.state / "data" / store

    def log(self, process: str) -> Path:
        """Return the log of one process."""
        return self.logs / f"{process}.log"


def find(environment: Mapping[str, str] | None = None) -> Layout:
    """Return the layout that the environment (SOUK_HOME, SOUK_TOOLS, SOUK_PORT_BASE) and this checkout give."""
    environment = os.environ if environment is None else environment
    root = checkout()
    state = placed(environment.get("SOUK_HOME") or root / ".souk", root)
    tools = placed(environment.get("SOUK_TOOLS") or root / ".souk" / "tools", root)
    foreign = environment.get("LOCALSTACK_ENDPOINT", "").rstrip("/")
    base = port_base(environment.get("SOUK_PORT_BASE"))
    return Layout(root=root, state=state, tools=tools, base=base, foreign_localstack=foreign)


def placed(path: str | Path, root: Path) -> Path:
    """Return where a path leads; what is meant to lie in `.souk` lies wherever that is a link to."""
    real, inside = Path(path).resolve(), root / ".souk"
    return default_state(root) / real.relative_to(inside) if real.is_relative_to(inside) else real


def checkout() -> Path:
    """Return the root of the checkout this package lies in."""
    return Path(__file__).resolve().parents[2]


def port_base(text: str | None) -> int:
    """Return the first port that SOUK_PORT_BASE asks for."""
    if not text:
        return DEFAULT_BASE
    if not text.isdigit() or not LOWEST_BASE <= int(text) <= HIGHEST_BASE:
        raise StackError(f"SOUK_PORT_BASE must be a number from {LOWEST_BASE} to {HIGHEST_BASE}, not {text!r}")
    return int(text)


def default_state(root: Path) -> Path:
    """`.souk` in the checkout; for root a link out of it, as database users can't enter root's home."""
    inside = root / ".souk"
    if os.geteuid() == 0 and not inside.exists() and not inside.is_symlink():
        link_outside(inside, outside_of(root))
    return inside.resolve()


def outside_of(root: Path) -> Path:
    """Return root's place for a checkout's state, which its path decides."""
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return Path("/var/lib/souk") / f"{root.name}-{digest}"


def link_outside(inside: Path, outside: Path) -> None:
    """Make the place and the link to it."""
    outside.mkdir(parents=True, exist_ok=True)
    try:
        inside.symlink_to(outside)
    except FileExistsError:  # another command was faster
        return


def make_folders(layout: Layout) -> None:
    """Create the folders everything else expects; others may pass through them but not list secrets."""
    for folder in (layout.state, layout.records, layout.logs, layout.state / "data", layout.tools):
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"{folder} can't be made ({error.strerror}); choose another place with SOUK_HOME"
            ) from error
