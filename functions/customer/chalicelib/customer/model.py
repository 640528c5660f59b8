"""Nouns and rules of the customer service; pure."""
