"""News: that something of ours has changed, as those who follow it are told. It loads no database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Topic(StrEnum):
    """What a notice is about."""

    OPERATION = "operation"  # its state, a step, an approval or an exception of it
    EXCEPTION = "exception"  # it was raised, or handed to another owner


class News(msgspec.Struct, frozen=True):
    """`key` names what has changed; None: nothing has, this only says where one is. `place` is where, for whoever goes
    on from here. `missed`: something may have changed before that was not told. `first`: the beginning."""

    place: str
    at: datetime
    key: str | None = None
    missed: bool = False
    first: bool = False
