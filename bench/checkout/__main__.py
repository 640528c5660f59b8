"""`python -m bench.checkout`: proofs and measurements of the way from a cart to an order."""

import click

from bench import table
from bench.checkout import buyers, chaos, clicks, failover, history, sabotage, speed
from souk.stages import SERVE
from souk_cli import connections


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def checkout() -> None:
    """Prove and measure the way from a cart to an order, on a deployment of this machine.

    Buyers speak HTTP to --base; what came of it is read from the stores themselves. The exit code is 1 when anything was
    violated, 2 when the run could not be made.
    """
    connections.adopt(SERVE, only=connections.of_both)


for part in (buyers, clicks, speed, history, chaos, failover, sabotage):
    checkout.add_command(part.command)

if __name__ == "__main__":
    table.run(checkout, "bench.checkout")
