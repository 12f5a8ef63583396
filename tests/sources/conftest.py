"""What the loop complains of, such as the failure of a task that nobody looked at."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """Everything the loop would have logged until the end of the test: nothing is expected.

    What was there before the test is frozen meanwhile, so that collecting what it left costs little however late it runs.
    """
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: found.append(context))
    gc.freeze()
    try:
        yield found
        for _ in range(3):
            await asyncio.sleep(0)
            gc.collect()
    finally:
        gc.unfreeze()
    loop.set_exception_handler(None)
    assert found == []
