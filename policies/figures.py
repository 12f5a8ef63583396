"""The figures and the table of the entitlement decision, as the auditor reads them."""

from __future__ import annotations

from dataclasses import dataclass

from policies.yaml import Mapping as Node
from policies.yaml import (
    Mistakes,
    Place,
    RuleError,
    Value,
    amount,
    entries,
    items,
    mapping,
    number,
    required,
    text,
    texts,
)

_NUMBERS = frozenset(
    {
        "dunning_grace_days",
        "renewal_grace_days",
        "effect_lag_minutes",
        "last_known_use_hours",
        "fact_minutes",
        "ancestors",
        "standing_grace_days",
    }
)
_FIGURES = _NUMBERS | {"version", "standing_floor", "tiers"}
_ROW = frozenset({"when", "decision", "owner", "note"})
_DECISIONS = ("ALLOW", "ALLOW_LIMITED", "REFER", "DENY")


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row of the table; `decisions` by intent, `*` for every other one. `number` is what an answer names."""

    number: int
    when: str
    decisions: dict[str, str]
    owner: str
    note: str
    place: Place


@dataclass(frozen=True, slots=True)
class EntitlementRules:
    """`figures` are still texts, checked to be what they must be."""

    figures: dict[str, str]
    table: tuple[DecisionRow, ...]


def entitlement(source: Node) -> EntitlementRules:
    """Reads `entitlement.yaml`; raises RuleErrors with every mistake."""
    told = Mistakes()
    told.of(mapping, source, "entitlement.yaml", _FIGURES | {"table"})
    figures = {name: told.of(_figure, name, value) for name, value, _ in entries(source) if name in _FIGURES}
    told.of(required, source, "version")
    rows = told.part((), items, source.items["table"], "`table`") if "table" in source.items else ()
    table = tuple(told.of(_row, value, place) for place, value in enumerate(rows, 1))
    told.done()
    return EntitlementRules(figures, table)


def _figure(name: str, value: Value) -> str:
    if name in _NUMBERS:
        return str(number(value, f"`{name}`"))
    if name == "version":
        return text(value, "`version`")
    if name == "standing_floor":
        return str(amount(value, f"`{name}`"))
    return ", ".join(each.value for each in texts(value, f"`{name}`"))


def _row(value: Value, position: int) -> DecisionRow:
    source = mapping(value, f"row {position} of `table`", _ROW)
    decision = required(source, "decision")
    by_intent = (
        {"*": decision} if not isinstance(decision, Node) else {intent: each for intent, each, _ in entries(decision)}
    )
    decisions = {intent: _decision(each, position) for intent, each in by_intent.items()}
    said = {key: text(source.items[key], f"`{key}`") if key in source.items else "" for key in ("owner", "note")}
    when = text(required(source, "when"), "`when`")
    return DecisionRow(position, when, decisions, said["owner"], said["note"], source.place)


def _decision(value: Value, position: int) -> str:
    written = text(value, f"the decision of row {position}")
    if written not in _DECISIONS:
        raise _unknown(value, written, position)
    return written


def _unknown(value: Value, written: str, position: int) -> RuleError:
    return value.place.error(f"row {position} decides `{written}`: one of {', '.join(_DECISIONS)} is expected")
