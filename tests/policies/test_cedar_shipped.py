"""The rules that come along, as Cedar policies: for random people and rows, Cedar decides as we do."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.grants import granting
from policies.principal import Principal
from policies.records import Role, Rules
from tests.policies.cedar import Asked, Row, around
from tests.policies.cedar_rules import LINK, LOOKUP
from tests.policies.shipped import (
    CEDAR,
    LINKS,
    OURS,
    PEOPLE,
    POLICIES,
    ROWS,
    ROWS_OF,
    SCHEMA,
    acting,
    judged,
    opened_by_each_role,
)

FITTING = [HealthCheck.too_slow, HealthCheck.data_too_large]
EXPORTED = {"name", "classes", "fields", "forbidden", "rows", "lookup", "with_purpose"}
LEFT_OUT = {
    "place": "where it is written",
    "audience": "decides what exists, which follows from the fields: tests/gateway/engine/test_audience.py",
    "introspects": "is about the schema, not about a row or a field of it",
    "recorded": "is about the audit, and opens or closes nothing",
}
EXPORTED_OF_ALL = {"coordinates", "roles", "rows", "via", "shared"}
LEFT_OUT_OF_ALL = {
    **dict.fromkeys(("classes", "purposes"), "names that the roles and coordinates use"),
    **dict.fromkeys(("row_places", "file", "digest"), "where it is written"),
    **dict.fromkeys(("examples", "write_examples"), "what is expected of the rules"),
    **dict.fromkeys(("entitlement", "decisions"), "figures of a decision that opens no row and no field"),
    "orders": "bounds of an order's figures, that open no row and no field",
    "writes": "take amounts, totals of the past and approvals, which are no policies: tests/policies/test_writes_decide.py",
    "declassified": "is asked once, when the rules are checked",
    "audited": "is about the audit, and opens or closes nothing",
}


def test_everything_that_rules_say_is_exported_or_left_out_by_name() -> None:
    assert {each.name for each in fields(Role)} == EXPORTED | LEFT_OUT.keys()
    assert {each.name for each in fields(Rules)} == EXPORTED_OF_ALL | LEFT_OUT_OF_ALL.keys()
    assert {one for rule in OURS.rows.values() for one in rule} | OURS.shared.keys() <= set(ROWS)


class Said:
    """What we say to one person, to be compared with what Cedar says."""

    def __init__(self, user: Principal) -> None:
        self._user, self._grants = user, POLICIES.granted(user)
        self._asked: list[Asked] = []
        self._ours: list[bool] = []

    def that(
        self, action: str, type_name: str, field: str, at: Row | frozenset[str], may: bool, to: Row | None = None
    ) -> None:
        self._asked.append(Asked(self._user, action, type_name, field, at, to))
        self._ours.append(may)

    def field(self, type_name: str, field: str, at: Row | frozenset[str], by: frozenset[str]) -> None:
        """How much of a field is shown of what is seen by some of the roles."""
        for action, may in around(self._grants.field(type_name, field, by)):
            self.that(action, type_name, field, at, may)

    def link(self, type_name: str, field: str, to: Row, at: Row | frozenset[str], by: frozenset[str]) -> None:
        """Whether a row is reached by a field: one and the same role grants the field and sees the row."""
        shown = self._grants.field(type_name, field, by).verdict != "deny"
        leading = granting(self._grants, type_name, field, by) if shown else frozenset()
        (seeing,) = judged(self._grants, [to], self._user)
        self.that(LINK, type_name, field, at, not leading.isdisjoint(seeing), to)

    def by_cedar_too(self) -> None:
        assert CEDAR.answers(self._asked) == self._ours


# ---------------------------------------------------------------- every field, for every role


def alone() -> Iterator[tuple[Principal, str]]:
    """Each role alone, and each role with a purpose, under the name that it acts by."""
    for name, role in OURS.roles.items():
        yield Principal("a", frozenset({name})), name
        for purpose in role.with_purpose:
            yield Principal("a", frozenset({name}), purposes=(purpose,)), f"{name}+{purpose}"


def test_cedar_decides_the_same_on_every_field_for_every_role() -> None:
    asked, ours, decided = [], [], Counter[str]()
    for user, name in alone():
        grants, by = POLICIES.granted(user), frozenset({name})
        for type_name, of_type in SCHEMA.items():
            for field in of_type:
                decision = grants.field(type_name, field, by)
                decided[decision.verdict] += 1
                for action, expected in around(decision):
                    asked.append(Asked(user, action, type_name, field, by))
                    ours.append(expected)
    theirs = CEDAR.answers(asked)
    assert [each for each, one, other in zip(asked, ours, theirs, strict=True) if one is not other] == []
    assert decided.total() == len(list(alone())) * sum(map(len, SCHEMA.values()))
    assert min(decided[each] for each in ("allow", "deny", "mask")) > 100


@settings(max_examples=200, suppress_health_check=FITTING)
@given(user=PEOPLE, type_name=st.sampled_from(sorted(SCHEMA)), data=st.data())
def test_cedar_decides_the_same_on_fields_and_links_for_several_roles(
    user: Principal, type_name: str, data: st.DataObject
) -> None:
    """Of somebody with several roles some see what has the fields: a part of a row those that led to it."""
    grants = POLICIES.granted(user)
    assert grants.roles == acting(user)
    by = grants.roles & data.draw(st.frozensets(st.sampled_from(sorted(grants.roles) or ["nobody"])))
    said = Said(user)
    for field in data.draw(st.sets(st.sampled_from(sorted(SCHEMA[type_name])), min_size=1, max_size=8)):
        said.field(type_name, field, by, by)
        said.that(LOOKUP, type_name, field, by, grants.lookup(type_name, field))
    for field, to in data.draw(LINKS[type_name]):
        said.link(type_name, field, to, by, by)
    said.by_cedar_too()


# ---------------------------------------------------------------- rows


def opening(role: Role, type_name: str) -> set[bool]:
    """What is to be seen of rows of a type: some, all or none of them."""
    own = [rule.value for rule in role.rows]
    if "all" in own or type_name in OURS.shared:
        return {True}
    spoken = any(type_name in OURS.rows[each] or (each in OURS.via and "Account" in OURS.rows[each]) for each in own)
    return {True, False} if spoken else {False}


@pytest.mark.parametrize("type_name", ROWS)
def test_cedar_decides_the_same_on_rows_of_every_type_for_every_role(type_name: str) -> None:
    seen: dict[str, set[bool]] = {name: set() for name in OURS.roles}

    @settings(max_examples=12, suppress_health_check=FITTING)
    @given(
        user=PEOPLE,
        rows=st.lists(ROWS_OF[type_name], min_size=5, max_size=7),
        names=st.sets(st.sampled_from(sorted(SCHEMA[type_name])), min_size=1, max_size=4),
        links=LINKS[type_name],
    )
    def decides(user: Principal, rows: list[Row], names: set[str], links: list[tuple[str, Row]]) -> None:
        opened = opened_by_each_role(user, rows)
        for name, one in ((name, name in roles) for roles in opened for name in OURS.roles):
            seen[name].add(one)
        everybody = replace(user, roles=frozenset(OURS.roles), purposes=())
        assert judged(POLICIES.granted(everybody), rows, everybody) == opened
        seeing = judged(POLICIES.granted(user), rows, user)
        assert [plain(each) for each in seeing] == [each & user.roles for each in opened]
        said = Said(user)
        for row, by in zip(rows, seeing, strict=True):
            for name in names:
                said.field(type_name, name, row, by)
            for field, to in links:
                said.link(type_name, field, to, row, by)
        said.by_cedar_too()

    decides()
    assert seen == {name: opening(role, type_name) for name, role in OURS.roles.items()}


def plain(roles: frozenset[str]) -> frozenset[str]:
    """The roles without their purposes, which open no row."""
    return frozenset(each.partition("+")[0] for each in roles)
