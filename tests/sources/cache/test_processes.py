"""Two processes, one Redis: a thousand who ask one key at once cost one call."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.sources.cache.redis_of import real_redis

ROOT = Path(__file__).parents[3]


async def started(prefix: str, askers: int) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "tests.sources.cache.reader", prefix, str(askers))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)


@pytest.mark.slow
async def test_a_thousand_in_two_processes_cost_one_call() -> None:
    async with real_redis() as (_, prefix), asyncio.timeout(60):
        readers = [await started(prefix, 500) for _ in range(2)]
        for reader in readers:
            assert reader.stdout is not None
            assert await reader.stdout.readline() == b"ready\n"
        told = [
            json.loads((await each)[0]) for each in [asyncio.ensure_future(one.communicate(b"go\n")) for one in readers]
        ]
        assert sum(each["answered"] for each in told) == 1_000
        assert [sum(each[name] for each in told) for name in ("calls", "reported")] == [1, 1]
        assert [reader.returncode for reader in readers] == [0, 0]
