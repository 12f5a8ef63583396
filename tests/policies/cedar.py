"""Writes rules as Cedar policies, and asks Cedar: an opinion that shares no code with ours but the reading of the files.

A line of a role becomes a `permit` for each row rule of the role, `unless` a more exact line of the same role speaks of
the field (at the same exactness, a stricter one); a `forbid` becomes a `forbid`. A field is in the coordinates that fit
it and in its class; a missing value is a missing attribute.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any, NamedTuple

import cedarpy

from policies.load import Role, Rules, Verdict
from policies.principal import Principal
from policies.rows import Comparison, Condition, Every, Not, Operand, Tree

SEE, WHOLE = "see", "whole"  # see it at all, see it without a mask
STRENGTH = ("email_domain", "last4", "year", "bucket", "hash", "redact")


class Asked(NamedTuple):
    """One question: may this person do this with this field of this row."""

    action: str
    type_name: str
    field: str
    row: Any
    account: Any
    facts: dict[str, Any]


def ask(rules: Rules, fields: Iterable[tuple[str, str]], user: Principal, asked: list[Asked]) -> list[bool]:
    """Cedar's answers."""
    policies = "\n".join(written(rules, {each.type_name for each in asked}))
    roles = [entity("Role", each) for each in sorted(user.roles)]
    entities = [{"uid": entity("User", "u"), "attrs": {}, "parents": roles}]
    entities += [
        {"uid": entity("Field", ".".join(key)), "attrs": {}, "parents": parents(rules, *key)} for key in fields
    ]
    requests = [
        {
            "principal": 'User::"u"',
            "action": f'Action::"{each.action}"',
            "resource": f'Field::"{each.type_name}.{each.field}"',
            "context": context(each, user),
        }
        for each in asked
    ]
    return [each.allowed for each in cedarpy.is_authorized_batch(requests, policies, entities)]


# ---------------------------------------------------------------- what is asked


def entity(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}


def parents(rules: Rules, type_name: str, field: str) -> list[dict[str, Any]]:
    """The coordinates of any line that fit a field, and its class."""
    every = {each for role in rules.acting().values() for each in (*role.fields, *role.forbidden)}
    classes = [each for each in rules.coordinates if fit(each, type_name, field)]
    most = max(classes, key=lambda each: (level(each), len(each)))
    found = [entity("Coordinate", each) for each in sorted(every) if fit(each, type_name, field)]
    return [*found, entity("Class", rules.coordinates[most].name)]


def fit(coordinate: str, type_name: str, field: str) -> bool:
    of_type, _, of_field = coordinate.partition(".")
    pattern = ".*".join(map(re.escape, of_type.split("*")))
    return of_field in ("*", field) and re.fullmatch(pattern, type_name) is not None


def level(coordinate: str) -> int:
    """How exact a line is: 0 a class, 4 a field of a type."""
    if "." not in coordinate:
        return 0
    of_type, _, of_field = coordinate.partition(".")
    return {(True, True): 1, (False, True): 2, (True, False): 3, (False, False): 4}["*" in of_type, of_field == "*"]


def context(asked: Asked, user: Principal) -> dict[str, Any]:
    person = {"regions": user.regions, "entities": user.entities, "subject": user.subject, "human": user.human}
    found = {"row": record(asked.row), "user": record(SimpleNamespace(**person))}
    if asked.account is not None:
        found["account"] = {**record(asked.account), **record(SimpleNamespace(**asked.facts))}
        for name, value in asked.facts.items():
            if value is None:
                found["account"].pop(name, None)
    return found


def record(value: Any) -> dict[str, Any]:
    """Attributes that have a value; a missing value is a missing attribute."""
    plain = {name: each for name, each in vars(value).items() if each is not None}
    return {
        name: record(each) if isinstance(each, SimpleNamespace) else list(each) if isinstance(each, tuple) else each
        for name, each in plain.items()
    }


# ---------------------------------------------------------------- the rules as Cedar


def written(rules: Rules, types: Iterable[str]) -> Iterator[str]:
    """The policies for questions about some types."""
    for role in rules.acting().values():
        who = f"principal in Role::{json.dumps(role.name)}"
        for coordinate in role.forbidden:
            yield f"forbid({who}, action, resource in Coordinate::{json.dumps(coordinate)});"
        lines = {**role.classes, **role.fields}
        for (what, verdict), action in product(lines.items(), (SEE, WHOLE)):
            if strictness(verdict, action) == 0:
                hidden = [other for other in lines if outranks(other, lines[other], what, verdict, action)]
                unless = " || ".join(f"resource in {place(other)}" for other in hidden) or "false"
                for seen in rows(role, rules, types):
                    yield (
                        f"permit({who}, action == Action::{json.dumps(action)}, resource in {place(what)})"
                        f" when {{ {seen} }} unless {{ {unless} }};"
                    )


def strictness(verdict: Verdict, action: str) -> int:
    """0 where the verdict lets the action be; of the others the stricter is the greater."""
    if verdict.kind == "deny":
        return 100
    return STRENGTH.index(verdict.mask) + 1 if verdict.mask and action == WHOLE else 0


def outranks(other: str, said: Verdict, what: str, verdict: Verdict, action: str) -> bool:
    if level(other) != level(what) or level(what) == 0:
        return level(other) > level(what)
    return strictness(said, action) > strictness(verdict, action)


def place(what: str) -> str:
    return f"{'Coordinate' if '.' in what else 'Class'}::{json.dumps(what)}"


def rows(role: Role, rules: Rules, types: Iterable[str]) -> Iterator[str]:
    """One condition for each row rule of a role; a row without an account is not judged through one."""
    (type_name,) = types
    for name in (each.value for each in role.rows):
        if name == "all" or type_name in rules.shared:
            yield "true"
            continue
        conditions: dict[str, Condition] = rules.rows[name]
        if type_name in conditions:
            yield met(conditions[type_name].tree, {"row": "row", "account": "account"})
        elif name in rules.via and "Account" in conditions:
            yield f"context has account && {met(conditions['Account'].tree, {'row': 'account', 'account': 'account'})}"


def met(tree: Tree, holders: dict[str, str], wanted: bool = True) -> str:
    """Cedar that is true where the tree is met (or unmet, if that is wanted); a missing value is neither."""
    if isinstance(tree, Not):
        return met(tree.inner, holders, not wanted)
    if isinstance(tree, Comparison):
        return compared(tree, holders, wanted)
    every = isinstance(tree, Every)
    joint = " && " if every is wanted else " || "
    return "(" + joint.join(met(each, holders, wanted) for each in (tree.parts if every else tree.options)) + ")"  # type: ignore[union-attr]


def compared(tree: Comparison, holders: dict[str, str], wanted: bool) -> str:
    (left, there), (right, here) = value(tree.left, holders), value(tree.right, holders)
    if tree.right.scope == "none":
        return f"(!({there}))" if wanted else f"({there})"
    said = {"==": f"{left} == {right}", "in": f"{right}.contains({left})", "overlaps": f"{left}.containsAny({right})"}
    return f"({there} && {here} && {'' if wanted else '!'}({said[tree.operator]}))"


def value(operand: Operand, holders: dict[str, str]) -> tuple[str, str]:
    """What an operand is in Cedar, and the test that it is there."""
    if operand.scope == "none":
        return "none", "true"
    if operand.scope == "text":
        return json.dumps(operand.path[0]), "true"
    at = f"context.{'user' if operand.scope == 'user' else holders[operand.scope]}"
    tests = []
    for name in operand.path:
        tests.append(f"{at} has {name}")
        at = f"{at}.{name}"
    return at, " && ".join(tests)
