"""Finds what is wrong with rules: mistakes that stop the start, and what an auditor should look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.choose import Chooser, reachable, row_test
from policies.lines import FieldShape, Schema, fits
from policies.load import Role, Rules, Verdict
from policies.masks import MASKS
from policies.yaml import Place, RuleError


def mistakes(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """What makes rules unusable with a schema: each one line with file, line and what to do."""
    chooser = chooser or Chooser(rules)
    return [
        *_unclassified(rules, schema, chooser),
        *_tied(schema, chooser),
        *_unknown(rules, schema),
        *_misused(rules, schema, chooser),
    ]


def check(rules: Rules, schema: Schema) -> list[RuleError]:
    """The mistakes, and what only deserves a look: dead lines, uncovered types, computed fields that show more."""
    chooser = Chooser(rules)
    found = mistakes(rules, schema, chooser)
    return [*found, *coverage(rules, schema, chooser), *dead(rules, schema, chooser), *exposed(rules, schema, chooser)]


def coverage(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Types that a role can reach but never sees a row of: none of its row rules speaks of them."""
    chooser = chooser or Chooser(rules)
    found = []
    for role in rules.roles.values():
        test = row_test(role, rules)
        for type_name in sorted(reachable(role, schema, chooser)):
            if not _has_rows(schema[type_name]):
                continue
            how = test.covers(type_name)
            if how and (how != "account" or schema[type_name].get("account", FieldShape(True)).target == "Account"):
                continue
            why = "it has no account to be judged by" if how else "none of its row rules speaks of it"
            found.append(
                role.rows[0].place.error(
                    f"the role `{role.name}` reaches `{type_name}` but never sees a row of it, {why}: "
                    "give it a condition in rows.yaml or list it under `shared`"
                )
            )
    return found


def dead(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Lines that decide nothing."""
    chooser = chooser or Chooser(rules)
    used: set[str] = set()
    for type_name, fields in schema.items():
        for field in fields:
            entry = chooser.classified(type_name, field)
            used |= {entry[0]} if entry is not None else set()
    found = [
        line.place.error(f"`{coordinate}` gives no field its class: more exact lines do, delete it")
        for coordinate, line in rules.coordinates.items()
        if coordinate not in used
    ]
    for role in rules.roles.values():
        found += _dead_of(role, schema, chooser)
    named = {each.value for role in rules.roles.values() for each in role.rows}
    found += [
        rules.row_places[name].error(f"no role uses the row rule `{name}`: delete it, or give it to a role")
        for name in rules.rows
        if name not in named and name in rules.row_places
    ]
    return found


def exposed(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Computed fields that a role sees though it may not see what they are made of, and nobody accepted that."""
    chooser = chooser or Chooser(rules)
    found = []
    for type_name, field, shape in _fields(schema):
        if not shape.derives or f"{type_name}.{field}" in rules.declassified:
            continue
        entry = chooser.classified(type_name, field)
        for role in rules.roles.values():
            if chooser.choose(role, type_name, field).verdict.kind != "allow":
                continue
            hidden = [each for each in shape.derives if _hidden(each, role, schema, chooser)]
            if hidden and entry is not None:
                found.append(
                    entry[1].place.error(
                        f"`{type_name}.{field}` shows `{role.name}` what is made of {', '.join(hidden)}, which it may "
                        "not see: give it a stricter class, or list it under `declassify`"
                    )
                )
    return found


def _fields(schema: Schema) -> Iterator[tuple[str, str, FieldShape]]:
    for type_name, fields in schema.items():
        for field, shape in fields.items():
            yield type_name, field, shape


def _hidden(coordinate: str, role: Role, schema: Schema, chooser: Chooser) -> bool:
    type_name, _, field = coordinate.partition(".")
    known = field in schema.get(type_name, {})
    return known and chooser.choose(role, type_name, field).verdict.kind != "allow"


def _has_rows(fields: Mapping[str, FieldShape]) -> bool:
    """Whether a type has rows to be judged: those with a global id. The others are part of what holds them."""
    return "id" in fields and fields["id"].scalar == "ID"


def _dead_of(role: Role, schema: Schema, chooser: Chooser) -> list[RuleError]:
    deciding: set[str] = set()
    changing: set[str] = set()
    classes: set[str] = set()
    for type_name, field, _ in _fields(schema):
        entry = chooser.classified(type_name, field)
        classes |= {entry[1].name} if entry is not None else set()
        ranked = [*chooser.ranked(role, type_name, field), ("", Verdict("deny", role.place))]
        deciding.add(ranked[0][0])
        if (ranked[0][1].kind, ranked[0][1].mask) != (ranked[1][1].kind, ranked[1][1].mask):
            changing.add(ranked[0][0])
    found = []
    for coordinate, verdict in role.fields.items():
        if coordinate not in deciding:
            found.append(
                verdict.place.error(
                    f"`{coordinate}` of `{role.name}` decides nothing: other lines outrank it, delete it"
                )
            )
        elif coordinate not in changing:
            found.append(
                verdict.place.error(f"`{coordinate}` of `{role.name}` says what the next line says already: delete it")
            )
    found += [
        verdict.place.error(f"`{name}` of `{role.name}` decides nothing: no field has this class, delete it")
        for name, verdict in role.classes.items()
        if name not in classes
    ]
    return found


def _unclassified(rules: Rules, schema: Schema, chooser: Chooser) -> list[RuleError]:
    missing: dict[str, list[str]] = {}
    for type_name, field, _ in _fields(schema):
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
    for type_name, field, _ in _fields(schema):
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
    found = [
        place.error(f"unknown coordinate `{coordinate}`: the schema has no such field, correct or delete it")
        for coordinate, place in written
        if not any(fits(coordinate, type_name, field) for type_name, field, _ in _fields(schema))
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


def _misused(rules: Rules, schema: Schema, chooser: Chooser) -> list[RuleError]:
    found = []
    for role in rules.roles.values():
        reached = reachable(role, schema, chooser)
        for type_name, field, shape in _fields(schema):
            verdict = chooser.choose(role, type_name, field).verdict
            if verdict.mask is not None and shape.scalar not in MASKS[verdict.mask][1]:
                fitting = ", ".join(sorted(MASKS[verdict.mask][1]))
                found.append(
                    verdict.place.error(
                        f"the mask `{verdict.mask}` of `{role.name}` does not fit `{type_name}.{field}`, which is "
                        f"`{shape.scalar or shape.target}`: it is for {fitting}, use another mask or deny"
                    )
                )
            if not shape.nullable and type_name in reached and verdict.kind != "allow":
                word = "only sees masked" if verdict.mask is not None else "may not see"
                found.append(
                    verdict.place.error(
                        f"`{type_name}.{field}` cannot be null but `{role.name}` {word} it: make it nullable or allow"
                    )
                )
    return found
