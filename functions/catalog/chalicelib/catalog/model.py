"""Nouns and rules of the catalog service; pure."""
