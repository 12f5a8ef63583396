"""Credentials: whether a source that refuses those of a call refuses us, or only a token that will be replaced.

Said in a context variable by who holds the token, because it passes through hands that it does not concern.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_replaceable: ContextVar[bool] = ContextVar("replaceable", default=False)


@contextmanager
def replaceable() -> Iterator[None]:
    """A token that is refused in here is replaced, and the call made again."""
    before = _replaceable.set(True)
    try:
        yield
    finally:
        _replaceable.reset(before)


def are_final() -> bool:
    """Whether there is nothing to try after these: a key, the secret that tokens are given for, or a new token."""
    return not _replaceable.get()
