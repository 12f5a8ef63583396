"""Durable work on both databases."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sources.durable import Durable, Workflow, open_durable
from sources.durable.heartbeat import Pulse
from sources.durable.worker import Capacity, Worker
from tests.databases import fresh_postgres, fresh_sqlite


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")


Open = Callable[..., Awaitable[Durable]]


@pytest.fixture
async def opened(database: str) -> Any:
    """Opens durable work on the database; closes what a test leaves open."""
    open_now: list[Durable] = []

    async def opening(*workflows: Workflow, **options: Any) -> Durable:
        options.setdefault("capacity", Capacity(poll=0.05, listen=0.1))
        options.setdefault("pulse", Pulse(beat=0.2, silence=2.0))
        open_now.append(await open_durable(database, workflows, **options))
        return open_now[-1]

    yield opening
    for durable in open_now:
        if not isinstance(durable, Worker):
            await durable.close()
    if Worker._busy:
        await [durable for durable in open_now if isinstance(durable, Worker)][-1].close(grace=1.0)
