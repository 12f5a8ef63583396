"""What one operation reads: every key once, one question for all who ask in the same turn, each call counted once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from sources.canonical import Account, Record
from sources.catalog import Catalog
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Page, Reading, Report, Rows

FAN_OUT = 25  # parents that a reader with one call a parent may be asked for
_MOST = 2_000  # keys of one question

Index: TypeAlias = tuple[type[Record], str, Page]


class DeadlineExceeded(SourceError):
    """The operation's time is up: what is not there yet is left out."""

    code = "DEADLINE_EXCEEDED"
    retryable = True


class Found(msgspec.Struct):
    """What one key's load gave: rows and, perhaps besides them, what went wrong."""

    rows: Rows | None
    error: SourceError | None


_NOTHING = Found(None, None)


class Ledger:
    """What some part of an operation has asked: a report for each source."""

    __slots__ = ("reports",)

    def __init__(self) -> None:
        self.reports: dict[str, Report] = {}

    def add(self, reading: Reading) -> None:
        """Counts an answer."""
        for report in reading.reports or (reading.report,):
            self._count(report)

    def merge(self, other: Ledger) -> None:
        """Takes over what another part has asked."""
        for report in other.reports.values():
            self._count(report)

    def _count(self, report: Report) -> None:
        total = self.reports.get(report.source)
        if total is None:
            total = self.reports[report.source] = Report(report.source)
        total.calls += report.calls
        total.joined += report.joined
        total.cached += report.cached
        total.milliseconds += report.milliseconds
        total.error = report.error or total.error


class _Question:
    """A question under way: its keys are asked when the turn of the loop ends."""

    __slots__ = ("answered", "keys", "ledger", "task")

    def __init__(self, ledger: Ledger) -> None:
        self.keys: list[str] = []
        self.ledger = ledger
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None


class Loads:
    """Facts by key, unjudged. `deadline` is on the loop's clock."""

    def __init__(self, catalog: Catalog, deadline: float | None = None) -> None:
        self._catalog, self._deadline = catalog, deadline
        self._known: dict[Index, dict[str, Found | _Question]] = {}
        self._gathering: dict[Index, _Question] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, record: type[Record], by: str, keys: Sequence[str], page: Page, ledger: Ledger) -> list[Found]:
        """What is known by each key; the calls that this causes go to `ledger`."""
        index = (record, by, page)
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = {}
        waiting: list[_Question] = []
        for key in keys:
            entry = known.get(key)
            if entry is None:
                entry = known[key] = self._gather(index, ledger)
                entry.keys.append(key)
            if entry.__class__ is _Question and entry not in waiting:
                waiting.append(entry)
        for question in waiting:
            await self._wait(question)
        return [self._settled(known.get(key)) for key in keys]

    def prime(self, records: Sequence[Record]) -> None:
        """Records that came by another way need not be read again by key."""
        for record in records:
            known = self._known.setdefault((type(record), "key", _PLAIN), {})
            if known.get(record.key).__class__ is not _Question:
                known[record.key] = Found(Rows([record]), None)

    async def read(self, ask: Ask, ledger: Ledger) -> Reading:
        """One question to the catalog, counted; past the deadline it is an error of its keys."""
        try:
            async with asyncio.timeout_at(self._deadline):
                reading = await self._catalog.read(ask)
        except TimeoutError:
            late = DeadlineExceeded("the operation's time is up: ask for less, or with a longer deadline")
            return Reading({}, Report(""), dict.fromkeys(ask.keys, late))
        ledger.add(reading)
        if ask.record is Account and ask.by != "key":
            self.prime([row for rows in reading.rows.values() for row in rows.records])
        if reading.along:
            self.prime(reading.along)
        return reading

    async def close(self) -> None:
        """Ends what is still under way."""
        for task in tuple(self._tasks):
            task.cancel()

    # ------------------------------------------------------------ questions

    def _gather(self, index: Index, ledger: Ledger) -> _Question:
        question = self._gathering.get(index)
        if question is None or len(question.keys) >= _MOST:
            question = self._gathering[index] = _Question(ledger)
            asyncio.get_running_loop().call_soon(self._ask, index, question)
        return question

    def _ask(self, index: Index, question: _Question) -> None:
        if self._gathering.get(index) is question:
            del self._gathering[index]
        question.task = asyncio.get_running_loop().create_task(self._answer(index, question))
        self._tasks.add(question.task)
        question.task.add_done_callback(self._tasks.discard)

    async def _answer(self, index: Index, question: _Question) -> None:
        known = self._known[index]
        try:
            found = await self._fetch(index, question)
            known.update(found)
        except Exception as error:
            failed = _Broken(error)
            known.update(dict.fromkeys(question.keys, Found(None, failed)))
        finally:
            for key in question.keys:
                if known.get(key) is question:
                    del known[key]
            if not question.answered.done():
                question.answered.set_result(None)

    async def _fetch(self, index: Index, question: _Question) -> dict[str, Found | _Question]:
        record, by, page = index
        keys = question.keys
        refused = self._refusal(record, by, page, len(keys))
        if refused is not None:
            return dict.fromkeys(keys, Found(None, refused))
        reading = await self.read(Ask(record, by, tuple(keys), page), question.ledger)
        rows, errors = reading.rows, reading.errors
        return {
            key: Found(rows.get(key), errors.get(key)) if key in rows or key in errors else _NOTHING for key in keys
        }

    def _refusal(self, record: type[Record], by: str, page: Page, keys: int) -> SourceError | None:
        if keys == 1:
            return None
        if page.after is not None:
            return BadAsk("`after` goes on with one list: ask for one parent at a time")
        capability = self._catalog.capability(record, by)
        if capability is not None and capability.fan_out and keys > FAN_OUT:
            return BadAsk(f"`{record.__name__}` is read with one call a parent: {keys} parents are more than {FAN_OUT}")
        return None

    async def _wait(self, question: _Question) -> None:
        """A question is shared: whoever leaves takes it from nobody else."""
        if not question.answered.done():
            await asyncio.shield(question.answered)

    def _settled(self, entry: Found | _Question | None) -> Found:
        if isinstance(entry, Found):
            if isinstance(entry.error, _Broken):
                raise entry.error.cause
            return entry
        return Found(None, DeadlineExceeded("the reading was given up: ask again"))


class _Broken(SourceError):
    """A reader failed in a way of its own: a defect, told as INTERNAL to all who wait for it."""

    code = "INTERNAL"

    def __init__(self, cause: Exception) -> None:
        super().__init__("a reader failed")
        self.cause = cause


_PLAIN = Page()
