"""`souk serve`: run the six apps behind a web server, with their queue consumers, without any AWS."""

from __future__ import annotations

import click

from souk.stages import SERVE
from souk_cli import connections

NEEDED = {
    "ORDER_DATABASE_URL": "PostgreSQL",
    "BRIDGE_RABBIT_URL": "RabbitMQ",
}
WANTED = ("PRODUCT_MONGO_URL", "PRODUCT_SEARCH_URL", "PRODUCT_GRAPH_URL", "CART_REDIS_URL")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, help="The port; one above the local gateway's when not given.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that answer.")
@click.option("--reload", is_flag=True, help="Start again whenever the code changes.")
@click.option("--no-consumers", is_flag=True, help="Answer requests only; events wait for another bridge.")
def command(*, host: str, port: int | None, workers: int, reload: bool, no_consumers: bool) -> None:
    """Serve the six apps, and give events straight to their consumers.

    Settings come from the environment; what is missing there, from this checkout's local stack. Behind reverse proxies
    of your own, name their addresses in SOUK_TRUSTED_PROXIES: only theirs is the word X-Real-IP.
    """
    from souk_cli.serve import run
    from souk_local import checks, layout

    connections.adopt(SERVE, only=connections.of_functions)
    connections.insist(NEEDED)
    for name, where in connections.silent(WANTED).items():
        click.echo(f"warning: nobody answers at {where} ({name}); the services work in their degraded way", err=True)
    chosen = port or layout.find().port("serve")
    checks.ports({"serve": chosen})  # the web server would share it with whoever has it
    click.echo(f"serving on http://{host}:{chosen} with {workers} workers")
    run.run(run.Plan(host=host, port=chosen, workers=workers, reload=reload, consumers=not no_consumers))
