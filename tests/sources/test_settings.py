"""The settings of every vendor: figures out of range are refused by name, and each has a concurrency of its own."""

from typing import Any

import pytest

from sources.catalog import vendors
from sources.settings import Secret

NEEDED: dict[str, dict[str, Any]] = {
    "salesforce": {"client_id": "c"},
    "stripe": {"key": Secret("k")},
    "netsuite": {"client_id": "c", "certificate_id": "k", "private_key": Secret("p")},
    "zendesk": {"client_id": "c", "client_secret": Secret("s")},
    "tryton": {"database": "erp", "key": Secret("k"), "company": 1},
}
WRONG = [
    *((vendor, name, 0) for vendor in NEEDED for name in ("concurrency", "connections", "max_rows")),
    ("salesforce", "window", -1.0),
    ("salesforce", "token_seconds", 0),
    ("salesforce", "daily_calls", 0),
    ("netsuite", "window", -0.1),
    ("zendesk", "search_lag", -1.0),
    ("tryton", "company", 0),
    ("tryton", "database", "a/b"),
    ("zendesk", "token_seconds", 300),
    ("zendesk", "token_seconds", 172_800),
]


def opened(vendor: str, **more: Any) -> Any:
    return vendors()[vendor].settings(vendor=vendor, url="https://vendor.test", **{**NEEDED[vendor], **more})


@pytest.mark.parametrize(("vendor", "name", "value"), WRONG)
def test_a_figure_out_of_range_is_refused_by_its_name(vendor: str, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        opened(vendor, **{name: value})


def test_each_vendor_is_asked_as_much_at_once_as_it_allows() -> None:
    defaults = {vendor: opened(vendor).concurrency for vendor in NEEDED}
    assert defaults == {"salesforce": 20, "stripe": 10, "netsuite": 4, "zendesk": 8, "tryton": 8}
    assert set(NEEDED) == set(vendors())
