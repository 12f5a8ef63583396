"""How sources are doing, as the process that is asked sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from resolvers.context import Context
from resolvers.happenings.event import Happening, cursor_of, place_of
from sources.conditions import Change, Conditions
from sources.errors import Unavailable
from sources.overview import Condition, Overview

_SCOPE = "sourceStateChanged"


class SourceHappening(Happening, frozen=True, kw_only=True):
    """A source is doing otherwise; None in the first event."""

    previous: Condition | None = None
    source: Overview | None = None


async def changes(context: Context, after: str | None = None) -> AsyncGenerator[SourceHappening, None]:
    """What changed after a cursor, as far as it is kept, and then what changes. Raises Unavailable, LeftBehind."""
    if context.happenings is None:
        raise Unavailable("nobody looks here at how the sources are doing")
    conditions = context.happenings.conditions
    with conditions.listening() as listener:
        era, number = _place(context, after)
        kept = conditions.since(era, number)
        yield SourceHappening(
            cursor=_cursor(context, conditions, conditions.number if kept is None else number),
            missed=after is not None and kept is None,
            at=context.now,
            first=True,
        )
        for change in kept or ():
            yield _told(context, conditions, change)
        while True:
            yield _told(context, conditions, await listener.next())


def _told(context: Context, conditions: Conditions, change: Change) -> SourceHappening:
    return SourceHappening(
        cursor=_cursor(context, conditions, change.number),
        missed=False,
        at=change.at,
        previous=change.previous,
        source=change.source,
    )


def _cursor(context: Context, conditions: Conditions, number: int) -> str | None:
    return cursor_of(context, f"{conditions.era}.{number}", _SCOPE)


def _place(context: Context, after: str | None) -> tuple[str, int]:
    """The era and the number of a cursor; those of none where there is no such cursor."""
    era, _, number = (place_of(context, after, _SCOPE) or "").partition(".")
    return era, int(number or 0)
