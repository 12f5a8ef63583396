"""The one error that ends a command with a line for its user."""

from __future__ import annotations


class Unusable(Exception):
    """What was asked cannot be done; the message says what to do."""
