"""What Zendesk says, as the canonical model says it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sources.errors import UnknownValue
from sources.vendors.zendesk import mapping, wire

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[3] / "sources/vendors/zendesk/samples"
Row = dict[str, Any]


def reads(shape: Any, build: Callable[..., Any]) -> Callable[[Row], Any]:
    return lambda row: build(msgspec.json.decode(json.dumps(row), type=shape), "support", NOW)


KINDS: dict[str, Callable[[Any], Any]] = {
    "organization": reads(wire.Organization, mapping.organization),
    "requester": reads(wire.User, mapping.requester),
    "case": reads(wire.Ticket, mapping.case),
    "slas": reads(wire.Ticket, mapping.slas),
    "support_plan": reads(wire.Policy, mapping.support_plan),
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
        ("organization", {"organization_fields": {"arr": "much"}}, "organization_fields.arr", "much"),
        ("organization", {"organization_fields": {"arr": "nan"}}, "organization_fields.arr", "nan"),
        ("organization", {"organization_fields": {"arr": [1]}}, "organization_fields.arr", [1]),
        ("organization", {"updated_at": "lately"}, "organization.updated_at", "lately"),
        ("requester", {"role": "jester"}, "user.role", "jester"),
        ("case", {"status": "frozen"}, "ticket.status", "frozen"),
        ("case", {"priority": "mild"}, "ticket.priority", "mild"),
        ("case", {"type": "joke"}, "ticket.type", "joke"),
        ("case", {"created_at": "2026-13-01T00:00:00Z"}, "ticket.created_at", "2026-13-01T00:00:00Z"),
        ("slas", {"slas": {"policy_metrics": [{"metric": "odd", "stage": "active"}]}}, "slas.metric", "odd"),
        ("slas", {"slas": {"policy_metrics": [{"metric": "agent_work_time", "stage": "odd"}]}}, "slas.stage", "odd"),
        (
            "support_plan",
            {"policy_metrics": [{"priority": "mild", "metric": "agent_work_time", "target": 1}]},
            "policy_metrics.priority",
            "mild",
        ),
        (
            "support_plan",
            {"policy_metrics": [{"priority": "low", "metric": "odd", "target": 1}]},
            "policy_metrics.metric",
            "odd",
        ),
    ],
)
def test_what_no_vocabulary_knows_is_named_with_its_field(kind: str, changes: Row, field: str, value: Any) -> None:
    with pytest.raises(UnknownValue) as told:
        KINDS[kind](sample(kind) | changes)
    assert (told.value.vendor, told.value.field, str(told.value.value)) == ("zendesk", field, str(value))
