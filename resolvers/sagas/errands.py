"""On whose behalf sagas go to the systems: as urgent as a validation, and no longer than they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sources.errand import Errand, Lane, begin, end


@contextmanager
def errand(seconds: float, max_age: float | None = None) -> Iterator[None]:
    """The running task's errand as long as the block lasts: who sends or asks waits at most `seconds`, and takes no
    facts that are older than `max_age` seconds."""
    until = asyncio.get_running_loop().time() + seconds
    begun = begin(Errand(lane=Lane.VALIDATE, until=until, max_age=max_age, strict=True))
    try:
        yield
    finally:
        end(begun)
