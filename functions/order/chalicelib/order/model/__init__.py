"""Nouns and rules of the order service, by subject; pure."""
