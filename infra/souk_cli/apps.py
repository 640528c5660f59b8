"""The six apps, loaded side by side from their own folders as modules of their own names."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from souk.http import Souk
from souk.queues import Consumer
from souk_local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"


def folder(service: str) -> Path:
    """Return where a service's app lies."""
    return FUNCTIONS / service


def reach(service: str) -> None:
    """Let the service's part of the namespace package chalicelib be imported."""
    home = str(folder(service))
    if home not in sys.path:
        sys.path.append(home)


@functools.cache
def load(service: str) -> ModuleType:
    """Import a service's app.py as `souk_app_<service>`; once in a process."""
    reach(service)
    name = f"souk_app_{service}"
    spec = importlib.util.spec_from_file_location(name, folder(service) / "app.py")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"there is no app of the service {service}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def app(service: str) -> Souk:
    """Return a service's app object."""
    found = load(service).app
    if not isinstance(found, Souk):
        raise TypeError(f"the app of {service} is not one of ours")
    return found


def consumers() -> Mapping[str, tuple[Consumer, ...]]:
    """Return every service's consumers, in the order its app names them."""
    return {service: tuple(app(service).consumers) for service in SERVICES}
