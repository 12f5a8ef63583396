"""A deed at this billing system: its calls go out under idempotency keys of their own."""

from __future__ import annotations

from typing import Generic, TypeVar

from sources import deeds
from sources.canonical.commands import Command
from sources.vendors.stripe.writers.desk import Desk
from sources.vendors.stripe.writers.marks import step

C = TypeVar("C", bound=Command)


class Deed(deeds.Deed[Desk, C], Generic[C]):
    """One attempt at a command."""

    def step(self, name: str = "") -> str:
        """The idempotency key of one of its calls."""
        return step(self.key, name)
