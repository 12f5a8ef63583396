"""Streams as the clients take them that browsers use: npm `graphql-ws` and `graphql-sse`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.http.streams.stage import PATIENCE, TICKED, Stage, Tick, bearer, staged
from tests.peers import node_folder

pytestmark = [pytest.mark.slow, pytest.mark.live]
SOURCE = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def program() -> Path:
    """The program that follows an operation."""
    return node_folder(SOURCE) / "follow.mjs"


@pytest.fixture(params=["ws", "sse"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


class Follower:
    """A client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self) -> dict[str, Any]:
        """What it was told next; nothing when it is done."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        said: dict[str, Any] = json.loads(line) if line else {}
        return said


@asynccontextmanager
async def following(
    program: Path, stage: Stage, kind: str, query: str = TICKED, tokens: tuple[str, ...] = ()
) -> AsyncIterator[Follower]:
    scheme = "ws" if kind == "ws" else "http"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(program),
        kind,
        f"{scheme}://127.0.0.1:{stage.port}/graphql",
        query,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        process.stdin.write("\n".join(tokens or (bearer(),)).encode())
        process.stdin.close()
        yield Follower(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def number(said: dict[str, Any]) -> int:
    found: int = said["next"]["data"]["ticked"]["number"]
    return found


async def test_it_is_told_of_events_until_it_leaves(program: Path, kind: str) -> None:
    async with staged() as stage:
        async with following(program, stage, kind) as client:
            assert await client.says() == {"connected": 1}
            assert number(await client.says()) == 0
            for each in range(1, 4):
                stage.feed.tell(Tick(each))
                assert number(await client.says()) == each
        await stage.left()


@pytest.mark.parametrize("query", ["{ seven }", "mutation { seven }"])
async def test_a_single_answer_is_completed(program: Path, kind: str, query: str) -> None:
    async with staged() as stage, following(program, stage, kind, query) as client:
        assert await client.says() == {"connected": 1}
        assert (await client.says())["next"]["data"] == {"seven": 7}
        assert await client.says() == {"complete": True}


async def test_a_document_that_is_no_good_is_told_as_an_error(program: Path, kind: str) -> None:
    async with staged() as stage, following(program, stage, kind, "subscription { nobody }") as client:
        assert await client.says() == {"connected": 1}
        said = await client.says()
        errors = said["error"] if kind == "ws" else said["next"]["errors"]
        assert errors[0]["extensions"]["code"] == "BAD_INPUT"


async def test_whoever_was_cut_off_comes_again_by_itself(program: Path, kind: str) -> None:
    """Because the process stopped, or more happened than it took: a balancer, or the last cursor, does the rest."""
    async with staged(queue=3) as stage, following(program, stage, kind) as client:
        assert await client.says() == {"connected": 1}
        assert number(await client.says()) == 0
        for each in range(5):
            stage.feed.tell(Tick(each))
        said = await client.says()
        if kind == "sse":
            assert said["next"]["errors"][0]["extensions"]["code"] == "TOO_SLOW"
            said = await client.says()
        assert said == {"connected": 2}
        assert number(await client.says()) == 0


async def test_a_token_that_ends_is_exchanged_for_the_next(program: Path, kind: str) -> None:
    async with staged() as stage:
        tokens = (bearer(1.5), bearer(600))
        async with following(program, stage, kind, tokens=tokens) as client:
            assert await client.says() == {"connected": 1}
            assert number(await client.says()) == 0
            said = await client.says()
            if kind == "sse":
                assert said["next"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
                said = await client.says()
            assert said == {"connected": 2}
            assert number(await client.says()) == 0


async def test_a_process_that_stops_ends_no_stream_for_good(program: Path, kind: str) -> None:
    async with staged(spread=0.0) as stage, following(program, stage, kind) as client:
        assert await client.says() == {"connected": 1}
        assert number(await client.says()) == 0
        stage.front.drain()
        await stage.left()
        stage.places._draining = False  # another process takes its place
        assert await client.says() == {"connected": 2}
        assert number(await client.says()) == 0
