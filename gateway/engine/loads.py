"""What one operation reads: every key once, one question for all who ask in the same turn, each call told once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec
from aiodataloader import DataLoader

from gateway.engine.ledger import Ledger
from gateway.engine.served import ServedFacts
from gateway.engine.told import as_called, is_called, texts
from sources import errand
from sources.canonical import Record
from sources.catalog import Catalog
from sources.errors import BadAsk, DeadlineExceeded, SourceError
from sources.ports import Ask, Page, Reading, Report, Rows

FAN_OUT = 25  # parents that a reader with one call a parent may be asked for
_MOST = 2_000  # keys of one question

Index: TypeAlias = tuple[type[Record], str, Page, float | None]  # the last one: how old facts may be
_Asked: TypeAlias = "tuple[tuple[str, ...], Ledger]"


class Found(msgspec.Struct):
    """What one key's load gave: rows and, perhaps besides them, what went wrong; `along`: what came with the answer
    unasked, see `Loads.take_along`. `called`: the question took a call, and was not answered from memory alone."""

    rows: Rows | None
    error: SourceError | None
    along: Sequence[Record] = ()
    called: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether nothing is there, as far as is known without judging."""
        return self.error is None and (self.rows is None or not self.rows.records)


Flight: TypeAlias = "asyncio.Future[Mapping[str, Found]]"


_NOTHING = Found(None, None)
_IN_VAIN = Found(None, None, called=True)


