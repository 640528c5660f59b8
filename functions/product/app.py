"""The doors of the product service."""

from chalicelib.product import live
from souk.http import Souk

app = Souk("product")
app.health({"mongo": live.documents.ping, "search": live.search.ping, "graph": live.graph.ping})
app.refuse_the_rest()
