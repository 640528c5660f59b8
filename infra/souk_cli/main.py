"""The `souk` command: a group whose subcommands are imported only when they are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

import click

HELP: Mapping[str, str] = {
    "up": "Start the local stack, or parts of it.",
    "down": "End the local stack, or parts of it; the data stay.",
    "status": "Show how every store, function and the bridge are doing.",
    "logs": "Show what the parts of the local stack wrote.",
    "reset": "Remove the data of the local stack.",
    "env": "Print what a shell needs to use the local stack.",
    "seed": "Load the sample or the full data set.",
    "deploy": "Deploy the services, on the local stack or on AWS.",
    "serve": "Run the services behind a web server, without AWS.",
    "bridge": "Carry events from the outboxes to their consumers.",
    "replay": "Send again what the outboxes keep.",
    "resync": "Let services tell again how things are now.",
    "check": "Check what must always be true of the books.",
    "demo": "Play a shopping journey and tell what happens.",
    "dlq": "List, show and redrive parked messages.",
    "admin": "Make the first member of staff.",
    "migrate": "Bring every store's schema up to date.",
    "layers": "Build the Lambda layers.",
    "openapi": "Generate the API descriptions.",
}
COMMANDS: Mapping[str, str] = {name: f"souk_cli.commands.{name}:command" for name in HELP}


class Lazy(click.Group):
    """Knows its subcommands by name, what they do and where to find them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one; a name that is not in the table is no command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="souk")
def souk() -> None:
    """Run, deploy and operate Souk."""


def main() -> None:
    """Run the command line; an expected error is one clear line, never a traceback."""
    try:
        souk(prog_name="souk")
    except Exception as error:
        if not expected(error):
            raise
        click.echo(f"souk: {told(error)}", err=True)
        sys.exit(1)


def told(error: Exception) -> str:
    """Return an expected error as a line that also says what is wrong with the input, or where to look."""
    from souk.errors import SoukError, Unavailable

    if isinstance(error, Unavailable):
        return f"{error}; `souk status` tells what runs, `souk up` starts the local stack"
    faults = ", ".join(fault.detail for fault in error.faults) if isinstance(error, SoukError) else ""
    return f"{error}: {faults}" if faults else str(error)


def expected(error: Exception) -> bool:
    """Whether an error is one that the user can do something about."""
    from souk.errors import SoukError
    from souk_local.errors import StackError

    return isinstance(error, SoukError | StackError)


if __name__ == "__main__":
    main()
