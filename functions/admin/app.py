"""The doors of the admin service."""

from chalicelib.admin import live
from souk.http import Souk

app = Souk("admin")
app.health({"postgres": live.database.ping})
app.refuse_the_rest()
