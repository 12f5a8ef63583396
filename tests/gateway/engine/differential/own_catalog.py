"""A catalog in memory: answers every index of every class from drawn records, and fails by key as the seed says.

What it says of a key is always the same, whoever asks, together with what other keys, and in whatever order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sources import canonical as c
from sources.canonical import Record
from sources.errors import Garbled, SourceError, Throttled, TimedOut, Unauthorised, Unavailable
from sources.ports import Ask, Capability, Filter, Order, Page, Position, Reading, Report, Rows
from tests.gateway.engine.differential.own_records import DOWN, Pools

_KINDS: Sequence[type[SourceError]] = (Unavailable, Throttled, TimedOut, Garbled, Unauthorised)
_OPERATORS = ("eq", "in", "lt", "lte", "gt", "gte", "contains")


class Shelves:
    """The catalog of one case. `errors`: chance of a list that fails; `trims`: whether a batch honours `first`."""

    def __init__(self, seed: str, records: Pools, errors: float, *, trims: bool = True) -> None:
        self._seed, self._records, self._errors, self._trims = seed, records, errors, trims
        self._pace = random.Random(f"pace {seed}")

    def capability(self, record: type[Record], by: str) -> Capability | None:
        """Everything can be filtered or nothing can, as the seed says for each index."""
        able = self._draw("capable", record, by).random() < 0.5
        names = record.__struct_fields__ if able else ()
        return Capability(dict.fromkeys(names, _OPERATORS), names, per_parent_limit=self._trims)

    def ready(self, record: type[Record], by: str, key: str) -> bool:
        """Now and then not."""
        return self._draw("ready", record, by, key).random() < 0.7

    @property
    def recalls(self) -> bool:
        """Whether anything may be remembered, as the seed says."""
        return self._draw("recalls").random() < 0.5

    def recall(self, ask: Ask) -> Reading | None:
        """The same as `read`, without waiting; mostly nothing is remembered."""
        return self._reading(ask) if self._pace.random() < 0.3 else None

    async def read(self, ask: Ask) -> Reading:
        """Rows and errors by key, after a while."""
        for _ in range(self._pace.randint(0, 3)):
            await asyncio.sleep(0)
        return self._reading(ask)

    def _reading(self, ask: Ask) -> Reading:
        reading = Reading({}, Report("memory", calls=1))
        for key in dict.fromkeys(ask.keys):
            error = self._error(ask, key)
            if error is not None:
                reading.errors[key] = error
            if error is None or (ask.by != "key" and self._draw("half", ask.record, ask.by, key).random() < 0.4):
                rows = self._rows(ask, key, alone=len(ask.keys) == 1)
                if rows is not None:
                    reading.rows[key] = rows
        if self._pace.random() < 0.3:
            reading.along = list(self._pace.sample(self._records[c.Account], 2))
        return reading

    # ------------------------------------------------------------ by key

    def _draw(self, *about: Any) -> random.Random:
        return random.Random(f"{self._seed} {about}")

    def _error(self, ask: Ask, key: str) -> SourceError | None:
        draw = self._draw("error", ask.record, ask.by, key, ask.page.after.key if ask.page.after else None)
        failing = key.endswith(DOWN) if ask.by == "key" else draw.random() < self._errors
        return draw.choice(_KINDS)("it does not answer: try again", source="memory") if failing else None

    def _rows(self, ask: Ask, key: str, *, alone: bool) -> Rows | None:
        found = self._found(ask, key)
        if not found:
            return None if ask.by == "key" or self._draw("none", ask.record, key).random() < 0.5 else Rows(total=0)
        return _paged(
            found, ask.page, counts=self._draw("total", ask.record, ask.by).random() < 0.5, trims=alone or self._trims
        )

    def _found(self, ask: Ask, key: str) -> list[Record]:
        every = self._records.get(ask.record, ())
        if ask.by == "list":
            return list(every)
        if ask.by in ("search", "customer", "status"):
            return [each for each in every if self._draw(ask.by, key, each.key).random() < 0.6]
        return [each for each in every if _indexed(each, ask.by) == key]


def _indexed(record: Record, by: str) -> Any:
    for name in (by, f"{by}_key", f"{by}_id"):
        if name in record.__struct_fields__:
            return getattr(record, name)
    return None


def _paged(found: Sequence[Record], page: Page, *, counts: bool, trims: bool) -> Rows:
    kept = [each for each in found if all(_meets(each, test) for test in page.filters)]
    kept = _ordered(kept, page.order)
    total = len(kept) if counts else None
    if page.after is not None:
        keys = [each.key for each in kept]
        kept = kept[keys.index(page.after.key) + 1 :] if page.after.key in keys else []
    shown = kept[: page.first] if page.first is not None and trims else kept
    places = [Position(_text(each, page.order), each.key) for each in shown]
    more = len(shown) < len(kept)
    return Rows(shown, more, places[-1] if more and places else None, total, places)


def _meets(record: Record, test: Filter) -> bool:
    value: Any = record
    for name in test.field.split("."):
        value = getattr(value, name, None)
    if value is None:
        return False
    if test.op in ("eq", "in"):
        return value == test.value if test.op == "eq" else value in test.value
    if test.op == "contains":
        return str(test.value).lower() in str(value).lower()
    compared: Mapping[str, bool] = {
        "lt": value < test.value,
        "lte": value <= test.value,
        "gt": value > test.value,
        "gte": value >= test.value,
    }
    return compared[test.op]


def _ordered(records: list[Record], order: Order | None) -> list[Record]:
    ordered = sorted(records, key=lambda each: each.key)
    if order is None:
        return ordered
    there = [each for each in ordered if getattr(each, order.field) is not None]
    there.sort(key=lambda each: getattr(each, order.field), reverse=order.descending)
    return [*there, *(each for each in ordered if getattr(each, order.field) is None)]


def _text(record: Record, order: Order | None) -> str | None:
    value = getattr(record, order.field) if order is not None else record.key
    return None if value is None else str(value)
