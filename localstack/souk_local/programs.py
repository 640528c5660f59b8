"""Our own programs that the stack keeps running, and what it does for a LocalStack that has forgotten everything."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from souk_local import gateway
from souk_local.errors import StackError

if TYPE_CHECKING:
    from souk_local.stack import Redeploy, Say, Stack

PENDING = "localstack.forgot"
SINCE = "localstack.since"
KEPT = timedelta(days=7) - timedelta(hours=1)
"""How far back events can be sent again, and an hour to spare."""
AGAIN = (("replay", "sending the events again that its queues may have lost"), ("resync", "telling anew what changed"))


def start_bridge(stack: Stack, *, say: Say) -> None:
    """Start the bridge unless it runs; before a deployment there is nothing to carry events to."""
    if not stack.layout.deployed.exists():
        raise StackError("nothing is deployed that the bridge could carry events to; `souk deploy --stage local` first")
    stack.start(["bridge"], say=say)


def note_fresh_start(stack: Stack) -> None:
    """Remember that LocalStack starts with nothing, and since when events may have been lost with the one before.

    Until all is deployed again the gateway sends nobody there: LocalStack says 200 to everything while it starts.
    """
    if stack.layout.deployed.exists():
        gateway.write_routes({}, place=stack.layout)
        if not stack.note(PENDING):
            stack.write_note(PENDING, stack.note(SINCE) or written(datetime.now(UTC) - KEPT))
    stack.write_note(SINCE, written(datetime.now(UTC)))


def written(moment: datetime) -> str:
    """Return a moment, in UTC, as the command line takes it; later ones are greater texts."""
    return moment.isoformat(timespec="seconds")


def deploy_again(stack: Stack, redeploy: Redeploy, *, say: Say) -> None:
    """Give LocalStack the functions and queues it had, and the events they missed; until then it stays pending."""
    say("localstack", "deploying again what was deployed on it before")
    if failed := redeploy(say):
        raise StackError("not everything could be deployed again:\n" + "\n".join(failed))
    since = max(stack.note(PENDING), written(datetime.now(UTC) - KEPT))
    for command, doing in AGAIN:
        say("localstack", doing)
        run(stack, command, "--since", since)
    stack.write_note(PENDING, "")


def run(stack: Stack, *words: str) -> None:
    """Run a `souk` command on this stack. Raises StackError with its last words when it fails."""
    place = stack.layout
    where = {"SOUK_HOME": str(place.state), "SOUK_TOOLS": str(place.tools), "SOUK_PORT_BASE": str(place.base)}
    argv = [sys.executable, "-m", "souk_cli.main", *words]
    done = subprocess.run(argv, env={**os.environ, **where}, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise StackError(f"`souk {words[0]}` failed: {(done.stderr or done.stdout).strip()}")
