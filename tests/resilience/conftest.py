"""A gateway over the simulated enterprise with a fault proxy before every source."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from bench.resilience.asks import ROLE, Outcome, documents, read
from gateway.app import create_app
from gateway.cli.behind import fronted
from gateway.cli.demo import settings
from gateway.enterprise.faults.proxy import FaultProxy
from sources.pipeline.state import State

QUICK = {"timeout": 1.0, "breaker": {"slow": 0.4, "shortest": 0.2, "longest": 0.4}}
FOREVER = {"timeout": 1.0, "breaker": {"slow": 0.4, "shortest": 600.0, "longest": 600.0}}


class Stage:
    """One fresh gateway, asked without a socket, and the proxies, which are asked over real ones."""

    def __init__(self, app: Starlette, client: httpx2.AsyncClient, proxies: dict[str, FaultProxy]) -> None:
        self._app, self._client, self.proxies = app, client, proxies

    async def ask(self, sick: str, kind: str, account: str) -> Outcome:
        """One of the soak's operations."""
        return await self.send(kind, documents(sick)[kind], account=account)

    async def send(self, kind: str, query: str, **variables: str) -> Outcome:
        """Any operation."""
        began = time.monotonic()
        answer = await self._client.post("/graphql", json={"query": query, "variables": variables})
        return read(kind, began, (time.monotonic() - began) * 1000, answer.status_code, answer.content)

    async def accounts(self, count: int) -> list[str]:
        """Keys of so many accounts; only the CRM is asked."""
        query = f"{{ accounts(first: {count}) {{ nodes {{ key }} }} }}"
        answer = await self._client.post("/graphql", json={"query": query})
        return [node["key"] for node in answer.json()["data"]["accounts"]["nodes"]]

    def state(self, source: str) -> State:
        """Of the source's pipeline."""
        pipeline = self._app.state.catalog.sources[source].pipeline
        state: State = pipeline.state()
        return state

    def forget_asks(self) -> None:
        """Starts counting anew."""
        for proxy in self.proxies.values():
            proxy.forget()

    def reached(self, source: str) -> int:
        """Requests that got as far as the source's proxy, those for tokens not counted."""
        return sum(self.proxies[source].counts.values())


@pytest.fixture(scope="package")
def town() -> Iterator[dict[str, Any]]:
    """The simulated enterprise, in a process of its own."""
    command = [sys.executable, "-m", "gateway.enterprise.town", "--accounts", "120"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


@asynccontextmanager
async def staged(town: dict[str, Any], table: dict[str, Any]) -> AsyncIterator[Stage]:
    """A stage whose billing has these settings besides its own."""
    proxies = {name: FaultProxy(name, each["url"], tokens=each["tokens"]) for name, each in town["fronts"].items()}
    for proxy in proxies.values():
        await proxy.start()
    known = fronted(town, {name: proxy.url for name, proxy in proxies.items()})
    known["sources"]["billing"] |= table
    app = create_app(settings(known))
    headers = {"authorization": f"Bearer {town['tokens'][ROLE]}"}
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=30) as client,
    ):
        yield Stage(app, client, proxies)
    for proxy in proxies.values():
        await proxy.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(town: dict[str, Any]) -> AsyncIterator[Stage]:
    """One whose circuits open early and are probed soon."""
    async with staged(town, QUICK) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def patient(town: dict[str, Any]) -> AsyncIterator[Stage]:
    """One whose circuits stay open once they are."""
    async with staged(town, FOREVER) as made:
        yield made


async def settled(stage: Stage, source: str) -> None:
    """Waits until no call to the source is under way: a flight may outlive those who asked for it."""
    async with asyncio.timeout(20):
        while stage.state(source).queue.running:  # noqa: ASYNC110 - what is watched has no event
            await asyncio.sleep(0.01)
