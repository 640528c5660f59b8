"""The doors of the order service."""

from chalicelib.order import live
from souk.http import Souk

app = Souk("order")
app.health({"postgres": live.database.ping, "mongo": live.documents.ping})
app.refuse_the_rest()
