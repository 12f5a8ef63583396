"""A gateway over a small graph whose events a test makes happen, and clients of its streams over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import websockets
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from gateway.cli.serve import listen, server
from gateway.engine.engine import Engine
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from gateway.http.admission import Admission
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.streams.caller import Purposes
from gateway.http.streams.connection import Host
from gateway.http.streams.events import EventStreams
from gateway.http.streams.places import Places
from gateway.http.streams.sockets import Sockets
from gateway.identity.verify import Verifier
from gateway.settings import AdmissionSettings, StreamSettings
from policies.principal import Principal
from resolvers.batch import Batched, Stream
from sources.feed import Feed
from tests.gateway.http.edge import ISSUER, LIMIT, jwks

TICKED = "subscription { ticked { number } }"
PATIENCE = 10  # seconds, for what must happen at all
LATER = 99_999_999_999


class Tick(msgspec.Struct):
    """An event; `filler` makes it as large as a test wants."""

    number: int
    filler: str = ""


class Denied(msgspec.Struct):
    """What the rules say of a field that is cut."""

    verdict: str = "deny"
    rule: str = "test/cut"
    mask: None = None
    mask_name: None = None
    audited: bool = False


class Rules(AllowAll):
    """Allows everything but what a test cuts."""

    def __init__(self) -> None:
        self.cut: set[str] = set()
        self.version = 0

    def take(self, *coordinates: str) -> None:
        """Other rules are in force."""
        self.cut, self.version = {*coordinates}, self.version + 1

    def field(self, type_name: str, name: str, roles: Any = None) -> Any:
        return Denied() if f"{type_name}.{name}" in self.cut else super().field(type_name, name, roles)


class Stage:
    """The gateway. `feed` makes things happen, `rules` says what may be seen, `callers` are those seen by the rules."""

    def __init__(self, purposes: Purposes | None = None, **settings: Any) -> None:
        self.settings = StreamSettings(**settings)
        self.feed, self.rules = Feed[Tick](self.settings.queue), Rules()
        self.callers: list[Principal] = []
        self.heard: list[Any] = []
        self.places = Places(self.settings)
        self.admission = Admission(AdmissionSettings(concurrency=300))
        self.engine = Engine(Graph(self._schema(), {}), NoCatalog(), self._granted)  # type: ignore[arg-type]
        self.verifier = Verifier(ISSUER.settings().identity, jwks)
        self.port = 0
        streams = EventStreams(self.engine, self.places, self.settings, self.heard.append)
        endpoint = GraphQLEndpoint(
            self.engine,
            self.verifier,
            body_bytes=LIMIT,
            body_timeout=1.0,
            admission=self.admission,
            purposes=purposes,
            streams=streams if self.settings.enabled else None,
        )
        host = Host(self.engine, self.verifier, self.places, self.settings, self.admission, purposes, self.heard.append)
        self.front = Front(
            {"/graphql": endpoint},
            sockets={"/graphql": Sockets(host)} if self.settings.enabled else {},
            admission=self.admission,
            drain=self.places.drain,
        )

    def _granted(self, principal: Principal) -> AllowAll:
        self.callers.append(principal)
        return self.rules

    def _schema(self) -> GraphQLSchema:
        async def ticks(_context: Any, after: int = 0) -> AsyncGenerator[Tick, None]:
            with self.feed.listening() as listener:
                yield Tick(after)
                while True:
                    yield await listener.next()

        async def once(_context: Any) -> AsyncGenerator[Tick, None]:
            yield Tick(1)

        async def broken(_context: Any) -> AsyncGenerator[Tick, None]:
            yield Tick(1)
            raise RuntimeError("a secret of ours")

        async def seven(parents: Any, _read: Any, _context: Any) -> list[int]:
            return [7 for _ in parents]

        tick = GraphQLObjectType("Tick", {"number": GraphQLField(GraphQLInt), "filler": GraphQLField(GraphQLString)})
        after = {"after": GraphQLArgument(GraphQLInt)}
        computed = {"opsgraph": Batched(seven, ())}
        return GraphQLSchema(
            query=GraphQLObjectType("Query", {"seven": GraphQLField(GraphQLInt, extensions=computed)}),
            mutation=GraphQLObjectType(
                "Mutation", {"seven": GraphQLField(GraphQLNonNull(GraphQLInt), extensions=computed)}
            ),
            subscription=GraphQLObjectType(
                "Subscription",
                {
                    "ticked": GraphQLField(tick, args=after, extensions={"opsgraph": Stream(ticks)}),
                    "once": GraphQLField(tick, extensions={"opsgraph": Stream(once)}),
                    "broken": GraphQLField(tick, extensions={"opsgraph": Stream(broken)}),
                },
            ),
        )

    # ------------------------------------------------------------ asking

    def socket(self, **options: Any) -> Any:
        """A WebSocket of the Python client."""
        options = {"subprotocols": ["graphql-transport-ws"], "compression": None, "proxy": None, **options}
        return websockets.connect(f"ws://127.0.0.1:{self.port}/graphql", **options)

    @asynccontextmanager
    async def connection(self, lasting: float = 600, **payload: Any) -> AsyncIterator["Talk"]:
        """A WebSocket that is acknowledged."""
        async with self.socket() as socket:
            talk = Talk(socket)
            await talk.say(type="connection_init", payload={"authorization": bearer(lasting), **payload})
            assert (await talk.hear())["type"] == "connection_ack"
            yield talk

    @asynccontextmanager
    async def events(self, query: str = TICKED, lasting: float = 600, **headers: str) -> AsyncIterator["EventStream"]:
        """An event stream over a socket of its own."""
        body = json.dumps({"query": query}).encode()
        usual = {"host": "127.0.0.1", "accept": "text/event-stream", "content-type": "application/json"}
        usual |= {"authorization": bearer(lasting), "content-length": f"{len(body)}"}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in (usual | headers).items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write("\r\n".join(["POST /graphql HTTP/1.1", *lines, "", ""]).encode() + body)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            yield EventStream(reader, writer, head)
        finally:
            writer.close()

    async def listened(self, count: int = 1) -> None:
        """Until so many listen."""
        await until(lambda: len(self.feed) == count)

    async def left(self) -> None:
        """Until nobody listens and no place is taken."""
        await until(lambda: len(self.feed) == 0 and len(self.places) == 0)


class EventStream:
    """The client's end of an event stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.head = int(head.split()[1]), head.decode().lower()
        self._text = b""
        self.whole: bool | None = None  # whether it ended as HTTP wants it

    async def next(self) -> tuple[str, Any]:
        """The next event, comments left out: its name and what it says; `("", None)` when there is no more."""
        while True:
            while b"\n\n" not in self._text:
                chunk = await asyncio.wait_for(self._chunk(), PATIENCE)
                if not chunk:
                    return "", None
                self._text += chunk
            event, _, self._text = self._text.partition(b"\n\n")
            lines = {name: said for name, _, said in (line.partition(b": ") for line in event.split(b"\n"))}
            if b"event" in lines:
                said = lines.get(b"data", b"")
                return lines[b"event"].decode(), json.loads(said) if said else None

    async def alive(self) -> None:
        """Until a comment comes, which says that the stream is alive."""
        while b":\n\n" not in self._text:
            self._text += await asyncio.wait_for(self._chunk(), PATIENCE)
        self._text = self._text.replace(b":\n\n", b"", 1)

    async def _chunk(self) -> bytes:
        try:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            chunk = await self.reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            self.whole = False
            return b""
        if size == 0:
            self.whole = True
        return chunk[:-2]

    async def body(self) -> Any:
        """What a request that is no stream is answered with."""
        length = next(int(line[16:]) for line in self.head.split("\r\n") if line.startswith("content-length: "))
        return json.loads(await asyncio.wait_for(self.reader.readexactly(length), PATIENCE))


