"""`souk dlq`: look at dead letters, and send them to their consumers again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from souk.errors import Missing, Unavailable

if TYPE_CHECKING:
    from souk_cli.dead import Letters

Result = TypeVar("Result")
MANY = 1_000_000


@click.group("dlq")
@click.option("--stage", help="The stage whose SQS queues are meant; this machine's when not given.")
@click.pass_context
def command(ctx: click.Context, stage: str | None) -> None:
    """Dead letters: messages that a consumer could not take, in SQS and in RabbitMQ."""
    ctx.obj = stage


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_obj
def list_letters(stage: str | None, *, as_json: bool) -> None:
    """Count the dead letters of every consumer."""
    places = letters(stage)
    counts = {name: {one.where: counted(one, name) for one in places} for name in consumers()}
    if as_json:
        click.echo(json.dumps(counts))
    else:
        for name, found in counts.items():
            shown = "  ".join(f"{where} {'-' if number is None else number:>5}" for where, number in found.items())
            click.echo(f"{name:<20} {shown}")
    if silent := sorted({where for found in counts.values() for where, number in found.items() if number is None}):
        raise Unavailable(f"not all could be counted: {', '.join(silent)} did not answer")


@command.command("show")
@click.argument("consumer")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many of each kind.")
@click.pass_obj
def show(stage: str | None, consumer: str, limit: int) -> None:
    """Print the dead letters of CONSUMER, one JSON object a line; they stay where they are."""
    for one in letters(stage):
        for body in asked(one, consumer, lambda place: place.peek(consumer, limit)) or []:
            click.echo(json.dumps({"where": one.where, "event": readable(body)}))


@command.command("redrive")
@click.argument("consumer")
@click.option("--limit", type=click.IntRange(1), default=MANY, help="At most so many of each kind.")
@click.pass_obj
def redrive(stage: str | None, consumer: str, limit: int) -> None:
    """Send the dead letters of CONSUMER to its queue again."""
    for one in letters(stage):
        moved = asked(one, consumer, lambda place: place.redrive(consumer, limit))
        if moved is not None:
            click.echo(f"{one.where}: {moved} sent again")


def letters(stage: str | None) -> list[Letters]:
    """Return the kinds of queue that a stage has."""
    from souk.settings import setting
    from souk_cli import connections
    from souk_cli.dead import QueueLetters, RabbitLetters

    connections.adopt(stage, only=connections.of_bridge, aws=True)
    url = setting("bridge", "RABBIT_URL", "")
    return [QueueLetters(), *([RabbitLetters(url)] if url else [])]


def consumers() -> list[str]:
    """Return the names of all consumers."""
    from souk_cli.bridge import topology

    return [line.consumer for line in topology.lines()]


def counted(place: Letters, consumer: str) -> int | None:
    """Return how many letters there are, or None where nobody answers."""
    try:
        return place.count(consumer)
    except Unavailable:
        return None


def asked(place: Letters, consumer: str, what: Callable[[Letters], Result]) -> Result | None:
    """Do something with a known consumer's letters; where nobody answers, say so and go on."""
    if consumer not in consumers():
        raise Missing(f"there is no consumer {consumer}; they are {', '.join(consumers())}")
    try:
        return what(place)
    except Unavailable as error:
        click.echo(f"warning: {error}", err=True)
        return None


def readable(body: str) -> object:
    """Return an event as JSON, anything else as the text it is."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
