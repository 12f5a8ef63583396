"""A catalog in memory that counts, delays and fails: what the engine asks is in `asked` and, in order, in `events`."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sources import errand
from sources.canonical import Account, Record, Served
from sources.errors import SourceError
from sources.ports import Ask, Capability, Filter, Page, Position, Reading, Report, Rows

SYSTEMS = {"Account": "crm", "BillingProfile": "erp", "Bill": "billing", "Product": "billing", "Case": "desk"}
_ATTRIBUTES = {"account": "account_key"}  # index -> attribute; others are called alike


class Shelf:
    """Records by class and index. An index is named like `Bill.account` below.

    `gates`: an index waits for its event. `delays`: seconds. `faults`: an error of all keys of an index.
    `broken_keys`: an error of a single key, beside its rows where there are some. `along`: records that come with an
    index unasked. `cached`: keys that a memory answers without a call. `served`: how a memory serves an index's rows.
    `failing`: what a source says while its memory stands in for it. `errands`: on whose behalf was asked, in order.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records: dict[str, list[Record]] = {}
        for record in records:
            self.records.setdefault(type(record).__name__, []).append(record)
        self.asked: list[Ask] = []
        self.events: list[tuple[str, str]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.delays: dict[str, float] = {}
        self.faults: dict[str, Exception] = {}
        self.broken_keys: dict[tuple[str, str], SourceError] = {}
        self.along: dict[str, list[Record]] = {}
        self.cached: set[str] = set()
        self.served: dict[str, Served] = {}
        self.failing: dict[str, SourceError] = {}
        self.errands: list[errand.Errand] = []
        self.capabilities: dict[str, Capability] = {}
        self.unready: set[str] = set()

    def capability(self, record: type[Record], by: str) -> Capability | None:
        return self.capabilities.get(_index(record, by), Capability())

    recalls = False  # nothing is kept in memory

    def ready(self, record: type[Record], by: str, key: str) -> bool:
        return _index(record, by) not in self.unready

    async def read(self, ask: Ask) -> Reading:
        index = _index(ask.record, ask.by)
        self.asked.append(ask)
        self.errands.append(errand.current())
        self.events.append(("start", index))
        try:
            await self._wait(index)
        except asyncio.CancelledError:
            self.events.append(("cancelled", index))
            raise
        self.events.append(("end", index))
        return self._answer(ask, index)

    async def _wait(self, index: str) -> None:
        if index in self.gates:
            await self.gates[index].wait()
        await asyncio.sleep(self.delays.get(index, 0))

    def _answer(self, ask: Ask, index: str) -> Reading:
        report = self._report(ask, [key for key in ask.keys if key not in self.cached])
        fault = self.faults.get(index)
        if isinstance(fault, SourceError):
            report.error = fault.code
            return Reading({}, report, dict.fromkeys(ask.keys, fault))
        if fault is not None:
            raise fault
        rows = {key: found for key in ask.keys if (found := self._rows(ask, key)) is not None}
        served = self.served.get(index)
        for each in rows.values():
            each.served = served or each.served
        report.stale = len(rows) if served is Served.STALE else 0
        report.error = self.failing[index].code if index in self.failing else None
        errors = {key: error for key in ask.keys if (error := self.broken_keys.get((index, key))) is not None}
        return Reading(rows, report, errors, along=list(self.along.get(index, ())))

    def _report(self, ask: Ask, called: Sequence[str]) -> Report:
        cached = sum(key in self.cached for key in ask.keys)
        return Report(SYSTEMS[ask.record.__name__], calls=self.calls_of(called), cached=cached)

    def calls_of(self, keys: Sequence[str]) -> int:
        """What a question for keys that no memory answers costs."""
        return int(bool(keys))

    def _rows(self, ask: Ask, key: str) -> Rows | None:
        attribute = _ATTRIBUTES.get(ask.by, ask.by)
        held = self.records.get(ask.record.__name__, [])
        mine = [each for each in held if ask.by == "list" or getattr(each, attribute) == key]
        if not mine and ask.by != "list":
            return Rows(served=Served.CACHE) if key in self.cached else None  # remembered that it is not there
        rows = page_of(mine, ask.page)
        rows.served = Served.CACHE if key in self.cached else Served.LIVE
        return rows

    # ------------------------------------------------------------ what a test looks at

    def calls(self, index: str | None = None) -> list[tuple[str, tuple[str, ...]]]:
        """What was asked: index and keys, in order."""
        found = [(_index(ask.record, ask.by), ask.keys) for ask in self.asked]
        return [each for each in found if index is None or each[0] == index]

    def filters(self) -> list[tuple[Filter, ...]]:
        """The filters of each question."""
        return [ask.page.filters for ask in self.asked]


def page_of(records: Sequence[Record], page: Page) -> Rows:
    """One page of a list, with its places and a count of all that the filters leave."""
    order = page.order.field if page.order is not None else "key"
    left = [each for each in records if all(_holds(each, condition) for condition in page.filters)]
    left.sort(key=lambda each: each.key)
    left.sort(key=lambda each: str(getattr(each, order)), reverse=page.order is not None and page.order.descending)
    places = [Position(str(getattr(each, order)), each.key) for each in left]
    start = 0
    if page.after is not None:
        start = next((at + 1 for at, place in enumerate(places) if place.key == page.after.key), len(left))
    end = len(left) if page.first is None else start + page.first
    shown, more = left[start:end], end < len(left)
    following = places[end - 1] if more and shown else None
    return Rows(shown, more, following, len(left), places[start:end])


def _holds(record: Record, condition: Filter) -> bool:
    value: Any = getattr(record, condition.field)
    tests: Mapping[str, Any] = {
        "eq": lambda: value == condition.value,
        "in": lambda: value in condition.value,
        "contains": lambda: condition.value.lower() in str(value).lower(),
    }
    return bool(tests[condition.op]())


def _index(record: type[Record], by: str) -> str:
    return f"{record.__name__}.{by}"


ACCOUNT_KEY = f"{Account.__name__}.key"
