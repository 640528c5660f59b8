"""Nouns and rules of the admin service; pure."""
