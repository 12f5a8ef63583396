"""What a failing upstream answers: each a whole HTTP/1.1 message, or a stream of pieces without an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from gateway.enterprise.faults.fault import Fault, Kind

_PAGE = """<!doctype html>
<html lang="en">
  <head><title>Scheduled maintenance</title></head>
  <body><h1>We will be right back</h1><p>Our engineers are working on it. &copy; 2026</p></body>
</html>
"""
_OTHER_SHAPE = {"ok": "yes", "page": [["unexpected", 1], ["shape", None]], "result": {"rows": "17", "id": {"a": [0]}}}
_PROMISED = 64 * 1024
_PIECE = b'{"id":"nothing","name":"and no end to it"},' * 512


def message(status: str, content_type: str, body: bytes, *, closes: bool, head: bool, extra: str = "") -> bytes:
    """An answer in one piece. `head`: to a HEAD request, so without its body."""
    ending = "close" if closes else "keep-alive"
    lines = (
        f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n"
        f"connection: {ending}\r\n{extra}\r\n"
    )
    return lines.encode("latin-1") + (b"" if head else body)


def of(fault: Fault, random: Random, *, closes: bool, head: bool) -> bytes:
    """The answer of a fault that answers something of its own; raises KeyError for another one."""
    status, content_type, body = _contents(fault, random)
    wait = f"retry-after: {fault.retry_after:g}\r\n" if fault.retry_after is not None else ""
    return message(status, content_type, body, closes=closes, head=head, extra=wait)


def _contents(fault: Fault, random: Random) -> tuple[str, str, bytes]:
    if fault.kind is Kind.GARBAGE:
        return "200 OK", "application/json", random.randbytes(random.randint(64, 2048))
    return _FIXED[fault.kind]


def _said(status: str, said: object) -> tuple[str, str, bytes]:
    return status, "application/json", json.dumps(said).encode()


_FIXED = {
    Kind.INTERNAL: _said("500 Internal Server Error", {"error": "internal"}),
    Kind.FLAKY: _said("500 Internal Server Error", {"error": "internal"}),
    Kind.UNREADY: _said("503 Service Unavailable", {"error": "unavailable"}),
    Kind.THROTTLED: _said("429 Too Many Requests", {"error": "rate_limited"}),
    Kind.HTML: ("200 OK", "text/html; charset=utf-8", _PAGE.encode()),
    Kind.WRONG_SHAPE: _said("200 OK", _OTHER_SHAPE),
}


def truncated() -> bytes:
    """A head that promises more than there is."""
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {_PROMISED}\r\n\r\n"
        '{"records": [{"id": "001", "name": "Northw'
    ).encode()


def huge() -> Iterator[bytes]:
    """A list that goes on and on, in chunks."""
    yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    yield b'8\r\n{"list":\r\n1\r\n[\r\n'
    chunk = f"{len(_PIECE):x}\r\n".encode() + _PIECE + b"\r\n"
    while True:
        yield chunk
