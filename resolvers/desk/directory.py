"""Who holds which roles and has lent them: what tokens alone do not tell."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from policies.writes.approvals import Delegation


class Directory(Protocol):
    """Who holds which roles, and has lent them; what tokens alone do not tell."""

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """The roles of a person at an instant; None where the directory does not know the person."""
        ...

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """Those that were in force at some time since an instant."""
        ...


class TokensOnly:
    """No directory: an earlier instant's roles are those of now, and nothing is lent."""

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """Nobody knows."""
        return None

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """None."""
        return ()
