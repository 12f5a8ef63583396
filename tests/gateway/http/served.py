"""A gateway in a process of its own, whose engine answers when a line comes on standard input: to be stopped.

Its argument is for how many seconds it waits for a last request on idle connections.
"""

from __future__ import annotations

import asyncio
import sys

from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.cli.serve import listen, run_async, server
from gateway.engine.engine import Response
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.protocol import BoundedProtocol
from gateway.identity.verify import Verifier
from tests.gateway.http.edge import ISSUER, LIMIT, Engine, jwks

NOTICE, DRAIN = 60.0, 60.0  # longer than any test: every step is ended by what it waits for


async def main() -> None:
    """Says its port and a token when it listens, then a line for each question that waits in the engine, at last how many there were."""
    released = asyncio.Event()

    async def before() -> None:
        if not released.is_set():
            say("asked")
            await released.wait()

    def release() -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        released.set()

    asyncio.get_running_loop().add_reader(sys.stdin, release)
    engine = Engine(Response({"data": {"__typename": "Query"}}, started=True), before)
    verifier = Verifier(ISSUER.settings().identity, jwks)
    endpoint = GraphQLEndpoint(engine, verifier, body_bytes=LIMIT, body_timeout=60.0)

    async def ready(_request: object) -> JSONResponse:
        return JSONResponse({"ready": not app.draining}, 503 if app.draining else 200)

    app = Front({"/graphql": endpoint}, routes=[Route("/graphql", endpoint), Route("/readyz", ready)])
    listening, gateway = listen("127.0.0.1", 0), server(app, DRAIN, NOTICE)
    gateway.config.http = type("Protocol", (BoundedProtocol,), {"linger_seconds": float(sys.argv[1])})
    serving = asyncio.create_task(gateway.serve([listening]))
    while not gateway.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    say(f"{listening.getsockname()[1]} {ISSUER.token(exp=99_999_999_999)}")
    try:
        await serving
    finally:
        say(f"{len(engine.asked)} questions")


def say(line: str) -> None:
    """A line for whoever started this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run_async(main())
