"""For whom facts are gathered: a circumstance of the gathering that travels beside it, as ADR 9 has it.

Most writes gather the same for everybody. An order is judged for whoever asked: its validation's token is for him.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked. `operation` is the one that is judged anew; None while a command is being accepted."""

    subject: str
    roles: frozenset[str] = frozenset()
    human: str | None = None
    correlation: str = ""
    operation: str | None = None


_NOBODY = Asking(subject="")
_asking: ContextVar[Asking] = ContextVar("asking", default=_NOBODY)


def asked_for() -> Asking:
    """For whom it is now."""
    return _asking.get()


@contextmanager
def asking(who: Asking) -> Iterator[None]:
    """What is gathered in this block is gathered for somebody."""
    token = _asking.set(who)
    try:
        yield
    finally:
        _asking.reset(token)
