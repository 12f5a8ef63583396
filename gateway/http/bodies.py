"""Reads request bodies within bounds of size and time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request


class BodyRefused(Exception):
    """A body that will not be read; `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body; raises BodyRefused when it is too large, too slow, encoded or cut off."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BodyRefused(415, "the body is compressed: send it plain")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise BodyRefused(413, f"the body has more than {limit} bytes")
    chunks, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise BodyRefused(413, f"the body has more than {limit} bytes")
                chunks.append(chunk)
    except TimeoutError:
        raise BodyRefused(408, f"the body did not arrive within {seconds:g} s") from None
    except ClientDisconnect:
        raise BodyRefused(400, "the body was cut off") from None
    return b"".join(chunks)
