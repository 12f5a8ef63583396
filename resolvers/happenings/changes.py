"""What changes of our own records, in whichever process: operations, and exceptions as they are raised."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from resolvers.context import Context
from resolvers.facts.operations import office
from resolvers.happenings.event import Happening, cursor_of, place_of
from resolvers.ids import key_of
from sources import canonical as c
from sources.errors import Unavailable
from sources.news import News, Topic

if TYPE_CHECKING:
    from sources.outbox import Outbox  # it loads the database

_OPERATION, _EXCEPTION = "operationChanged", "exceptionRaised"  # the scopes of their cursors


async def operation(context: Context, id: str, after: str | None = None) -> AsyncGenerator[Happening, None]:
    """One operation: how it is, and how it is whenever something about it has changed. One that is not there, or not
    for the caller to see, is told as none, and that is all. Raises SourceError, LeftBehind, StoreAway."""
    outbox, key = _outbox(context), key_of(id, c.Operation)
    place = place_of(context, after, _OPERATION)
    async with aclosing(outbox.follow(Topic.OPERATION, _known(after, place), key)) as told:
        async for news in told:
            subject = await office(context).fact(c.Operation, key)
            yield _event(context, news, _OPERATION, subject, alone=True)


async def exceptions(context: Context, after: str | None = None) -> AsyncGenerator[Happening, None]:
    """Exceptions, as they are raised or handed to somebody else. Raises as `operation` does."""
    outbox = _outbox(context)
    place = place_of(context, after, _EXCEPTION)
    async with aclosing(outbox.follow(Topic.EXCEPTION, _known(after, place))) as told:
        async for news in told:
            subject = await office(context).fact(c.OperationException, news.key)
            if subject is not None or news.key is None:
                yield _event(context, news, _EXCEPTION, subject)


def _outbox(context: Context) -> Outbox:
    office(context)
    outbox = context.happenings.outbox() if context.happenings is not None else None
    if outbox is None:
        raise Unavailable("nobody looks here for what has changed")
    return outbox


def _known(after: str | None, place: str | None) -> str | None:
    """The place to go on from; an empty one, which nobody knows, for a cursor that cannot be read."""
    return place if after is None or place is not None else ""


def _event(context: Context, news: News, scope: str, subject: c.Record | None, *, alone: bool = False) -> Happening:
    return Happening(
        cursor=cursor_of(context, news.place, scope),
        missed=news.missed,
        at=news.at,
        subject=subject,
        first=news.first,
        alone=alone,
    )
