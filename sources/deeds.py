"""What writers have in common: each command a deed that happens once for its key, whichever system it is told to.

A vendor's writer is a table of ways: by each command, how it is done and how it is found. What holds of all of them is
here: the key is checked, a refusal of what was done before is none, and where somebody else had the record it is looked
at again and tried again. Nothing here knows a vendor.
"""

from __future__ import annotations

import asyncio
import random as chance
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import msgspec

from sources.canonical.commands import Command, Written
from sources.errors import Ambiguous, BadAsk, Contended, Duplicate, Locked, Missing, Rejected, SourceError

C = TypeVar("C", bound=Command)
D = TypeVar("D")

KEY_CHARACTERS = 255  # what a text field of every vendor holds
TRIES = 3  # of a change whose record somebody else had
PAUSE = 0.1  # seconds before the second of them, at most; then doubled
REFUSALS = (Rejected, Duplicate, Locked, Missing, Ambiguous, Contended)
"""Answers that say no: what was done before may be refused so, because things have changed since."""


class Way(msgspec.Struct, frozen=True):
    """How one command is carried out, and what tells that it was.

    `do` looks first, or is refused by what is there. `found` is the whole of it, None where any of it is missing.
    `begun` is what there is of it, also where that is only a part which is to be completed or taken back; without one
    it is `found`.
    """

    do: Callable[[Any, str], Awaitable[Written]]
    found: Callable[[Any, str], Awaitable[Written | None]]
    begun: Callable[[Any, str], Awaitable[Written | None]] | None = None


class Deed(Generic[D, C]):
    """One attempt at a command, with what its vendor's deeds work with (`desk`). `done` is called after `found` has
    said that there is something left to do, and may use what it read; it goes on where an earlier attempt stopped."""

    def __init__(self, desk: D, command: C, key: str) -> None:
        self.desk, self.command, self.key = desk, command, key

    async def found(self) -> Written | None:
        """What became of it, read from what the vendor has; None: it is not done, or not all of it."""
        raise NotImplementedError

    async def begun(self) -> Written | None:
        """What there is of it, also where it is not all; None: nothing of it has happened."""
        return await self.found()

    async def done(self) -> Written:
        """Carries out what is missing."""
        raise NotImplementedError

    @classmethod
    def way(cls, desk: D) -> Way:
        """This kind of deed as a way: each call an attempt of its own."""

        async def do(command: C, key: str) -> Written:
            deed = cls(desk, command, key)
            return await deed.found() or await deed.done()

        async def found(command: C, key: str) -> Written | None:
            return await cls(desk, command, key).found()

        async def begun(command: C, key: str) -> Written | None:
            return await cls(desk, command, key).begun()

        return Way(do, found, begun)


class Deeds:
    """The writer of one source. Fulfils `sources.ports.Writer`; `pause` waits so many seconds."""

    def __init__(
        self,
        source: str,
        ways: Mapping[type[Command], Way],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.source, self.commands = source, frozenset(ways)
        self._ways, self._pause = ways, pause

    async def do(self, command: Command, key: str) -> Written:
        """Carries it out, or says what came of it before. Where somebody else has the record it is looked at and tried
        again: a few times, and not where the asker said which state of it he had seen. Raises the refusal, or
        OutcomeUnknown where it was sent and nobody knows what became of it."""
        way = self._way(command, key)
        seen = getattr(command, "expected_updated_at", None) is not None
        with self._named():
            for attempt in range(1, TRIES):
                try:
                    return await self._once(way, command, key)
                except Contended:
                    if seen:
                        raise
                await self._pause(chance.random() * PAUSE * 2.0 ** (attempt - 1))  # noqa: S311 - no secret
            return await self._once(way, command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What there is of it, read from the records themselves; also a part, which `do` completes and which its
        opposite takes back. None: nothing of it has happened."""
        way = self._way(command, key)
        with self._named():
            return await (way.begun or way.found)(command, key)

    async def _once(self, way: Way, command: Command, key: str) -> Written:
        """A refusal of what was done before is none."""
        try:
            return await way.do(command, key)
        except REFUSALS as refusal:
            try:
                done = await way.found(command, key)
            except REFUSALS:
                raise refusal from None
            if done is None:
                raise
            return done

    def _way(self, command: Command, key: str) -> Way:
        way = self._ways.get(type(command))
        if way is None:
            raise self.unable(command)
        if not key or len(key) > KEY_CHARACTERS or not key.isprintable():
            raise BadAsk(f"a key has 1 to {KEY_CHARACTERS} printable characters", source=self.source)
        return way

    def unable(self, command: Command) -> BadAsk:
        """Why a command is none of this source's."""
        return BadAsk(f"`{self.source}` cannot be told `{type(command).__name__}`", source=self.source)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except SourceError as error:
            error.source = error.source or self.source
            raise


def keys_of(kept: object) -> list[str]:
    """The keys that a text field keeps, one a line, the newest first."""
    return kept.splitlines() if isinstance(kept, str) else []


def with_key(kept: object, key: str, most: int) -> str:
    """The same text with one more key in front, and at most so many of them."""
    return "\n".join([key, *(each for each in keys_of(kept) if each != key)][:most])
