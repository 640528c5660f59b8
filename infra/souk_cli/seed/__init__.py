"""Real shopping data for the local stack: read from The Complete Journey, loaded by the services' own imports."""
