"""Runs an application as `opsgraph serve` does, and says `ready` when it listens."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette

from gateway.cli.serve import listen, server


async def serve(app: Starlette, port: int) -> None:
    """Serves until a signal."""
    gateway = server(app, drain=1.0)
    serving = asyncio.create_task(gateway.serve([listen("127.0.0.1", port)]))
    while not gateway.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    print("ready", flush=True)
    await serving
