"""Feed: what happens, for everybody in this process who listens. Who is too slow is left behind, never waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class LeftBehind(Exception):
    """More happened than waits for one listener: it has missed something."""


class Listener(Generic[T]):
    """What one listener has still to hear: at most `most`."""

    def __init__(self, most: int, wanted: Callable[[T], bool] | None = None) -> None:
        self._most, self._wanted, self._waiting = most, wanted, deque[T]()
        self._come, self._left = asyncio.Event(), False

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, item: T) -> None:
        """Puts one more behind what waits; one too many, and nothing waits any more: the listener is left behind."""
        if self._left or (self._wanted is not None and not self._wanted(item)):
            return
        self._left = len(self._waiting) >= self._most
        if self._left:
            self._waiting.clear()
        else:
            self._waiting.append(item)
        self._come.set()

    async def next(self) -> T:
        """The next that happened. Raises LeftBehind."""
        while not self._waiting and not self._left:
            self._come.clear()
            await self._come.wait()
        if self._left:
            raise LeftBehind
        return self._waiting.popleft()


class Feed(Generic[T]):
    """Tells every listener. `most`: how much may wait for one. To be used on one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._listeners: set[Listener[T]] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def tell(self, item: T) -> None:
        """It happened."""
        for each in self._listeners:
            each.offer(item)

    @contextmanager
    def listening(self, wanted: Callable[[T], bool] | None = None) -> Iterator[Listener[T]]:
        """Hears what happens from now on, or what is `wanted` of it, until the block ends."""
        listener = Listener[T](self._most, wanted)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
