"""Cedar would notice: whichever line of the rules that come along is changed on one side, the two disagree.

Where nobody notices, the line says nothing that the others do not say: a look at it is due, or a more exact question here.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from policies.principal import Principal
from policies.records import Classified, Role, Rules, Verdict
from policies.rows import Comparison, Condition, Every, Not, Operand, Some, Tree
from tests.policies.cedar import Asked, Cedar, Row, around
from tests.policies.cedar_rules import LOOKUP, MASKS, fit
from tests.policies.shipped import (
    CEDAR,
    OURS,
    PEOPLE,
    POLICIES,
    ROWS_OF,
    SCHEMA,
    comparisons,
    judged,
    opened_by_each_role,
)

NEVER = Comparison("==", Operand("text", ("a",)), Operand("text", ("b",)))
ALWAYS = Comparison("==", Operand("text", ("a",)), Operand("text", ("a",)))
FINDING = settings(
    max_examples=400,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KEYS = [(type_name, field) for type_name, of_type in SCHEMA.items() for field in of_type]


class Changed(NamedTuple):
    """Rules of which one line is changed, and the line as the decisions name it."""

    rules: Rules
    user: Principal
    by: str
    line: str


def other(verdict: Verdict) -> Verdict:
    if verdict.kind == "mask":
        return replace(verdict, mask=MASKS[-1 if verdict.mask != MASKS[-1] else 0])
    return replace(verdict, kind="deny" if verdict.kind == "allow" else "allow")


def with_role(role: Role) -> Rules:
    return replace(OURS, roles={**OURS.roles, role.name: role})


def changed(role: Role) -> Iterator[Changed]:
    """Each line of a role about a class or a field, and each of its purposes, says something else."""
    user = Principal("a", frozenset({role.name}))
    for of in ("classes", "fields"):
        lines = getattr(role, of)
        for what, verdict in lines.items():
            one: dict[str, Any] = {of: {**lines, what: other(verdict)}}
            yield Changed(with_role(replace(role, **one)), user, role.name, what)
        for purpose, opened in role.with_purpose.items():
            lines = getattr(opened, of)
            for what, verdict in lines.items():
                one = {of: {**lines, what: other(verdict)}}
                rules = with_role(replace(role, with_purpose={**role.with_purpose, purpose: replace(opened, **one)}))
                yield Changed(rules, replace(user, purposes=(purpose,)), f"{role.name}+{purpose}", what)


def agree(cedar: Cedar, user: Principal, by: str, type_name: str, field: str) -> bool:
    questions = around(POLICIES.granted(user).field(type_name, field, frozenset({by})))
    asked = [Asked(user, action, type_name, field, frozenset({by})) for action, _ in questions]
    return cedar.answers(asked) == [may for _, may in questions]


@pytest.mark.parametrize("name", sorted(OURS.roles))
def test_a_line_of_a_role_that_says_something_else_is_noticed(name: str) -> None:
    number = 0
    for rules, user, by, line in changed(OURS.roles[name]):
        fields = POLICIES.tables[by].fields
        key = next(key for key in KEYS if fields[key].rule == f"{by}/{line}")
        assert agree(CEDAR, user, by, *key)
        assert not agree(Cedar(rules), user, by, *key), f"{by}: {line}"
        number += 1
    assert number >= len(OURS.classes)


@pytest.mark.parametrize("name", [name for name, role in OURS.roles.items() if role.forbidden])
def test_a_forbid_that_is_missing_is_noticed_by_whoever_has_another_role_besides(name: str) -> None:
    role = OURS.roles[name]
    for coordinate in role.forbidden:
        cedar = Cedar(with_role(replace(role, forbidden={})))
        (key,) = [key for key in KEYS if fit(coordinate, *key)]
        user = Principal("a", frozenset({name, "support_lead"}))
        assert not agree(cedar, user, "support_lead", *key), coordinate


@pytest.mark.parametrize("name", [name for name, role in OURS.roles.items() if role.lookup])
def test_a_missing_look_up_is_noticed(name: str) -> None:
    role, user = OURS.roles[name], Principal("a", frozenset({name}))
    for coordinate in role.lookup:
        cedar = Cedar(
            with_role(replace(role, lookup={each: at for each, at in role.lookup.items() if each != coordinate}))
        )
        asked = [Asked(user, LOOKUP, *key, frozenset({name})) for key in KEYS if fit(coordinate, *key)]
        assert cedar.answers(asked) != [POLICIES.granted(user).lookup(each.type_name, each.field) for each in asked]


def test_a_field_of_another_class_is_noticed() -> None:
    """By somebody on the first field that has the class by this line, or on one of the next."""
    everybody = [Principal("a", frozenset({name})) for name in OURS.roles]
    decided: dict[int, list[tuple[str, str]]] = {}
    for key in KEYS:
        decided.setdefault(POLICIES.tables["auditor"].fields[key].class_line, []).append(key)
    assert {each.place.line for each in OURS.coordinates.values()} == decided.keys()
    for coordinate, said in OURS.coordinates.items():
        name = "restricted" if said.name != "restricted" else "public"
        cedar = Cedar(replace(OURS, coordinates={**OURS.coordinates, coordinate: Classified(name, said.place)}))
        assert not all(
            agree(cedar, user, next(iter(user.roles)), *key) for key in decided[said.place.line] for user in everybody
        ), coordinate


# ---------------------------------------------------------------- rows


def exchanged(tree: Tree, at: int, by: Tree) -> Tree:
    """A condition with another in the place of one of its comparisons, counted from the left."""
    if isinstance(tree, Comparison):
        return by if at == 0 else tree
    if isinstance(tree, Not):
        return Not(exchanged(tree.inner, at, by))
    inner = []
    for each in tree.parts if isinstance(tree, Every) else tree.options:
        many = len(list(comparisons(each)))
        inner.append(exchanged(each, at, by) if 0 <= at < many else each)
        at -= many
    return Every(tuple(inner)) if isinstance(tree, Every) else Some(tuple(inner))


def noticed(rules: Rules, type_name: str) -> bool:
    """Whether some rows of a type are seen by others than by our rules, for somebody."""
    cedar = Cedar(rules)

    def disagree(found: tuple[Principal, list[Row]]) -> bool:
        user, rows = found
        everybody = replace(user, roles=frozenset(OURS.roles), purposes=())
        ours = judged(POLICIES.granted(everybody), rows, everybody)
        return ours != opened_by_each_role(user, rows, cedar)

    try:
        find(st.tuples(PEOPLE, st.lists(ROWS_OF[type_name], min_size=4, max_size=6)), disagree, settings=FINDING)
    except NoSuchExample:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "type_name"), [(rule, type_name) for rule, own in OURS.rows.items() for type_name in own]
)
def test_a_row_condition_that_says_something_else_is_noticed(rule: str, type_name: str) -> None:
    own = OURS.rows[rule]
    tree = own[type_name].tree
    for at in range(len(list(comparisons(tree)))):
        for instead in (NEVER, ALWAYS):
            condition = Condition.of("", own[type_name].place, exchanged(tree, at, instead))
            rules = replace(OURS, rows={**OURS.rows, rule: {**own, type_name: condition}})
            assert noticed(rules, type_name), (at, instead)


@pytest.mark.parametrize("name", sorted(OURS.roles))
def test_a_missing_row_rule_of_a_role_is_noticed(name: str) -> None:
    role = OURS.roles[name]
    for rule in (each.value for each in role.rows):
        fewer = tuple(each for each in role.rows if each.value != rule)
        speaks_of = "Invoice" if rule == "all" or rule in OURS.via else next(iter(OURS.rows[rule]))
        assert noticed(with_role(replace(role, rows=fewer)), speaks_of), rule


def test_a_type_that_is_no_longer_shared_or_judged_by_its_account_is_noticed() -> None:
    for name in OURS.shared:
        shared = {each: at for each, at in OURS.shared.items() if each != name}
        assert noticed(replace(OURS, shared=shared), name), name
    for rule in OURS.via:
        assert noticed(replace(OURS, via=OURS.via - {rule}), "Case"), rule
