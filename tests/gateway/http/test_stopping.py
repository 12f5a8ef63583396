"""A graceful stop, of a real process by real signals: nothing that was accepted is lost. No step is timed."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.cli.serve import end_on_signal, listen, server
from gateway.http.server import ACCEPTORS
from tests.gateway.http.edge import QUESTION, Engine, front, head

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60  # seconds, for what must happen at all


class Served:
    """The process and a way to talk to it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, token: bytes) -> None:
        self.process, self.port, self.token = process, port, b"Bearer " + token
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(made[1])
        return made

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def asked(self) -> None:
        """Until another question has reached the engine."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        assert line == b"asked\n"

    def release(self) -> None:
        """Every question is answered from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    @property
    def question(self) -> bytes:
        return head(token=self.token) + QUESTION

    async def get(self, path: str) -> tuple[int, bool]:
        """Status, and whether the answer ends its connection, of a request on a connection of its own."""
        reader, writer = await self.connect()
        writer.write(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        try:
            return await answered(reader)
        finally:
            writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status of the next answer, and whether it says that the connection ends."""
    heading = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).lower()
    length = next(int(line[16:]) for line in heading.split(b"\r\n") if line.startswith(b"content-length: "))
    await reader.readexactly(length)
    return int(heading.split()[1]), b"\r\nconnection: close" in heading


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server hangs up without another word."""
    return await asyncio.wait_for(reader.read(), PATIENCE) == b""


@asynccontextmanager
async def served(linger: float = 0.2) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.gateway.http.served",
        str(linger),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        port, token = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).split()
        made = Served(process, int(port), token)
        yield made
        await made.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def draining(made: Served) -> None:
    """Until the process says that it is not ready."""
    async with asyncio.timeout(PATIENCE):
        while (await made.get("/readyz"))[0] != 503:  # noqa: ASYNC110 - that is how one asks
            await asyncio.sleep(0.01)


async def refuses_connections(made: Served) -> bool:
    """Whether nobody new is let in, soon."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await made.connect()
            except OSError:
                return True
            writer.close()
            await asyncio.sleep(0.01)


async def test_no_request_that_was_accepted_is_lost() -> None:
    async with served() as made:
        under_way, half_sent, idle = [await made.connect() for _ in range(3)]
        under_way[1].write(made.question)
        await made.asked()
        half_sent[1].write(made.question[:40])
        made.process.send_signal(signal.SIGTERM)
        await draining(made)

        newcomer = await made.connect()  # balancers have not looked yet
        newcomer[1].write(made.question)
        await made.asked()
        made.process.send_signal(signal.SIGTERM)  # enough of the notice
        assert await refuses_connections(made)

        half_sent[1].write(made.question[40:])
        await made.asked()
        made.release()
        for reader, _ in (under_way, half_sent, newcomer):
            assert await answered(reader) == (200, True)
            assert await ended(reader)
        assert await ended(idle[0])
        assert await asyncio.wait_for(made.process.wait(), PATIENCE) == 0


async def test_kept_connections_are_told_to_end_and_their_request_is_answered() -> None:
    async with served() as made:
        made.release()
        reader, writer = await made.connect()
        writer.write(made.question)
        assert await answered(reader) == (200, False)
        made.process.send_signal(signal.SIGTERM)
        await draining(made)
        writer.write(made.question)
        assert await answered(reader) == (200, True)
        assert await ended(reader)
        assert (await made.get("/readyz")) == (503, True)
        made.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(made.process.wait(), PATIENCE) == 0


async def test_a_request_that_comes_while_the_idle_connections_end_is_answered() -> None:
    async with served(linger=60) as made:
        made.release()
        reader, writer = await made.connect()
        writer.write(made.question)
        assert await answered(reader) == (200, False)
        made.process.send_signal(signal.SIGINT)  # without a notice
        assert await refuses_connections(made)
        writer.write(made.question)
        assert await answered(reader) == (200, True)
        await asyncio.wait_for(made.process.wait(), PATIENCE)


async def test_a_load_goes_on_through_the_stop_without_a_failure() -> None:
    """Clients that keep their connections until they are told to end them, and then make new ones."""
    async with served() as made:
        made.release()
        outcomes: list[int] = []

        async def client() -> None:
            while True:
                try:
                    reader, writer = await made.connect()
                    writer.write(made.question)
                    status, ends = await answered(reader)
                except (OSError, asyncio.IncompleteReadError):
                    return  # nobody takes connections any longer: a balancer goes elsewhere
                outcomes.append(status)
                while not ends:
                    writer.write(made.question)
                    status, ends = await answered(reader)
                    outcomes.append(status)

        clients = [asyncio.create_task(client()) for _ in range(8)]
        while len(outcomes) < 100:  # noqa: ASYNC110 - they only count
            await asyncio.sleep(0.01)
        made.process.send_signal(signal.SIGTERM)
        await draining(made)
        made.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*clients), PATIENCE)
        assert set(outcomes) == {200}
        assert await asyncio.wait_for(made.process.wait(), PATIENCE) == 0
        assert made.process.stdout is not None
        assert await made.process.stdout.read() == f"{len(outcomes)} questions\n".encode()


async def test_it_listens_several_times_because_a_loop_takes_one_connection_a_turn() -> None:
    serving = server(front(Engine()), drain=1.0)
    listening = listen("127.0.0.1", 0)
    task = asyncio.create_task(serving.serve([listening]))
    while not serving.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    assert len(serving.servers) == ACCEPTORS
    serving.should_exit = True
    await task
    assert all(each.fileno() == -1 for each in (listening, *serving._copies))


async def test_a_signal_that_was_lost_while_it_started_stops_it_all_the_same() -> None:
    """Python ignores what a signal raises while it collects objects."""
    end_on_signal()
    with contextlib.suppress(SystemExit):
        signal.raise_signal(signal.SIGTERM)
    end_on_signal()  # as whoever starts a server does once more
    async with asyncio.timeout(PATIENCE):
        await server(front(Engine()), drain=1.0).serve([listen("127.0.0.1", 0)])
