"""One search for many keys: conditions joined by OR in tens, rows given back to the keys they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from sources.errors import SourceError
from sources.ports import Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe.client import Parameters
from sources.vendors.stripe.mapping.origin import Origin
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import following
from sources.vendors.stripe.wire import Many

W = TypeVar("W", bound=Any)
_JOIN = " OR "


class Search(msgspec.Struct, Generic[W], frozen=True, kw_only=True):
    """A search of one kind of object: `clause` of a key, and `owner`, the key a row belongs to."""

    shape: type[Many[W]]
    path: str
    operation: str
    clause: Callable[[str], str]
    owner: Callable[[W], str]
    parameters: Parameters = ()


class Gathered(msgspec.Struct, Generic[W]):
    """Rows by key, and the keys for which there may be more."""

    rows: dict[str, list[tuple[W, Origin]]]
    unfinished: set[str]


async def many(
    inquiry: Inquiry,
    keys: Sequence[str],
    search: Search[W],
    told: Callable[[str, list[tuple[W, Origin]]], Rows],
    alone: Callable[[str], Awaitable[Rows]],
) -> None:
    """Fills the rows of all keys: `told` makes them from what the search found; a key that the search could not finish
    within its bound is read `alone`. A failed search fails only the keys it was for."""
    enough = inquiry.ask.page.first if not inquiry.ask.page.filters else None

    async def goes_on(key: str) -> None:
        inquiry.rows[key] = await alone(key)

    async def chunk(part: Sequence[str]) -> None:
        try:
            found = await _gather(inquiry, part, search, enough)
        except SourceError as error:
            for key in part:
                inquiry.failed(key, error)
            return
        for key in part:
            if key not in found.unfinished:
                inquiry.rows[key] = told(key, found.rows.get(key, []))
        await inquiry.every([key for key in part if key in found.unfinished], goes_on)

    await asyncio.gather(*(chunk(part) for part in chunks(keys, search.clause, inquiry.settings.search_clauses)))


async def _gather(inquiry: Inquiry, keys: Sequence[str], search: Search[W], enough: int | None) -> Gathered[W]:
    found = Gathered[W]({}, set())
    query = _JOIN.join(search.clause(key) for key in keys)
    first = (("limit", str(facts.PAGE)), ("query", query), *search.parameters)
    parameters: Parameters | None = first
    for _ in range(facts.SEARCH_PAGES):
        if parameters is None:
            return found
        answer = await inquiry.get(search.shape, search.path, parameters, search.operation)
        origin = inquiry.origin(answer.at, inquiry.settings.search_lag)
        for row in answer.value.data:
            found.rows.setdefault(search.owner(row), []).append((row, origin))
        parameters = following(inquiry.client.name, parameters, answer.value, first)
        if enough is not None and all(len(found.rows.get(key, ())) > enough for key in keys):
            return found
    if parameters is not None:
        found.unfinished = {key for key in keys if enough is None or len(found.rows.get(key, ())) <= enough}
    return found


def chunks(keys: Sequence[str], clause: Callable[[str], str], size: int) -> list[list[str]]:
    """Keys in groups that fit into one search: by number of conditions and by length of text."""
    groups: list[list[str]] = []
    room = 0
    for key in keys:
        length = len(clause(key)) + len(_JOIN)
        if not groups or len(groups[-1]) == size or length > room:
            groups.append([])
            room = facts.SEARCH_QUERY + len(_JOIN)
        groups[-1].append(key)
        room -= length
    return groups
