"""Where lists go on, part by part.

The position of a list is opaque text: for every part (source, the key that source was asked for) the position at which
it goes on. A part that is not among them has ended. A source that pages a list says itself where it goes on behind each
row (`Rows.positions`); of one that gives it whole, whatever is asked, what was told already is left out here.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import msgspec

from sources.errors import BadAsk
from sources.ports import Ask, Connector, Position, Reading, Report, Rows

START = Position(None, "")
_BOUND = 4  # keys continued at once


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Where one part of a merged list goes on; `START` where nothing of it has been used yet."""

    source: str
    key: str
    after: Position


class Continuation:
    """The parts of a merged position; none at the beginning of a list."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self.parts = {(part.source, part.key): part.after for part in parts}

    @classmethod
    def of(cls, ask: Ask) -> Continuation:
        """Reads an ask's position; raises BadAsk where it is none of ours."""
        if ask.page.after is None:
            return cls()
        try:
            raw = base64.urlsafe_b64decode(ask.page.after.token or "")
            return cls(msgspec.json.decode(raw, type=list[Part]))
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it") from error

    def has_begun(self, source: str, key: str) -> bool:
        """Whether rows of a part were told before."""
        return bool(self.parts) and self.parts.get((source, key)) != START

    async def read(self, connector: Connector, ask: Ask) -> Reading:
        """Reads keys in one batch at the beginning, one by one where they go on at different places."""
        if ask.page.after is None:
            return await connector.read(ask)
        gate = asyncio.Semaphore(_BOUND)

        async def one(key: str) -> Reading:
            after = self.parts.get((connector.name, key))
            if after is None:
                return Reading({key: Rows()}, Report(connector.name))
            page = msgspec.structs.replace(ask.page, after=None if after == START else after)
            async with gate:
                reading = await connector.read(msgspec.structs.replace(ask, keys=(key,), page=page))
            if page.after is not None and page.first is not None and key in reading.rows:
                reading.rows[key] = _behind(reading.rows[key], page.after)
            return reading

        whole = Reading({}, Report(connector.name))
        for reading in await asyncio.gather(*(one(key) for key in ask.keys)):
            whole.rows |= reading.rows
            whole.errors |= reading.errors
            whole.along += reading.along
            add(whole.report, reading.report)
        return whole


def _behind(rows: Rows, after: Position) -> Rows:
    """What comes behind a position in a list that was given whole; one that was paged is that already."""
    if rows.positions or not rows.records:
        return rows
    for index, record in enumerate(rows.records):
        if record.key == after.key:
            return Rows(rows.records[index + 1 :], rows.more, rows.next, served=rows.served)
    raise BadAsk("`after` names a row that is gone: begin the list again")


def place(rows: Rows, index: int) -> Position:
    """Where a list goes on behind one of its rows: as its source says, or by key where that gives it whole."""
    return rows.positions[index] if rows.positions else Position(None, rows.records[index].key)


def wrap(parts: Sequence[Part]) -> Position:
    """Parts as one position of a merged list."""
    return Position(None, "", base64.urlsafe_b64encode(msgspec.json.encode(list(parts))).decode())


def add(total: Report, part: Report) -> None:
    """Adds one report to another of the same question; of times that ran side by side the longest counts."""
    total.calls += part.calls
    total.joined += part.joined
    total.cached += part.cached
    total.stale += part.stale
    total.milliseconds = max(total.milliseconds, part.milliseconds)
    total.error = part.error or total.error
