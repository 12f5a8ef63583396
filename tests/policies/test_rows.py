"""Row conditions: what they say, what they refuse, and that a doubt never opens a row."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.judging import NOBODY, Opening, judging
from policies.principal import Principal
from policies.pushing import filters
from policies.rows import Condition, as_role, compile_condition
from policies.yaml import Place, RuleError
from tests.policies.small import row

PLACE = Place("rules/rows.yaml", 7)
ROLES = frozenset({"agent"})
USER = Principal("u", regions=("DE", "NO"), entities=("E1",), accounts=("A1",))


def condition(text: str) -> Condition:
    return compile_condition(text, PLACE)


def met(text: str, account: Any = None, user: Principal = USER, facts: Any = None, **attributes: Any) -> bool:
    judge = judging("Invoice", NOBODY, [Opening(condition(text).tree, "row", ROLES)])
    return judge([row(**attributes)], [account], [facts or {}], user) == [ROLES]


def pushed(text: str, user: Principal = USER) -> Any:
    return filters([condition(text).tree], user)


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("row.region in user.regions", {"region": "NO"}, True),
        ("row.region in user.regions", {"region": "FR"}, False),
        ("row.legalEntities overlaps user.entities", {"legal_entities": ("E2", "E1")}, True),
        ("row.legalEntities overlaps user.entities", {"legal_entities": ()}, False),
        ("row.kind == 'A'", {"kind": "A"}, True),
        ("row.kind != 'A'", {"kind": "B"}, True),
        ("row.parties.resellerKey in user.accounts", {"parties": row(reseller_key="A1")}, True),
        ("row.a == 'x' or row.a == 'y' and row.b == 'z'", {"a": "x", "b": ""}, True),
        ("(row.a == 'x' or row.a == 'y') and row.b == 'z'", {"a": "x", "b": ""}, False),
        ("not row.a == 'x'", {"a": "y"}, True),
        ("row.a == none", {"a": None}, True),
        ("row.a != none", {"a": None}, False),
    ],
)
def test_a_condition_says_what_it_says(text: str, attributes: dict[str, Any], expected: bool) -> None:
    assert met(text, **attributes) is expected


@pytest.mark.parametrize(
    "text",
    [
        "row.a in user.regions",
        "not row.a in user.regions",
        "row.a == 'x'",
        "row.a != 'x'",
        "not (row.a == 'x' or row.a != 'x')",
        "row.a overlaps user.regions",
        "row.a.b == 'x'",
    ],
)
def test_a_missing_value_opens_nothing(text: str) -> None:
    assert met(text, a=None) is False


def test_a_missing_value_does_not_hide_what_another_condition_opens() -> None:
    text = "row.billToKey in user.accounts or row.accountKey in user.accounts"
    assert met(text, bill_to_key=None, account_key="A1")


@pytest.mark.parametrize(
    "text", ["row.nothing == none", "row.nothing == 'x' or row.a == 'x'", "account.region == none"]
)
def test_a_condition_that_cannot_be_evaluated_denies(text: str) -> None:
    assert met(text, a="x") is False


def test_nobody_stands_for_a_missing_human() -> None:
    assert met("row.owner != user.human", owner="ada") is False


def test_a_text_is_no_list() -> None:
    assert met("row.a in row.b", a="E", b="DE") is False
    assert met("row.a overlaps user.regions", a="DE") is False


def test_the_account_is_asked_beside_the_row() -> None:
    text = "row.role == 'BILLING' and account.legalEntities overlaps user.entities"
    assert met(text, row(), facts={"legal_entities": ("E1",)}, role="BILLING")
    assert not met(text, row(), facts={"legal_entities": ("E2",)}, role="BILLING")
    assert condition(text).paths == {("row", "role"), ("account", "legal_entities")}
    assert condition(text).reads == {"role", "legal_entities"}


def test_facts_about_an_account_that_is_not_there_open_nothing() -> None:
    text = "account.legalEntities overlaps user.entities"
    assert met(text, row(), facts={"legal_entities": ("E1",)})
    assert not met(text, None, facts={"legal_entities": ("E1",)})


def test_facts_of_the_account_never_stand_for_those_of_another_row() -> None:
    text = "row.legalEntities overlaps user.entities"
    assert not met(text, row(), facts={"legal_entities": ("E1",)}, legal_entities=("E2",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("row.a user.b", "lacks `==`, `!=`, `in` or `overlaps` before `user.b`"),
        ("row.a == 'x' row.b == 'y'", "lacks `and` or `or` before `row.b`"),
        ("(row.a == 'x'", "lacks `)` at the end"),
        ("row.a == 5", "has something unknown at `5`"),
        ("row.a == user.salary", "`user.salary` in the condition"),
        ("row. == 'x'", "`row.` in the condition"),
        ("row.a in 'DE'", "has no list to the right of `in`"),
        ("row.a in user.subject", "has no list to the right of `in`"),
        ("row.a overlaps none", "has no list to the right of `overlaps`"),
        ("import os", "`import` in the condition"),
        ("not " * 30 + "row.a == 'x'", "more than 20 brackets"),
        ("", "lacks `row.…`"),
    ],
)
def test_a_bad_condition_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        condition(text)
    assert str(caught.value).startswith("rules/rows.yaml:7: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["row.__class__ == none", "row.a_b == 'x'", "row.class == 'x'", "row.a.b.c.d.e.f == 'x'"]
)
def test_a_name_that_no_record_has_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match=r"is unknown: use row\.ATTRIBUTE"):
        condition(text)


@given(st.text(alphabet="rowuse.ain()='!= notd", max_size=40))
def test_any_text_is_a_condition_or_a_rule_error(text: str) -> None:
    try:
        condition(text)
    except RuleError:
        return
    assert met(text) in (True, False)


def test_a_condition_about_the_role_is_asked_as_the_role_whose_rule_it_is() -> None:
    asked = condition("user.role in row.liesWith and not row.owner == user.role").tree
    judge = judging("Operation", NOBODY, [Opening(as_role(asked, "agent"), "row", ROLES)])
    rows = [row(lies_with=("agent", "lead"), owner="lead"), row(lies_with=("lead",), owner="lead")]
    assert judge(rows, [None, None], [{}, {}], USER) == [ROLES, NOBODY]
    assert judge([row(lies_with=("agent",), owner="agent")], [None], [{}], USER) == [NOBODY]


def test_a_person_is_compared_in_one_spelling_behind_whatever_service() -> None:
    agent, service = Principal(" Ada@X.example"), Principal("cpq", human="ADA@x.example ")
    for asker in (agent, service):
        assert met("row.person == user.person", user=asker, person="ada@x.example")
        assert pushed("row.person == user.person", asker) == (("in", "person", ("ada@x.example",)),)
    assert not met("row.person == user.person", user=service, person="cpq")
