"""Connections: one page for each parent, filled up after its rows were judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.engine.ledger import Ledger
from gateway.engine.loads import Found, along_of
from gateway.engine.missed import Sought, calls_before, in_vain
from gateway.engine.paging import MOST, ConnectionPage, kept, onward, with_next
from sources.canonical import Record
from sources.errand import current
from sources.errors import BadAsk, SourceError
from sources.ports import Page, Position, Reading, Rows

if TYPE_CHECKING:
    from gateway.engine.links import Links
    from gateway.engine.plan import Field

_EXTRA = 5  # further parts read where judging thinned a page out, or may have hidden all that follows
_SIDE_BY_SIDE = 4  # parents whose pages are continued at once


class Filled(msgspec.Struct, frozen=True):
    """What is shown of one list: rows, their places, whether there are more; `end`: where a short page goes on;
    `along`: what came with the further parts."""

    shown: list[Any]
    places: Sequence[Position | None]
    more: bool
    error: SourceError | None = None
    end: Position | None = None
    along: Sequence[Record] = ()


def is_thin(page: Page, rows: Rows, seen: Sequence[Any], *, ahead: bool = False) -> bool:
    """Whether judging took rows from a page that the list could fill up. `ahead`: or may have taken all behind it."""
    return rows.more and page.first is not None and _count(seen) < page.first + ahead


async def filled(
    links: Links, field: Field, key: str, page: Page, rows: Rows, seen: Sequence[Any], *, ahead: bool = False
) -> Filled:
    """A page that judging thinned out, read on until it is full or enough has been tried. `ahead`: also until there is
    a row behind it, so that it does not say that the list goes on where only hidden ones follow."""
    assert page.first is not None
    error, end, along = None, rows.next, list[Record]()
    shown, places, more = kept(rows, page.first, seen)
    known = _count(seen)  # how many are visible, as far as it was read
    for part in parts(page):
        missing = page.first - len(shown)
        if not rows.more or rows.next is None or known >= page.first + ahead:
            break
        patience = None if missing else current().patience  # the page is there: nobody waits long for what follows
        reading = await _in_time(links.go_on(field.link, key, onward(part, rows)), patience)
        if reading is None:
            more = True
            break
        rows, failed = reading.rows.get(key, Rows()), reading.errors.get(key)
        if failed is not None:
            error, more = failed if missing else None, True
            break
        seen = await links.visible(field, rows.records)
        further, at, more = kept(rows, missing, seen)
        known += _count(seen)
        if missing:
            along += reading.along
            end = rows.next
            shown, places = shown + further, [*places, *at]
    return Filled(shown, places, more, error, end if len(shown) < page.first and more else None, along)


def parts(page: Page) -> Iterator[Page]:
    """The further parts of a list that are read for a page: the more of it is hidden, the larger they get."""
    size = page.first or MOST
    for _ in range(_EXTRA):
        yield msgspec.structs.replace(page, first=size)
        size = min(2 * size, MOST)


async def _in_time(reading: Awaitable[Reading], seconds: float | None) -> Reading | None:
    """What is read, None where it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        return None


def _count(seen: Sequence[Any]) -> int:
    """How many rows are not hidden."""
    return sum(row is not None for row in seen)


