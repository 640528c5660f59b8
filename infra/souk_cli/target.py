"""Where a deployment goes: a stage, the AWS account or LocalStack that has it, and the settings of its services."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from souk.errors import Refused, Unavailable
from souk.stages import LOCAL, NAME, SERVE
from souk_cli import layers
from souk_local import layout
from souk_local.services import SERVICES, SIGNERS, STORES

if TYPE_CHECKING:
    from souk_local.layout import Layout

PLAIN = frozenset({"TRUSTED_KEYS"})  # public: given to functions in their environment
NEVER = ("OWNER_", "RELAY_")  # no function gets these
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http", "no_proxy")
BRIDGED = ("_RELAY_DATABASE_URL", "PRODUCT_MONGO_URL", "CART_REDIS_URL", "BRIDGE_")  # ends or beginnings
OF_STORES: Mapping[str, tuple[str, ...]] = {
    "postgres": ("DATABASE_URL", "OWNER_DATABASE_URL", "RELAY_DATABASE_URL"),
    "mongo": ("MONGO_URL",),
    "search": ("SEARCH_URL",),
    "graph": ("GRAPH_URL",),
    "redis": ("REDIS_URL",),
}


def needed(service: str) -> tuple[str, ...]:
    """Return the settings that a service cannot do without: its stores', and its keys."""
    stores = (name for store in STORES[service] for name in OF_STORES[store])
    return (*stores, *(("SIGNING_KEY",) if service in SIGNERS else ()), "TRUSTED_KEYS")


NEEDED: Mapping[str, tuple[str, ...]] = {
    **{service: needed(service) for service in SERVICES},
    "bridge": ("RABBIT_URL",),
}
_making = threading.Lock()  # a boto3 session is not to be shared while clients are made


class Target(Struct, frozen=True, kw_only=True, dict=True):
    """A stage and all that is needed to deploy to it."""

    stage: str
    settings: Mapping[str, str]
    environment: Mapping[str, str]  # how AWS is reached
    place: Layout

    @property
    def local(self) -> bool:
        """Whether it is the local stack."""
        return self.stage == LOCAL

    @property
    def architecture(self) -> str:
        """What functions run on: this machine's kind locally, x86-64 on AWS."""
        return layers.here() if self.local else "x86_64"

    @property
    def record(self) -> Path:
        """Where it is kept what was deployed."""
        return self.place.deployed if self.local else self.place.state / f"deployed.{self.stage}.json"

    @functools.cached_property
    def _session(self) -> Any:
        import boto3

        given = self.environment
        return boto3.Session(
            aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=given.get("AWS_SESSION_TOKEN"),
            region_name=given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION"),
            profile_name=given.get("AWS_PROFILE"),
        )

    def client(self, name: Any) -> Any:
        """Return a client of one of AWS's services."""
        with _making:
            return self._session.client(name, endpoint_url=self.environment.get("AWS_ENDPOINT_URL"))

    @property
    def region(self) -> str:
        """The region functions run in. Raises Refused when none is set."""
        found = self._session.region_name
        if not found:
            raise Refused("no AWS region is set: say it in AWS_REGION")
        return str(found)

    def secrets(self, service: str) -> dict[str, str]:
        """Return what the service's secret holds: its own settings, those of migrations and relay excepted."""
        own = self._own(service)
        return {name: value for name, value in own.items() if name not in PLAIN and not name.startswith(NEVER)}

    def plain(self, service: str) -> dict[str, str]:
        """Return the environment of the service's functions."""
        own = {f"{service.upper()}_{name}": value for name, value in self._own(service).items() if name in PLAIN}
        return {"SOUK_STAGE": self.stage, f"{service.upper()}_SECRET_ID": f"{self.stage}/souk/{service}", **own}

    def _own(self, service: str) -> dict[str, str]:
        prefix = f"{service.upper()}_"
        return {name.removeprefix(prefix): value for name, value in self.settings.items() if name.startswith(prefix)}

    def lacking(self, services: Iterable[str]) -> list[str]:
        """Return the names of settings that services cannot do without and that are nowhere."""
        wanted = (f"{service.upper()}_{name}" for service in services for name in NEEDED[service])
        return [name for name in wanted if not self.settings.get(name)]

    def bridge(self) -> dict[str, str]:
        """Return the settings of the bridge, by their full names."""
        return {
            name: value for name, value in self.settings.items() if name.endswith(BRIDGED) or name.startswith(BRIDGED)
        }

    def url(self, api_id: str) -> str:
        """Return where an API answers."""
        if endpoint := self.environment.get("AWS_ENDPOINT_URL"):
            return f"{endpoint}/_aws/execute-api/{api_id}/api"
        return f"https://{api_id}.execute-api.{self.region}.amazonaws.com/api"


def of(stage: str, settings_file: Path | None = None) -> Target:
    """Return the target of a stage: the local stack's, or what the environment and a settings file say.

    Raises Refused for a name that nothing on AWS could begin with, and for the stage that nothing is deployed to.
    """
    if stage == SERVE:
        raise Refused(f"nothing is deployed to the stage {SERVE}: `souk serve` runs it, on this machine")
    if not NAME.fullmatch(stage):
        raise Refused(f"a stage is named by up to 16 small letters, digits and dashes, not {stage!r}")
    if stage == LOCAL:
        import souk_local

        stack = souk_local.here()
        return Target(
            stage=stage,
            settings=souk_local.connections(stack),
            environment={**_inherited(os.environ), **souk_local.environment(stack.site)},
            place=stack.layout,
        )
    settings = {**_ours(os.environ), **(read(settings_file) if settings_file else {})}
    return Target(stage=stage, settings=settings, environment=_inherited(os.environ), place=layout.find())


@contextmanager
def answering(goal: Target) -> Iterator[None]:
    """Say in one line what AWS, or the local stack, refuses to do."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.exceptions import ConnectionError as NotConnected

    try:
        yield
    except NotConnected as error:
        if goal.local:
            raise Unavailable("LocalStack does not answer") from error
        raise Refused(f"AWS does not answer: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"{'LocalStack' if goal.local else 'AWS'} refuses: {error}") from error


def read(path: Path) -> dict[str, str]:
    """Read a settings file: a JSON object of names and values. Raises Refused for anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused(f"{path} is no settings file, a JSON object of names and texts: {error}") from error


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    prefixes = tuple(f"{name.upper()}_" for name in (*SERVICES, "bridge", "souk"))
    return {name: value for name, value in environment.items() if name.startswith(prefixes)}


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return of the environment what reaches AWS, and nothing that could change what is deployed."""
    return {name: value for name, value in environment.items() if name.startswith(INHERITED)}


def shown(settings: Mapping[str, str]) -> str:
    """Return settings as the one text that is compared and stored."""
    return json.dumps(settings, sort_keys=True)
