"""Every test here is for both clients, on both loops: what one promises the other keeps."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from sources.transport import KINDS


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param
