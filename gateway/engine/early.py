"""Early links: children of a row whose key the operation's arguments already tell leave together with it.

They are judged when the row arrives. If it is not there or hidden, they are given up and nothing of them shows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.engine.decoys import ENTITIES_BY
from gateway.engine.frames import Frame
from gateway.engine.grants import Grants
from gateway.engine.ledger import Ledger
from gateway.engine.links import Links
from gateway.engine.lookups import check_lookups
from gateway.engine.plan import LINK, Field, Selection
from gateway.engine.seen import Seen
from resolvers.batch import Batched, Link

Given = Callable[[Field], Mapping[str, Any]]


class _Parent:
    """A row of which only the key is known."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key


class Early:
    """The children of one field that are under way before its row is there."""

    def __init__(self, key: str, links: Links, given: Given) -> None:
        self._key, self._links, self._given = key, links.beside(), given
        self._shown = links
        self._ledger = Ledger()
        self._tasks: dict[Field, asyncio.Task[list[Any]]] = {}
        self._judging: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, field: Field, given: Given, links: Links, seen: Seen, grants: Grants) -> Early | None:
        """Starts what may start; None where the arguments tell no key, or the rules refuse it for itself."""
        key, record = known_key(field, given, grants)
        selection = field.branch.only if field.branch is not None else None
        if key is None or record is None or selection is None or seen.refused_by_key(record, key):
            return None
        foresees = seen.foresees(record)
        if links.holds(record, "key", key) and (not foresees or links.holds(*ENTITIES_BY, key)):
            return None  # nobody waits for the row, whether it is there or not
        early = cls(key, links, given)
        for child in starters(selection):
            if links.is_ready(child.link, key) and not early._has(child):
                early._start(child)
        if foresees:
            early._judging = asyncio.get_running_loop().create_task(seen.foresee(record, key))
        return early if early._tasks or early._ledger.readings or early._judging is not None else None

    def _has(self, child: Field) -> bool:
        """Whether a child's records are in memory: they are taken from there when the row is there."""
        return self._links.is_at_hand(child, [_Parent(self._key)], self._given, self._ledger)

    def _start(self, child: Field) -> None:
        async def read() -> list[Any]:
            return await self._links.values(child, [_Parent(self._key)], self._given(child), self._ledger)

        self._tasks[child] = asyncio.get_running_loop().create_task(read())

    async def settle(self, kids: Sequence[Frame], ledger: Ledger) -> None:
        """Hands the readings to the row that arrived, if it is the one they were made for.

        What judging reads is waited for in any case: a row that is not there must not answer sooner than a hidden one.
        """
        if len(kids) == 1 and len(kids[0].rows) == 1 and getattr(kids[0].rows[0], "key", None) == self._key:
            kids[0].early.update(self._tasks)
            self._ledger.join(ledger)  # what they still ask is told with the answer
            self._links.join(self._shown)
            return
        for task in self._tasks.values():
            _end(task)
        if self._judging is not None:
            with contextlib.suppress(Exception):
                await self._judging

    def give_up(self) -> None:
        """Ends the readings: nobody waits any more."""
        for task in (*self._tasks.values(), self._judging):
            if task is not None:
                _end(task)


def known_key(field: Field, given: Given, grants: Grants) -> tuple[str | None, type | None]:
    """The key of the record that a root will give, and its class, where its arguments tell and may."""
    declared = field.declared
    try:
        if isinstance(declared, Link) and declared.argument:
            field.paging.page(given(field))
            return str(given(field)[declared.argument]), declared.target
        if isinstance(declared, Batched) and declared.known is not None:
            check_lookups(declared, given(field), grants)
            return declared.known(given(field)), declared.record
    except Exception:
        return None, None  # whatever is wrong with the arguments is told by the field itself
    return None, None


def starters(selection: Selection) -> list[Field]:
    """The links of a selection that need nothing of their parent but its key."""
    return [
        each for each in selection.active if each.kind == LINK and each.link.key == "key" and each.link.by != "list"
    ]


def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
