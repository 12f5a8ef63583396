"""Examples: given a principal, expect decisions. They run in the tests and before rules are taken into use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policies.lines import checked
from policies.principal import Principal
from policies.rows import snake
from policies.yaml import (
    Mapping,
    Mistakes,
    Place,
    RuleError,
    Text,
    Value,
    entries,
    items,
    mapping,
    required,
    text,
    texts,
)

if TYPE_CHECKING:
    from policies.decide import Grants, Policies

_EXAMPLE = frozenset({"as", "fields", "rows"})
_PRINCIPAL = frozenset({"subject", "roles", "regions", "entities", "accounts", "human", "purposes"})
_ROW = frozenset({"type", "row", "account", "seen"})


@dataclass(frozen=True, slots=True)
class FieldExample:
    """A field, and what is expected of it: allow, deny or a mask's name."""

    coordinate: str
    expected: str
    place: Place


@dataclass(frozen=True, slots=True)
class RowExample:
    """A row by its attributes, and whether it is seen."""

    type_name: str
    row: Any
    account: Any
    seen: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Example:
    """One principal and what is expected for it."""

    name: str
    principal: Principal
    fields: tuple[FieldExample, ...]
    rows: tuple[RowExample, ...]
    place: Place


class _Sketch:
    """A record of which an example names only what matters; the rest is missing."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> None:
        return None


def examples(source: Mapping, roles: Collection[str]) -> list[Example]:
    """The examples of one file; raises RuleErrors with every mistake."""
    told = Mistakes()
    found = [told.of(_example, name, value, place, roles) for name, value, place in entries(source)]
    told.done()
    return found


def run_tests(policies: Policies) -> list[RuleError]:
    """The expectations that the compiled rules do not meet, one line each."""
    return [
        failure
        for example in policies.examples
        for failure in _failures(policies, example, policies.granted(example.principal))
    ]


def _failures(policies: Policies, example: Example, grants: Grants) -> list[RuleError]:
    found = []
    for each in example.fields:
        type_name, _, field = each.coordinate.partition(".")
        if not policies.knows(type_name, field):
            found.append(each.place.error(f"`{example.name}` expects something of the unknown `{each.coordinate}`"))
            continue
        decision = grants.field(type_name, field)
        got = decision.mask_name or decision.verdict
        if got != each.expected:
            by = f"the rule `{decision.rule}` in {decision.file}:{decision.line}"
            found.append(
                each.place.error(
                    f"`{example.name}` expects `{each.expected}` of `{each.coordinate}` but {by} says `{got}`"
                )
            )
    for row in example.rows:
        judge = grants.rows(row.type_name).judge
        seen = judge((row.row,), (row.account,), ({},), example.principal) != [frozenset()]
        if seen is not row.seen:
            wanted, got = ("seen", "hidden") if row.seen else ("hidden", "seen")
            found.append(
                row.place.error(f"`{example.name}` expects this `{row.type_name}` to be {wanted}: it is {got}")
            )
    return found


def _example(name: str, value: Value, place: Place, roles: Collection[str]) -> Example:
    source = mapping(value, f"the example `{name}`", _EXAMPLE)
    told = Mistakes()
    principal = told.of(_principal, source, name, roles)
    fields = told.of(_fields, source, name)
    rows = told.of(_rows, source, name)
    told.done()
    return Example(name, principal, fields, rows, place)


def _fields(source: Mapping, name: str) -> tuple[FieldExample, ...]:
    if "fields" not in source.items:
        return ()
    told = Mistakes()
    written = entries(mapping(source.items["fields"], f"`fields` of `{name}`"))
    found = tuple(told.of(_field, *each) for each in written)
    told.done()
    return found


def _field(coordinate: str, expected: Value, place: Place) -> FieldExample:
    return FieldExample(checked(coordinate, place), _expected(expected, coordinate), place)


def _rows(source: Mapping, name: str) -> tuple[RowExample, ...]:
    told = Mistakes()
    written = items(source.items["rows"], f"`rows` of `{name}`") if "rows" in source.items else ()
    found = tuple(told.of(_row, each, name) for each in written)
    told.done()
    return found


def _principal(example: Mapping, name: str, roles: Collection[str]) -> Principal:
    source = mapping(required(example, "as"), f"`as` of `{name}`", _PRINCIPAL)
    told = Mistakes()
    told.add(
        role.place.error(
            f"the example `{name}` has the unknown role `{role.value}`: one of {', '.join(roles)} is expected"
        )
        for role in texts(required(source, "roles"), "`roles`")
        if role.value not in roles
    )
    told.done()

    def several(key: str) -> tuple[str, ...]:
        return tuple(each.value for each in texts(source.items[key], f"`{key}`")) if key in source.items else ()

    return Principal(
        subject=text(source.items["subject"], "`subject`") if "subject" in source.items else name,
        roles=frozenset(several("roles")),
        regions=several("regions"),
        entities=several("entities"),
        accounts=several("accounts"),
        human=text(source.items["human"], "`human`") if "human" in source.items else None,
        purposes=several("purposes"),
    )


def _expected(value: Value, coordinate: str) -> str:
    if isinstance(value, Mapping) and tuple(value.items) == ("mask",):
        return text(value.items["mask"], "`mask`")
    if isinstance(value, Text) and value.value in ("allow", "deny"):
        return value.value
    raise value.place.error(f"of `{coordinate}` only `allow`, `deny` or `{{mask: NAME}}` can be expected")


def _row(value: Value, name: str) -> RowExample:
    source = mapping(value, f"a row of `{name}`", _ROW)
    seen = text(required(source, "seen"), "`seen`")
    if seen not in ("yes", "no"):
        raise source.items["seen"].place.error(f"`seen` is `{seen}`: `yes` or `no` is expected")
    return RowExample(
        type_name=text(required(source, "type"), "`type`"),
        row=_sketch(required(source, "row")),
        account=_sketch(source.items["account"]) if "account" in source.items else None,
        seen=seen == "yes",
        place=source.place,
    )


def _sketch(value: Value) -> Any:
    if isinstance(value, Text):
        return value.value
    if isinstance(value, Mapping):
        return _Sketch({snake(key): _sketch(each) for key, each in value.items.items()})
    return tuple(_sketch(each) for each in value.items)
