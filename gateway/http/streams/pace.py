"""Pace: what is sent has to be taken in time. A client that reads nothing must not hold answers here for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import Scope, Send

CUT = "opsgraph.cut"  # of a connection's scope: ends it at once, whatever has not been taken of it
RELEASE = "opsgraph.release"  # of a request's scope: it is not under way any longer, it is a stream


class Stalled(Exception):
    """Nothing has been taken for too long."""


class Left(Exception):
    """The client is gone."""


class Pace:
    """Sends one message after another. `patience`: seconds for one to be taken."""

    def __init__(self, scope: Scope, send: Send, patience: float) -> None:
        self._scope, self._send, self._patience = scope, send, patience
        self._turn = asyncio.Lock()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Sends when what was sent before is taken; raises Stalled, Left."""
        try:
            async with asyncio.timeout(self._patience), self._turn:
                await self._send(message)
        except TimeoutError:
            raise Stalled from None
        except OSError:
            raise Left from None

    def cut(self) -> None:
        """Ends the connection and forgets what waits there."""
        _call(self._scope, CUT)

    def release(self) -> None:
        """The request is answered, as far as anybody who asks for room is concerned."""
        _call(self._scope, RELEASE)


def _call(scope: Scope, name: str) -> None:
    known: Callable[[], None] | None = scope.get(name)
    if known is not None:
        known()
