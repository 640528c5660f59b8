"""Looking around in the shop, as fast as it goes."""
