"""Links: from the keys in all parents to the records of each, judged, in pages where the field is a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter, is_
from typing import Any

import msgspec

from gateway.engine.cursors import Cursors
from gateway.engine.frames import Partial
from gateway.engine.loads import Found, Ledger, Loads
from gateway.engine.paging import ConnectionPage, kept, onward
from gateway.engine.plan import Field, Plan
from gateway.engine.seen import Seen
from policies.principal import Principal
from resolvers.batch import Link
from sources.canonical import Account, Record
from sources.catalog import Catalog
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Filter, Page, Position, Rows

Given = Callable[[Field], Mapping[str, Any]]
_EXTRA = 5  # further parts read where judging thinned a page out
_SIDE_BY_SIDE = 4  # parents whose pages are continued at once


class Links:
    """Reads the links of one operation."""

    def __init__(
        self, plan: Plan, catalog: Catalog, loads: Loads, seen: Seen, cursors: Cursors, principal: Principal
    ) -> None:
        self._plan = plan
        self._catalog, self._loads, self._seen = catalog, loads, seen
        self._cursors, self._principal = cursors, principal

    def is_at_hand(self, field: Field, rows: Sequence[Any], given: Given, ledger: Ledger) -> bool:
        """Whether a link's records are known without waiting, and can be judged."""
        link, paging = field.link, field.paging
        if not self._catalog.recalls or paging is None:
            return False
        try:
            arguments = given(field)
            page = paging.page(arguments)
        except SourceError:
            return False
        if arguments.get("after") is not None:
            return False
        keys = tuple(_wanted(link, rows, arguments))
        if not keys:
            return True
        if not self._seen.is_at_hand(link.target, link.by, keys):
            return False
        return self._loads.recall(link.target, link.by, keys, page, ledger)

    async def values(self, field: Field, rows: Sequence[Any], given: Mapping[str, Any], ledger: Ledger) -> list[Any]:
        """One value for each parent: a record or None, a list, or a page; an error where it cannot be read."""
        link, paging = field.link, field.paging
        assert paging is not None
        page = paging.page(given)
        if not link.paged:
            return await self._plain(link, rows, given, page, ledger)
        narrowed, counted = self._pushed(link, page)
        if narrowed is None:
            return [ConnectionPage((), (), False, total=0)] * len(rows)
        keys = [keys_of(link, row, given) for row in rows]
        return await _Pages(self, field, keys, narrowed, given, counted, ledger).read()

    def _pushed(self, link: Link, page: Page) -> tuple[Page | None, bool]:
        """The page with the row rule as filters, where the source can apply them; None where they open nothing at all.
        Second: whether the source then judges every row itself, so that a count counts only visible ones."""
        rule = self._seen.rule(link.target)
        if rule is None:
            return page, True
        filters = rule.filters(self._principal) if link.by == "list" else None
        if filters is None:
            return page, False
        if any(not values for _, _, values in filters):
            return None, True
        capability = self._catalog.capability(link.target, link.by)
        if capability is None or any(op not in capability.filters.get(name, ()) for op, name, _ in filters):
            return page, False
        mine = tuple(Filter(name, op, values) for op, name, values in filters)
        return msgspec.structs.replace(page, filters=(*page.filters, *mine)), True

    # ------------------------------------------------------------ one record, or a few

    async def _plain(
        self, link: Link, rows: Sequence[Any], given: Mapping[str, Any], page: Page, ledger: Ledger
    ) -> list[Any]:
        wanted = _wanted(link, rows, given)
        loaded = await self.load(link, wanted, page, ledger)
        found = dict(zip(wanted, loaded, strict=True))
        shown = await self.seen_of(link, found)
        hidden = self.judges(link) and not all(_all_seen(found[key], rows) for key, rows in shown.items())
        if hidden or any(each.error is not None for each in loaded):
            return [_plain_value(link, keys_of(link, row, given), found, shown) for row in rows]
        return _all_plain(link, rows, given, shown)

    def judges(self, link: Link) -> bool:
        """Whether rows of a link are judged at all."""
        return self._seen.rule(link.target) is not None

    async def visible(self, link: Link, records: Sequence[Record]) -> list[Any]:
        """See `Seen.visible`; accounts that are seen need not be read again by key."""
        seen = await self._seen.visible(records)
        if link.target is Account and link.by != "key":
            self._loads.prime(seen)
        return seen

    async def seen_of(self, link: Link, found: Mapping[str, Found]) -> dict[str, Sequence[Any]]:
        """The rows of each key, None in the place of those that may not be seen."""
        records = {key: each.rows.records if each.rows is not None else () for key, each in found.items()}
        if link.target is not Account and not self.judges(link):
            return dict(records)
        seen = await self.visible(link, [row for rows in records.values() for row in rows])
        shown: dict[str, Sequence[Any]] = {}
        at = 0
        for key, rows in records.items():
            shown[key] = seen[at : at + len(rows)]
            at += len(rows)
        return shown

    async def load(self, link: Link, keys: Sequence[str], page: Page, ledger: Ledger) -> list[Found]:
        """See `Loads.get`."""
        alone = self._plan.alone(link.target, link.by)
        return await self._loads.get(link.target, link.by, keys, page, ledger, alone=alone)

    async def go_on(self, link: Link, key: str, page: Page) -> tuple[Rows, SourceError | None]:
        """A further part of one parent's list. It is not told among the calls: that there were hidden rows is nobody's
        business."""
        reading = await self._loads.read(Ask(link.target, link.by, (key,), page), Ledger())
        return reading.rows.get(key, Rows()), reading.errors.get(key)

    def is_ready(self, link: Link, key: str) -> bool:
        """Whether a child of a row with this key may be read before the row is there."""
        return self._catalog.ready(link.target, link.by, key)

    @property
    def cursors(self) -> Cursors:
        """Signs and checks places in lists."""
        return self._cursors


