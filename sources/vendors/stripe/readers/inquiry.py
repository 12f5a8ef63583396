"""One ask under way: what was found for each key, what went wrong, and what it cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sources.canonical import Record
from sources.errors import Missing, SourceError
from sources.ports import Ask, Reading, Report, Rows
from sources.vendors.stripe.client import Client, Fetched, Parameters, identifiable
from sources.vendors.stripe.mapping.origin import Origin

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Inquiry:
    """Readers fill `rows` and `errors`; a key in both has what could be read, and what went wrong with the rest."""

    def __init__(self, client: Client, ask: Ask) -> None:
        self.client, self.ask, self.settings = client, ask, client.settings
        self.report = Report(client.name)
        self.rows: dict[str, Rows] = {}
        self.errors: dict[str, SourceError] = {}
        self.along: dict[str, Record] = {}
        self.keys = tuple(dict.fromkeys(ask.keys))
        entities = client.settings.entities
        self._entity = entities[0] if len(entities) == 1 else None
        # Some reads cost a call per key, and those one per row: more at once would only stand in the source's queue.
        self._turns = asyncio.Semaphore(client.settings.concurrency)

    def origin(self, at: datetime, lag: float = 0.0) -> Origin:
        """Where rows of an answer that came at `at` are from; of a search they were true `lag` seconds before."""
        as_of = at - timedelta(seconds=lag) if lag else at
        return Origin(self.client.name, as_of, self._entity, self.ask.accounts)

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self.client.clock(), UTC)

    async def get(self, shape: type[T], path: str, parameters: Parameters, operation: str) -> Fetched[T]:
        """One GET, on this ask's account."""
        async with self._turns:
            return await self.client.get(shape, path, parameters, self.report, operation)

    async def each(self, keys: Iterable[str], read: Callable[[str], Awaitable[Rows | None]]) -> None:
        """Reads keys side by side, each on its own; a key that can be no id, and a missing object, are absent."""

        async def one(key: str) -> None:
            rows = None
            if identifiable(key):
                with contextlib.suppress(Missing):
                    rows = await read(key)
            if rows is not None:
                self.rows[key] = rows
            elif self.ask.by != "key" and key not in self.errors:
                self.rows[key] = Rows()

        await self.every(keys, one)

    async def every(self, keys: Iterable[str], read: Callable[[str], Awaitable[None]]) -> None:
        """Runs `read` for keys side by side; a failure is an error of its key."""

        async def one(key: str) -> None:
            try:
                await read(key)
            except SourceError as error:
                self.failed(key, error)

        await asyncio.gather(*(one(key) for key in keys))

    async def whole_list(self, read: Callable[[], Awaitable[Rows]]) -> None:
        """The one list there is, under the empty key."""

        async def one(key: str) -> None:
            self.rows[key] = await read()

        await self.every(("",), one)

    def mapped(self, key: str, make: Callable[[], R]) -> R | None:
        """A record, or None where the row cannot be told: then that is an error of `key`."""
        try:
            return make()
        except SourceError as error:
            self.failed(key, error)
            return None

    def failed(self, key: str, error: SourceError) -> None:
        """Notes the first thing that went wrong for `key`."""
        error.source = error.source or self.client.name
        self.report.error = error.code
        self.errors.setdefault(key, error)

    def reading(self) -> Reading:
        """The answer."""
        return Reading(self.rows, self.report, self.errors, along=list(self.along.values()))
