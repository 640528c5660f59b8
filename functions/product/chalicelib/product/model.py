"""Nouns and rules of the product service; pure."""
