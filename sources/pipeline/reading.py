"""Reading: the innermost layer makes the value of a reply, so that a refusal or garbage is an error to all above it."""

from __future__ import annotations

from sources.ports import Call, Reply, Send


def reading(send: Send) -> Send:
    """A `send` whose replies have been read by their call's own `read`."""

    async def sent(call: Call) -> Reply:
        reply = await send(call)
        if call.read is not None:
            reply.value = call.read(reply)
        return reply

    return sent
