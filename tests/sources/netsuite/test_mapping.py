"""What NetSuite says, as the canonical model says it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sources.canonical import HoldPreference
from sources.errors import UnknownValue
from sources.vendors.netsuite import mapping
from sources.vendors.netsuite.mapping import Origin

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
AT = Origin("erp", NOW, HoldPreference.ENFORCE, 60)
SAMPLES = Path(__file__).resolve().parents[3] / "sources/vendors/netsuite/samples"
Row = dict[str, Any]


def reads(build: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda rows: build(rows, AT)


KINDS: dict[str, Callable[[Any], Any]] = {
    "billing_profile": reads(mapping.billing_profile),
    "tax_profile": reads(mapping.tax_profile),
    "posted_invoice": reads(mapping.posted_invoice),
    "sales_order": reads(mapping.sales_order),
    "payment": reads(mapping.payment),
    "credit_memo": reads(mapping.credit_memo),
    "write_off": reads(mapping.write_off),
    "revenue_schedule": reads(mapping.revenue_schedule),
    "ledger_posting": reads(mapping.ledger_posting),
    "legal_entity": reads(mapping.legal_entity),
    "period": reads(mapping.period),
    "exchange_rate": reads(mapping.exchange_rate),
    "item": reads(mapping.item),
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


def changed(kind: str, changes: Row) -> Any:
    """A sample with its (first) row changed."""
    wire = sample(kind)
    return [wire[0] | changes, *wire[1:]] if isinstance(wire, list) else wire | changes


@pytest.mark.parametrize("case", samples())
def test_a_sample_of_the_wire_becomes_its_canonical_record(case: Any) -> None:
    record = KINDS[case["kind"]](case["wire"])
    assert said(json.loads(msgspec.json.encode(record))) == case["canonical"]


def test_every_kind_of_record_has_a_sample() -> None:
    assert {case.values[0]["kind"] for case in samples()} == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "changes", "field", "value"),
    [
        ("billing_profile", {"hold": "Maybe"}, "creditholdoverride", "MAYBE"),
        ("billing_profile", {"currency": "euros"}, "currency", "euros"),
        ("billing_profile", {"inactive": "yes"}, "inactive", "yes"),
        ("billing_profile", {"balance": "1.005"}, "balance", "1.005"),
        ("billing_profile", {"balance": "nan"}, "balance", "nan"),
        ("billing_profile", {"balance": "1e999999999"}, "balance", "1e999999999"),
        ("billing_profile", {"updated": "lately"}, "updated", "lately"),
        ("tax_profile", {"reverse_charge": "?"}, "reverse_charge", "?"),
        ("posted_invoice", {"status": "Z"}, "transaction.status of an invoice", "Z"),
        ("posted_invoice", {"due": "2026-02-30"}, "due", "2026-02-30"),
        ("posted_invoice", {"rate": "one"}, "rate", "one"),
        ("sales_order", {"status": "Z"}, "transaction.status of a sales order", "Z"),
        ("payment", {"status": "Z"}, "transaction.status of a payment", "Z"),
        ("payment", {"applied_amount": "x"}, "applied_amount", "x"),
        ("credit_memo", {"status": "Z"}, "transaction.status of a credit memo", "Z"),
        ("write_off", {"total": "much"}, "total", "much"),
        ("revenue_schedule", {"status": "Z"}, "revenueelement.status", "Z"),
        ("ledger_posting", {"credit": "Infinity"}, "credit", "Infinity"),
        ("legal_entity", {"currency": "E"}, "currency", "E"),
        ("period", {"start": ""}, "accountingperiod.startdate", None),
        ("exchange_rate", {"rate": "0"}, "currencyrate.exchangerate", "0"),
        ("exchange_rate", {"rate": "-1.2"}, "currencyrate.exchangerate", "-1.2"),
        ("exchange_rate", {"rate": ""}, "currencyrate.exchangerate", ""),
        ("exchange_rate", {"on": ""}, "currencyrate.effectivedate", None),
        ("exchange_rate", {"base": "dollars"}, "base", "dollars"),
        ("item", {"inactive": "1"}, "inactive", "1"),
    ],
)
def test_what_no_vocabulary_knows_is_named_with_its_field(kind: str, changes: Row, field: str, value: Any) -> None:
    with pytest.raises(UnknownValue) as told:
        KINDS[kind](changed(kind, changes))
    assert (told.value.vendor, told.value.field, str(told.value.value)) == ("netsuite", field, str(value))
