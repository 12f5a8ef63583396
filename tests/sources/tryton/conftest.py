"""One server for the tests of a session."""

from collections.abc import Iterator

import pytest

from tests.sources.tryton.erp import Erp, running


@pytest.fixture(scope="session")
def erp() -> Iterator[Erp]:
    """A running Tryton with seeded books."""
    with running() as found:
        yield found
