"""What an auditor should look at: lines that decide nothing, types nobody can see, computed fields that show more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.analyse import each_field, has_rows, mistakes
from policies.choose import Choice, Chooser, reachable, row_test
from policies.lines import FieldShape, Schema
from policies.purposes import acting
from policies.records import Opened, Role, Rules, Verdict
from policies.yaml import RuleError


def check(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """The mistakes, and what only deserves a look: dead lines, uncovered types, computed fields that show more."""
    chooser = chooser or Chooser(rules)
    found = mistakes(rules, schema, chooser)
    return [*found, *coverage(rules, schema, chooser), *dead(rules, schema, chooser), *exposed(rules, schema, chooser)]


# ---------------------------------------------------------------- types nobody sees


def coverage(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Types that a role can reach but never sees a row of: none of its row rules speaks of them."""
    chooser = chooser or Chooser(rules)
    told: set[tuple[object, str]] = set()
    found = []
    for role in rules.acting().values():
        for type_name in sorted(reachable(role, schema, chooser)):
            why = _unseen(role, type_name, rules, schema)
            if why and (role.place, type_name) not in told:
                told.add((role.place, type_name))
                found.append(
                    role.rows[0].place.error(
                        f"the role `{role.name}` reaches `{type_name}` but never sees a row of it, {why}: "
                        "give it a condition in rows.yaml or list it under `shared`"
                    )
                )
    return found


def _unseen(role: Role, type_name: str, rules: Rules, schema: Schema) -> str:
    fields = schema[type_name]
    how = row_test(role, rules).covers(type_name)
    if not has_rows(fields) or how in ("all", "shared", "own"):
        return ""
    if how == "account":
        attributes = getattr(fields, "attributes", None)  # of its records, where they are known
        judged = (
            "account_key" in attributes
            if attributes is not None
            else fields.get("account", FieldShape(True)).target == "Account"
        )
        return "" if judged else "it has no account to be judged by"
    return "none of its row rules speaks of it"


# ---------------------------------------------------------------- lines that decide nothing


