"""The rules that come along, and random people and rows for them: values that the conditions compare, often met."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from gateway.engine.shapes import shapes
from policies.analyse import has_rows
from policies.compile import compile_rules
from policies.decide import Grants
from policies.load import RULES, load_rules
from policies.principal import Principal
from policies.records import Rules
from policies.rows import FACTS, Comparison, Every, Not, Operand, Tree
from resolvers.registry import names
from resolvers.schema import build_schema
from tests.policies import small
from tests.policies.cedar import ACCOUNT, Asked, Cedar, Row
from tests.policies.cedar_rules import ROW

TEXTS = ("a", "b")  # few, so that they meet; of regions, companies, keys and persons alike, so that a mix-up shows
LISTS = st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a"), ()])
THERE = st.integers(0, 7).map(bool)


class Read(NamedTuple):
    """An attribute that conditions read: of the row or its account, whether it is a list, and values worth trying."""

    holder: str
    path: tuple[str, ...]
    many: bool
    values: frozenset[str]


def people(rules: Rules) -> st.SearchStrategy[Principal]:
    """With one role or several, some that nobody wrote rules for, and purposes that may or may not be for them."""
    roles = st.sampled_from([*sorted(rules.roles), "nobody", "auditor+reveal"])
    return st.builds(
        lambda subject, human, roles, regions, entities, accounts, purposes: Principal(
            subject, roles, regions, entities, accounts, human=human, purposes=purposes
        ),
        st.sampled_from(["a", " B"]),
        st.sampled_from([None, None, "b", "A "]),
        st.frozensets(roles, min_size=1, max_size=4),
        LISTS,
        LISTS,
        LISTS,
        st.lists(st.sampled_from([*sorted(rules.purposes), "curiosity"]), unique=True).map(tuple),
    )


def mostly(found: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """None one time in eight."""
    return THERE.flatmap(lambda there: found if there else st.none())


def rows(rules: Rules, type_name: str) -> st.SearchStrategy[Row]:
    """Rows with what the conditions read of them and of their accounts; any of it may be missing."""
    found = sorted(set(_merged(_reads(rules, type_name))))
    row = _records([each for each in found if each.holder == "row"])
    if type_name == ACCOUNT:
        return st.builds(lambda one, facts: Row(type_name, one, None, facts), row, _facts(found))
    account = mostly(_records([each for each in found if each.holder == "account"]))
    return st.builds(lambda *parts: Row(type_name, *parts), row, account, _facts(found))


def _records(reads: list[Read]) -> st.SearchStrategy[SimpleNamespace]:
    attributes: dict[str, st.SearchStrategy[Any]] = {}
    for name in sorted({each.path[0] for each in reads if each.path[0] not in FACTS}):
        own = [each for each in reads if each.path[0] == name]
        inner = [each._replace(path=each.path[1:]) for each in own if each.path[1:]]
        attributes[name] = mostly(_records(inner)) if inner else _values(own[0])
    return st.builds(SimpleNamespace, **attributes)


def _facts(reads: list[Read]) -> st.SearchStrategy[dict[str, Any]]:
    """What is loaded beside an account; it may not be known."""
    names = {each.path[0] for each in reads if each.path[0] in FACTS}
    return mostly(st.fixed_dictionaries(dict.fromkeys(names, LISTS))).map(lambda known: known or {})


def _values(read: Read) -> st.SearchStrategy[Any]:
    single = st.sampled_from(sorted({*TEXTS[: 1 if read.values else None], *read.values}))
    return st.lists(single, max_size=6).map(tuple) if read.many else mostly(single)


# ---------------------------------------------------------------- what conditions read


def _reads(rules: Rules, type_name: str) -> Iterator[Read]:
    for name, conditions in rules.rows.items():
        if type_name in conditions:
            holders = {"row": "row", "account": "row" if type_name == ACCOUNT else "account"}
            yield from _of_tree(conditions[type_name].tree, holders, rules)
        elif name in rules.via and ACCOUNT in conditions:
            yield from _of_tree(conditions[ACCOUNT].tree, {"row": "account", "account": "account"}, rules)


def _of_tree(tree: Tree, holders: dict[str, str], rules: Rules) -> Iterator[Read]:
    for each in comparisons(tree):
        for one, other, many in (
            (each.left, each.right, each.operator == "overlaps"),
            (each.right, each.left, each.operator != "=="),
        ):
            if one.scope in holders:
                yield Read(holders[one.scope], one.path, many, _said(other, rules))


def comparisons(tree: Tree) -> Iterator[Comparison]:
    """Those of a condition, from left to right."""
    if isinstance(tree, Comparison):
        yield tree
        return
    inner = (tree.inner,) if isinstance(tree, Not) else tree.parts if isinstance(tree, Every) else tree.options
    for each in inner:
        yield from comparisons(each)


def _said(operand: Operand, rules: Rules) -> frozenset[str]:
    if operand == ("user", ("role",)):
        return frozenset(rules.roles)
    return frozenset(operand.path) if operand.scope == "text" else frozenset()


def _merged(reads: Iterator[Read]) -> Iterator[Read]:
    """One for each attribute, with every value that any condition compares it with."""
    every = list(reads)
    for each in every:
        same = [other for other in every if (other.holder, other.path) == (each.holder, each.path)]
        assert len({other.many for other in same}) == 1, f"{each.path} is read as a list and as a single value"
        yield each._replace(values=frozenset().union(*(other.values for other in same)))


# ---------------------------------------------------------------- the rules that come along

SCHEMA = shapes(build_schema()._schema, names())
OURS = load_rules(RULES)
POLICIES = compile_rules(OURS, SCHEMA, small.KEY)
CEDAR = Cedar(OURS)
ROWS = sorted(name for name, of_type in SCHEMA.items() if has_rows(of_type))
PEOPLE = people(OURS)
ROWS_OF = {type_name: rows(OURS, type_name) for type_name in ROWS}
LED = {
    type_name: [
        st.tuples(st.just(field), ROWS_OF[target])
        for field, shape in of_type.items()
        for target in shape.possible or (shape.target,)
        if target in ROWS
    ]
    for type_name, of_type in SCHEMA.items()
}
"""Fields of each type that lead to rows, each with random rows."""
LINKS = {name: st.lists(st.one_of(led), max_size=2) if led else st.just([]) for name, led in LED.items()}


def acting(user: Principal) -> frozenset[str]:
    """The roles of somebody, each also with each purpose: as the engine names them."""
    every = {f"{role}+{purpose}" for role in user.roles for purpose in user.purposes if role in OURS.roles}
    return frozenset(user.roles & OURS.roles.keys()) | {
        each for each in every if each.split("+")[1] in OURS.roles[each.split("+")[0]].with_purpose
    }


def judged(grants: Grants, rows: list[Row], user: Principal) -> list[frozenset[str]]:
    """The roles by which rows of one type are seen."""
    accounts = [each.row if each.type_name == "Account" else each.account for each in rows]
    judge = grants.rows(rows[0].type_name).judge
    return judge([each.row for each in rows], accounts, [each.facts for each in rows], user)


def opened_by_each_role(user: Principal, rows: list[Row], cedar: Cedar = CEDAR) -> list[frozenset[str]]:
    """Which of all roles each row is opened to, by Cedar, for somebody with what this person has."""
    people = {role: replace(user, roles=frozenset({role}), purposes=()) for role in OURS.roles}
    asked = [Asked(one, ROW, row.type_name, "", row) for row in rows for one in people.values()]
    answers = iter(cedar.answers(asked))
    return [frozenset(role for role in people if next(answers)) for _ in rows]
