"""The errand: on whose behalf a source is asked. How urgent it is, until when, and how fresh the facts must be.

It travels beside a question, in a context variable, because a question passes through hands that it does not concern:
the crosswalk, a vendor's readers, a client that joins questions of one moment. A flight that serves several askers has
an errand of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from enum import IntEnum
from math import inf

import msgspec


class Lane(IntEnum):
    """Who goes first where there is a queue: the lower, the sooner."""

    VALIDATE = 0
    LOOKUP = 1
    PORTAL = 2
    BACKFILL = 3


class Errand(msgspec.Struct):
    """Not frozen: the lane of a flight is raised when somebody more urgent joins it.

    `until` is on the loop's clock. `patience` (seconds) is how long to wait where an older fact is at hand. `max_age`
    (seconds) is the oldest fact that will do; `not_before` says of sources, by name, the instant (unix seconds) before
    which their facts will not do, because the asker has written since. To one who is `strict` a fact past its time will
    do only where its source says nothing newer in that patience: what it decides cannot rest on it.
    """

    lane: Lane = Lane.PORTAL
    until: float = inf
    patience: float = 1.0
    max_age: float | None = None
    not_before: Mapping[str, float] = msgspec.field(default_factory=dict)
    strict: bool = False


class Raises:
    """How often the lane of any errand was raised: whoever keeps errands in order has to look again."""

    count = 0


def hurry(errand: Errand, lane: Lane) -> None:
    """Raises an errand to the lane of somebody who joins it, if that is a more urgent one."""
    if lane < errand.lane:
        errand.lane = lane
        Raises.count += 1


_ANY = Errand()
_current: ContextVar[Errand | None] = ContextVar("errand", default=None)


def current() -> Errand:
    """The errand of whoever is running; that of nobody in particular waits as long as it takes."""
    return _current.get() or _ANY


def begin(errand: Errand) -> Token[Errand | None]:
    """Makes it the errand of the running task and of the tasks it starts from now on, until its `end`."""
    return _current.set(errand)


def end(begun: Token[Errand | None]) -> None:
    """The errand that was there before is in force again. A task may live on: a server starts the next request of a
    connection from within the last one."""
    _current.reset(begun)


def narrowed(max_age: float) -> Errand:
    """The current errand for one who takes no facts older than `max_age` seconds."""
    errand = current()
    known = errand.max_age
    return msgspec.structs.replace(errand, max_age=max_age if known is None else min(known, max_age))