def dead(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Lines that decide nothing."""
    chooser = chooser or Chooser(rules)
    used = {entry[0] for key in _keys(schema) if (entry := chooser.classified(*key)) is not None}
    found = [
        line.place.error(f"`{coordinate}` gives no field its class: more exact lines do, delete it")
        for coordinate, line in rules.coordinates.items()
        if coordinate not in used
    ]
    for role in rules.roles.values():
        found += _dead_of(role, schema, chooser)
        for purpose, opened in role.with_purpose.items():
            found += _dead_purpose(role, purpose, opened, schema, chooser)
    return [*found, *_dead_rows(rules), *_dead_purposes(rules), *_dead_declassified(rules, schema, chooser)]


@dataclass(slots=True)
class _Deciding:
    """Of one role: the lines that come first for some field, and those of which the next line says something else."""

    first: set[str] = field(default_factory=set)
    changing: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    hidden: set[tuple[str, str]] = field(default_factory=set)


def _deciding(role: Role, schema: Schema, chooser: Chooser) -> _Deciding:
    found = _Deciding()
    for type_name, name in _keys(schema):
        entry = chooser.classified(type_name, name)
        found.classes |= {entry[1].name} if entry is not None else set()
        ranked = [*chooser.ranked(role, type_name, name), ("", Verdict("deny", role.place))]
        found.first.add(ranked[0][0])
        if _says(ranked[0][1]) != _says(ranked[min(1, len(ranked) - 1)][1]):
            found.changing.add(ranked[0][0])
        if ranked[0][1].kind != "allow":
            found.hidden.add((type_name, name))
    return found


def _dead_of(role: Role, schema: Schema, chooser: Chooser) -> list[RuleError]:
    deciding, found = _deciding(role, schema, chooser), []
    for coordinate, verdict in role.fields.items():
        if coordinate not in deciding.first:
            why = "decides nothing: other lines outrank it, delete it"
        elif coordinate not in deciding.changing:
            why = "says what the next line says already: delete it"
        else:
            continue
        found.append(verdict.place.error(f"`{coordinate}` of `{role.name}` {why}"))
    found += [
        verdict.place.error(f"`{name}` of `{role.name}` decides nothing: no field has this class, delete it")
        for name, verdict in role.classes.items()
        if name not in deciding.classes
    ]
    found += [
        place.error(f"`{coordinate}` under `lookup` of `{role.name}` adds nothing: the role reads it whole, delete it")
        for coordinate, place in role.lookup.items()
        if not any(chooser.looks_up(role, coordinate, *key) for key in deciding.hidden)
    ]
    return found


def _dead_purpose(role: Role, purpose: str, opened: Opened, schema: Schema, chooser: Chooser) -> list[RuleError]:
    """Lines of a purpose by which the role sees nothing that it does not see without."""
    (acts,) = (each for each in role.acting() if each.name == acting(role.name, purpose))
    opening = {
        choice.rule
        for key in _keys(schema)
        if _says((choice := chooser.choose(acts, *key)).verdict) != _says(chooser.choose(role, *key).verdict)
    }
    return [
        verdict.place.error(f"`{what}` of `{role.name}` with the purpose `{purpose}` opens nothing: delete it")
        for what, verdict in (opened.classes | opened.fields).items()
        if what not in opening
    ]


def _dead_purposes(rules: Rules) -> list[RuleError]:
    named = {purpose for role in rules.roles.values() for purpose in role.with_purpose}
    return [
        purpose.place.error(f"no role opens anything for the purpose `{name}`: delete it, or give it to a role")
        for name, purpose in rules.purposes.items()
        if name not in named
    ]


def _dead_rows(rules: Rules) -> list[RuleError]:
    named = {each.value for role in rules.roles.values() for each in role.rows}
    found = [
        place.error(f"no role uses the row rule `{name}`: delete it, or give it to a role")
        for name, place in rules.row_places.items()
        if name not in named
    ]
    for name, conditions in rules.rows.items():
        found += [
            each.place.error(
                f"`{type_name}` of the row rule `{name}` decides nothing: it is `shared`, delete one of them"
            )
            for type_name, each in conditions.items()
            if type_name in rules.shared
        ]
    return found


def _dead_declassified(rules: Rules, schema: Schema, chooser: Chooser) -> list[RuleError]:
    needed = {coordinate for coordinate, *_ in _showing(rules, schema, chooser)}
    return [
        place.error(f"`{coordinate}` under `declassify` shows nobody more than its inputs do: delete it")
        for coordinate, place in rules.declassified.items()
        if coordinate not in needed
    ]


# ---------------------------------------------------------------- computed fields that show more


def exposed(rules: Rules, schema: Schema, chooser: Chooser | None = None) -> list[RuleError]:
    """Computed fields that a role sees though it may not see what they are made of, and nobody accepted that."""
    found = []
    for coordinate, seeing, hidden, choice in _showing(rules, schema, chooser or Chooser(rules)):
        if coordinate not in rules.declassified:
            found.append(
                choice.classified.place.error(
                    f"`{coordinate}` shows {', '.join(f'`{role}`' for role in seeing)} what is made of "
                    f"{', '.join(hidden)}, which {'they may' if len(seeing) > 1 else 'it may'} not see: "
                    "give it a stricter class, or list it under `declassify`"
                )
            )
    return found


def _showing(rules: Rules, schema: Schema, chooser: Chooser) -> Iterator[tuple[str, list[str], list[str], Choice]]:
    for type_name, name, shape in each_field(schema):
        seeing: dict[str, list[str]] = {}
        for role in rules.acting().values() if shape.derives else ():
            choice = chooser.choose(role, type_name, name)
            hidden = [each for each in shape.derives if _hidden(each, role, schema, chooser)]
            if hidden and choice.verdict.kind == "allow":
                seeing[role.name] = hidden
        if seeing:
            made = list(dict.fromkeys(each for hidden in seeing.values() for each in hidden))
            yield f"{type_name}.{name}", list(seeing), made, choice


def _hidden(coordinate: str, role: Role, schema: Schema, chooser: Chooser) -> bool:
    type_name, _, name = coordinate.partition(".")
    known = name in schema.get(type_name, {})
    return known and chooser.choose(role, type_name, name).verdict.kind != "allow"


def _keys(schema: Schema) -> Iterator[tuple[str, str]]:
    for type_name, name, _ in each_field(schema):
        yield type_name, name


def _says(verdict: Verdict) -> tuple[str, str | None]:
    return verdict.kind, verdict.mask
