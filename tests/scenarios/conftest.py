"""A town for each file of stories, and an office over it for each story: every one has accounts of its own.

Orders, changes and cases are judged as a whole gateway judges them.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.enterprise.generate import generate
from resolvers.sagas.opening import Opening, open_writes
from resolvers.submitting import Judges
from sources.catalog import open_catalog
from sources.simulation.enterprise import Enterprise
from tests.databases import fresh_postgres, fresh_sqlite
from tests.scenarios.office import PACE, POLICIES, Noon, Office
from tests.scenarios.town import Town, settings, town


@pytest.fixture(scope="session")
def enterprise() -> Enterprise:
    return generate(accounts=90)


@pytest.fixture(scope="module")
def systems(enterprise: Enterprise) -> Iterator[Town]:
    with town(enterprise) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def office(systems: Town, database: str) -> AsyncIterator[Office]:
    catalog = open_catalog(settings(systems.urls).sources)
    opening = Opening(store=database, durable=database.replace("opsgraph.db", "durable.db"))
    try:
        judges = Judges(POLICIES, None)
        async with open_writes(
            opening,
            catalog,
            lambda: POLICIES.rules.writes,
            judges.sagas(catalog),
            clock=Noon(),
            pace=PACE,
            opened=judges.opened,
        ) as writes:
            writes._patience = 20.0  # a busy machine is no outage
            yield Office(systems, catalog, writes)
    finally:
        await catalog.close()
