"""What the admin service tells others."""

from souk.audit import Audited
from souk.events import catalogue

PUBLISHES = catalogue(Audited)
