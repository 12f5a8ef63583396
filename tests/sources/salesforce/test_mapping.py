"""What Salesforce says, as the canonical model says it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sources.errors import UnknownValue
from sources.vendors.salesforce import mapping, wire
from sources.vendors.salesforce.mapping import Origin

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = Origin("crm", NOW, {"EMEA North": "EMEA"}, "eu")
SAMPLES = Path(__file__).resolve().parents[3] / "sources/vendors/salesforce/samples"
Row = dict[str, Any]


def reads(shape: Any, build: Callable[..., Any]) -> Callable[[Row], Any]:
    return lambda row: build(msgspec.json.decode(json.dumps(row), type=shape), AT)


KINDS: dict[str, Callable[[Any], Any]] = {
    "account": reads(wire.Account, mapping.account),
    "contact": reads(wire.Contact, mapping.contact),
    "contract": reads(wire.Contract, mapping.contract),
    "renewal": reads(wire.Opportunity, mapping.renewal),
    "order": reads(wire.Order, mapping.order),
    "entitlement": reads(wire.Entitlement, mapping.entitlement),
    "case_mirror": reads(wire.Case, mapping.case_mirror),
    "case": reads(wire.DeskCase, mapping.case),
    "support_organization": reads(wire.DeskAccount, mapping.support_organization),
    "requester": reads(wire.Contact, mapping.requester),
    "sla_process": reads(wire.SlaProcess, mapping.sla_process),
}


def said(value: Any) -> Any:
    """A record as a sample writes it: without what is absent."""
    if isinstance(value, dict):
        return {name: said(each) for name, each in value.items() if each not in (None, [], "")}
    return [said(each) for each in value] if isinstance(value, list) else value


def samples() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(SAMPLES.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


def sample(kind: str) -> Any:
    """The first sample of a kind, to change."""
    return next(case.values[0]["wire"] for case in samples() if case.values[0]["kind"] == kind)


@pytest.mark.parametrize("case", samples())
def test_a_sample_of_the_wire_becomes_its_canonical_record(case: Any) -> None:
    record = KINDS[case["kind"]](case["wire"])
    assert said(json.loads(msgspec.json.encode(record))) == case["canonical"]


def test_every_kind_of_record_has_a_sample() -> None:
    assert {case.values[0]["kind"] for case in samples()} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "changes", "field", "value"),
    [
        ("account", {"Status__c": "Frozen"}, "Account.Status__c", "Frozen"),
        ("account", {"Restriction__c": "Odd"}, "Account.Restriction__c", "Odd"),
        ("account", {"CreatedDate": "yesterday"}, "Account.CreatedDate", "yesterday"),
        (
            "account",
            {"CreatedDate": "0001-01-01T00:00:00.000+2300"},
            "Account.CreatedDate",
            "0001-01-01T00:00:00.000+2300",
        ),
        ("contact", {"Role__c": "Jester"}, "Contact.Role__c", "Jester"),
        ("contact", {"Support_Authority__c": "King"}, "Contact.Support_Authority__c", "King"),
        ("contract", {"StatusCode": "Shredded"}, "Contract.StatusCode", "Shredded"),
        ("contract", {"EndDate": "2026-02-30"}, "Contract.EndDate", "2026-02-30"),
        ("renewal", {"Amount": 1.5}, "Opportunity.Amount", "1.5 JPY"),
        ("renewal", {"Probability": "nan"}, "Opportunity.Probability", "NaN"),
        ("order", {"StatusCode": "Lost"}, "Order.StatusCode", "Lost"),
        ("order", {"TotalAmount": "1e999999"}, "Order.TotalAmount", "1E+999999 EUR"),
        (
            "order",
            {"OrderItems": {"done": True, "records": [{"Id": "1", "Quantity": "Infinity"}]}},
            "OrderItem.Quantity",
            "Infinity",
        ),
        ("entitlement", {"Status": "Odd"}, "Entitlement.Status", "Odd"),
        ("entitlement", {"Coverage__c": "Moon"}, "Entitlement.Coverage__c", "Moon"),
        ("case", {"Status": "Odd"}, "Case.Status", "Odd"),
        ("case", {"Priority": "Odd"}, "Case.Priority", "Odd"),
        ("case_mirror", {"Status": "Odd"}, "Case.Status", "Odd"),
        ("case_mirror", {"Priority": "Odd"}, "Case.Priority", "Odd"),
        ("case_mirror", {"MilestoneStatus": "Odd"}, "Case.MilestoneStatus", "Odd"),
    ],
)
def test_what_no_vocabulary_knows_is_named_with_its_field(kind: str, changes: Row, field: str, value: Any) -> None:
    with pytest.raises(UnknownValue) as told:
        KINDS[kind](sample(kind) | changes)
    assert (told.value.vendor, told.value.field, str(told.value.value)) == ("salesforce", field, str(value))
