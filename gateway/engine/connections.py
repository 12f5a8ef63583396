"""Connections: one page for each parent, filled up after its rows were judged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.engine.ledger import Ledger
from gateway.engine.loads import Found, along_of
from gateway.engine.missed import Sought, calls_before, in_vain
from gateway.engine.paging import MOST, ConnectionPage, kept, onward, stale, through
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
    `along`: what came with the further parts; `old`: what is shown of those that are stale."""

    shown: list[Any]
    places: Sequence[Position | None]
    more: bool
    error: SourceError | None = None
    end: Position | None = None
    along: Sequence[Record] = ()
    old: Sequence[Rows] = ()


class Looking:
    """How long somebody looks for rows behind pages that are full, behind all pages of a field together: they are
    there, and nobody waits long for what follows."""

    def __init__(self) -> None:
        self._until: float | None = None

    @property
    def until(self) -> float:
        """An instant on the loop's clock; told the first time that somebody looks."""
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + current().patience
        return self._until


def is_thin(page: Page, rows: Rows, seen: Sequence[Any], *, ahead: bool = False) -> bool:
    """Whether judging took rows from a page that the list could fill up. `ahead`: or may have taken all behind it."""
    return rows.more and page.first is not None and _count(seen) < page.first + ahead


async def filled(
    links: Links, field: Field, key: str, page: Page, rows: Rows, seen: Sequence[Any], looking: Looking | None = None
) -> Filled:
    """A page that judging thinned out, read on until it is full or enough has been tried. `looking`: also until there
    is a row behind it, so that it does not say that the list goes on where only hidden ones follow."""
    assert page.first is not None
    error, end, along, old = None, rows.next, list[Record](), list[Rows]()
    shown, places, more = kept(rows, page.first, seen)
    left = page.first + (looking is not None) - _count(seen)  # how many visible ones are looked for
    for part in parts(page):
        missing = page.first - len(shown)
        if not rows.more or rows.next is None or left <= 0:
            break
        until = looking.until if looking is not None and not missing else None
        reading = await _read_on(links, field, key, onward(part, rows), until)
        if reading is None:
            more = True
            break
        rows, failed = reading.rows.get(key, Rows()), reading.errors.get(key)
        if failed is not None:
            error, more = failed if missing else None, True
            break
        beside = links.beside()  # rows behind the page are nobody's question
        seen = await beside.visible(field, rows.records)
        further, at, more = kept(rows, missing, seen)
        left -= _count(seen)
        if missing:
            beside.join(links, through(rows.records, seen, missing))
            along += reading.along
            end = rows.next
            shown, places = shown + further, [*places, *at]
            old += stale(rows, seen, missing)
    return Filled(shown, places, more, error, end if len(shown) < page.first and more else None, along, old)


def parts(page: Page) -> Iterator[Page]:
    """The further parts of a list that are read for a page: the more of it is hidden, the larger they get."""
    size = page.first or MOST
    for _ in range(_EXTRA):
        yield msgspec.structs.replace(page, first=size)
        size = min(2 * size, MOST)


async def _read_on(links: Links, field: Field, key: str, part: Page, until: float | None) -> Reading | None:
    """A further part of a list; None where the time is up, an instant on the loop's clock."""
    if until is not None and asyncio.get_running_loop().time() >= until:
        return None
    try:
        async with asyncio.timeout_at(until):
            return await links.go_on(field.link, key, part)
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
        self._ahead = field.ahead and not counted
        self._after = _text(given.get("after"))

    def at_hand(self, found: Mapping[str, Found]) -> list[Any] | None:
        """The pages of which all rows are there and seen; None where one of them has to be read on."""
        pages: dict[str, Any] = {}
        for key, each in found.items():
            seen = each.rows.records if each.rows is not None else ()
            if each.rows is not None and is_thin(self._page, each.rows, seen, ahead=self._ahead):
                return None
            pages[key] = self._first(key, each, seen)
        return self._taken(pages, along_of(found.values()), ())

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
            gate, looking = asyncio.Semaphore(_SIDE_BY_SIDE), Looking() if self._ahead else None
            filling = (self._filled(gate, found[key], key, seen[key], looking) for key in thin)
            for key, each in zip(thin, await asyncio.gather(*filling), strict=True):
                pages[key] = self._made(key, each, found[key].rows or Rows())
                along += each.along
                ledger.show(each.old)
        if self._is_root and self._judged and not self._counted and self._links.seen.calls == before:
            await self._look_in_vain(sought, pages)
        return self._taken(pages, along, seen.values())

    async def _look_in_vain(self, sought: Sought, pages: dict[str, Any]) -> None:
        """Takes for a list of which nothing is seen the time that judging hidden rows would have taken."""
        empty = [key for key, page in pages.items() if isinstance(page, ConnectionPage) and not page.nodes]
        failed = await in_vain(self._links.seen, sought, [key for key in empty if pages[key].error is None])
        if failed is not None:
            pages |= {key: self._made(key, Filled([], [], False, failed), Rows()) for key in empty}

    def _taken(
        self, pages: Mapping[str, Any], along: Sequence[Record], seen: Iterable[Sequence[Any]]
    ) -> list[ConnectionPage | SourceError]:
        """The pages in the order of the parents."""
        shown = [each.nodes for each in pages.values() if isinstance(each, ConnectionPage)]
        self._links.take(self._link, shown, along, whole=not any(None in each for each in seen))
        return [pages[key] if key is not None else ConnectionPage((), (), False, total=0) for key in self._keys]

    def _start(self, wanted: Sequence[str]) -> Page:
        if self._after is None:
            return self._page
        if len(wanted) > 1:
            raise BadAsk("`after` goes on with one list: ask for one parent at a time")
        after = self._links.cursors.decode(self._after, self._scope(wanted[0] if wanted else ""))
        return msgspec.structs.replace(self._page, after=after)

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

    async def _filled(
        self, gate: asyncio.Semaphore, found: Found, key: str, seen: Sequence[Any], looking: Looking | None
    ) -> Filled:
        async with gate:
            made = await filled(self._links, self._field, key, self._page, found.rows or Rows(), seen, looking)
        return msgspec.structs.replace(made, error=found.error or made.error)

    def _made(self, key: str, made: Filled, rows: Rows) -> ConnectionPage:
        shown, places, error, more = made.shown, made.places, made.error, made.more
        if self._judged:
            unjudged = [index for index, row in enumerate(shown) if isinstance(row, SourceError)]
            if unjudged:
                error = error or shown[unjudged[0]]
                shown = [row for index, row in enumerate(shown) if index not in unjudged]
                places = [place for index, place in enumerate(places) if index not in unjudged]
                more = more and bool(shown)  # as where there is nothing, and cannot be judged either
        total = rows.total if self._counted else None
        signed = partial(self._sign, key)
        return ConnectionPage(shown, places, more, total, self._after is not None, error, signed, made.end)

    def _sign(self, key: str, place: Position) -> str:
        return self._links.cursors.encode(place, self._scope(key))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
