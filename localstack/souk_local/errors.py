"""What can go wrong with the local stack, told in one clear line."""

from __future__ import annotations


class StackError(Exception):
    """An expected failure of the local stack; its text is all that the user sees."""
