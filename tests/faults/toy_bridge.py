"""A bridge with one toy consumer, run as a process of its own so that it can be killed.

Its relay empties the order service's outbox; its consumer is a real door, and claims each event with its effect.
"""

from souk import telemetry
from souk.errors import Invalid
from souk.events import Event, Fact
from souk.http import Souk
from souk.postgres import Database
from souk.settings import setting
from souk_cli.bridge import lifeline, topology
from souk_cli.bridge.carrier import Carrier
from souk_cli.bridge.publisher import Publisher
from souk_cli.bridge.relay import Relay
from souk_cli.bridge.rows import RowOutbox
from souk_cli.bridge.targets import Functions
from souk_cli.bridge.topology import Line

LINE = Line(consumer="toy", types=("toy.happened",))
CLAIM = "INSERT INTO event_claims (consumer, event_id) VALUES (%(consumer)s, %(id)s) ON CONFLICT DO NOTHING"
EFFECT = "INSERT INTO toy_effects (event_id) VALUES (%(event_id)s)"
LOG = telemetry.logger("toy")
app = Souk("order")
database = Database("order")


class Happened(Fact, frozen=True):
    """Something happened, or something that nobody can understand."""

    TYPE = "toy.happened"
    poison: bool = False


@app.consumer(LINE.consumer, Happened)
def take(event: Event, fact: Happened) -> None:
    """Claim and effect in one transaction."""
    if fact.poison:
        raise Invalid("nobody understands this")
    with database.transaction() as tx:
        if tx.run(CLAIM, consumer=LINE.consumer, id=event.id):
            tx.run(EFFECT, event_id=event.id)


def main() -> None:
    """Carry until told to end."""
    told = lifeline.until_told(beside=True)
    url = setting("bridge", "RABBIT_URL")
    publisher = Publisher(url, lambda: topology.prepare(url, [LINE]))
    relay = Relay([RowOutbox("order")], publisher.publish)
    carrier = Carrier(url, [LINE], Functions({LINE.consumer: take}))
    publisher.start()
    carrier.start()
    relay.start()
    told.wait()
    relay.stop(within=10)
    carrier.stop(within=10)
    publisher.stop()
    LOG.info("ended in order")


if __name__ == "__main__":
    main()
