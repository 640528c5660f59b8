"""Lambda layers: what functions share, as zips that are byte-identical for identical input."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from souk.errors import Refused
from souk_cli.apps import ROOT

SOURCES = ROOT / "layers"
NAMES = ("souk", "postgres", "mongo", "redis", "elasticsearch", "neo4j")
RUNTIME = "python3.11"
INSIDE = "/opt/python"  # where Lambda unpacks them
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest a zip can tell
PLATFORMS: Mapping[str, str] = {"x86_64": "x86_64-manylinux2014", "arm64": "aarch64-manylinux2014"}
USELESS = frozenset(
    {"bin", "tests", "test", "__pycache__", "cffi", "pycparser"}
)  # cffi's compiled half is what is used
USELESS_SUFFIXES = frozenset({".pyi", ".pyc", ".pyx", ".pxd", ".c", ".h", ".lock"})
MADE_BY = 1  # raise when what is done to the same input changes


class Layer(Struct, frozen=True, kw_only=True):
    """A built layer."""

    name: str
    zip: Path
    fresh: bool  # built now, not found

    @property
    def sha256(self) -> str:
        """The hash of the zip as Lambda gives it (CodeSha256)."""
        return base64.b64encode(hashlib.sha256(self.zip.read_bytes()).digest()).decode()


def here() -> str:
    """Return this machine's architecture as Lambda calls it."""
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


def build(name: str, *, out: Path, cache: Path, architecture: str) -> Layer:
    """Build a layer into `out`, or find it there; packages from the registry are kept unpacked in `cache`.

    Raises Refused where the packages cannot be had.
    """
    if sys.version_info[:2] != (3, 11):
        raise Refused("layers are compiled by the Python that runs them: 3.11")
    target = out / f"{name}-{architecture}-{fingerprint(name, architecture)}.zip"
    if target.exists():
        return Layer(name=name, zip=target, fresh=False)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        stage = Path(scratch) / "python"
        shutil.copytree(packages(name, cache=cache, architecture=architecture), stage)
        _add_own(name, stage)
        draft = Path(scratch) / "draft.zip"
        draft.write_bytes(packed(stage.parent))
        _forget_older(out, f"{name}-{architecture}-")
        draft.replace(target)
    return Layer(name=name, zip=target, fresh=True)


def fingerprint(name: str, architecture: str) -> str:
    """Return what tells two builds apart: the lock, our own code, the way it is made."""
    own = SOURCES / name / "python"
    files = [SOURCES / name / "requirements.txt", *(_own_files(own) if own.is_dir() else ())]
    return _digest(architecture, str(MADE_BY), *(f"{path.relative_to(SOURCES)} {_hash(path)}" for path in files))


def packages(name: str, *, cache: Path, architecture: str) -> Path:
    """Return a folder with the layer's locked packages, pruned and compiled; fetched once per lock."""
    lock = SOURCES / name / "requirements.txt"
    kept = cache / f"{name}-{architecture}-{_digest(str(MADE_BY), _hash(lock))}"
    if kept.is_dir():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        stage = Path(scratch) / "python"
        stage.mkdir()
        _install(lock, stage, architecture)
        _prune(stage)
        compiled(stage)
        _forget_older(cache, f"{name}-{architecture}-")
        stage.rename(kept)
    return kept


def _install(lock: Path, stage: Path, architecture: str) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    exactly = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy", "--quiet")
    place = ("--python-platform", PLATFORMS[architecture], "--python-version", "3.11", "--target", str(stage))
    argv = [uv, "pip", "install", *exactly, *place, "--requirements", str(lock)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"the packages of {lock.parent.name} cannot be had:\n{done.stderr.strip()}")


def _prune(stage: Path) -> None:
    """Remove what no function uses; of a package's own records the names and versions stay, as some read them."""
    for path in sorted(stage.rglob("*"), reverse=True):
        if path.is_dir():
            if path.name in USELESS:
                shutil.rmtree(path)
        elif path.suffix in USELESS_SUFFIXES or path.name == ".lock" or _only_a_record(path.relative_to(stage)):
            path.unlink()


def _only_a_record(path: Path) -> bool:
    return path.parts[0].endswith(".dist-info") and path.name != "METADATA"


def _add_own(name: str, stage: Path) -> None:
    """Copy and compile our own code."""
    own = SOURCES / name / "python"
    if not own.is_dir():
        return
    for path in _own_files(own):
        target = stage / path.relative_to(own)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for folder in (path for path in own.iterdir() if path.is_dir()):
        compiled(stage / folder.name, inside=f"{INSIDE}/{folder.name}")


def _own_files(own: Path) -> list[Path]:
    return [path for path in sorted(own.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def compiled(stage: Path, *, inside: str = INSIDE) -> None:
    """Write .pyc that are valid for whatever date the source has: a layer is read-only, and imports are cold."""
    as_lambda = ("--invalidation-mode", "unchecked-hash", "-s", str(stage), "-p", inside)
    # A process of its own, always begun alike: what is interned already shows in the bytes.
    argv = [sys.executable, "-s", "-m", "compileall", "-q", "-f", *as_lambda, str(stage)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PYTHONHASHSEED": "0"})
    if done.returncode:
        raise Refused(f"a layer does not compile:\n{done.stdout.strip()}")


def packed(folder: Path) -> bytes:
    """Return a zip of a folder: sorted, dated 1980, with fixed modes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(path for path in (folder / "python").rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.external_attr = (0o755 if os.access(path, os.X_OK) and path.suffix == ".so" else 0o644) << 16
            entry.create_system = 3  # Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return whole.getvalue()


def _forget_older(folder: Path, beginning: str) -> None:
    for path in _named(folder, beginning):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _named(folder: Path, beginning: str) -> Iterator[Path]:
    return (path for path in list(folder.iterdir()) if path.name.startswith(beginning))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
