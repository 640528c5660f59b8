"""Stages, which tell deployments apart by name: two are this machine's own, any other is somebody's on AWS."""

import os
import re

LOCAL = "local"  # the local stack: LocalStack and the local gateway
SERVE = "serve"  # a web server of its own, `souk serve`
HERE = frozenset({LOCAL, SERVE})  # of this machine, behind a gateway of ours
NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")  # as infra/stack.yaml takes it


def current() -> str:
    """Return the stage this code runs in; read at import by the apps, for queue names alone."""
    return os.environ.get("SOUK_STAGE", LOCAL)
