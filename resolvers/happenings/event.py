"""Events of subscriptions, and the cursors from which a client that was away goes on."""

from __future__ import annotations

from datetime import datetime

from resolvers.batch import Event
from resolvers.context import Context
from sources.errors import BadAsk
from sources.ports import Position


class Happening(Event, frozen=True, kw_only=True):
    """An event of ours. `missed`: something may have happened before it that was never told, so that what is known has
    to be read anew. The first event of a stream says where it begins."""

    cursor: str | None
    missed: bool
    at: datetime


def place_of(context: Context, after: str | None, scope: str) -> str | None:
    """The place of a cursor; None without one, and for one that nobody here can read: it is of a process with another
    key, or made up, and whoever has it has missed something in any case."""
    if after is None or context.cursors is None:
        return None
    try:
        return context.cursors.decode(after, scope).key
    except BadAsk:
        return None


def cursor_of(context: Context, place: str, scope: str) -> str | None:
    """The cursor of a place."""
    return context.cursors.encode(Position(None, place), scope) if context.cursors is not None else None
