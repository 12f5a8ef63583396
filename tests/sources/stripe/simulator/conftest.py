"""One account for every test: what one writes, no other sees."""

from collections.abc import Iterator

import pytest

from sources.simulation.enterprise import Enterprise
from tests.sources.stripe.simulator.account import Account, account, small


@pytest.fixture(scope="session")
def company() -> Enterprise:
    return small()


@pytest.fixture
def bank(company: Enterprise) -> Iterator[Account]:
    with account(enterprise=company) as running:
        yield running