class _Pages:
    """One connection field: the pages of all its parents."""

    def __init__(
        self,
        links: Links,
        field: Field,
        keys: Sequence[Sequence[str]],
        page: Page,
        given: Mapping[str, Any],
        counted: bool,
        ledger: Ledger,
    ) -> None:
        assert field.paging is not None
        self._links, self._link, self._paging = links, field.link, field.paging
        self._keys, self._page, self._counted, self._ledger = keys, page, counted, ledger
        self._judged = links.judges(field.link)
        self._after = _text(given.get("after"))
        self._gate = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def read(self) -> list[Any]:
        keys = [each[0] if each else None for each in self._keys]
        wanted = list(dict.fromkeys(key for key in keys if key is not None))
        start = self._start(wanted)
        found = dict(zip(wanted, await self._links.load(self._link, wanted, start, self._ledger), strict=True))
        seen = await self._links.seen_of(self._link, found)
        thin = [key for key, each in found.items() if each.rows is not None and self._is_thin(each.rows, seen[key])]
        pages = {key: self._first(key, each, seen[key]) for key, each in found.items() if key not in thin}
        if thin:
            filled = await asyncio.gather(*(self._filled(key, found[key], seen[key]) for key in thin))
            pages |= dict(zip(thin, filled, strict=True))
        return [pages[key] if key is not None else ConnectionPage((), (), False, total=0) for key in keys]

    def _start(self, wanted: Sequence[str]) -> Page:
        if self._after is None:
            return self._page
        if len(wanted) > 1:
            raise BadAsk("`after` goes on with one list: ask for one parent at a time")
        after = self._links.cursors.decode(self._after, self._scope(wanted[0] if wanted else ""))
        return msgspec.structs.replace(self._page, after=after)

    def _scope(self, key: str) -> str:
        return self._paging.scope(self._page, key)

    def _is_thin(self, rows: Rows, seen: Sequence[Any]) -> bool:
        first = self._page.first
        return rows.more and first is not None and sum(row is not None for row in seen) < first

    def _first(self, key: str, found: Found, seen: Sequence[Any]) -> Any:
        if found.rows is None:
            return found.error if found.error is not None else self._made(key, [], [], False, None, Rows())
        shown, places, more = kept(found.rows, self._page.first, seen)
        return self._made(key, shown, places, more, found.error, found.rows)

    async def _filled(self, key: str, found: Found, seen: Sequence[Any]) -> Any:
        """A page that judging thinned out, read on until it is full or enough has been tried."""
        assert found.rows is not None
        assert self._page.first is not None
        rows, error, end = found.rows, found.error, found.rows.next
        shown, places, more = kept(rows, self._page.first, seen)
        async with self._gate:
            for _ in range(_EXTRA):
                missing = self._page.first - len(shown)
                if not missing or not rows.more or rows.next is None:
                    break
                rows, failed = await self._links.go_on(self._link, key, onward(self._page, rows))
                error = error or failed
                if failed is not None:
                    more = True
                    break
                end = rows.next
                judged = await self._links.visible(self._link, rows.records)
                further, at, more = kept(rows, missing, judged)
                shown, places = shown + further, [*places, *at]
        short = len(shown) < self._page.first and more
        return self._made(key, shown, places, more, error, found.rows, end if short else None)

    def _made(
        self,
        key: str,
        shown: list[Any],
        places: Sequence[Position | None],
        more: bool,
        error: SourceError | None,
        rows: Rows,
        end: Position | None = None,
    ) -> ConnectionPage:
        if self._judged:
            unjudged = [index for index, row in enumerate(shown) if isinstance(row, SourceError)]
            if unjudged:
                error = error or shown[unjudged[0]]
                shown = [row for index, row in enumerate(shown) if index not in unjudged]
                places = [place for index, place in enumerate(places) if index not in unjudged]
        total = rows.total if self._counted else None
        signed = partial(self._sign, key)
        return ConnectionPage(shown, places, more, total, self._after is not None, error, signed, end)

    def _sign(self, key: str, place: Position) -> str:
        return self._links.cursors.encode(place, self._scope(key))


