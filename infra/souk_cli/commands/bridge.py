"""`souk bridge`: carry events from the outboxes to the consumers' queues, or straight to the functions."""

from __future__ import annotations

import click

from souk_cli import connections


@click.command("bridge")
@click.option("--target", type=click.Choice(["sqs", "direct"]), default="sqs", show_default=True, help="Where to.")
@click.option("--stage", help="The stage whose queues take the events.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes of --target direct."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address of the status page.")
@click.option("--port", type=int, help="The port of the status page.")
@click.option("--beside", is_flag=True, hidden=True, help="End when standard input does.")
def command(*, target: str, stage: str | None, workers: int, host: str, port: int | None, beside: bool) -> None:
    """Relay events from the services' outboxes to RabbitMQ, and from there to SQS, or with --target direct to the functions.

    Any number of bridges may run. SIGTERM ends one in order. Its state is at /status of the status page.
    """
    from souk.settings import Unset, setting
    from souk_cli.bridge.program import Bridge, Plan
    from souk_local import layout
    from souk_local.errors import StackError

    direct = target == "direct"
    connections.adopt(stage, only=connections.of_both if direct else connections.of_bridge, aws=not direct)
    try:
        setting("bridge", "RABBIT_URL")
    except Unset as error:
        raise StackError(f"{error}: start the local stack (`souk up`) or set it") from error
    plan = Plan(target=target, workers=workers, host=host, port=port or layout.find().port("bridge"), beside=beside)
    Bridge(plan).run()
