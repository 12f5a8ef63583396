"""The server: GET requests on kept connections, answered with bytes that are made once per question.

It parses nothing but the request line and looks it up in a dictionary, so that a call costs it a few microseconds
beside the kernel's share. `--delay-ms` or `PUT /_delay/MS` hold every answer back. `GET /_calls` counts calls by
resource, `DELETE /_calls` starts anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from urllib.parse import parse_qs

import uvloop

from bench.upstreams.holdings import Holdings

_ANSWERS = 20_000  # remembered questions, some 100 MB at the very most


class Systems:
    """The answers to all questions so far, and how often each resource was asked."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self._holdings = Holdings()
        self._answers: dict[bytes, tuple[bytes, str]] = {}
        self._calls: Counter[str] = Counter()

    def answer(self, line: bytes) -> tuple[bytes, bool]:
        """The answer to a request line, and whether it is one of a system (and so delayed)."""
        known = self._answers.get(line)
        if known is None:
            method, target = line.split(b" ")[:2]
            if target == b"/_calls":
                return self._count(method), False
            if target.startswith(b"/_delay/") and method == b"PUT":
                self.delay = float(target.removeprefix(b"/_delay/")) / 1000
                return _response("200 OK", {"delay": self.delay}), False
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            known = self._answers[line] = self._made(method.decode(), target.decode())
        answer, resource = known
        self._calls[resource] += 1
        return answer, True

    def _made(self, method: str, target: str) -> tuple[bytes, str]:
        path, _, query = target.partition("?")
        resource = path.strip("/")
        found = self._holdings.find(resource, parse_qs(query)) if method == "GET" else None
        if found is None:
            return _response("404 Not Found", {"error": f"nothing answers `{method} {path}`"}), "unknown"
        return _response("200 OK", {"data": found}), resource

    def _count(self, method: bytes) -> bytes:
        counted = dict(sorted(self._calls.items()))
        if method == b"DELETE":
            self._calls.clear()
        return _response("200 OK", counted)


def _response(status: str, body: object) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
    return f"{head}cache-control: no-store\r\n\r\n".encode() + content


class _Connection(asyncio.Protocol):
    def __init__(self, systems: Systems, loop: asyncio.AbstractEventLoop) -> None:
        self._systems, self._loop = systems, loop
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment] # of a TCP server

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            answer, delayed = self._systems.answer(head[: head.index(b"\r\n")])
            if delayed and self._systems.delay:
                self._loop.call_later(self._systems.delay, self._write, answer)
            else:
                self._transport.write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(port: int, delay: float) -> None:
    """Listens until the process is ended; prints `ready PORT`."""
    systems, loop = Systems(delay), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(systems, loop), "127.0.0.1", port, backlog=1024)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """`python -m bench.upstreams.server --port P [--delay-ms 20]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.delay_ms / 1000))


if __name__ == "__main__":
    main()