class Loads:
    """Facts by key, unjudged. `served` tells how each was served. `judged` are keys for which judging alone has caused
    a call, and `aside` is what it reads by; see `Aside`."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.served = catalog, ServedFacts()
        self.judged: dict[tuple[type[Record], str, Page], set[str]] = {}
        self.aside: Loads | None = None
        self.deadline: float | None = None  # on the loop's clock; looked at from the first question on
        self._timer: asyncio.TimerHandle | None = None
        self._known: dict[Index, dict[str, Found | Flight]] = {}
        self._loaders: dict[Index, DataLoader[_Asked, Mapping[str, Found]]] = {}
        self._tasks: set[asyncio.Task[Any] | None] = set()  # of questions that several wait for
        self._reading: set[asyncio.Task[Any]] = set()
        self._late: set[asyncio.Task[Any]] = set()
        self._expired = False
        self._closed = False

    async def get(
        self,
        record: type[Record],
        by: str,
        keys: Sequence[str],
        page: Page,
        ledger: Ledger,
        *,
        alone: bool = False,
        max_age: float | None = None,
    ) -> list[Found]:
        """What is known by each key; the calls that this causes go to `ledger`.

        `alone`: nobody else of this operation asks this index, so that there is nobody to wait for. `max_age`: facts
        that are older (seconds) will not do, though others of this operation take them.
        """
        index = (record, by, page, max_age)
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = {}
        missing = [key for key in keys if key not in known] if known else keys
        if missing and alone:
            known.update(await self._fetch(index, missing, (ledger,)))
        elif missing:
            known.update(dict.fromkeys(missing, self._flight(index, (tuple(missing), ledger))))
        found = [known[key] for key in keys]
        flights = {entry for entry in found if entry.__class__ is not Found}
        if not flights:
            return found  # type: ignore[return-value] # no flight is among them
        for flight in flights:
            await asyncio.shield(flight)  # type: ignore[arg-type] # shared: who leaves takes it from nobody
        settled = {key: _settled(entry, key) for key, entry in zip(keys, found, strict=True)}
        known.update(settled)
        return [settled[key] for key in keys]

    def known(self, index: Index) -> Mapping[str, Found | Flight]:
        """What is known of an index, or under way."""
        return self._known.get(index, {})

    def recall(
        self, record: type[Record], by: str, keys: Sequence[str], page: Page, ledger: Ledger
    ) -> Mapping[str, Found] | None:
        """What is known by each key, where all of it is known without waiting, here or in the memory of its source."""
        known = self._known.setdefault((record, by, page, None), {})
        missing = [key for key in keys if key not in known] if known else keys
        if missing:
            if len(missing) > 1 and self._refusal(record, by, page, len(missing)) is not None:
                return None
            ask = Ask(record, by, tuple(missing), page)
            reading = self.catalog.recall(ask)
            if reading is None:
                return None
            found = _found(self._noted(reading, ask, (ledger,)), missing)
            known.update(found)
            if missing is keys:
                return found
        entries = {key: known[key] for key in keys}
        if any(each.__class__ is not Found for each in entries.values()):
            return None
        return entries  # type: ignore[return-value] # no flight is among them

    def prime(self, records: Sequence[Any]) -> None:
        """Records that came by another way need not be read again by key. Of what is judged only that which is shown: a
        call that is saved by a hidden row would tell of it."""
        kind: type | None = None
        known: dict[str, Found | Flight] = {}
        for record in records:
            if record.__class__ is not kind:
                if not isinstance(record, Record):
                    continue
                kind = record.__class__
                known = self._known.setdefault((kind, "key", _PLAIN, None), {})
            if known.get(record.key, _NOTHING).__class__ is Found:
                known[record.key] = Found(Rows([record]), None)

    async def read(self, ask: Ask, *ledgers: Ledger, max_age: float | None = None) -> Reading:
        """One question to the catalog, told in the ledgers; past the deadline it is an error of its keys."""
        task = asyncio.current_task()
        self.begin_waiting()
        if self._expired or task is None:
            return _too_late(ask)
        self._reading.add(task)
        begun = errand.begin(errand.narrowed(max_age)) if max_age is not None else None
        try:
            reading = await self.catalog.read(ask)
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                return _too_late(ask)
            raise
        finally:
            self._reading.discard(task)
            self._late.discard(task)
            if begun is not None:
                errand.end(begun)
        return self._noted(reading, ask, ledgers)

    def _noted(self, reading: Reading, ask: Ask, ledgers: Sequence[Ledger]) -> Reading:
        """A reading as it is told, taken down."""
        if self.judged:
            called = self.judged.get((ask.record, ask.by, ask.page), set()).intersection(ask.keys)
            capability = self.catalog.capability(ask.record, ask.by) if called else None
            each = capability is not None and capability.fan_out
            reading = as_called(reading, called, each=each) if called else reading
        self.served.note(reading)
        for ledger in ledgers:
            ledger.add(reading)
        return reading

    def take_along(self, along: Sequence[Record], shown: Iterable[Any], *, whole: bool) -> None:
        """Takes for known what came along with rows: all of it where `whole` of what was found is shown, otherwise
        what the shown rows name. What came with a hidden row alone is read by whoever asks for it."""
        if along and not whole:
            named = {text for row in shown for text in texts(row)}
            along = [record for record in along if record.key in named]
        self.prime(along)

    def begin_waiting(self) -> None:
        """From now on somebody waits for sources; most operations that are answered from memory never do."""
        if self._timer is not None or self.deadline is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self.deadline:
            self._timer = loop.call_at(self.deadline, self.expire)
        else:
            self.expire()

    def end_waiting(self) -> None:
        """Nobody waits any more."""
        self.deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def expire(self) -> None:
        """The operation's time is up: what is being read is given up, and nothing more is asked."""
        self._expired = True
        if self.aside is not None:
            self.aside.expire()
        for task in tuple(self._reading):
            self._late.add(task)
            task.cancel()

    def forget(self) -> None:
        """Takes nothing that was read so far for known."""
        self._known.clear()
        self._loaders.clear()
        if self.aside is not None:
            self.aside.forget()

    def close(self) -> None:
        """Ends what is still under way; what has not left yet never will."""
        self._closed = True
        if self.aside is not None:
            self.aside.close()
        for task in tuple(self._tasks):
            if task is not None:
                task.cancel()

    def release(self) -> None:
        """Lets go of what was read, once it was closed: it knows those who know it, and would otherwise stay until the
        garbage collector comes round, with every record of the answer."""
        if self._closed:
            self.forget()
            self.aside = None

    # ------------------------------------------------------------ questions

    def _flight(self, index: Index, asked: _Asked) -> Flight:
        """The question of all who ask an index in this turn of the loop: a promise for each set of keys, not for each
        key, which would cost more than all the rest."""
        loader = self._loaders.get(index)
        if loader is None:
            loader = self._loaders[index] = DataLoader(partial(self._answer, index), cache=False)
        return loader.load(asked)

    async def _answer(self, index: Index, asked: list[_Asked]) -> list[Mapping[str, Found]]:
        if self._closed:
            return [{}] * len(asked)
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            keys = [key for each, _ in asked for key in each]
            found = await self._fetch(index, keys, [ledger for _, ledger in asked])
            self._known.setdefault(index, {}).update(found)
        finally:
            self._tasks.discard(task)
        return [found] * len(asked)

    async def _fetch(self, index: Index, keys: Sequence[str], ledgers: Sequence[Ledger]) -> dict[str, Found]:
        record, by, page, max_age = index
        refused = self._refusal(record, by, page, len(keys))
        if refused is not None:
            return dict.fromkeys(keys, Found(None, refused))
        found: dict[str, Found] = {}
        most = self._at_once(record, by)
        for start in range(0, len(keys), most):
            part = tuple(keys[start : start + most])
            reading = await self.read(Ask(record, by, part, page), *ledgers, max_age=max_age)
            found |= _found(reading, part, called=is_called(reading))
        return found

    def _at_once(self, record: type[Record], by: str) -> int:
        """How many keys one question may have."""
        return _MOST

    def _refusal(self, record: type[Record], by: str, page: Page, keys: int) -> SourceError | None:
        if keys == 1:
            return None
        if page.after is not None:
            return BadAsk("`after` goes on with one list: ask for one parent at a time")
        capability = self.catalog.capability(record, by)
        if capability is not None and capability.fan_out and keys > FAN_OUT:
            return BadAsk(f"`{record.__name__}` is read with one call a parent: {keys} parents are more than {FAN_OUT}")
        return None


def _found(reading: Reading, keys: Sequence[str], *, called: bool = False) -> dict[str, Found]:
    rows, errors, along = reading.rows, reading.errors, reading.along
    if along or errors:
        return {key: Found(rows.get(key), errors.get(key), along, called) for key in keys}
    nothing = _IN_VAIN if called else _NOTHING
    found: dict[str, Found] = {}
    for key in keys:
        mine = rows.get(key)
        found[key] = nothing if mine is None else Found(mine, None, (), called)
    return found


def late() -> DeadlineExceeded:
    """What is said where something was not there in time."""
    return DeadlineExceeded("the operation's time is up: ask for less at once, or again")


def _too_late(ask: Ask) -> Reading:
    return Reading({}, Report(""), dict.fromkeys(ask.keys, late()))


def _settled(entry: Found | Flight, key: str) -> Found:
    found = entry if isinstance(entry, Found) else entry.result().get(key)
    return found or Found(None, DeadlineExceeded("the reading was given up: ask again"))


def along_of(found: Iterable[Found]) -> list[Record]:
    """What came along with the answers for some keys."""
    return [record for each in found if each.along for record in each.along]


_PLAIN = Page()
