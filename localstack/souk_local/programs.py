"""Our own programs that the stack keeps running once there is something for them to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from souk_local.errors import StackError

if TYPE_CHECKING:
    from souk_local.stack import Say, Stack


def start_bridge(stack: Stack, *, say: Say) -> None:
    """Start the bridge unless it runs; there is nothing to carry events to before a deployment."""
    if not stack.layout.deployed.exists():
        raise StackError("nothing is deployed that the bridge could carry events to; `souk deploy --stage local` first")
    stack.start(["bridge"], say=say)


def stop_bridge(stack: Stack, *, say: Say) -> None:
    """Let the bridge finish what it carries, and end it."""
    stack.down(["bridge"], say=say)


def deploy_again(stack: Stack, *, say: Say) -> None:
    """Give a LocalStack that has forgotten everything the functions and queues it had, and the events they missed."""
    from souk_cli import deploy, replay

    say("localstack", "deploying again what was deployed before")
    deploy.redeploy(stage="local")
    say("localstack", "replaying the events that its queues forgot")
    replay.replay(stage="local")
