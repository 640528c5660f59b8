"""Nouns and rules of the order service; pure."""
