"""What can be asked of Tryton: for each record and index the search, and how its rows become an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sources.canonical import Record
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Filter, Order, Position, Reading, Report, Rows
from sources.vendors.tryton import facts
from sources.vendors.tryton.books import Books
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.mapping import Origin
from sources.vendors.tryton.shapes import CAPABILITIES, READERS, Index, Shape
from sources.vendors.tryton.values import encoded
from sources.vendors.tryton.wire import Day

_COMPARED = {"eq": "=", "in": "in", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


class Readers:
    """Answers asks with one client."""

    def __init__(self, source: str, client: Client, books: Books, max_rows: int) -> None:
        self._source, self._client, self._books, self._max_rows = source, client, books, max_rows

    async def read(self, ask: Ask) -> Reading:
        """Rows for every key; raises BadAsk for what cannot be asked, SourceError when the source fails."""
        if (ask.record, ask.by) not in CAPABILITIES:
            raise BadAsk(f"`{self._source}` cannot find `{ask.record.__name__}` by `{ask.by}`", source=self._source)
        shape, index = READERS[ask.record, ask.by]
        reading = Reading({}, Report(self._source))
        self._demand_possible(ask, shape)
        keys = [key for key in dict.fromkeys(ask.keys) if index.value(key) is not None]
        if not keys:
            return self._absent(ask, reading)
        origin = await self._books.origin(reading.report)
        if len(keys) == 1 and (ask.by != "key"):
            await self._one(ask, keys[0], shape, index, origin, reading)
            return self._absent(ask, reading)
        for start in range(0, len(keys), facts.IN_LIST):
            await self._many(ask, keys[start : start + facts.IN_LIST], shape, index, origin, reading)
        return self._absent(ask, reading)

    def _demand_possible(self, ask: Ask, shape: Shape) -> None:
        page, name = ask.page, ask.record.__name__
        if page.order is not None and page.order.field not in shape.orders:
            raise BadAsk(f"`{self._source}` cannot order `{name}` by `{page.order.field}`", source=self._source)
        for each in page.filters:
            if each.op not in shape.filters.get(each.field, ()):
                raise BadAsk(
                    f"`{self._source}` cannot filter `{name}` by `{each.field}` `{each.op}`", source=self._source
                )
        if page.after is not None and len(ask.keys) > 1:
            raise BadAsk(f"`{self._source}` continues one list at a time", source=self._source)
        if page.after is not None and not page.after.key.isdigit():
            raise BadAsk(f"`{self._source}` cannot continue there: the cursor is not its own", source=self._source)

    def _absent(self, ask: Ask, reading: Reading) -> Reading:
        """A list without rows is empty; a record that is not there is absent."""
        if ask.by != "key":
            for key in ask.keys:
                if key not in reading.errors:
                    reading.rows.setdefault(key, Rows())
        return reading

    # ------------------------------------------------------------ one parent

    async def _one(self, ask: Ask, key: str, shape: Shape, index: Index, origin: Origin, reading: Reading) -> None:
        page = ask.page
        first = min(page.first if page.first is not None else self._max_rows, self._max_rows)
        after, kept, more = page.after, list[Any](), True
        while more and len(kept) < first:
            room = first - len(kept)
            limit = room + 1 if room <= facts.PAGE else facts.PAGE  # one more than wanted tells whether there is more
            rows = await self._search(ask, [key], shape, index, after, limit, reading.report)
            more = len(rows) == limit
            kept += rows[:room]
            if kept:
                after = _position(kept[-1], shape, page.order)
        self._settle(ask, key, kept, shape, origin, reading, after if more else None)

    def _settle(
        self,
        ask: Ask,
        key: str,
        rows: Sequence[Any],
        shape: Shape,
        origin: Origin,
        reading: Reading,
        after: Position | None,
    ) -> None:
        try:
            records: list[Record] = [shape.build(row, origin) for row in rows]
            paged = ask.page.first is not None
            places = tuple(_position(row, shape, ask.page.order) for row in rows) if paged else ()
        except SourceError as error:
            reading.errors[key] = error
            return
        if records or ask.by != "key":
            reading.rows[key] = Rows(records, after is not None, after, positions=places)

    # ------------------------------------------------------------ many parents

    async def _many(
        self, ask: Ask, keys: Sequence[str], shape: Shape, index: Index, origin: Origin, reading: Reading
    ) -> None:
        rows: list[Any] = []
        after: Position | None = None
        for _ in range(facts.PAGES):
            page = await self._search(ask, keys, shape, index, after, facts.PAGE, reading.report)
            rows += page
            if len(page) < facts.PAGE:
                break
            after = _position(page[-1], shape, ask.page.order)
        else:
            message = f"has more than {facts.PAGES * facts.PAGE} rows for {len(keys)} parents: ask for fewer at once"
            raise BadAsk(f"`{self._source}` {message}", source=self._source)
        parents: dict[str, list[Any]] = {key: [] for key in keys}
        for row in rows:
            for key in dict.fromkeys(index.of(row)):
                if key in parents:
                    parents[key].append(row)
        first = min(ask.page.first if ask.page.first is not None else self._max_rows, self._max_rows)
        for key, found in parents.items():
            last = _position(found[first - 1], shape, ask.page.order) if len(found) > first else None
            self._settle(ask, key, found[:first], shape, origin, reading, last)

    # ------------------------------------------------------------ the search

    async def _search(
        self,
        ask: Ask,
        keys: Sequence[str],
        shape: Shape,
        index: Index,
        after: Position | None,
        limit: int,
        report: Report,
    ) -> list[Any]:
        settings = self._client.settings
        domain: list[Any] = [*shape.domain(settings.company)]
        if index.field:
            domain.append(index.condition([index.value(key) for key in keys]))
        domain += [_condition(each, shape) for each in ask.page.filters]
        order, by = ask.page.order, [("id", "ASC")]
        if order is not None:
            field = shape.orders[order.field]
            by.insert(0, (field, f"{'DESC' if order.descending else 'ASC'} NULLS LAST"))
        if after is not None:
            domain.append(_beyond(after, order, shape))
        fields = [field for field in shape.fields if field not in facts.CREDIT_FIELDS or settings.credit_limits]
        rows: list[Any] = await self._client.search(
            shape.row, shape.model, domain, fields, order=by, limit=limit, report=report, context=shape.context
        )
        return rows if shape.beside is None else await shape.beside(self._client, rows, report)


def _condition(each: Filter, shape: Shape) -> list[Any]:
    """A filter as Tryton writes it; a canonical status stands for the words that mean it."""
    field, words = shape.filtered[each.field]
    if words is None:
        return [field, _COMPARED[each.op], encoded(each.value)]
    wanted = set(each.value) if each.op == "in" else {each.value}
    return [field, "in", [raw for raw, status in words.items() if status in wanted]]


def _beyond(after: Position, order: Order | None, shape: Shape) -> list[Any]:
    """The rows behind a position; those without a value come last, whichever way the list is ordered."""
    beyond = ["id", ">", int(after.key)]
    if order is None:
        return beyond
    field = shape.orders[order.field]
    if after.value is None:
        return [[field, "=", None], beyond]
    value = encoded(_day(after.value))
    compared = [field, "<" if order.descending else ">", value]
    return ["OR", compared, [[field, "=", value], beyond], [field, "=", None]]


def _day(text: str) -> Any:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadAsk("a cursor names no day: it is not this list's") from None


def _position(row: Any, shape: Shape, order: Order | None) -> Position:
    value: Day | None = getattr(row, shape.orders[order.field]) if order is not None else None
    return Position(value.value.isoformat() if value is not None else None, str(row.id))
