"""One Chalice app on its way to a stage: its configuration, its fingerprint, `chalice deploy`, what came of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from souk.errors import Refused
from souk.stages import LOCAL
from souk_cli import apps, chalice_record
from souk_cli.apps import ROOT, folder

if TYPE_CHECKING:
    from souk_cli.chalice_record import Deployed
    from souk_cli.target import Target

LAST_LINES = 15
PATIENCE = 900  # seconds
OURS = ("layers", "consumers", "stages")  # of the template; the rest is Chalice's own


class Template(Struct, frozen=True):
    """What of `.chalice/config.template.json` is not handed to Chalice as it is."""

    layers: list[str]
    consumers: dict[str, Any]
    stages: dict[str, dict[str, Any]]


def template(service: str) -> Template:
    """Read an app's template. Raises Refused for one that is not usable."""
    try:
        return msgspec.json.decode(_template(service).read_bytes(), type=Template)
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused(f"{_template(service).relative_to(ROOT)} is not usable: {error}") from error


def _template(service: str) -> Path:
    return folder(service) / ".chalice" / "config.template.json"


def configuration(
    service: str, target: Target, *, role: str, layer_arns: Mapping[str, str], secret: str
) -> dict[str, Any]:
    """Return the app's configuration for one stage, as Chalice reads it.

    `secret` is the version of the service's secret: running functions keep what they read, a new version renews them.
    """
    kept = template(service)
    network = {"subnet_ids": "SOUK_SUBNET_IDS", "security_group_ids": "SOUK_SECURITY_GROUP_IDS"}
    return {
        **kept.stages.get(target.stage, kept.stages[LOCAL if target.local else "aws"]),
        **{key: target.settings[name].split(",") for key, name in network.items() if target.settings.get(name)},
        "lambda_architecture": target.architecture,
        "iam_role_arn": role,
        "layers": [layer_arns[name] for name in kept.layers],
        "environment_variables": {**target.plain(service), f"{service.upper()}_SECRET_VERSION": secret},
        "lambda_functions": {one.handler: kept.consumers for one in apps.app(service).consumers},
    }


def configure(service: str, stage: str, wanted: Mapping[str, Any]) -> None:
    """Write `.chalice/config.json`; other stages in it stay."""
    path = folder(service) / ".chalice" / "config.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    common = {key: value for key, value in json.loads(_template(service).read_bytes()).items() if key not in OURS}
    whole = {**common, "stages": {**before.get("stages", {}), stage: wanted}}
    path.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def fingerprint(service: str, wanted: Mapping[str, Any]) -> str:
    """Return what tells two deployments apart: code, configuration and the tool that packs it."""
    seen = hashlib.sha256(f"chalice {version('chalice')}\n{json.dumps(wanted, sort_keys=True)}".encode())
    home = folder(service)
    for path in [home / "app.py", home / "requirements.txt", _template(service), *_code(home / "chalicelib")]:
        seen.update(f"{path.relative_to(home)}\n".encode() + path.read_bytes())
    return seen.hexdigest()


def _code(home: Path) -> list[Path]:
    return [path for path in sorted(home.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def chalice_deploy(service: str, target: Target, *, apis: frozenset[str], functions: frozenset[str]) -> Deployed:
    """Run `chalice deploy` where these APIs and functions are. Raises Refused with the last lines it wrote."""
    chalice_record.recall(service, target, apis=apis, functions=functions)
    shutil.rmtree(folder(service) / ".chalice" / "deployments", ignore_errors=True)  # its cache ignores file names
    chalice = str(Path(sys.executable).with_name("chalice"))
    done = subprocess.run(
        [chalice, "deploy", "--stage", target.stage],
        cwd=folder(service),
        env=environment(target),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.strip()]
        raise Refused("\n".join(said[-LAST_LINES:]))
    chalice_record.remember(service, target)
    return chalice_record.read(service, target.stage)


def environment(target: Target) -> dict[str, str]:
    """Return what Chalice runs with: the shared layer alone on the path, or it packs other apps' routes."""
    return {
        **target.environment,
        "PYTHONPATH": str(ROOT / "layers" / "souk" / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "SOUK_STAGE": target.stage,
    }
