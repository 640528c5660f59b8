"""The doors of the cart service."""

from chalicelib.cart import live
from souk.http import Souk

app = Souk("cart")
app.health({"postgres": live.database.ping})
app.refuse_the_rest()
