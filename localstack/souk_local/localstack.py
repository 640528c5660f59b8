"""LocalStack, in a virtual environment of its own, with our executor that runs functions as processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from souk_executor import environment
from souk_local import install, ready, users
from souk_local.processes import Program

if TYPE_CHECKING:
    from pathlib import Path

    from souk_local.layout import Layout
    from souk_local.site import Site

TITLE = "LocalStack"
PORTS = ("localstack",)
PROCESSES = PORTS
WITHIN = 90.0
PACKAGES: Mapping[str, str] = {}
VENV = "localstack"
RUNTIME_VENV = "lambda-runtime"
HEALTH = "/_localstack/health"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Make LocalStack's environment with our plugin in it, and the bare one that functions run in."""
    install.virtual_environment(site.layout, VENV, say=say, extra=(plugin(site.layout),))
    install.virtual_environment(site.layout, RUNTIME_VENV, say=say)


def plugin(layout: Layout) -> Path:
    """Return the folder of our own plugin's package."""
    return layout.root / "localstack" / "souk_executor"


def initialise(site: Site) -> None:
    """Make its folder; it keeps nothing in it that has to last."""
    users.own_folder(site.layout.data("localstack"), None)


def programs(site: Site) -> tuple[Program, ...]:
    """Return the server; functions are its children."""
    home = site.layout.data("localstack")
    python = install.venv(site.layout, VENV) / "bin" / "python"
    runtime = install.venv(site.layout, RUNTIME_VENV) / "bin" / "python"
    env = environment.environment(port=site.port("localstack"), home=home, runtime_python=runtime)
    return (Program(name="localstack", argv=tuple(environment.command(python)), env=env, cwd=home, ports=PORTS),)


def glance(site: Site) -> None:
    """Answer when it tells its health."""
    ready.get(site.port("localstack"), HEALTH)


probe = glance


def version(site: Site) -> str:
    """Return the version its virtual environment was made with."""
    return install.installed(site.layout, VENV, "localstack_core")


def fingerprint(site: Site) -> str:
    """Nothing to provision: deploying does that."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
