"""The four questions, with variables that differ from request to request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.upstreams.rows import CUSTOMERS, REGIONS

_DOCUMENTS = Path(__file__).parent / "documents"


class Workload(msgspec.Struct, frozen=True):
    """A question; `calls` are the upstream calls it takes, by resource."""

    name: str
    title: str
    leaves: int
    calls: Mapping[str, int]
    document: str
    variables: tuple[Mapping[str, Any], ...]

    @property
    def bodies(self) -> list[str]:
        """One request body for each set of variables."""
        return [json.dumps({"query": self.document, "variables": each}) for each in self.variables]

    @property
    def operation(self) -> str:
        """The name of its operation, with which an unseen document is made."""
        found = re.search(r"query (\w+)", self.document)
        assert found is not None
        return found[1]


def _workload(name: str, title: str, leaves: int, calls: Sequence[str], varied: str, values: Sequence[str]) -> Workload:
    first = json.loads((_DOCUMENTS / f"{name}.json").read_text())
    variables = tuple({**first, varied: value} for value in values)
    document = (_DOCUMENTS / f"{name}.graphql").read_text()
    return Workload(name, title, leaves, dict.fromkeys(calls, 1), document, variables)


_360 = ["crm/accounts", "crm/contacts", "billing/subscriptions", "billing/invoices", "erp/profiles", "support/cases"]
_LIST = ["crm/accounts", "billing/subscriptions", "billing/invoices", "support/cases"]
_ORDER = ["crm/accounts", "crm/products", "billing/invoices", "erp/profiles", "erp/periods"]
WORKLOADS = (
    _workload("lookup", "Lookup", 20, ["crm/accounts", "billing/subscriptions"], "id", CUSTOMERS),
    _workload("customer_360", "Customer 360", 150, _360, "id", CUSTOMERS),
    _workload("portal_list", "Portal list", 1500, _LIST, "region", REGIONS),
    _workload("validate_order", "Validate order", 34, _ORDER, "account", CUSTOMERS),
)
BY_NAME = {each.name: each for each in WORKLOADS}


def leaves(value: Any) -> int:
    """How many leaves an answer's data has; nulls and empty lists count as what they are."""
    if isinstance(value, dict):
        return sum(leaves(each) for each in value.values())
    if isinstance(value, list):
        return sum(leaves(each) for each in value)
    return 1
