"""A directory in a file: who holds which roles since when, which tokens, that tell of now alone, cannot say.

```yaml
people:
  cora@northwind.example:
    - {since: 2026-01-15, roles: [finance_controller]}
    - {since: 2026-11-20T09:00:00Z, roles: []}
```

A day begins at midnight, universal time. Whoever is not in the file is known by the token alone.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from policies.principal import person
from policies.writes.approvals import Delegation
from policies.yaml import Mistakes, Place, RuleError, Value, entries, items, mapping, read, required, text, texts

_log = logging.getLogger("opsgraph.desk")
_TOP, _ENTRY = frozenset({"people"}), frozenset({"since", "roles"})


class Held(NamedTuple):
    """The roles that a person holds from an instant until the next one of the list."""

    since: datetime
    roles: frozenset[str]


class Listed:
    """The directory in a file. A changed file is taken up when somebody is looked for next; one with a mistake, or in
    which entries are gone that were there, is not, and the log says so. Raises RuleError where the first one cannot be
    used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._people = people_of(path)

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """The roles of a person at an instant, none before the first entry; None for whoever is not in the file."""
        await asyncio.to_thread(self._look)
        held = self._people.get(person)
        if held is None:
            return None
        place = bisect_right(held, at, key=lambda each: each.since)
        return held[place - 1].roles if place else frozenset()

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """None: they are kept at the desk itself."""
        return ()

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            found = people_of(self._path)
        except RuleError as error:
            _log.error("the people known before stay in use: %s", error)
            return
        lost = sum(not _goes_on(held, found.get(person, ())) for person, held in self._people.items())
        if lost:
            why = "has lost entries of %d people: add one with `roles: []` to end them, or start anew"
            _log.error(f"the people known before stay in use: {self._path.name} {why}", lost)
            return
        self._people = found


def people_of(path: Path) -> dict[str, tuple[Held, ...]]:
    """The people in a file, each with their entries in order. Raises RuleErrors: every mistake, by file and line."""
    source = mapping(read(path, path.name), path.name, _TOP)
    told = Mistakes()
    found: dict[str, tuple[Held, ...]] = {}
    for name, value, place in entries(mapping(required(source, "people"), "`people`")):
        known = told.of(_person, name, value, place, found)
        if known is not None:
            found[person(name, None)] = known
    told.done()
    return found


def _person(name: str, value: Value, place: Place, before: dict[str, tuple[Held, ...]]) -> tuple[Held, ...]:
    if person(name, None) in before:
        raise place.error(f"`{name}` is there twice, spelt differently: keep one of them")
    held = tuple(_held(name, each) for each in items(value, f"`{name}`"))
    if any(one.since >= following.since for one, following in pairwise(held)):
        raise place.error(f"the entries of `{name}` are not in the order of `since`: write the oldest first")
    return held


def _goes_on(before: tuple[Held, ...], now: tuple[Held, ...]) -> bool:
    """Whether what was known of a person is still told: a file cut off in the middle is no file of fewer people."""
    return {each.since for each in before} <= {each.since for each in now}


def _held(name: str, value: Value) -> Held:
    source = mapping(value, f"an entry of `{name}`", _ENTRY)
    roles = frozenset(each.value for each in texts(required(source, "roles"), "`roles`"))
    return Held(_instant(required(source, "since")), roles)


def _instant(value: Value) -> datetime:
    written = text(value, "`since`")
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or (found.tzinfo is None and len(written) > len("2026-01-15")):
        raise value.place.error(
            f"`since` is `{written}`: a day such as 2026-01-15 or an instant with its zone is expected"
        )
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
