"""Removes, one after the other, the lines that protect the shop, from a throw-away copy of it, and sees the proofs fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import msgspec

from bench import table
from bench.serving import end_of, serving
from bench.table import Row
from bench.wire import CannotGoOn
from souk_local import layout

ROOT = layout.checkout()
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".souk", "__pycache__", "*_cache", ".hypothesis", "build", "*.egg-info"
)
STORES = ("postgres", "redis", "mongo", "rabbitmq")
BESIDE = 20  # ports above the checkout's own: no two parts of the two stacks meet
PATIENCE = 400  # seconds for one command


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A protective line, what stands there instead, and the proof that has to notice."""

    what: str
    file: str
    line: str
    instead: str
    proof: Sequence[str]

    def applied(self, text: str) -> str:
        """Return the file without its line. Raises CannotGoOn where the line is not there just once."""
        if text.count(self.line) != 1:
            raise CannotGoOn(f"{self.file} has this not once, but {text.count(self.line)} times: {self.line!r}")
        return text.replace(self.line, self.instead)


BUYERS = ("buyers", "--buyers", "60", "--units", "10", "--at-once", "16", "--skus", "4")
CLICKS = ("clicks", "--clicks", "16")
CUTS = (
    Cut(
        what="the stock condition",
        file="functions/order/chalicelib/order/model/allocation.py",
        line="    if missing := [Spot(sku) for sku, quantity in wanted.items() if available[Spot(sku)] < quantity]:\n",
        instead="    if missing := list[Spot]():\n",
        proof=BUYERS,
    ),
    Cut(
        what="the claim of the order id",
        file="functions/order/chalicelib/order/store/sql.py",
        line="        ON CONFLICT DO NOTHING\n        RETURNING decided_at\n",
        instead="        ON CONFLICT (order_id) DO UPDATE SET attempt = excluded.attempt\n        RETURNING decided_at\n",
        proof=BUYERS,
    ),
    Cut(
        what="the freeze",
        file="functions/cart/chalicelib/cart/model.py",
        line="            state=State.FROZEN,\n",
        instead="            state=State.OPEN,\n",
        proof=CLICKS,
    ),
)


class Copy:
    """A copy of this checkout with a stack of its own, beside the one people use."""

    def __init__(self, folder: Path, base: int) -> None:
        """Copy into a folder that is thrown away; listen on the ports from `base` on."""
        self._tree, self._state = folder / "souk", folder / "state"
        shutil.copytree(ROOT, self._tree, ignore=LEFT_OUT)
        self._environment = _environment(self._tree, self._state, base)
        self._log = self._state / "serve.log"
        self._address = f"http://{layout.LOOPBACK}:{base + layout.OFFSETS['serve']}"

    def souk(self, *words: str) -> None:
        """Run a `souk` command of the copy. Raises CannotGoOn where it fails."""
        done = self._run("souk_cli.main", *words)
        if done.returncode:
            raise CannotGoOn(f"souk {' '.join(words)} failed:\n{done.stdout}{done.stderr}")

    def proof(self, *words: str) -> Sequence[Row]:
        """Run a proof against the copy, and return what it found."""
        done = self._run("bench.checkout", *words, "--base", self._address, "--json")
        if done.returncode not in {0, table.VIOLATED}:
            raise CannotGoOn(f"{' '.join(words)} could not be run:\n{done.stderr}\n{end_of(self._log)}")
        return msgspec.json.decode(done.stdout, type=list[Row])

    @contextmanager
    def without(self, cut: Cut | None) -> Iterator[None]:
        """Let a line be gone meanwhile."""
        if cut is None:
            yield
            return
        file = self._tree / cut.file
        before = file.read_text()
        file.write_text(cut.applied(before))
        try:
            yield
        finally:
            file.write_text(before)

    def serving(self) -> AbstractContextManager[None]:
        """Serve it."""
        return serving(self._address, tree=self._tree, environment=self._environment, log=self._log)

    def _run(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", module, *words]
        return subprocess.run(
            argv, cwd=self._tree, env=self._environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )


def _environment(tree: Path, state: Path, base: int) -> Mapping[str, str]:
    """Return an environment in which the copy's code comes first, and that knows nothing of this checkout's stores."""
    code = ("", "layers/souk/python", "infra", "localstack", "localstack/souk_executor/src")
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return kept | {
        "PYTHONPATH": os.pathsep.join(str(tree / folder) for folder in code),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOUK_HOME": str(state),
        "SOUK_TOOLS": str(layout.find().tools),
        "SOUK_PORT_BASE": str(base),
    }


def show(copy: Copy, cut: Cut | None) -> Row:
    """Run the proof of a cut, or all of them where nothing is cut; violated is what does not tell the two apart."""
    began = time.monotonic()
    proofs = [cut.proof] if cut else [BUYERS, CLICKS]
    with copy.without(cut), copy.serving():
        rows = [row for proof in proofs for row in copy.proof(*proof)]
    found = [f"{row.what}: {violation}" for row in rows for violation in row.violations]
    wrong = bool(found) != (cut is not None)
    return Row(
        what=f"without {cut.what}" if cut else "nothing removed",
        done=sum(row.done for row in rows),
        outcome=f"{len(found)} violations found" + (f", such as {found[0]}" if found else ""),
        violations=("nobody noticed" if cut else "violations although nothing was removed",) if wrong else (),
        seconds=time.monotonic() - began,
    )


@contextmanager
def copied(base: int) -> Iterator[Copy]:
    """Copy the checkout, with running stores; throw all of it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="souk-sabotage-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # a database's own user has to enter
        copy = Copy(folder, base)
        try:
            copy.souk("up", *STORES)
            copy.souk("migrate")
            yield copy
        finally:
            copy.souk("down")


@click.command("sabotage")
@click.option("--port-base", type=click.IntRange(1024, 65_000), help="Ports of the copy; beside the checkout's.")
@table.as_json
def command(*, port_base: int | None, as_json: bool) -> None:
    """Show that the proofs prove something: each protective line is removed from a copy, and they have to notice."""
    for cut in CUTS:
        cut.applied((ROOT / cut.file).read_text())
    with copied(port_base or layout.find().base + BESIDE) as copy:
        table.tell([show(copy, cut) for cut in (None, *CUTS)], as_json=as_json)
