"""What our own ledger is told: to hold back credit headroom and incidents while a saga runs, and to let them go."""

from __future__ import annotations

from typing import ClassVar

from sources.canonical import Record
from sources.canonical.commands import Command

CREDIT, INCIDENT = "credit", "incident"
PIECES = "pcs"
"""The unit of what is counted; money is held in minor units of its currency."""


class Reserved(Record, frozen=True, gc=False, kw_only=True):
    """What a reservation is, for those who look for its owner: us."""


class Reserve(Command, frozen=True, kw_only=True):
    """Holds back `quantity` of `unit` of a subject, unless less is free of `most` (None: there is no bound).
    `used_too`: what was used counts as well, because nobody else counts it."""

    target: ClassVar[type[Record]] = Reserved

    kind: str
    subject: str
    quantity: int
    unit: str
    most: int | None = None
    used_too: bool = False


class Release(Command, frozen=True, kw_only=True):
    """Gives back what a reservation holds."""

    target: ClassVar[type[Record]] = Reserved

    reservation: str


class Consume(Command, frozen=True, kw_only=True):
    """What a reservation held is used now: its own system counts it from here on."""

    target: ClassVar[type[Record]] = Reserved

    reservation: str