def _all_seen(found: Found, seen: Sequence[Any]) -> bool:
    """Whether judging took nothing from a key's rows."""
    return found.rows is None or all(map(is_, found.rows.records, seen))


def _column(link: Link, rows: Sequence[Any]) -> list[Any] | None:
    """The one key of each parent; None where a parent has none, or several."""
    if link.argument is not None or link.by == "list":
        return None
    try:
        column = list(map(attrgetter(link.key), rows))
    except AttributeError:
        return None
    return column if set(map(type, column)) == {str} and "" not in column else None


def _wanted(link: Link, rows: Sequence[Any], given: Mapping[str, Any]) -> list[str]:
    """Every key of all parents, once."""
    column = _column(link, rows)
    if column is not None:
        return list(dict.fromkeys(column))
    return list(dict.fromkeys(key for row in rows for key in keys_of(link, row, given)))


def _all_plain(link: Link, rows: Sequence[Any], given: Mapping[str, Any], shown: Mapping[str, Any]) -> list[Any]:
    """The values of all parents where nothing is hidden and nothing went wrong."""
    column, first = _column(link, rows), link.first
    found: list[Any]
    if column is not None:
        found = list(map(shown.__getitem__, column))
    else:
        found = [[each for key in keys_of(link, row, given) for each in shown[key]] for row in rows]
    if not link.many:
        return [mine[0] if mine else None for mine in found]
    return found if first is None else [mine if len(mine) <= first else mine[:first] for mine in found]


def keys_of(link: Link, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
    """The keys by which a parent's records are found."""
    if link.argument is not None:
        return (str(given[link.argument]),)
    if link.by == "list":
        return ("",)
    value = getattr(row, link.key, None)
    if value is None or value == "":
        return ()
    return tuple(dict.fromkeys(value)) if isinstance(value, tuple) else (value,)


def _plain_value(
    link: Link, keys: Sequence[str], found: Mapping[str, Found], shown: Mapping[str, Sequence[Any]]
) -> Any:
    errors = [found[key].error for key in keys if found[key].error is not None]
    if errors and all(found[key].rows is None for key in keys):
        return errors[0]
    rows = [row for key in keys for row in shown[key] if row is not None]
    unjudged = [row for row in rows if isinstance(row, SourceError)]
    records = [row for row in rows if not isinstance(row, SourceError)]
    problems = [each for each in (*errors, *unjudged[:1]) if each is not None]
    if not link.many:
        value = records[0] if records else None
        return problems[0] if value is None and problems else (Partial(value, problems) if problems else value)
    listed = records[: link.first] if link.first is not None else records
    return Partial(listed, problems) if problems else listed


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
