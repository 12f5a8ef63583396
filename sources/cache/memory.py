"""What this process remembers: the frozen records themselves, bounded in bytes, found by key and forgotten by tag.

The least recently used go first, roughly: each entry is marked when it is used, and a hand that goes round takes the
first one without a mark and wipes the marks it passes. A hit therefore reorders nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from sources.cache.freshness import Freshness, Spans
from sources.cache.keys import Ident, Index
from sources.cache.tags import Tag, Tagging
from sources.cache.weight import Scale
from sources.canonical import Served
from sources.ports import Capability, Rows

_SWEPT = 8  # entries that go for their age, at most, whenever one is remembered
_EASY = 0.9  # of the bound, above which there is no time for that
_LINGER = 3_600.0  # seconds an entry is kept past its bound, to be able to say how old it is


class Entry:
    """One answer for one key. Of the times `as_of` is in unix seconds, all others are on the loop's clock.

    `rows` is None where the source said that there is no such record. `as_of` is when it was true.
    """

    __slots__ = (
        "as_of", "ident", "limit", "live", "refresh", "rows", "shelf", "size", "soft", "stale", "stale_rows", "used",
    )  # fmt: skip

    def __init__(self, shelf: Shelf, ident: Ident, rows: Rows | None, as_of: float, spans: Spans) -> None:
        self.shelf, self.ident, self.as_of = shelf, ident, as_of
        self.refresh, self.stale, self.soft, self.limit = spans.refresh, spans.stale, spans.soft, spans.limit
        self.rows = None if rows is None else _served(rows, Served.CACHE)
        self.stale_rows: Rows | None = None
        self.size, self.used, self.live = 0, False, False

    def old(self) -> Rows | None:
        """The same, marked stale."""
        if self.stale_rows is None and self.rows is not None:
            self.stale_rows = _served(self.rows, Served.STALE)
        return self.stale_rows

    def tags(self) -> Iterator[Tag]:
        """What it speaks of."""
        return self.shelf.tagging.tags(self.ident, self.rows)


class Shelf:
    """What is remembered and under way of one index of one source: entries and flights by key."""

    __slots__ = ("entries", "flights", "freshness", "home", "index", "lag", "record", "scope", "source", "tagging")

    def __init__(
        self,
        home: dict[Index, Shelf],
        source: str,
        index: Index,
        capability: Capability,
        freshness: Freshness,
        *,
        facet: bool = False,
    ) -> None:
        self.home, self.source, self.index, self.freshness = home, source, index, freshness
        self.record, by, _ = index
        self.lag = capability.search_lag
        self.tagging = Tagging(self.record, by, own=capability.own_account_ids, facet=facet)
        self.scope = ""
        self.entries: dict[Ident, Entry] = {}
        self.flights: dict[Ident, object] = {}

    def tidy(self) -> None:
        """Goes away where nothing is left on it."""
        if not self.entries and not self.flights and self.home.get(self.index) is self:
            del self.home[self.index]


class Memory:
    """Everything remembered, of all sources together; at most `bound` bytes by estimate."""

    def __init__(self, bound: int) -> None:
        self.bound, self.size, self.evicted = bound, 0, 0
        self._scale = Scale()
        self._round: deque[Entry] = deque()
        self._gone = 0  # entries of the round that are not remembered any more
        self._index: dict[str, dict[str, Entry | set[Entry]]] = {}
        self.homes: list[dict[Index, Shelf]] = []

    def __len__(self) -> int:
        return len(self._round) - self._gone

    def put(self, entry: Entry, now: float) -> None:
        """Remembers an entry in place of the one with its key."""
        known = entry.shelf.entries.get(entry.ident)
        if known is not None:
            self._remove(known)
        entry.size = self._scale.weigh(entry.shelf.record, entry.rows, paged=entry.shelf.index[2].first is not None)
        if entry.size > self.bound:
            return
        entry.live = True
        entry.shelf.entries[entry.ident] = entry
        self._round.append(entry)
        self.size += entry.size
        self._link(entry)
        if self.size < self.bound * _EASY:  # otherwise what nobody uses goes anyway
            self._sweep(now)
        while self.size > self.bound:
            self._evict()

    def forget(self, wanted: Iterable[Tag]) -> int:
        """Drops what speaks of any of these; how many entries that were."""
        found: set[Entry] = set()
        for kind, key in wanted:
            if kind == "type":
                found.update(self._of_type(key))
                continue
            held = self._index.get(kind, {}).get(key)
            if held is not None:
                found |= held if isinstance(held, set) else {held}
        for entry in found:
            self.drop(entry)
        return len(found)

    def drop(self, entry: Entry) -> None:
        """Forgets one entry."""
        self._remove(entry)
        entry.shelf.tidy()

    def clear(self) -> None:
        """Forgets everything."""
        for entry in tuple(self._round):
            if entry.live:
                self.drop(entry)

    # ------------------------------------------------------------ inside

    def _of_type(self, name: str) -> list[Entry]:
        shelves = [shelf for home in self.homes for index, shelf in home.items() if index[0].__name__ == name]
        return [entry for shelf in shelves for entry in shelf.entries.values()]

    def _remove(self, entry: Entry) -> None:
        if not entry.live:
            return
        entry.live = False
        del entry.shelf.entries[entry.ident]
        self.size -= entry.size
        self._unlink(entry)
        entry.rows = entry.stale_rows = None  # its turn in the round may come late
        self._gone += 1
        if self._gone > 64 + len(self._round) // 2:
            self._round = deque(each for each in self._round if each.live)
            self._gone = 0

    def _evict(self) -> None:
        while True:
            entry = self._round.popleft()
            if not entry.live:
                self._gone -= 1
                continue
            if entry.used:
                entry.used = False
                self._round.append(entry)
                continue
            self._round.append(entry)
            self.evicted += 1
            self.drop(entry)
            return

    def _sweep(self, now: float) -> None:
        """One step of the hand, and more where it meets what nobody may use any more."""
        for _ in range(min(_SWEPT, len(self._round))):
            entry = self._round.popleft()
            if not entry.live:
                self._gone -= 1
                continue
            self._round.append(entry)
            if now <= entry.limit or now <= entry.limit + min(entry.shelf.freshness.stale_for, _LINGER):
                return
            self.drop(entry)

    def _link(self, entry: Entry) -> None:
        for kind, keys in entry.shelf.tagging.groups(entry.ident, entry.rows):
            holders = self._index.get(kind)
            if holders is None:
                holders = self._index[kind] = {}
            for key in keys:
                held = holders.setdefault(key, entry)
                if held is entry:
                    continue
                if isinstance(held, set):
                    held.add(entry)
                else:
                    holders[key] = {held, entry}

    def _unlink(self, entry: Entry) -> None:
        for kind, key in entry.tags():
            holders = self._index[kind]
            held = holders.get(key)
            if isinstance(held, set):
                held.discard(entry)
                if not held:
                    del holders[key]
            elif held is entry:
                del holders[key]


def _served(rows: Rows, served: Served) -> Rows:
    return Rows(rows.records, rows.more, rows.next, rows.total, rows.positions, served)
