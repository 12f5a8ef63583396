"""Duties forbidden together are found by roles, by document, by operation and by person, within 90 days."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.writes.ask import FORBIDDEN, Deed
from policies.writes.separation import conflicts, conflicts_in, conflicts_with, harmless
from tests.policies.asks import DAY, NOON, RULES_OF_TODAY, asked, did

ROLES = sorted(RULES_OF_TODAY.terms)
INVOICE, OPERATION = frozenset({"I-1"}), frozenset({"op-1"})

# The table of the design, written down a second time: what one does, then the other, and where they must not meet.
TABLE = [
    (("credit", "ask"), ("credit", "approve"), "operation"),
    (("assign", "ask"), ("credit", "approve"), "operation"),
    (("account", "ask"), ("credit_limit", "ask"), "document"),
    (("onboarding", "ask"), ("credit_limit", "ask"), "document"),
    (("credit_limit", "ask"), ("order", "ask"), "document"),
    (("credit_limit", "ask"), ("amendment", "ask"), "document"),
    (("credit_limit", "approve"), ("order", "ask"), "document"),
    (("credit_limit", "approve"), ("renewal", "ask"), "document"),
    (("link", "ask"), ("payment", "ask"), "document"),
    (("unlink", "ask"), ("payment", "ask"), "document"),
    (("order", "ask"), ("credit", "ask"), "document"),
    (("order", "ask"), ("refund", "ask"), "document"),
    (("invoice", "outside"), ("payment", "ask"), "document"),
    (("credit", "ask"), ("payment", "ask"), "document"),
    (("refund", "ask"), ("payment", "ask"), "document"),
    (("payment", "ask"), ("write_off", "ask"), "document"),
    (("price_rule", "outside"), ("order", "approve"), "person"),
    (("period_change", "outside"), ("posting", "outside"), "person"),
    (("policy_change", "outside"), ("case", "ask"), "person"),
    (("policy_change", "outside"), ("credit", "ask"), "person"),
    (("mapping_change", "outside"), ("order", "ask"), "person"),
]
PLACES: dict[str, dict[str, Any]] = {
    "document": {"documents": INVOICE},
    "operation": {"operations": OPERATION},
    "person": {},
}


@pytest.mark.parametrize(("one", "other", "where"), TABLE)
def test_what_the_table_forbids_is_forbidden_in_either_order_and_only_where_they_meet(one, other, where) -> None:
    for first, second in ((one, other), (other, one)):
        past = did("ada", *first, **PLACES[where])
        new = did("Ada ", *second, days_ago=0, **PLACES[where])
        assert conflicts_with(RULES_OF_TODAY, new, [past]) != ()
        elsewhere = Deed(new.person, new.write, new.act, new.at, documents=frozenset({"I-2"}))
        assert bool(conflicts_with(RULES_OF_TODAY, elsewhere, [past])) is (where == "person")
        assert conflicts_with(RULES_OF_TODAY, did("eve", *second, days_ago=0, **PLACES[where]), [past]) == ()


@pytest.mark.parametrize("role", [None, *ROLES])
@pytest.mark.parametrize("mutation", sorted(RULES_OF_TODAY.mutations))
def test_what_is_left_out_is_what_makes_no_pair_whatever_it_was_about(mutation, role) -> None:
    """Everything that could be shared is: what makes a pair then, and only that, has to be looked at."""
    rules, roles = RULES_OF_TODAY, frozenset(filter(None, [role]))
    shared: dict[str, Any] = {"documents": INVOICE, "operations": OPERATION}
    new = did("ada", rules.mutations[mutation].id, days_ago=0, roles=roles, **shared)
    left_out = dict(zip(("ask", "approve"), harmless(rules, rules.mutations[mutation], roles), strict=True))
    for act, found in left_out.items():
        for name, rule in rules.mutations.items():
            past = did("ada", rule.id, act, **shared)
            assert (name in found) == (conflicts_with(rules, new, [past]) == ()), (act, name)
    assert not {"price_rule", "nobody knows it"} & (left_out["ask"] | left_out["approve"])


def test_who_orders_all_day_is_not_judged_by_each_of_his_orders() -> None:
    rule = RULES_OF_TODAY.mutations["submitOrder"]
    asked_for, approved = harmless(RULES_OF_TODAY, rule, {"cpq_service"})
    assert {"submitOrder", "amendSubscription", "openCase", "assignException"} <= asked_for
    assert not {"issueCredit", "refundPayment", "setCredit"} & asked_for
    assert not approved, "who asks approves nothing of it"


def test_every_pair_is_in_the_table_or_names_a_role() -> None:
    held = {str(pair) for pair in RULES_OF_TODAY.pairs}
    found = {
        str(pair)
        for one, other, where in TABLE
        for pair in conflicts_with(
            RULES_OF_TODAY, did("ada", *other, days_ago=0, **PLACES[where]), [did("ada", *one, **PLACES[where])]
        )
    }
    assert held - found == {"platform + approve", "cpq_service + approve", "auditor + any_write"}


@pytest.mark.parametrize(
    ("roles", "pair"),
    [
        ({"platform", "revops"}, "platform + approve"),
        ({"platform", "finance_controller"}, "platform + approve"),
        ({"cpq_service", "support_lead"}, "cpq_service + approve"),
        ({"auditor", "support_agent"}, "auditor + any_write"),
        ({"auditor", "platform"}, "auditor + any_write"),
        ({"auditor", "finance_controller"}, "auditor + any_write"),
        ({"revops", "credit_manager"}, "customer_master + credit_limit"),
        ({"cpq_service", "credit_manager"}, "credit_limit + order"),
        ({"revops", "finance"}, "account_link + cash_application"),
    ],
)
def test_roles_that_bring_a_pair_into_one_hand_conflict(roles: set[str], pair: str) -> None:
    assert pair in [str(each) for each in conflicts(RULES_OF_TODAY, roles)]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_conflicts_with_itself(role: str) -> None:
    assert conflicts(RULES_OF_TODAY, [role]) == ()


@pytest.mark.parametrize("roles", [{"support_agent", "support_lead"}, {"finance", "finance_controller"}, {"portal_user", "revops"}])  # fmt: skip
def test_roles_that_go_together_do_not_conflict(roles: set[str]) -> None:
    assert conflicts(RULES_OF_TODAY, roles) == ()


@given(st.frozensets(st.sampled_from(ROLES)), st.frozensets(st.sampled_from(ROLES)))
def test_more_roles_never_conflict_less(roles: frozenset[str], more: frozenset[str]) -> None:
    assert set(conflicts(RULES_OF_TODAY, roles)) <= set(conflicts(RULES_OF_TODAY, roles | more))


@pytest.mark.parametrize(("beyond", "found"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
def test_the_window_is_ninety_days_to_the_instant(beyond: timedelta, found: bool) -> None:
    past = Deed("ada", "order", "ask", NOON - 90 * DAY - beyond, documents=INVOICE)
    new = Deed("ada", "credit", "ask", NOON, documents=INVOICE)
    assert bool(conflicts_with(RULES_OF_TODAY, new, [past])) is found


def test_a_deed_whose_clock_is_ahead_still_counts() -> None:
    past = did("ada", "order", days_ago=-0.01, documents=INVOICE)
    assert conflicts_with(RULES_OF_TODAY, did("ada", "credit", days_ago=0, documents=INVOICE), [past])


def test_approving_the_same_operation_again_is_not_asking_for_it() -> None:
    history = (did("ada", "credit", "approve", operations=OPERATION), did("ada", "approve", operations=OPERATION))
    assert asked("approve", "0", "finance", operations=OPERATION, history=history).outcome == "ALLOWED"
    asking = (did("ada", "credit", operations=OPERATION),)
    assert asked("approve", "0", "finance", operations=OPERATION, history=asking).outcome == FORBIDDEN


def test_who_changed_the_rules_still_works_at_the_desk_but_does_no_business() -> None:
    history = (did("ada", "policy_change", "outside"),)
    assert asked("replayEvent", "0", "platform", history=history).outcome == "ALLOWED"
    assert asked("openCase", "0", "support_agent", history=history).outcome == FORBIDDEN


def test_a_rule_that_is_gone_still_counts_as_what_it_was() -> None:
    past = did("ada", "a rule of last month", "approve", operations=OPERATION)
    assert conflicts_with(RULES_OF_TODAY, did("ada", "credit", days_ago=0, operations=OPERATION), [past])


def test_who_ordered_credits_nothing_on_the_order_whatever_service_it_came_through() -> None:
    """The order was asked for by a service; the history names the human behind it."""
    history = (did("ada", "order", roles=frozenset({"cpq_service"}), documents=INVOICE),)
    decision = asked("issueCredit", "1.00", "support_lead", documents=INVOICE, history=history)
    assert (decision.outcome, [(each.code, each.about) for each in decision.reasons]) == (
        FORBIDDEN,
        [("DUTIES_CONFLICT", "order + credit")],
    )
    others = asked("issueCredit", "1.00", "support_lead", subject="eve", documents=INVOICE, history=history)
    assert others.outcome == "ALLOWED"


def test_a_review_finds_every_two_deeds_that_should_not_have_met() -> None:
    ordered = did("ada", "order", days_ago=20, documents=INVOICE)
    credited = did("Ada", "credit", days_ago=10, documents=INVOICE | {"C-1"})
    paid = did("ada", "payment", days_ago=5, documents=frozenset({"C-1"}))
    deeds = [paid, did("eve", "write_off", days_ago=3, documents=frozenset({"C-1"})), credited, ordered]
    assert [(str(pair), one, other) for pair, one, other in conflicts_in(RULES_OF_TODAY, deeds)] == [
        ("order + credit", ordered, credited),
        ("credit + cash_application", credited, paid),
    ]
