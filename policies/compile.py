"""Compiles rules against a schema: every decision is made once, before anybody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from policies.decide import Decision, Policies, RoleTable, RowTest
from policies.load import Classified, Role, Rules, Verdict
from policies.masks import MASKS, mask
from policies.yaml import Place, RuleError


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What the rules need to know of a field: may it be null, which scalar it is, or else which type it leads to."""

    nullable: bool
    scalar: str = ""
    target: str = ""


Schema = Mapping[str, Mapping[str, FieldShape]]


def compile_rules(rules: Rules, schema: Schema, hash_key: bytes) -> Policies:
    """The decision tables; raises RuleError for the first mistake (`problems` lists them all)."""
    found = problems(rules, schema)
    if found:
        raise found[0]
    tables = {name: _table(role, rules, schema, hash_key) for name, role in rules.roles.items()}
    return Policies(tables)


def problems(rules: Rules, schema: Schema) -> list[RuleError]:
    """Every mistake that only shows against the schema."""
    return [*_unclassified(rules, schema), *_unknown(rules, schema), *_misused(rules, schema)]


def classified(rules: Rules, type_name: str, field: str) -> Classified | None:
    """The class of a field: its own, else its type's, else that of the first pattern (`*Connection.*`) that fits."""
    exact = rules.coordinates.get(f"{type_name}.{field}") or rules.coordinates.get(f"{type_name}.*")
    if exact is not None:
        return exact
    for pattern, found in rules.coordinates.items():
        if "*" in pattern.partition(".")[0] and _fits(pattern, type_name, field):
            return found
    return None


def _fits(pattern: str, type_name: str, field: str) -> bool:
    type_pattern, _, field_pattern = pattern.partition(".")
    return fnmatchcase(type_name, type_pattern) and fnmatchcase(field, field_pattern)


def _unclassified(rules: Rules, schema: Schema) -> list[RuleError]:
    missing = [
        f"{type_name}.{field}"
        for type_name, fields in schema.items()
        for field in fields
        if classified(rules, type_name, field) is None
    ]
    if not missing:
        return []
    shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    return [
        RuleError("rules/classes.yaml", 1, f"without a class: {shown}; give each one of {', '.join(rules.classes)}")
    ]


def _unknown(rules: Rules, schema: Schema) -> list[RuleError]:
    written: list[tuple[str, Place]] = [(each, found.place) for each, found in rules.coordinates.items()]
    for role in rules.roles.values():
        written += [(each, verdict.place) for each, verdict in {**role.fields, **role.forbidden}.items()]
    found = []
    for coordinate, place in written:
        type_name, _, field = coordinate.partition(".")
        if "*" in type_name:
            known = any(_fits(coordinate, each, name) for each, fields in schema.items() for name in fields)
        else:
            known = type_name in schema and (field == "*" or field in schema[type_name])
        if not known:
            found.append(place.error(f"unknown coordinate `{coordinate}`: the schema has no such field"))
    for type_name, place in rules.shared.items():
        if type_name not in schema:
            found.append(place.error(f"unknown type `{type_name}` under `shared`"))
    for rule, conditions in rules.rows.items():
        found += [
            condition.place.error(f"unknown type `{type_name}` in the row rule `{rule}`")
            for type_name, condition in conditions.items()
            if type_name not in schema
        ]
    return found


def _misused(rules: Rules, schema: Schema) -> list[RuleError]:
    found = []
    for role in rules.roles.values():
        reachable = _reachable(role, rules, schema)
        for type_name, fields in schema.items():
            for field, shape in fields.items():
                verdict, _ = _chosen(role, rules, type_name, field)
                if verdict.kind == "mask" and shape.scalar not in MASKS[verdict.mask or ""][1]:
                    fits = ", ".join(sorted(MASKS[verdict.mask or ""][1]))
                    found.append(
                        verdict.place.error(
                            f"the mask `{verdict.mask}` does not fit `{type_name}.{field}` of `{role.name}`: "
                            f"it is for {fits}"
                        )
                    )
                if verdict.kind in ("deny", "forbid") and not shape.nullable and type_name in reachable:
                    found.append(
                        verdict.place.error(
                            f"`{type_name}.{field}` cannot be null but `{role.name}` may not see it: make it nullable"
                        )
                    )
    return found


def _reachable(role: Role, rules: Rules, schema: Schema) -> set[str]:
    """The types that a role can get to from a root through fields that are not denied to it."""
    found, waiting = set(), ["Query"]
    while waiting:
        type_name = waiting.pop()
        if type_name in found or type_name not in schema:
            continue
        found.add(type_name)
        waiting += [
            shape.target
            for field, shape in schema[type_name].items()
            if shape.target and _chosen(role, rules, type_name, field)[0].kind not in ("deny", "forbid")
        ]
    return found


def _table(role: Role, rules: Rules, schema: Schema, hash_key: bytes) -> RoleTable:
    fields = {}
    for type_name, names in schema.items():
        for field in names:
            verdict, found = _chosen(role, rules, type_name, field)
            fields[type_name, field] = _decision(role, verdict, found, f"{type_name}.{field}", hash_key)
    return RoleTable(role.name, role.audience, fields, _row_test(role, rules))


def _chosen(role: Role, rules: Rules, type_name: str, field: str) -> tuple[Verdict, Classified]:
    """The most exact line that speaks of a field: forbid first, then the field, its type, its class."""
    found = classified(rules, type_name, field)
    if found is None:
        found = Classified("unclassified", role.place)
    for coordinate in (f"{type_name}.{field}", f"{type_name}.*"):
        if coordinate in role.forbidden:
            return role.forbidden[coordinate], found
    for coordinate in (f"{type_name}.{field}", f"{type_name}.*"):
        if coordinate in role.fields:
            return role.fields[coordinate], found
    return role.classes.get(found.name, Verdict("deny", role.place)), found


def _decision(role: Role, verdict: Verdict, found: Classified, coordinate: str, hash_key: bytes) -> Decision:
    kind = "deny" if verdict.kind == "forbid" else verdict.kind
    return Decision(
        verdict=kind,
        role=role.name,
        rule=f"{role.name}/{found.name}",
        class_name=found.name,
        file=verdict.place.file,
        line=verdict.place.line,
        coordinate=coordinate,
        mask=mask(verdict.mask, hash_key) if verdict.mask else None,
        mask_name=verdict.mask,
        strength=MASKS[verdict.mask][0] if verdict.mask else 0,
        forbidden=verdict.kind == "forbid",
    )


def _row_test(role: Role, rules: Rules) -> RowTest:
    names = tuple(each.value for each in role.rows)
    if "all" in names:
        return RowTest(everything=True)
    conditions = [(rules.rows[name], name in rules.via) for name in names]
    return RowTest(False, tuple(conditions), frozenset(rules.shared))
