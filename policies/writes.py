"""The write rules: who may ask for what, alone up to how much, and who approves above that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from policies.yaml import Mapping, Place, Value, amount, entries, items, mapping, required, text, texts

_FILE = frozenset({"currency", "writes", "apart"})
_WRITE = frozenset({"mutation", "asks", "alone", "approval"})
_STEP = frozenset({"by", "up_to"})


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """Who approves up to an amount; None: any amount."""

    role: str
    up_to: Decimal | None
    place: Place


@dataclass(frozen=True, slots=True)
class WriteRule:
    """One governed write. `asks`: what each role may do alone, None meaning that every use needs approval."""

    id: str
    mutation: str
    asks: dict[str, Decimal | None]
    approval: tuple[ApprovalStep, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class WriteRules:
    """`apart`: pairs of duties that one person may not have for the same document."""

    writes: dict[str, WriteRule]
    apart: tuple[tuple[str, str], ...]


NO_WRITES = WriteRules({}, ())


def write_rules(source: Mapping, roles: Collection[str]) -> WriteRules:
    """Reads `writes.yaml`; raises RuleError."""
    mapping(source, "writes.yaml", _FILE)
    found = {
        name: _write(name, value, place, roles)
        for name, value, place in entries(mapping(required(source, "writes"), "`writes`"))
    }
    _each_mutation_once(found)
    pairs = items(source.items["apart"], "`apart`") if "apart" in source.items else ()
    return WriteRules(found, tuple(_pair(each) for each in pairs))


def _write(name: str, value: Value, place: Place, roles: Collection[str]) -> WriteRule:
    source = mapping(value, f"the write `{name}`", _WRITE)
    asks: dict[str, Decimal | None] = {}
    for role, limit, at in entries(mapping(required(source, "asks"), f"`asks` of `{name}`")):
        _known(role, at, name, roles)
        asks[role] = None if text(limit, f"the limit of `{role}`") == "never" else amount(limit, f"`{role}`")
    steps = items(source.items["approval"], "`approval`") if "approval" in source.items else ()
    approval = tuple(_step(each, name, roles) for each in steps)
    rule = WriteRule(name, text(required(source, "mutation"), "`mutation`"), asks, approval, place)
    _approvable(rule)
    return rule


def _step(value: Value, name: str, roles: Collection[str]) -> ApprovalStep:
    source = mapping(value, f"a step of `approval` of `{name}`", _STEP)
    role = text(required(source, "by"), "`by`")
    _known(role, source.items["by"].place, name, roles)
    limit = amount(source.items["up_to"], "`up_to`") if "up_to" in source.items else None
    return ApprovalStep(role, limit, source.place)


def _known(role: str, place: Place, name: str, roles: Collection[str]) -> None:
    if role not in roles:
        raise place.error(f"the write `{name}` names the unknown role `{role}`: one of {', '.join(roles)} is expected")


def _approvable(rule: WriteRule) -> None:
    """Limits rise from step to step, and whoever may never act alone has somebody to ask."""
    if not rule.approval and None in rule.asks.values():
        raise rule.place.error(f"the write `{rule.id}` needs approval and names nobody who gives it: add `approval`")
    for one, other in zip(rule.approval, rule.approval[1:], strict=False):
        if one.up_to is None or (other.up_to is not None and other.up_to <= one.up_to):
            raise other.place.error(
                f"the step `{other.role}` of the write `{rule.id}` is never reached: order `approval` by `up_to`"
            )


def _each_mutation_once(found: dict[str, WriteRule]) -> None:
    seen: dict[str, WriteRule] = {}
    for rule in found.values():
        if rule.mutation in seen:
            raise rule.place.error(
                f"the mutation `{rule.mutation}` has the rule `{seen[rule.mutation].id}` already: keep one of them"
            )
        seen[rule.mutation] = rule


def _pair(value: Value) -> tuple[str, str]:
    duties = [each.value for each in texts(value, "a pair of `apart`")]
    if len(duties) != 2:
        raise value.place.error("a pair of `apart` has two duties: write `[ask, approve]`")
    return duties[0], duties[1]
