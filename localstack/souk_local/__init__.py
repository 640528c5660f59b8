"""Runs the whole of Souk on one machine: databases, LocalStack and the local gateway."""
