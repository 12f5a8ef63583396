"""A large company opens in a time that grows with its size, not with its square."""

import msgspec
import pytest

from sources.vendors.netsuite.simulator import create_simulator
from tests.growth import growth
from tests.sources.netsuite.simulator.book import DOCUMENTS, ERP, enterprise


def opened(accounts: int) -> None:
    """A company with twenty documents for each account."""
    customers = tuple(
        msgspec.structs.replace(ERP.customers[0], id=str(key), external_id=f"001{key}")
        for key in range(10_000, 10_000 + accounts)
    )
    documents = tuple(
        msgspec.structs.replace(
            DOCUMENTS[0],
            id=str(100_000 + key),
            external_id=f"stripe:in_{key}",
            customer_id=str(10_000 + key % accounts),
        )
        for key in range(20 * accounts)
    )
    create_simulator(enterprise(msgspec.structs.replace(ERP, customers=customers, documents=documents)))


@pytest.mark.slow
def test_ten_times_the_accounts_take_ten_times_the_work() -> None:
    assert growth(opened, 50, 500) < 30
