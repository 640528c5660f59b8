"""The `souk` command: a group whose subcommands are imported only when they are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    name: f"souk_cli.commands.{name}:command"
    for name in (
        "up",
        "down",
        "status",
        "logs",
        "reset",
        "env",
        "seed",
        "deploy",
        "serve",
        "bridge",
        "replay",
        "resync",
        "demo",
        "dlq",
        "admin",
        "migrate",
        "layers",
        "openapi",
    )
}


class Lazy(click.Group):
    """Knows its subcommands by name and where to find them."""

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
        click.echo(f"souk: {error}", err=True)
        sys.exit(1)


def expected(error: Exception) -> bool:
    """Whether an error is one that the user can do something about."""
    from souk.errors import SoukError
    from souk_local.errors import StackError

    return isinstance(error, SoukError | StackError)


if __name__ == "__main__":
    main()
