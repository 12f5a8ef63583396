"""A server over a real socket that is unwell in every way there is."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable

Fault = Callable[[asyncio.StreamWriter], Awaitable[None]]


def response(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """A whole HTTP/1.1 answer."""
    named = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def says(raw: bytes, *, then_closes: bool = False) -> Fault:
    """Answers with these bytes."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if then_closes:
            writer.close()

    return fault


async def hangs(_writer: asyncio.StreamWriter) -> None:
    """Takes the question and never answers."""
    await asyncio.sleep(3_600)


async def resets(writer: asyncio.StreamWriter) -> None:
    """Breaks the connection off once it has the question."""
    writer.transport.abort()


async def never_ends(writer: asyncio.StreamWriter) -> None:
    """A body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()


class SickServer:
    """Answers by `fault`. `asked` counts the questions that reached it, `questions` are their bytes, `connections` are
    those that came about, `ended` those of them that the other side has ended. `tls`: its certificate, on a port that
    speaks TLS."""

    def __init__(self, fault: Fault | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.fault = fault or says(response(200))
        self._tls = tls
        self.asked = self.connections = self.ended = 0
        self.questions: list[bytes] = []
        self.reached = asyncio.Event()  # somebody has asked
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "SickServer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        closing = [asyncio.ensure_future(writer.wait_closed()) for writer in self._writers]
        if closing:
            await asyncio.wait(closing, timeout=1)
        await asyncio.gather(*(each for each in closing if each.done()), return_exceptions=True)

    def hang_up(self) -> None:
        """Ends every connection."""
        for writer in self._writers:
            writer.close()

    async def shut(self) -> None:
        """Nobody listens any more."""
        self._server.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        self._writers.add(writer)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                question = await reader.readuntil(b"\r\n\r\n")
                for line in question.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        question += await reader.readexactly(int(line.split(b":")[1]))
                self.questions.append(question)
                self.asked += 1
                self.reached.set()
                await self.fault(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.ended += 1
        writer.close()
