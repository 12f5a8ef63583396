"""Records that two owners have: told by the first of them, and left out of what the others tell, on whatever page.

Where the first owner's list is not all here, it is asked for the rows of the others by key, or for its whole list where
it cannot be asked so. So a page depends on the sources alone, and not on the pages before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from sources.canonical import Owned
from sources.continuation import Continuation
from sources.errors import SourceError
from sources.merging import Answer, Piece, pieces_of
from sources.ports import Ask, Connector, Page

Read = Callable[[Connector, Ask], Awaitable[Answer]]


class Unknown(msgspec.Struct):
    """Rows of the list `key` from `source`, of which it is not known whether the owner at `number` tells them too."""

    number: int
    source: str
    key: str
    rows: Collection[str]


class Doubles:
    """What earlier owners tell of what later ones do: `told` by key of the ask (source and key of a row). `unknown` is
    what has to be looked for; `answers` and `errors` are what came of that."""

    def __init__(
        self, ask: Ask, owners: Sequence[Connector], answers: Sequence[Answer], begun: Continuation | None = None
    ) -> None:
        self._ask, self._owners, self._renamed = ask, owners, [each.renamed or {} for each in answers]
        self.told: dict[str, set[tuple[str, str]]] = {}
        self.unknown: list[Unknown] = []
        self.answers: list[Answer] = []
        self.errors: dict[str, SourceError] = {}
        for key, pieces in pieces_of(ask, answers).items():
            for later, owner in enumerate(owners):
                rows = {record.key for each in pieces if each.source == owner.name for record in each.rows.records}
                for number, earlier in enumerate(owners[:later] if rows else ()):
                    mine = [each for each in pieces if each.source == earlier.name]
                    known = {record.key for each in mine for record in each.rows.records}
                    self._note(key, owner.name, rows & known)
                    if not _is_whole(ask, mine, begun or Continuation()) and not _is_full(ask, mine):
                        self.unknown.append(Unknown(number, owner.name, key, rows - known))

    def _note(self, key: str, source: str, rows: Collection[str]) -> None:
        self.told.setdefault(key, set()).update((source, row) for row in rows)

    async def look(self, read: Read) -> None:
        """Finds out what is unknown, with one question to each owner."""
        numbers = sorted({each.number for each in self.unknown})
        await asyncio.gather(*(self._look(number, read) for number in numbers))

    async def _look(self, number: int, read: Read) -> None:
        ask, owner = self._ask, self._owners[number]
        wanted = [each for each in self.unknown if each.number == number]
        if ask.by == "account" and (ask.record, "key") in owner.capabilities:
            keys = sorted({row for each in wanted for row in each.rows})
            answer = await read(owner, Ask(ask.record, "key", tuple(keys)))
            for each in wanted:
                has = [row for row in each.rows if self._has(answer, number, each.key, row)]
                self._note(each.key, each.source, has)
                failed = [answer.reading.errors[row] for row in each.rows if row in answer.reading.errors]
                self.errors |= {each.key: failed[0]} if failed else {}
        else:
            lists = tuple(dict.fromkeys(each.key for each in wanted))
            answer = await read(owner, Ask(ask.record, ask.by, lists, Page(filters=ask.page.filters)))
            whole = pieces_of(ask, [answer])
            for each in wanted:
                there = {record.key for piece in whole[each.key] for record in piece.rows.records}
                self._note(each.key, each.source, there.intersection(each.rows))
            self.errors |= {**answer.reading.errors, **answer.errors}
        self.answers.append(answer)

    def _has(self, answer: Answer, number: int, key: str, row: str) -> bool:
        """Whether an owner that has a record tells it in this very list."""
        found = answer.reading.rows.get(row)
        return found is not None and any(
            isinstance(record, Owned)
            and (record.account_key == key or self._renamed[number].get(record.source_account_id) == key)
            for record in found.records
        )


def _is_whole(ask: Ask, pieces: Sequence[Piece], begun: Continuation) -> bool:
    """Whether all that an owner tells of a list is here."""
    return ask.page.first is None or not any(each.goes_on or begun.has_begun(each.source, each.key) for each in pieces)


def _is_full(ask: Ask, pieces: Sequence[Piece]) -> bool:
    """Whether a page that has no order ends before anybody else's rows."""
    return ask.page.order is None and any(each.goes_on for each in pieces)
