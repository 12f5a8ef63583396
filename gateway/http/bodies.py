"""Reads request bodies within bounds of size."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive

TOO_LARGE = "REQUEST_TOO_LARGE"


class BodyRefused(Exception):
    """A body that will not be read; `status` is the HTTP status that says so, `code` the public one. The connection is
    of no further use."""

    def __init__(self, status: int, message: str, code: str = "BAD_INPUT") -> None:
        super().__init__(message)
        self.status, self.code = status, code


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body; raises BodyRefused when it is too large, encoded or cut off. How long it takes, others watch."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BodyRefused(415, "the body is compressed: send it plain")
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise BodyRefused(413, f"the body has more than {limit} bytes", TOO_LARGE)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyRefused(400, "the body was cut off")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyRefused(413, f"the body has more than {limit} bytes", TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)
