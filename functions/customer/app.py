"""The doors of the customer service."""

from chalicelib.customer import live
from souk.http import Souk

app = Souk("customer")
app.health({"postgres": live.database.ping})
app.refuse_the_rest()
