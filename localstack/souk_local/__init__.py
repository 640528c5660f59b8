"""Runs the whole of Souk on one machine: databases, LocalStack and the local gateway."""

from __future__ import annotations

from souk_local.errors import StackError
from souk_local.settings import connections, environment
from souk_local.stack import Stack, here

__all__ = ["Stack", "StackError", "connections", "environment", "here"]
