"""What our own tables tell beside the facts of the graph: steps, the audit's word, what is turned off, purposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows
from resolvers.ids import key_of
from sources import canonical as c
from sources.ours import WritesOff

OPERATION_NEEDS: tuple[Need, ...] = ((c.Operation, "key"),)


def office(context: Context) -> Any:
    """The office of this process. Raises WritesOff."""
    if context.office is None:
        raise WritesOff
    return context.office


async def steps(parents: Sequence[c.Operation], _read: Read, context: Context) -> list[list[Any]]:
    """The steps of each operation, in the order in which they were begun."""
    found = await office(context).steps([each.key for each in parents])
    return [found.get(each.key, []) for each in parents]


async def freshness(parents: Sequence[c.Operation], _read: Read, context: Context) -> list[str | None]:
    """For each operation the token of a reader that must see what it has written so far; None before it has."""
    found = await office(context).steps([each.key for each in parents])
    return [_pinned(found.get(each.key, []), context) for each in parents]


def _pinned(steps: Sequence[Any], context: Context) -> str | None:
    """Whatever became of a step, its system may have been changed by it until it had ended."""
    ended: dict[str, float] = {}
    for step in steps:
        if step.source and step.finished_at is not None:  # not by our own ledger, which nobody remembers
            ended[step.source] = max(ended.get(step.source, 0.0), step.finished_at.timestamp())
    return context.pinned(ended) if ended and context.pinned is not None else None


async def history(parents: Sequence[c.Operation], _read: Read, context: Context) -> list[list[Any]]:
    """What was done to each operation."""
    found = await office(context).history([each.key for each in parents])
    return [found.get(each.key, []) for each in parents]


async def operation(_parents: Sequence[None], read: Read, _context: Context, id: str) -> list[Any]:
    """One operation, by its key or its `id`."""
    key = key_of(id, c.Operation)
    reading = await read(c.Operation, "key", [key])
    if key in reading.errors:
        return [reading.errors[key]]
    found = rows(reading, key)
    return [found[0] if found else None]


async def pauses(parents: Sequence[None], _read: Read, context: Context) -> list[Any]:
    """What is turned off now."""
    found = await office(context).pauses()
    return [found for _ in parents]
