"""Ends: why a stream is over, as its client is told, and what is left to do for it."""

from __future__ import annotations

from typing import Any

import msgspec
from graphql import GraphQLError

from gateway.engine.answer import refused


class End(msgspec.Struct, frozen=True):
    """`code` is the public error code, `close` the close code of a WebSocket, `message` at most 123 bytes.

    `retryable`: the client may come again with its last cursor, as its library does by itself. `word` is counted.
    """

    word: str
    close: int
    message: str = ""
    code: str = "BAD_INPUT"
    retryable: bool = False

    def told(self, correlation_id: str) -> dict[str, Any]:
        """A last answer that says so."""
        extensions = {"code": self.code, "retryable": self.retryable}
        return refused([GraphQLError(self.message, extensions=extensions)], correlation_id)


GONE = End("gone", 1000)  # by the client
DONE = End("done", 1000)  # every answer was given
EXPIRED = End("expired", 4403, "the token has ended or is refused by now: come with a new one", "UNAUTHENTICATED", True)
SLOW = End("slow", 1013, "more happened than was taken: come again with the last cursor", "TOO_SLOW", True)
STALLED = End("stalled", 1013, code="TOO_SLOW", retryable=True)  # nothing can be told to who takes nothing
STOPPING = End("stopping", 1012, "this process stops: come again with the last cursor", "OVERLOADED", True)
FAILED = End("failed", 4500, "something went wrong here", "INTERNAL")
LATE = End("late", 4408, "Connection initialisation timeout")


def bad(message: str) -> End:
    """A message that is none of the protocol's."""
    return End("bad", 4400, message)


def unauthenticated(message: str) -> End:
    """A token that is not accepted; the client may have a better one."""
    return End("refused", 4403, message, "UNAUTHENTICATED")
