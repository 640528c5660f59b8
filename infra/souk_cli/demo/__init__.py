"""The demonstration: a shopping journey over HTTP, told in a shop's words."""
