"""Links: the ids that the crosswalk remembers, each for a while, and a day longer for want of better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_LAST_KNOWN = 86_400.0  # seconds past their time for which ids still do where a source fails

Ids = tuple[str, ...]


class Links:
    """By way, source and key; `ttl` seconds, at most `bound` entries. Those that were learnt longest ago go first: what
    is used is learnt anew whenever its time is over.

    Ways: `own` (account to own ids), `none` (an account that no record names), `back` (own id to account), `noted`
    (account to what the CRM notes for it, in every system).
    """

    def __init__(self, ttl: float, bound: int, clock: Callable[[], float]) -> None:
        self._ttl, self._bound, self._clock = ttl, bound, clock
        self._known: dict[tuple[str, str, str], tuple[float, Ids]] = {}
        self._sources: set[str] = set()

    def recall(self, way: str, source: str, keys: Sequence[str], found: dict[str, Ids]) -> Ids:
        """Fills `found` with what is known; the keys that are not."""
        now, missing = self._clock(), []
        for key in dict.fromkeys(keys):
            entry = self._known.get((way, source, key))
            if entry is None or entry[0] < now:
                missing.append(key)
                continue
            found[key] = entry[1]
        return tuple(missing)

    def remember(self, way: str, source: str, key: str, ids: Ids) -> None:
        """Takes down ids."""
        self.remember_all(way, source, {key: ids})

    def remember_all(self, way: str, source: str, ids: Mapping[str, Ids]) -> None:
        """Takes down ids by key."""
        self._sources.add(source)
        known, until = self._known, self._clock() + self._ttl
        for key, mine in ids.items():
            place = (way, source, key)
            known.pop(place, None)
            known[place] = (until, mine)
        while len(known) > self._bound:
            del known[next(iter(known))]

    def knows(self, way: str, source: str, key: str) -> bool:
        """Whether something is known."""
        entry = self._known.get((way, source, key))
        return entry is not None and entry[0] >= self._clock()

    def last_known(self, way: str, source: str, key: str) -> Ids | None:
        """What was known within a day."""
        entry = self._known.get((way, source, key))
        return entry[1] if entry is not None and entry[0] + _LAST_KNOWN >= self._clock() else None

    def forget(self, account: str) -> set[str]:
        """Has an account asked for anew; what it was called in any source."""
        called: set[str] = set()
        self._known.pop(("noted", "", account), None)
        for source in self._sources:
            self._known.pop(("none", source, account), None)
            called.update(self._expire("own", source, account))
        for own in called:
            self.forget_own(own)
        return called

    def forget_own(self, own: str) -> None:
        """Has an id asked for anew, in every source."""
        for source in self._sources:
            self._expire("back", source, own)

    def _expire(self, way: str, source: str, key: str) -> Ids:
        known = self._known.get((way, source, key))
        if known is None:
            return ()
        self._known[way, source, key] = (min(known[0], self._clock() - 1), known[1])
        return known[1]
