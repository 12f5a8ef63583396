"""Finds the mistakes that make rules unusable with a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from policies.choose import Chooser, reachable
from policies.commands import powerless, unknown_mutations
from policies.lines import FieldShape, Schema, fits
from policies.load import Rules, Verdict
from policies.masks import MASKS, NEVER_NULL
from policies.rows import FACTS, Condition, camel
from policies.yaml import Place, RuleError


def mistakes(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """What makes rules unusable with a schema: each one line with file, line and what to do."""
    chooser = chooser or Chooser(rules)
    return [
        *_unclassified(rules, schema, chooser),
        *_tied(schema, chooser),
        *_unknown(rules, schema),
        *_rowless(rules, schema),
        *_lacking(rules, schema),
        *_misused(rules, schema, chooser),
        *unknown_mutations(rules, schema),
        *powerless(rules, chooser),
    ]


def each_field(schema: Schema) -> Iterator[tuple[str, str, FieldShape]]:
    """Type, field and its shape."""
    for type_name, fields in schema.items():
        for field, shape in fields.items():
            yield type_name, field, shape


def _unclassified(rules: Rules, schema: Schema, chooser: Chooser) -> list[RuleError]:
    missing: dict[str, list[str]] = {}
    for type_name, field, _ in each_field(schema):
        if chooser.classified(type_name, field) is None:
            missing.setdefault(type_name, []).append(field)
    if not missing:
        return []
    listed = ", ".join(f"`{type_name}.{field}`" for type_name, fields in missing.items() for field in fields)
    example = next(f"{name}.{fields[0]}" for name, fields in missing.items())
    return [
        RuleError(
            rules.file,
            1,
            f"without a class: {listed}; give each one of {', '.join(rules.classes)}, "
            f"such as `{example}: {rules.classes[-1]}` under `coordinates`",
        )
    ]


def _tied(schema: Schema, chooser: Chooser) -> list[RuleError]:
    found: dict[tuple[str, str], RuleError] = {}
    for type_name, field, _ in each_field(schema):
        pair = chooser.tied(type_name, field)
        if pair is not None:
            (one, first), (other, second) = pair
            found[one, other] = second.place.error(
                f"`{one}` says {first.name} and `{other}` says {second.name} of `{type_name}.{field}`: "
                f"write `{type_name}.{field}` itself"
            )
    return list(found.values())


def _unknown(rules: Rules, schema: Schema) -> list[RuleError]:
    written: list[tuple[str, Place]] = [(each, found.place) for each, found in rules.coordinates.items()]
    written += rules.declassified.items()
    for role in rules.roles.values():
        written += [(each, verdict.place) for each, verdict in (*role.fields.items(), *role.forbidden.items())]
        written += role.lookup.items()
        for opened in role.with_purpose.values():
            written += [(each, verdict.place) for each, verdict in opened.fields.items()]
    found = [
        place.error(f"unknown coordinate `{coordinate}`: the schema has no such field, correct or delete it")
        for coordinate, place in written
        if not _exists(coordinate, schema)
    ]
    found += [
        place.error(f"unknown type `{type_name}` under `shared`: the schema has none, correct or delete it")
        for type_name, place in rules.shared.items()
        if type_name not in schema
    ]
    for rule, conditions in rules.rows.items():
        found += [
            each.place.error(f"unknown type `{type_name}` in the row rule `{rule}`: correct or delete it")
            for type_name, each in conditions.items()
            if type_name not in schema
        ]
    return found


def has_rows(fields: Mapping[str, FieldShape]) -> bool:
    """Whether a type has rows to be judged: those with a global id. The others are part of what holds them."""
    return "id" in fields and fields["id"].scalar == "ID"


def _rowless(rules: Rules, schema: Schema) -> list[RuleError]:
    """Types that are spoken of as if they had rows: nothing would ever ask the condition."""

    def rowless(type_name: str) -> bool:
        return type_name in schema and not has_rows(schema[type_name])

    why = "it has no rows of its own but is shown with what holds it, delete it"
    found = [
        place.error(f"`{type_name}` under `shared` decides nothing: {why}")
        for type_name, place in rules.shared.items()
        if rowless(type_name)
    ]
    for rule, conditions in rules.rows.items():
        found += [
            each.place.error(f"`{type_name}` of the row rule `{rule}` decides nothing: {why}")
            for type_name, each in conditions.items()
            if rowless(type_name)
        ]
    return found


def _lacking(rules: Rules, schema: Schema) -> list[RuleError]:
    """Conditions that read what no record of the type has: they would deny every row."""
    found = []
    for rule, conditions in rules.rows.items():
        for type_name, condition in conditions.items():
            for scope, path in sorted(condition.paths):
                of = type_name if scope == "row" else "Account"
                attributes = getattr(schema.get(of), "attributes", None)
                if attributes is None or path in attributes or (of == "Account" and path in FACTS):
                    continue
                found.append(_lacks(condition, rule, f"{scope}.{path}", of, attributes))
    return found


def _lacks(condition: Condition, rule: str, path: str, of: str, attributes: frozenset[str]) -> RuleError:
    near = get_close_matches(path.partition(".")[2], attributes, 1)
    hint = f"`{camel(near[0])}` is meant?" if near else "correct it"
    return condition.place.error(
        f"`{camel(path)}` in the row rule `{rule}`: the records of `{of}` have no such attribute, {hint}"
    )


def _exists(coordinate: str, schema: Schema) -> bool:
    type_name, _, field = coordinate.partition(".")
    if "*" not in type_name:
        return type_name in schema and (field == "*" or field in schema[type_name])
    return any(fits(coordinate, each, name) for each, name, _ in each_field(schema))


def _misused(rules: Rules, schema: Schema, chooser: Chooser) -> list[RuleError]:
    found = {}
    for role in rules.acting().values():
        reached = reachable(role, schema, chooser)
        for type_name, field, shape in each_field(schema):
            verdict = chooser.choose(role, type_name, field).verdict
            key = (verdict.place, type_name, field)
            if key in found:
                continue  # said of the role without its purpose
            if verdict.mask is not None and shape.scalar not in MASKS[verdict.mask][1]:
                found[key] = _unfit(verdict, verdict.mask, role.name, f"{type_name}.{field}", shape)
            elif not shape.nullable and type_name in reached and verdict.kind != "allow":
                if verdict.mask in NEVER_NULL:
                    continue
                word = "only sees masked" if verdict.mask is not None else "may not see"
                found[key] = verdict.place.error(
                    f"`{type_name}.{field}` cannot be null but `{role.name}` {word} it: make it nullable or allow"
                )
    return list(found.values())


def _unfit(verdict: Verdict, mask: str, role: str, coordinate: str, shape: FieldShape) -> RuleError:
    return verdict.place.error(
        f"the mask `{mask}` of `{role}` does not fit `{coordinate}`, which is `{shape.scalar or shape.target}`: "
        f"it is for {', '.join(sorted(MASKS[mask][1]))}, use another mask or deny"
    )
