"""The other side of a demo: the simulators of every vendor and the identity provider, in a process of their own.

It prints one line of JSON when all of them listen, and ends when its standard input does: a parent that dies takes it
along.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from gateway.enterprise.generate import generate
from gateway.enterprise.identity_provider import AUDIENCE, IdentityProvider
from gateway.enterprise.listening import Listening
from sources.catalog import vendors
from sources.simulation.kit import Clock


def simulator(vendor: str) -> ModuleType | None:
    """A vendor's simulator package; None for a vendor without one."""
    name = f"sources.vendors.{vendor}.simulator"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def build(
    accounts: int, seed: int, only: Sequence[str] = ()
) -> tuple[list[tuple[uvicorn.Server, socket.socket]], dict[str, Any]]:
    """Servers that are ready to run, and what a gateway needs to know about them."""
    enterprise = generate(accounts=accounts, seed=seed)
    clock = Clock()
    servers: list[tuple[uvicorn.Server, socket.socket]] = []
    known: dict[str, Any] = {
        "simulators": {},
        "sources": {},
        "fronts": {},
        "secrets": {},
        "landmarks": enterprise.landmarks,
    }
    for name, vendor in vendors().items():
        package = simulator(name) if not only or name in only else None
        if package is None:
            continue
        place = Listening()
        app = package.create_simulator(enterprise, clock=clock)
        servers.append((place.server(app), place.socket))
        connection = package.connection(place.url)
        source = vendor.system.value.lower()
        known["simulators"][name] = place.url
        known["sources"][source] = {"vendor": name, **connection.table}
        known["fronts"][source] = {"url": place.url, "tokens": app.state.token_paths}
        known["secrets"] |= connection.secrets
    if not only:
        servers.append(_identity(known, enterprise.landmarks))
    return servers, known


def _identity(known: dict[str, Any], landmarks: Mapping[str, str]) -> tuple[uvicorn.Server, socket.socket]:
    place = Listening()
    provider = IdentityProvider(place.url)
    known |= {"issuer": place.url, "jwks": f"{place.url}/jwks.json", "audience": AUDIENCE}
    known["tokens"] = provider.tokens(landmarks)
    return place.server(Starlette(routes=provider.routes())), place.socket


async def run(servers: Sequence[tuple[uvicorn.Server, socket.socket]], until: asyncio.Future[None]) -> None:
    """Runs all until `until` is done."""
    tasks = [asyncio.create_task(server.serve([listening])) for server, listening in servers]
    await until
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def _main(options: argparse.Namespace) -> None:
    servers, known = build(options.accounts, options.seed)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), lambda: _ended(ended))
    running = asyncio.create_task(run(servers, ended))
    while not all(server.started for server, _ in servers):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    sys.stdout.write(json.dumps(known) + "\n")
    sys.stdout.flush()
    await running


def _ended(ended: asyncio.Future[None]) -> None:
    if not os.read(sys.stdin.fileno(), 1024) and not ended.done():
        ended.set_result(None)


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="town")
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    try:
        asyncio.run(_main(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
