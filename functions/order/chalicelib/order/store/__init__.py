"""The stores of the order service: SQL and MongoDB behind the use cases' Protocols, by subject."""
