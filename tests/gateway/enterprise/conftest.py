"""Enterprises to look at: the ordinary one, the smallest, and one whose months have uneven ends."""

from datetime import UTC, datetime

import pytest

from gateway.enterprise import generate
from sources.simulation.enterprise import Enterprise

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
WORLDS = {
    "ordinary": (500, 7, NOW),
    "smallest": (60, 1, datetime(2026, 1, 1, 0, tzinfo=UTC)),
    "at a month's end": (150, 3, datetime(2027, 3, 31, 23, tzinfo=UTC)),
    "on a leap day": (150, 11, datetime(2028, 2, 29, 15, tzinfo=UTC)),
}


@pytest.fixture(scope="session", params=WORLDS)
def any_enterprise(request: pytest.FixtureRequest) -> Enterprise:
    return generate(*WORLDS[request.param])


@pytest.fixture(scope="session")
def enterprise() -> Enterprise:
    return generate(*WORLDS["ordinary"])
