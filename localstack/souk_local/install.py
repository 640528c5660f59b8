"""Gets what the stack runs on: Debian packages and virtual environments, each once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from souk_local.checks import is_root
from souk_local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from souk_local.layout import Layout

POLICY = Path("/usr/sbin/policy-rc.d")
START_NOTHING = "#!/bin/sh\n# Servers installed for a local stack must not start by themselves.\nexit 101\n"
APT = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--option=DPkg::Lock::Timeout=120")
UNITS: Mapping[str, str] = {
    "postgresql": "postgresql",
    "redis-server": "redis-server",
    "redis-sentinel": "redis-sentinel",
    "rabbitmq-server": "rabbitmq-server",
    "nginx-light": "nginx",
}
"""What each package would start when the machine does."""
PATIENCE = 900


def missing(packages: Mapping[str, str]) -> list[str]:
    """Those Debian packages whose telling program isn't there."""
    return [package for package, program in packages.items() if shutil.which(program) is None]


def packages(wanted: Mapping[str, str], *, say: Callable[[str], None]) -> None:
    """Install the missing Debian packages, without starting a server; whoever isn't root is told what to type."""
    names = missing(wanted)
    if not names:
        return
    if not is_root():
        raise StackError(f"these Debian packages are missing: {' '.join(names)}; type:\n  {command(names)}")
    if shutil.which("apt-get") is None:
        raise StackError(f"this isn't Debian: install {' '.join(names)} yourself, or a Docker engine")
    say(f"installing the Debian packages {' '.join(names)}")
    with starting_nothing():
        apt(names)
    start_nothing_at_boot(names)


def command(names: Sequence[str]) -> str:
    """Tell what somebody who isn't root has to type; where no server comes along, nothing has to be kept from starting."""
    wanted = f"sudo {' '.join(APT[:2])} {' '.join(names)}"
    if not any(name in UNITS for name in names):
        return wanted
    policy = f"printf '#!/bin/sh\\nexit 101\\n' | sudo tee {POLICY} >/dev/null && sudo chmod 755 {POLICY}"
    return f"{policy}; {wanted}; sudo rm {POLICY}"


@contextmanager
def starting_nothing() -> Iterator[None]:
    """Keep Debian's packages from starting their servers; a policy that was there is kept."""
    if POLICY.exists():
        kept = POLICY.with_name("policy-rc.d.before-souk")
        shutil.copy2(POLICY, kept)
    else:
        kept = None
    POLICY.write_text(START_NOTHING)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if kept:
            kept.replace(POLICY)
        else:
            POLICY.unlink()


def start_nothing_at_boot(names: Sequence[str]) -> None:
    """Keep what we installed, and nothing else, from being started with the machine."""
    units = [UNITS[name] for name in names if name in UNITS]
    if units and shutil.which("systemctl"):
        run(["systemctl", "disable", "--quiet", *units], os.environ)


def apt(names: Sequence[str]) -> None:
    """Install, after a look at the mirror's lists when the ones here are stale."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if run([*APT, *names], env).returncode == 0:
        return
    run(["apt-get", "update", "--quiet"], env)
    tried = run([*APT, *names], env)
    if tried.returncode != 0:
        raise StackError(f"apt-get can't install {' '.join(names)}:\n{last_lines(tried.stdout)}")


def venv(layout: Layout, name: str) -> Path:
    """Where a virtual environment of ours lies."""
    return layout.tools / "venvs" / name


def requirements(layout: Layout, name: str) -> Path:
    """Return the hash-pinned lock of a virtual environment."""
    return layout.root / "localstack" / "requirements" / f"{name}.txt"


def virtual_environment(layout: Layout, name: str, *, say: Callable[[str], None], extra: Sequence[Path] = ()) -> Path:
    """Make an environment of exactly its lock's packages, and `extra` folders of our own; instant when it is there."""
    folder, lock = venv(layout, name), requirements(layout, name)
    if marked(folder, "packages", fingerprint([lock])) and marked(folder, "own", own(extra)):
        return folder
    say(f"installing the {name} environment from the package registry")
    if not marked(folder, "packages", fingerprint([lock])):
        fill(folder, lock)
        mark(folder, "packages", fingerprint([lock]))
    for package in extra:
        install_own(package, folder)
    mark(folder, "own", own(extra))
    return folder


