"""HTTP/1.1 as a proxy needs it: where a head ends, how long a body is, and bytes passed on as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

Write = Callable[[bytes], Awaitable[None]]
"""Sends bytes; waits while the other side cannot take them."""

HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
_UNTIL_CLOSE = -1
_CHUNKED = -2


class BadMessage(ValueError):
    """Not HTTP/1.1, or a head without an end."""


class Head(msgspec.Struct, frozen=True):
    """A start line and headers. `raw`: as they came. `headers`: names in lower case, equal names joined by commas."""

    raw: bytes
    start: tuple[str, str, str]
    headers: dict[str, str]

    @property
    def method(self) -> str:
        """Of a request."""
        return self.start[0]

    @property
    def path(self) -> str:
        """Of a request, without what is after the `?`."""
        return self.start[1].partition("?")[0]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.start[1])

    @property
    def closes(self) -> bool:
        """Whether the connection ends after this message."""
        said = self.headers.get("connection", "").lower()
        old = "HTTP/1.0" in (self.start[0], self.start[2])
        return "close" in said or (old and "keep-alive" not in said)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; None where the other side has closed. Raises BadMessage."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadMessage("the head ends in the middle") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadMessage(f"the head has more than {HEAD_BYTES} bytes") from None
    first, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    start = first.split(" ", 2)
    if len(start) < 2:
        raise BadMessage("the first line is not HTTP/1.1's")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]},{value.strip()}" if name in headers else value.strip()
    return Head(raw, (start[0], start[1], start[2] if len(start) > 2 else ""), headers)


def request_length(head: Head) -> int:
    """Bytes of a request's body; negative where they come in chunks."""
    return _CHUNKED if _chunked(head) else _length(head, 0)


def answer_length(head: Head, method: str) -> int:
    """Bytes of an answer's body; negative where they come in chunks, or until the connection closes."""
    if method == "HEAD" or head.status < 200 or head.status in (204, 304):
        return 0
    return _CHUNKED if _chunked(head) else _length(head, _UNTIL_CLOSE)


def ends_with_the_connection(head: Head, method: str) -> bool:
    """Whether only the end of the connection tells where the answer ends."""
    return answer_length(head, method) == _UNTIL_CLOSE


def _chunked(head: Head) -> bool:
    return "chunked" in head.headers.get("transfer-encoding", "").lower()


def _length(head: Head, absent: int) -> int:
    told = head.headers.get("content-length")
    if told is None:
        return absent
    if not (told.isascii() and told.isdigit()):
        raise BadMessage(f"`content-length` is `{told}`")
    return int(told)


async def pass_body(reader: asyncio.StreamReader, length: int, write: Write) -> None:
    """Passes a body on as it is. Raises IncompleteReadError where it ends too early."""
    if length == _CHUNKED:
        await _pass_chunks(reader, write)
    elif length == _UNTIL_CLOSE:
        while piece := await reader.read(_CHUNK):
            await write(piece)
    else:
        await _pass_exactly(reader, length, write)


async def _pass_exactly(reader: asyncio.StreamReader, length: int, write: Write) -> None:
    while length:
        piece = await reader.read(min(length, _CHUNK))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)
        await write(piece)


async def _pass_chunks(reader: asyncio.StreamReader, write: Write) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        await write(line)
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise BadMessage("the size of a chunk is no number") from None
        if size == 0:
            break
        await _pass_exactly(reader, size + 2, write)
    while True:  # trailers, until an empty line
        line = await reader.readuntil(b"\r\n")
        await write(line)
        if line == b"\r\n":
            return


async def pass_answer(reader: asyncio.StreamReader, method: str, write: Write) -> bool:
    """Passes one answer on, with the interim ones before it; gives whether the connection can be used again."""
    while True:
        head = await read_head(reader)
        if head is None:
            raise ConnectionResetError("the upstream closed without an answer")
        await write(head.raw)
        if head.status >= 200 or head.status == 101:
            break
    length = answer_length(head, method)
    await pass_body(reader, length, write)
    return not head.closes and length != _UNTIL_CLOSE and head.status != 101


async def nowhere(_piece: bytes) -> None:
    """A `Write` that forgets."""