class Pages:
    """One connection field: the pages of all its parents."""

    def __init__(
        self,
        links: Links,
        field: Field,
        keys: Sequence[Sequence[str]],
        page: Page,
        given: Mapping[str, Any],
        *,
        counted: bool,
    ) -> None:
        self._links, self._field, self._link, self._paging = links, field, field.link, field.paging
        self._keys, self._page, self._counted = [each[0] if each else None for each in keys], page, counted
        self._judged = field.judged is not None
        self._thinned = field.thinned and not counted
        self._ahead = self._thinned and field.ahead
        self._after = _text(given.get("after"))

    def at_hand(self, found: Mapping[str, Found]) -> list[Any] | None:
        """The pages of which all rows are there and seen; None where one of them has to be read on."""
        pages: dict[str, Any] = {}
        for key, each in found.items():
            seen = each.rows.records if each.rows is not None else ()
            if each.rows is not None and is_thin(self._page, each.rows, seen, ahead=self._ahead):
                return None
            pages[key] = self._first(key, each, seen)
        return self._taken(pages, along_of(found.values()), found, {})

    async def read(self, ledger: Ledger) -> list[Any]:
        """A page, or why there is none, for each parent."""
        wanted = list(dict.fromkeys(key for key in self._keys if key is not None))
        start = self._start(wanted)
        found = dict(zip(wanted, await self._links.load(self._link, wanted, start, ledger), strict=True))
        sought = Sought(self._link.target, self._link.by, found)
        before = calls_before(self._links.seen, sought)
        seen = await self._links.seen_of(self._field, found)
        thin = [
            key
            for key, each in found.items()
            if each.rows is not None and is_thin(self._page, each.rows, seen[key], ahead=self._ahead)
        ]
        pages = {key: self._first(key, each, seen[key]) for key, each in found.items() if key not in thin}
        along = along_of(found.values())
        if thin:
            gate = asyncio.Semaphore(_SIDE_BY_SIDE)
            filling = (self._filled(gate, found[key], key, seen[key]) for key in thin)
            for key, each in zip(thin, await asyncio.gather(*filling), strict=True):
                pages[key] = self._made(key, each, found[key].rows or Rows())
                along += each.along
        if self._is_root and self._judged and not self._counted and self._links.seen.calls == before:
            await self._look_in_vain(sought, pages)
        return self._taken(pages, along, found, seen)

    async def _look_in_vain(self, sought: Sought, pages: dict[str, Any]) -> None:
        """Takes for a list of which nothing is seen the time that judging hidden rows would have taken."""
        empty = [key for key, page in pages.items() if isinstance(page, ConnectionPage) and not page.nodes]
        failed = await in_vain(self._links.seen, sought, [key for key in empty if pages[key].error is None])
        if failed is not None:
            pages |= {key: self._made(key, Filled([], [], False, failed), Rows()) for key in empty}

    def _taken(
        self,
        pages: Mapping[str, Any],
        along: Sequence[Record],
        found: Mapping[str, Found],
        seen: Mapping[str, Sequence[Any]],
    ) -> list[ConnectionPage | SourceError]:
        """The pages in the order of the parents."""
        shown = [each.nodes for each in pages.values() if isinstance(each, ConnectionPage)]
        whole = not any(None in each for each in seen.values()) and not self._ahead_of_some(found)
        self._links.take(self._link, shown, along, whole=whole)
        return [pages[key] if key is not None else ConnectionPage((), (), False, total=0) for key in self._keys]

    def _ahead_of_some(self, found: Mapping[str, Found]) -> bool:
        """Whether rows were read that are behind a page and not in it."""
        first = self._page.first or MOST
        return self._thinned and any(
            each.rows is not None and len(each.rows.records) > first for each in found.values()
        )

    def _start(self, wanted: Sequence[str]) -> Page:
        asked = with_next(self._page) if self._thinned else self._page
        if self._after is None:
            return asked
        if len(wanted) > 1:
            raise BadAsk("`after` goes on with one list: ask for one parent at a time")
        after = self._links.cursors.decode(self._after, self._scope(wanted[0] if wanted else ""))
        return msgspec.structs.replace(asked, after=after)

    @property
    def _is_root(self) -> bool:
        """Whether whoever asks says what is looked for, and no row that was shown to him."""
        return self._link.by == "list" or self._link.argument is not None

    def _scope(self, key: str) -> str:
        return self._paging.scope(self._page, key)

    def _first(self, key: str, found: Found, seen: Sequence[Any]) -> Any:
        if found.rows is None:
            return found.error if found.error is not None else self._made(key, Filled([], [], False), Rows())
        return self._made(key, Filled(*kept(found.rows, self._page.first, seen), found.error), found.rows)

    async def _filled(self, gate: asyncio.Semaphore, found: Found, key: str, seen: Sequence[Any]) -> Filled:
        async with gate:
            rows, ahead = found.rows or Rows(), self._ahead
            made = await filled(self._links, self._field, key, self._page, rows, seen, ahead=ahead)
        return msgspec.structs.replace(made, error=found.error or made.error)

    def _made(self, key: str, made: Filled, rows: Rows) -> ConnectionPage:
        shown, places, error = made.shown, made.places, made.error
        if self._judged:
            unjudged = [index for index, row in enumerate(shown) if isinstance(row, SourceError)]
            if unjudged:
                error = error or shown[unjudged[0]]
                shown = [row for index, row in enumerate(shown) if index not in unjudged]
                places = [place for index, place in enumerate(places) if index not in unjudged]
        total = rows.total if self._counted else None
        signed = partial(self._sign, key)
        return ConnectionPage(shown, places, made.more, total, self._after is not None, error, signed, made.end)

    def _sign(self, key: str, place: Position) -> str:
        return self._links.cursors.encode(place, self._scope(key))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
