"""The desk over the same house as the sagas, with a database of each test's own: clocks are turned by years here."""

from collections.abc import Iterator

import pytest

from tests.databases import fresh_postgres
from tests.resolvers.sagas.conftest import database, house, opened

__all__ = ["database", "house", "opened", "postgres"]


@pytest.fixture
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url
