"""One town for all lists, and a catalog in which one source is asked for all that it knows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.enterprise.generate import generate
from sources.catalog import DEFAULT_OWNERS, Catalog, open_catalog
from sources.simulation.enterprise import Enterprise
from tests.scenarios.town import Town, settings, town
from tests.sources.paging.lists import Opened


@pytest.fixture(scope="session")
def enterprise() -> Enterprise:
    return generate(accounts=90)


@pytest.fixture(scope="session")
def systems(enterprise: Enterprise) -> Iterator[Town]:
    with town(enterprise) as running:
        yield running


@pytest.fixture
def opened(systems: Town) -> Opened:
    """A catalog whose only owner, of whatever it can tell, is one source; without one: with the owners of everyday."""

    @asynccontextmanager
    async def catalog(source: str | None = None) -> AsyncIterator[Catalog]:
        known = settings(systems.urls).sources
        made = open_catalog(known)
        if source is not None:
            able = {record for record, _ in made.sources[source].connector.capabilities}
            owners = {each.__name__.lower(): [source] for each in DEFAULT_OWNERS if each in able}
            made = open_catalog(known, owners)
        try:
            yield made
        finally:
            await made.close()

    return catalog
