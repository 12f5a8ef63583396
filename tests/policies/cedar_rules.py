"""Writes rules as Cedar policies: from what the files say, by docs/policies.md, with nothing of what compiles them.

A role has a `permit` for what it shows whole, and one for what it shows behind each mask, as often as it has row rules:
one that cannot be evaluated denies, and denies nothing that another opens. A line counts `in` the fields that fit it but
in none that a more exact line of the role fits, or an equally exact stricter one. With a purpose a role has other lines
in the place of some, for whoever acts with it. A missing value is a missing attribute.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import NamedTuple

from policies.records import Role, Rules, Verdict
from policies.rows import Comparison, Every, Not, Operand, Some, Tree

ROW, LINK, LOOKUP = "row", "link", "lookup"  # see a row, be led to a row by a field, find a row by a field's value
WHOLE = "whole"
MASKS = ("email_domain", "last4", "year", "bucket", "hash", "redact")
SHOWN = (WHOLE, *MASKS)  # see a field at least so: who sees it by a weaker mask sees it by each stronger one, too
DENY = len(SHOWN)
NOTHING: frozenset[str] = frozenset()

Seen = Callable[[str], Iterable[str]]
"""The conditions, each by itself enough, under which a role sees what has the field; by the role as it acts."""


class Acting(NamedTuple):
    """A role's lines, or those that it has with a purpose. `name` as the engine has it: `auditor+reveal`."""

    name: str
    role: Role
    lines: dict[str, Verdict]
    when: str

    @property
    def who(self) -> str:
        return f"principal in {entity('Role', self.role.name)}"


def acting(role: Role, type_name: str) -> Iterator[Acting]:
    """The role and, for each purpose, the role with what that opens in the place of what it says itself."""
    plain = {**role.classes, **role.fields}
    yield Acting(role.name, role, about(plain, type_name), "true")
    for purpose, opened in role.with_purpose.items():
        lines = {**plain, **opened.classes, **opened.fields}
        when = f"context.user.purposes.contains({json.dumps(purpose)})"
        yield Acting(f"{role.name}+{purpose}", role, about(lines, type_name), when)


# ---------------------------------------------------------------- coordinates


def fit(coordinate: str, type_name: str, field: str) -> bool:
    of_type, _, of_field = coordinate.partition(".")
    return of_field in ("*", field) and pattern(of_type).fullmatch(type_name) is not None


@cache
def pattern(of_type: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, of_type.split("*"))))


def about(lines: dict[str, Verdict], type_name: str) -> dict[str, Verdict]:
    """The lines that speak of some field of a type; a class may be that of any."""
    return {what: line for what, line in lines.items() if "." not in what or fit(what, type_name, what.split(".")[1])}


@cache
def level(coordinate: str) -> int:
    """How exact a line is: 0 a class, 4 a field of a type."""
    if "." not in coordinate:
        return 0
    of_type, _, of_field = coordinate.partition(".")
    return {(True, True): 1, (False, True): 2, (True, False): 3, (False, False): 4}["*" in of_type, of_field == "*"]


def strictness(verdict: Verdict) -> int:
    """The place in SHOWN of what a verdict lets be seen, or DENY."""
    if verdict.kind == "mask":
        return SHOWN.index(str(verdict.mask))
    return {"allow": 0, "deny": DENY}[verdict.kind]


# ---------------------------------------------------------------- policies of one type


def entity(kind: str, name: str) -> str:
    return f"{kind}::{json.dumps(name)}"


def one_of(places: Iterable[str]) -> str:
    listed = ", ".join(entity("Coordinate" if "." in each else "Class", each) for each in places)
    return f"resource in [{listed}]"


def forbids(rules: Rules) -> Iterator[str]:
    """What one role forbids is forbidden to whoever has that role, by whatever role a row is seen."""
    for role in rules.roles.values():
        if role.forbidden:
            yield f"forbid(principal in {entity('Role', role.name)}, action, resource) when {{ {one_of(role.forbidden)} }};"


def fields(rules: Rules, type_name: str, seen: Seen) -> Iterator[str]:
    """Policies for the actions of SHOWN on the fields of a type."""
    yield from forbids(rules)
    for each in (each for role in rules.roles.values() for each in acting(role, type_name)):
        for strict in sorted({strictness(verdict) for verdict in each.lines.values()} - {DENY}):
            actions = ", ".join(entity("Action", name) for name in SHOWN[strict:])
            for condition in seen(each.name):
                yield (
                    f"permit({each.who}, action in [{actions}], resource)"
                    f" when {{ {each.when} && {condition} && {shown(each.lines, strict)} }};"
                )


