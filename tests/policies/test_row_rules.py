"""What a row rule says of itself is true: open, by account, needs the account, reads, filters."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decide import RowTest, row_rule
from policies.principal import Principal
from policies.rows import Condition
from policies.yaml import Place
from tests.policies.conditions import FACTS, ROWS, TREES, USERS

PLACE = Place("rules/rows.yaml", 1)
CONDITIONS = TREES.map(lambda tree: Condition.of("", PLACE, tree))
RULES = st.tuples(st.dictionaries(st.sampled_from(["Account", "Invoice", "Case"]), CONDITIONS), st.booleans())
TESTS = st.builds(
    lambda everything, rules, shared: RowTest(everything, tuple(rules), frozenset(shared)),
    st.sampled_from([False, False, False, True]),
    st.lists(RULES, max_size=2),
    st.sampled_from([(), (), ("Invoice",)]),
)
ROLES = st.dictionaries(st.sampled_from("abc"), TESTS, max_size=3)
ACCOUNTS = st.none() | ROWS
SETTINGS = settings(max_examples=200, deadline=None)


def judged(tests: dict[str, RowTest], type_name: str, row: Any, account: Any, facts: dict, user: Principal) -> Any:
    (roles,) = row_rule(type_name, tests).judge([row], [account], [facts], user)
    return roles


@SETTINGS
@given(tests=ROLES, row=ROWS, account=ACCOUNTS, facts=FACTS, user=USERS)
def test_an_open_rule_shows_every_row_to_every_role(
    tests: dict[str, RowTest], row: Any, account: Any, facts: dict, user: Principal
) -> None:
    if row_rule("Invoice", tests).open:
        assert tests
        assert judged(tests, "Invoice", row, account, facts, user) == frozenset(tests)


@SETTINGS
@given(tests=ROLES, row=ROWS, account=ROWS, facts=FACTS, user=USERS)
def test_by_account_means_by_exactly_the_roles_that_see_the_account(
    tests: dict[str, RowTest], row: Any, account: Any, facts: dict, user: Principal
) -> None:
    if row_rule("Invoice", tests).by_account:
        of_account = judged(tests, "Account", account, account, facts, user)
        assert judged(tests, "Invoice", row, account, facts, user) == of_account
        everything = frozenset(role for role, test in tests.items() if test.everything)
        assert judged(tests, "Invoice", row, None, {}, user) == everything


@SETTINGS
@given(
    test=st.builds(lambda rule: RowTest(False, (rule,)), RULES),
    row=ROWS,
    accounts=st.lists(st.tuples(ACCOUNTS, FACTS), min_size=4, max_size=8),
    user=USERS,
)
def test_a_rule_that_needs_no_account_judges_the_same_by_any(
    test: RowTest, row: Any, accounts: list[tuple[Any, dict]], user: Principal
) -> None:
    if not row_rule("Invoice", {"a": test}).needs_account:
        assert len({judged({"a": test}, "Invoice", row, account, facts, user) for account, facts in accounts}) == 1


@SETTINGS
@given(tests=ROLES, pairs=st.tuples(ROWS, ROWS, ROWS, ROWS), facts=st.tuples(FACTS, FACTS), user=USERS)
def test_what_a_rule_does_not_read_does_not_matter(
    tests: dict[str, RowTest], pairs: tuple[Any, Any, Any, Any], facts: tuple[dict, dict], user: Principal
) -> None:
    for type_name in ("Invoice", "Account"):
        reads = row_rule(type_name, tests).reads
        row, account = (SimpleNamespace(**{**vars(other), **only(one, reads)}) for one, other in (pairs[:2], pairs[2:]))
        known = {name: value for name, value in facts[0].items() if name in reads}
        unread = {name: value for name, value in facts[1].items() if name not in reads}
        before = judged(tests, type_name, pairs[0], pairs[2], known, user)
        assert judged(tests, type_name, row, account, {**unread, **known}, user) == before


def only(record: Any, names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name in names}


@SETTINGS
@given(tests=ROLES, rows=st.lists(ROWS, min_size=1, max_size=4), account=ACCOUNTS, facts=FACTS, user=USERS)
def test_filters_hold_exactly_for_the_rows_that_some_role_sees(
    tests: dict[str, RowTest], rows: list[Any], account: Any, facts: dict, user: Principal
) -> None:
    filters = row_rule("Invoice", tests).filters(user)
    if filters is not None:
        for row in rows:
            passes = all(getattr(row, attribute) in values for _, attribute, values in filters)
            assert passes is bool(judged(tests, "Invoice", row, account, facts, user))
