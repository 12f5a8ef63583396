"""Notices: what one process forgets, all forget.

To forget a tag is to stamp it with the store's time: a fact that was read before is none any more, whoever wrote it,
also one that is still on its way. The other processes are told, so that they drop it from their memory. What cannot be
told now is told when the store is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

from sources.cache.freshness import Table
from sources.cache.fuse import Fuse
from sources.cache.tags import Tag, only_owned

EVERYTHING: Tag = ("all", "")
_PENDING = 10_000  # tags that wait for the store to come back; more than that, and everything is forgotten there
_AT_ONCE = 500
_AGAIN = 0.5  # seconds
_BEFORE = 60.0  # seconds before its start from which a process reads notices, however much clocks differ
_LAST_WORDS = 0.2  # seconds


class Store(Protocol):
    """What is needed of a store; see `redis_store`."""

    async def get(self, keys: Sequence[str]) -> list[bytes | None]: ...
    async def keep(self, values: Mapping[str, bytes], life: float) -> bool: ...
    async def take(self, leases: Sequence[str], token: str, seconds: float) -> tuple[int, list[bool]]: ...
    async def give_back(self, leases: Sequence[str], token: str) -> bool: ...
    def stamp_of(self, tag: Tag) -> str: ...
    async def forget(self, lives: Mapping[Tag, float], origin: str) -> bool: ...
    async def oldest(self) -> str | None: ...
    async def notices(self, after: str) -> list[tuple[str, str, list[Tag]]]: ...
    async def close(self) -> None: ...


class Notices:
    """`drop` forgets tags in this process; `clear` everything. `wall` gives unix seconds."""

    def __init__(
        self,
        store: Store,
        fuse: Fuse,
        table: Table,
        drop: Callable[[Iterable[Tag]], Any],
        clear: Callable[[], None],
        wall: Callable[[], float],
    ) -> None:
        self.store, self.fuse = store, fuse
        self._table, self._drop, self._clear, self._wall = table, drop, clear, wall
        self._origin = uuid4().hex
        self._pending: dict[Tag, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    async def stamps(self, tags: Iterable[Tag]) -> dict[Tag, float] | None:
        """When each tag was last forgotten (microseconds of the store's time; infinity: that is still to be told
        there); None where that cannot be found out."""
        wanted = [EVERYTHING, *tags]
        raw = await self.fuse.through(self.store.get([self.store.stamp_of(tag) for tag in wanted]))
        if raw is None or len(raw) != len(wanted):
            return None
        known = {tag: float(each) for tag, each in zip(wanted, raw, strict=True) if each is not None}
        known |= {tag: float("inf") for tag in wanted if tag in self._pending}
        everything = known.get(EVERYTHING)
        if everything is not None:
            known = {tag: max(known.get(tag, 0.0), everything) for tag in wanted}
        return known

    # ------------------------------------------------------------ telling

    def forget(self, tags: Iterable[Tag]) -> None:
        """Lets all processes forget tags, as soon as the store takes it."""
        self._pending.update(dict.fromkeys(tags))
        if len(self._pending) > _PENDING:
            self._pending = {EVERYTHING: None}
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        while self._pending:
            part = list(self._pending)[:_AT_ONCE]
            told = await self.fuse.through(self.store.forget({tag: self._life(tag) for tag in part}, self._origin))
            if told is None:
                await asyncio.sleep(_AGAIN)
                continue
            for tag in part:
                self._pending.pop(tag, None)

    def _life(self, tag: Tag) -> float:
        """How long something with this tag can be of use, with a margin for what is still under way."""
        longest = self._table.longest_owned if only_owned(tag[0]) else self._table.longest
        return longest + _BEFORE

    # ------------------------------------------------------------ listening

    def listen(self) -> None:
        """Starts to hear what other processes forget."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        place, missed = f"{int((self._wall() - _BEFORE) * 1000)}-0", False
        while True:
            try:
                if missed:
                    oldest = await self.store.oldest()
                    if oldest is not None and _order(oldest) > _order(place):
                        self._clear()  # notices that were given while we were away are gone
                    missed = False
                for told, origin, tags in await self.store.notices(place):
                    place = told
                    if origin != self._origin:
                        self._heard(tags)
            except asyncio.CancelledError:
                raise
            except Exception:  # whatever it is, the store cannot be heard
                missed = True
                await asyncio.sleep(_AGAIN)

    def _heard(self, tags: Sequence[Tag]) -> None:
        if EVERYTHING in tags:
            self._clear()
        self._drop(tags)

    async def close(self) -> None:
        """Has a moment to tell what is to be forgotten."""
        if self._telling is not None and not self._telling.done():
            await asyncio.wait((self._telling,), timeout=_LAST_WORDS)
        for task in (self._telling, self._listening):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self.fuse.close()
        with contextlib.suppress(Exception):  # it may be gone
            await self.store.close()


def _order(place: str) -> tuple[int, int]:
    moment, _, number = place.partition("-")
    return int(moment), int(number or 0)
