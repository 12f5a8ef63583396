"""Notices: what people are to be told without having asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from resolvers.sagas import notes
from resolvers.sagas.room import Room
from sources.store import audit, operations
from sources.store.errors import NoSuchRecord
from sources.store.store import Transaction

OURSELVES = "opsgraph"  # who does what nobody did
_log = logging.getLogger("opsgraph.desk")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """`role`: who should know. `what`: REMINDED, ESCALATED or EXPIRED. `about`: an approval's or exception's id."""

    what: str
    role: str
    about: str
    operation: str | None
    message: str


Tell: TypeAlias = Callable[[Notice], None]


def log(notice: Notice) -> None:
    """Tells whoever reads the log."""
    level = logging.WARNING if notice.what == "ESCALATED" else logging.INFO
    _log.log(level, "%s %s for %s: %s", notice.about, notice.what.lower(), notice.role, notice.message)


def record(connection: Transaction, room: Room, notice: Notice, subject: str) -> None:
    """The audit record of it, in the transaction in which it comes true."""
    said = {"action": notice.what.lower(), "decision": notice.what, "reason": notice.message}
    after = {"about": notice.about, "role": notice.role}
    try:
        operation = operations.find(connection, subject)
    except NoSuchRecord:
        event = audit.Event(actor=OURSELVES, subject=subject, after=after, **said)
        audit.append(connection, room.chain, event, room.clock())
        return
    notes.record(connection, room.chain, operation, room.clock(), actor=OURSELVES, human=None, after=after, **said)
