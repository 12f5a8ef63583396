"""Accesses: operations of which something was withheld, as the engine tells of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from policies.principal import Principal

DENIED, MASKED, HIDDEN = "denied", "masked", "hidden"
READ = "read"  # shown, to a role of which every read goes on record
MOST_KEYS = 100  # of one coordinate; how many rows there were is told in any case


class Withheld(msgspec.Struct, frozen=True):
    """One coordinate in one place: how it was withheld, by which rule, in how many rows. `keys` are those of the first
    rows, of the type `of`. Of hidden rows the coordinate is their type and the rule that of the rows of the asker's
    roles."""

    coordinate: str
    how: str
    rule: str
    class_name: str
    rows: int
    of: str = ""
    keys: tuple[str, ...] = ()


Tell: TypeAlias = Callable[[Collection[str]], Sequence[Withheld]]
"""Gives what was withheld, naming no rows of these sources."""


class Access(msgspec.Struct, frozen=True):
    """One operation of which something was withheld: who asked, when, what, and how it is found in logs. `tell` works
    out what it was; until it is asked, it holds on to the rows."""

    at: datetime
    principal: Principal
    correlation_id: str
    operation: str | None  # its name
    digest: bytes  # SHA-256 of the document
    tell: Tell


def merged(withheld: Iterable[Withheld]) -> list[Withheld]:
    """The same with all places of one coordinate, rule and type of rows as one; each row is named once."""
    places: dict[tuple[str, str, str, str], list[Withheld]] = {}
    for each in withheld:
        places.setdefault((each.coordinate, each.how, each.rule, each.of), []).append(each)
    return [mine[0] if len(mine) == 1 else _one(mine) for mine in places.values()]


def _one(places: list[Withheld]) -> Withheld:
    keys = tuple(dict.fromkeys(key for each in places for key in each.keys))
    return msgspec.structs.replace(places[0], rows=sum(each.rows for each in places), keys=keys[:MOST_KEYS])
