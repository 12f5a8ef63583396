"""A company of five hundred accounts opens in less than a second."""

import time

import msgspec
import pytest

from sources.vendors.netsuite.simulator import create_simulator
from tests.sources.netsuite.simulator.book import DOCUMENTS, ERP, enterprise


@pytest.mark.slow
def test_five_hundred_accounts_with_ten_thousand_documents_load_within_a_second() -> None:
    customers = tuple(
        msgspec.structs.replace(ERP.customers[0], id=str(key), external_id=f"001{key}") for key in range(10_000, 10_500)
    )
    documents = tuple(
        msgspec.structs.replace(DOCUMENTS[0], id=str(key), external_id=f"stripe:in_{key}", customer_id=str(10_000 + key % 500))
        for key in range(100_000, 110_000)
    )  # fmt: skip
    erp = msgspec.structs.replace(ERP, customers=customers, documents=documents)
    started = time.process_time()
    create_simulator(enterprise(erp))
    assert time.process_time() - started < 1
