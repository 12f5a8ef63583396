"""Reading: the innermost layer makes the value of a reply, so that a refusal or garbage is an error to all above it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sources.errors import Garbled
from sources.ports import Call, Reply, Send


def reading(send: Send, heed: Callable[[Mapping[str, str]], None] | None = None) -> Send:
    """A `send` whose replies have been read by their call's own `read`; `heed` sees the headers of each reply first."""

    async def sent(call: Call) -> Reply:
        reply = await send(call)
        if heed is not None:
            heed(reply.headers)
        if call.read is not None:
            try:
                reply.value = call.read(reply)
            except RecursionError as error:
                raise Garbled("an answer is nested deeper than can be read", status=reply.status) from error
        return reply

    return sent
