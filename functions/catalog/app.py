"""The doors of the catalog service."""

from chalicelib.catalog import live
from souk.http import Souk

app = Souk("catalog")
app.health({"postgres": live.database.ping})
app.refuse_the_rest()