class Talk:
    """The client's end of a WebSocket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def subscribe(self, name: str = "1", query: str = TICKED, **parameters: Any) -> None:
        await self.say(id=name, type="subscribe", payload={"query": query, **parameters})

    async def hear(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        return said

    async def number(self) -> int:
        """Of the tick that comes next."""
        message = await self.hear()
        assert message["type"] == "next", message
        found: int = message["payload"]["data"]["ticked"]["number"]
        return found

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once it is closed; whatever came before is passed over."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), PATIENCE)
        except websockets.ConnectionClosed:
            return self.socket.close_code, self.socket.close_reason


class NoCatalog:
    """No source is asked."""


def bearer(lasting: float = 600, **claims: Any) -> str:
    """A token that is good for so many seconds: the leeway of clocks is taken off."""
    return f"Bearer {ISSUER.token(exp=time.time() + lasting - 30, **claims)}"


async def until(holds: Any) -> None:
    """Until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - it is the server's to happen
            await asyncio.sleep(0.005)


@asynccontextmanager
async def staged(purposes: Purposes | None = None, **settings: Any) -> AsyncIterator[Stage]:
    """The gateway, listening."""
    stage = Stage(purposes, **settings)
    keep_alive = stage.settings.keep_alive
    serving = server(stage.front, drain=1.0, keep_alive=keep_alive, message_bytes=LIMIT)
    listening = listen("127.0.0.1", 0)
    task = asyncio.create_task(serving.serve([listening]))
    await until(lambda: serving.started)
    stage.port = listening.getsockname()[1]
    try:
        yield stage
    finally:
        serving.should_exit = True
        await task
        listening.close()