def links(rules: Rules, type_name: str, seen: Seen, led: Seen) -> Iterator[str]:
    """Policies for LINK: one role sees what has the field, grants the field, and sees the row that it leads to."""
    yield from forbids(rules)
    for each in (each for role in rules.roles.values() for each in acting(role, type_name)):
        granted = " || ".join(shown(each.lines, strict) for strict in range(DENY))
        for condition in (f"{one} && {other}" for one in seen(each.name) for other in led(each.name)):
            yield (
                f"permit({each.who}, action == {entity('Action', LINK)}, resource)"
                f" when {{ {each.when} && {condition} && ({granted}) }};"
            )


def lookups(rules: Rules, type_name: str) -> Iterator[str]:
    """Policies for LOOKUP: whoever has a role may, but no role lets it be that neither reads the field nor lists it."""
    yield from forbids(rules)
    every = ", ".join(entity("Role", name) for name in rules.roles)
    yield f"permit(principal, action == {entity('Action', LOOKUP)}, resource) when {{ principal in [{every}] }};"
    for role in rules.roles.values():
        reads = [f"({each.when} && {shown(each.lines, 0)})" for each in acting(role, type_name)]
        yield (
            f"forbid(principal in {entity('Role', role.name)}, action == {entity('Action', LOOKUP)}, resource)"
            f" unless {{ {' || '.join([*reads, one_of(role.lookup)])} }};"
        )


def shown(lines: dict[str, Verdict], strict: int) -> str:
    """That the line which counts for a field is as strict as this."""
    counting = []
    for exact in range(5):
        places = [what for what, line in lines.items() if level(what) == exact and strictness(line) == strict]
        outranking = [
            what
            for what, line in lines.items()
            if level(what) > exact or (level(what) == exact > 0 and strictness(line) > strict)
        ]
        if places:
            counting.append(f"({one_of(places)} && !({one_of(outranking)}))")
    return f"({' || '.join(counting) or 'false'})"


# ---------------------------------------------------------------- rows


def given(name: str) -> list[str]:
    """That a role sees it as is stated: what has no row of its own is seen by the roles that led to it."""
    return [f"context.by.contains({json.dumps(name)})"]


def rows(rules: Rules, type_name: str) -> Iterator[str]:
    """Policies for ROW."""
    for role in rules.roles.values():
        for condition in seen_rows(rules, type_name)(role.name):
            yield (
                f"permit(principal in {entity('Role', role.name)}, action == {entity('Action', ROW)}, resource)"
                f" when {{ {condition} }};"
            )


def seen_rows(rules: Rules, type_name: str, row: str = "row", account: str = "account") -> Seen:
    """Who sees rows of a type: a condition for each row rule of a role. A purpose opens none."""
    return partial(conditions, rules, type_name, row, account)


def conditions(rules: Rules, type_name: str, row: str, account: str, name: str) -> Iterator[str]:
    """`row`, `account`: where they stand in the context. A row without an account is not judged through one."""
    role = name.partition("+")[0]
    for rule in (each.value for each in rules.roles[role].rows):
        if rule == "all" or type_name in rules.shared:
            yield "true"
            continue
        own = rules.rows[rule]
        if type_name in own:
            yield met(own[type_name].tree, {"row": row, "account": account, "role": role})
        elif rule in rules.via and "Account" in own:
            through = met(own["Account"].tree, {"row": account, "account": account, "role": role})
            yield f"(context has {account} && {through})"


def met(tree: Tree, holders: dict[str, str], wanted: bool = True) -> str:
    """Cedar that is true where the tree is met (or unmet, if that is wanted); a missing value is neither."""
    if isinstance(tree, Not):
        return met(tree.inner, holders, not wanted)
    if isinstance(tree, Comparison):
        return compared(tree, holders, wanted)
    inner = {Every: lambda: tree.parts, Some: lambda: tree.options}[type(tree)]()  # type: ignore[union-attr]
    joint = " && " if isinstance(tree, Every) is wanted else " || "
    return f"({joint.join(met(each, holders, wanted) for each in inner)})"


def compared(tree: Comparison, holders: dict[str, str], wanted: bool) -> str:
    (left, there), (right, here) = value(tree.left, holders), value(tree.right, holders)
    if (tree.operator, tree.right.scope) == ("==", "none"):
        return f"(!({there}))" if wanted else f"({there})"
    said = {"==": f"{left} == {right}", "in": f"{right}.contains({left})", "overlaps": f"{left}.containsAny({right})"}
    return f"({there} && {here} && {'' if wanted else '!'}({said[tree.operator]}))"


def value(operand: Operand, holders: dict[str, str]) -> tuple[str, str]:
    """What an operand is in Cedar, and the test that it is there."""
    if operand.scope == "text":
        return json.dumps(operand.path[0]), "true"
    if operand == ("user", ("role",)):
        return json.dumps(holders["role"]), "true"
    at = f"context.{ {**holders, 'user': 'user', 'none': 'none'}[operand.scope] }"
    tests = []
    for name in operand.path:
        tests.append(f"{at} has {name}")
        at = f"{at}.{name}"
    return at, " && ".join(tests) or "true"
