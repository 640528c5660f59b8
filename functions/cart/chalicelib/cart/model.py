"""Nouns and rules of the cart service; pure."""
