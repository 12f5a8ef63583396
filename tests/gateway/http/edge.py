"""The edge without a network: an engine that does what a test says, tokens of an issuer without a server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.cli.serve import listen, server
from gateway.engine.engine import Admit, Question, Response
from gateway.http.admission import Admission
from gateway.http.door import Door
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.protocol import BoundedProtocol
from gateway.http.rates import Rates
from gateway.identity.verify import Verifier
from policies.principal import Principal
from resolvers.purposes import Purposes
from sources.errand import Lane
from sources.ports import Call, Reply
from tests.gateway.issuer import Issuer

ISSUER = Issuer()
ISSUER.jwks = "https://issuer.test/jwks.json"
TOKEN = b"Bearer " + ISSUER.token(exp=99_999_999_999).encode()
QUESTION = json.dumps({"query": "{ __typename }"}).encode()
LIMIT = 2_000


class Engine:
    """Answers `says`, after `before` has run; remembers what it was asked and whether it was cancelled."""

    def __init__(self, says: Response | None = None, before: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.says = says or Response({"data": {"__typename": "Query"}}, started=True)
        self.before, self.asked, self.cancelled = before, list[Question](), asyncio.Event()

    async def run(
        self, question: Question, principal: Principal, correlation_id: str, admit: Admit | None = None
    ) -> Response:
        if admit is not None:
            admit(lane_of(question))
        self.asked.append(question)
        try:
            if self.before is not None:
                await self.before()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self.says


async def jwks(_call: Call) -> Reply:
    return Reply(200, {}, json.dumps({"keys": ISSUER.keys}).encode())


def lane_of(question: Question) -> Lane:
    """A document says in its first word which lane it belongs to, as in `query lookup`; portal otherwise."""
    return next((lane for lane in Lane if lane.name.lower() in question.query), Lane.PORTAL)


def front(
    engine: Engine,
    body_timeout: float = 1.0,
    admission: Admission | None = None,
    purposes: Purposes | None = None,
    rates: Rates | None = None,
) -> Front:
    verifier = Verifier(ISSUER.settings().identity, jwks)
    endpoint = GraphQLEndpoint(
        engine,
        verifier,
        body_bytes=LIMIT,
        body_timeout=body_timeout,
        admission=admission,
        purposes=purposes,
        rates=rates,
    )
    elsewhere = Route("/elsewhere", PlainTextResponse("here"))
    door = Door(admission, "/graphql", 1) if admission is not None else None
    return Front(
        {"/graphql": endpoint}, admission=admission, door=door, routes=[Route("/graphql", endpoint), elsewhere]
    )


Message = dict[str, Any]


class Edge:
    """Asks a front by ASGI messages."""

    def __init__(
        self,
        engine: Engine | None = None,
        body_timeout: float = 1.0,
        admission: Admission | None = None,
        purposes: Purposes | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.engine = engine or Engine()
        self.front = front(self.engine, body_timeout, admission, purposes, rates)

    async def ask(
        self,
        body: bytes = QUESTION,
        *,
        method: str = "POST",
        path: str = "/graphql",
        query: bytes = b"",
        raw: Sequence[tuple[bytes, bytes]] = (),
        receive: Callable[[], Awaitable[Message]] | None = None,
        **headers: bytes | None,
    ) -> Any:
        """One request: status, headers, body (JSON where it is some), every message sent, and how often it read.

        `headers` by name with `_` for `-`; None leaves one of the usual ones out.
        """
        usual: dict[str, bytes | None] = {"content_type": b"application/json", "authorization": TOKEN, **headers}
        pairs = [(name.replace("_", "-").encode(), value) for name, value in usual.items() if value is not None]
        sent: list[Message] = []
        reads = 0

        async def whole() -> Message:
            nonlocal reads
            reads += 1
            if reads == 1:
                return {"type": "http.request", "body": body, "more_body": False}
            never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
            return await never

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [*pairs, *raw],
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "server": ("127.0.0.1", 80),
        }
        await self.front(scope, receive or whole, send)
        return answer(sent, reads)


def answer(sent: list[Message], reads: int) -> Any:
    if not sent:
        return SimpleNamespace(status=None, headers={}, body=None, sent=sent, reads=reads)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = b"".join(each.get("body", b"") for each in sent[1:])
    body = json.loads(content) if "json" in headers.get("content-type", "") else content
    return SimpleNamespace(status=sent[0]["status"], headers=headers, body=body, sent=sent, reads=reads)


class Quick(BoundedProtocol):
    """The bounds of a connection, in times a test can wait for."""

    head_seconds = 0.2
    body_seconds = 0.2


@asynccontextmanager
async def listening(
    engine: Engine,
    protocol: type[asyncio.Protocol] = Quick,
    admission: Admission | None = None,
    app: Front | None = None,
) -> AsyncIterator[int]:
    """A real server on a port of its own."""
    serving: uvicorn.Server = server(app or front(engine, admission=admission), drain=1.0)
    serving.config.http = protocol
    socket = listen("127.0.0.1", 0)
    task = asyncio.create_task(serving.serve([socket]))
    while not serving.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield socket.getsockname()[1]
    finally:
        serving.should_exit = True
        await task
        socket.close()


def head(*lines: str, length: int = len(QUESTION), token: bytes = TOKEN) -> bytes:
    """The head of a good request, with further lines."""
    usual = [
        "POST /graphql HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"authorization: {token.decode()}",
    ]
    return "\r\n".join([*usual, f"content-length: {length}", *lines, "", ""]).encode()