def marked(folder: Path, what: str, wanted: str) -> bool:
    """Whether a step of making an environment was finished, with the same ingredients."""
    marker = folder / f"souk-{what}"
    return marker.exists() and marker.read_text() == wanted


def mark(folder: Path, what: str, ingredients: str) -> None:
    """Note that a step was finished."""
    (folder / f"souk-{what}").write_text(ingredients)


def own(packages: Sequence[Path]) -> str:
    """Differ when a package of our own has to be installed again."""
    return fingerprint(
        [path for one in packages for path in [one / "pyproject.toml", *sorted(one.glob("src/**/*.py"))]]
    )


def fingerprint(ingredients: Sequence[Path]) -> str:
    """Differ when something has to be made again from these files, or for another Python."""
    seen = hashlib.sha256(f"{sys.version} {sys.base_prefix}".encode())
    for path in ingredients:
        seen.update(path.read_bytes())
    return seen.hexdigest()


def fill(folder: Path, lock: Path) -> None:
    """Make the environment afresh; a half-made one has no marker and is made again next time."""
    shutil.rmtree(folder, ignore_errors=True)
    checked([*uv("venv"), "--quiet", "--python", sys.executable, str(folder)], folder.name)
    python = str(folder / "bin" / "python")
    words = ("--quiet", "--python", python, "--require-hashes", "--requirements", str(lock))
    checked([*uv("pip", "install"), *words], folder.name)


def install_own(package: Path, folder: Path) -> None:
    """Build a package of the checkout from a copy, so that building leaves nothing in it and finds nothing old."""
    with TemporaryDirectory() as copy:
        shutil.copytree(package, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", "*.egg-info"))
        words = ("--quiet", "--python", str(folder / "bin" / "python"), "--no-deps", "--no-build-isolation", copy)
        checked([*uv("pip", "install"), *words], folder.name)


def files(layout: Layout, name: str, *, say: Callable[[str], None]) -> Path:
    """Return a folder with the files that the packages of a lock carry, without what these depend on."""
    folder, lock = layout.tools / name, requirements(layout, name)
    if marked(folder, "packages", fingerprint([lock])):
        return folder
    say(f"fetching the {name} from the package registry")
    shutil.rmtree(folder, ignore_errors=True)
    where = ("--python", sys.executable, "--target", str(folder))
    words = ("--quiet", "--no-deps", "--require-hashes", *where, "--requirements", str(lock))
    checked([*uv("pip", "install"), *words], name)
    mark(folder, "packages", fingerprint([lock]))
    return folder


def installed(layout: Layout, environment: str, package: str) -> str:
    """Return the version of a package in one of our environments; empty when there is none."""
    folders = venv(layout, environment).glob("lib/python3*/site-packages/*.dist-info")
    named = (folder.name.removesuffix(".dist-info").partition("-") for folder in folders)
    return next((version for name, _, version in named if name.lower() == package), "")


def uv(*words: str) -> list[str]:
    """Return the installer that the development environment brings, else one on the search path."""
    beside = Path(sys.executable).with_name("uv")
    return [str(beside) if beside.exists() else "uv", *words]


def checked(argv: Sequence[str], name: str) -> None:
    """Run an installer; what it says is shown only when it fails."""
    done = run(argv, dict(os.environ))
    if done.returncode != 0:
        raise StackError(
            f"the {name} environment can't be installed (does the registry answer?):\n{last_lines(done.stdout)}"
        )


def run(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; one that can't be run, or takes too long, has failed."""
    try:
        return subprocess.run(
            argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(argv, 1, stdout=str(error))


def last_lines(text: str, count: int = 12) -> str:
    """Return the end of what a program said."""
    return "\n".join(text.strip().splitlines()[-count:])
