"""An approval counts only from another person who held the authority when it was asked and holds it now."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.writes.approvals import Approving, Asked, Delegation, Holder, Verdict, approvable, chain
from policies.writes.ask import Deed, WriteDecision
from tests.policies.asks import DAY, NOON, RULES_OF_TODAY, asked, did

HOUR = timedelta(hours=1)
CREDIT = asked("issueCredit", "300.00", "support_agent")
LARGE = asked("issueCredit", "50000.01", "finance")
WAITING = Asked("ada", NOON, "digest", operations=frozenset({"op-1"}), documents=frozenset({"I-1"}))
ROLES = st.frozensets(st.sampled_from(sorted(RULES_OF_TODAY.terms)))


def holder(*roles: str) -> Holder:
    return Holder(frozenset(roles), frozenset(roles))


BEN = Approving("ben", holder("support_lead"), "digest", signed_in=True)


def judge(
    approving: Approving = BEN,
    decision: WriteDecision = CREDIT,
    again: WriteDecision | None = None,
    waiting: Asked = WAITING,
    history: tuple[Deed, ...] = (),
    now: datetime = NOON + HOUR,
) -> Verdict:
    return approvable(RULES_OF_TODAY, decision, again or decision, approving, waiting, history, now)


def test_another_person_with_the_role_approves() -> None:
    assert judge() == Verdict(True, (), 0)


@pytest.mark.parametrize("role", ["support_lead", "finance", "finance_controller"])
def test_the_roles_of_later_steps_approve_less_too(role: str) -> None:
    assert judge(replace(BEN, own=holder(role))).counts


@pytest.mark.parametrize("role", ["support_agent", "credit_manager", "revops", "portal_user", "auditor"])
def test_a_role_without_a_step_approves_nothing(role: str) -> None:
    assert judge(replace(BEN, own=holder(role))).reasons == ("NO_AUTHORITY_WHEN_ASKED", "NO_AUTHORITY_NOW")


def test_a_step_that_does_not_reach_does_not_approve() -> None:
    more = asked("issueCredit", "500.01", "support_agent")
    assert judge(decision=more).reasons == ("NO_AUTHORITY_WHEN_ASKED", "NO_AUTHORITY_NOW")
    assert judge(replace(BEN, own=holder("finance")), decision=more).counts


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ((), ("finance",), "NO_AUTHORITY_WHEN_ASKED"),
        (("finance",), (), "NO_AUTHORITY_NOW"),
        (("finance",), ("support_lead",), "ANOTHER_AUTHORITY_THEN"),
    ],
)
def test_the_role_is_held_both_when_asked_and_now(then: tuple[str, ...], now: tuple[str, ...], reason: str) -> None:
    assert judge(replace(BEN, own=Holder(frozenset(then), frozenset(now)))).reasons == (reason,)


def test_the_limit_reaches_both_when_asked_and_now() -> None:
    higher = asked("issueCredit", "600.00", "support_agent")
    assert judge(again=higher).reasons == ("NO_AUTHORITY_WHEN_ASKED", "NO_AUTHORITY_NOW")
    assert judge(replace(BEN, own=holder("finance")), again=higher).counts


def test_what_takes_two_persons_by_now_takes_two() -> None:
    cleo = replace(BEN, subject="cleo", own=holder("finance_controller"))
    assert judge(cleo, decision=asked("issueCredit", "9000.00", "finance"), again=LARGE) == Verdict(True, (), 1)
    assert judge(cleo, decision=LARGE, again=asked("issueCredit", "9000.00", "finance")) == Verdict(True, (), 1)


def test_what_became_forbidden_is_not_approved_any_more() -> None:
    forbidden = asked("issueCredit", "300.00", "portal_user")
    assert judge(again=forbidden).reasons == ("FORBIDDEN_NOW",)


def test_what_became_harmless_may_still_be_approved() -> None:
    assert judge(again=asked("issueCredit", "50.00", "support_agent")).counts


def test_what_is_allowed_or_forbidden_has_nothing_to_approve() -> None:
    for decision in (asked("issueCredit", "1.00", "support_agent"), asked("issueCredit", "1.00", "auditor")):
        assert "NOTHING_TO_APPROVE" in judge(decision=decision).reasons


def test_a_decision_about_something_else_proves_nothing() -> None:
    other = asked("refundPayment", "300.00", "finance", flags={"original_method": True})
    assert "ANOTHER_WRITE" in judge(replace(BEN, own=holder("finance")), again=other).reasons


@given(ROLES, ROLES, st.sampled_from(["ada", "ADA", " ada "]), st.booleans(), st.booleans())
def test_whoever_asked_never_approves_whatever_the_roles(
    then: frozenset[str], now: frozenset[str], name: str, asked_by_service: bool, approved_by_service: bool
) -> None:
    """Humans are compared: neither another spelling nor a service in between makes somebody else."""
    waiting = replace(WAITING, subject="cpq", human="ada") if asked_by_service else WAITING
    mine: dict[str, Any] = {"subject": "portal", "human": name} if approved_by_service else {"subject": name}
    verdict = judge(replace(BEN, own=Holder(then, now), **mine), waiting=waiting)
    assert not verdict.counts
    assert "REQUESTER" in verdict.reasons


def test_two_persons_behind_one_service_are_two_persons() -> None:
    waiting = replace(WAITING, subject="portal", human="ada")
    assert judge(replace(BEN, subject="portal", human="ben"), waiting=waiting).counts


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_approves_nothing(name: str) -> None:
    assert "PERSON_MISSING" in judge(replace(BEN, subject=name)).reasons
    assert "PERSON_MISSING" in judge(replace(BEN, human=name)).reasons
    assert "PERSON_MISSING" in judge(waiting=replace(WAITING, human=name)).reasons


def test_a_link_alone_is_no_approval() -> None:
    assert judge(replace(BEN, signed_in=False)).reasons == ("NOT_SIGNED_IN",)


@pytest.mark.parametrize(("seen", "frozen"), [("another", "digest"), ("", "digest"), ("", ""), ("digest", "")])
def test_other_evidence_than_what_was_frozen_is_no_approval(seen: str, frozen: str) -> None:
    assert judge(replace(BEN, digest=seen), waiting=replace(WAITING, digest=frozen)).reasons == ("EVIDENCE_CHANGED",)


def test_evidence_that_a_step_wants_is_attached() -> None:
    bank = asked("updateAccount", "0", "revops", flags={"bank_details": True})
    ben = replace(BEN, own=holder("finance"))
    assert judge(ben, decision=bank).reasons == ("EVIDENCE_MISSING",)
    assert judge(replace(ben, attached=frozenset({"call_back"})), decision=bank).counts
    address = asked("updateAccount", "0", "revops", flags={"bill_to": True})
    assert judge(ben, decision=address).counts
    assert judge(ben, decision=address, again=bank).reasons == ("EVIDENCE_MISSING",)


@pytest.mark.parametrize(
    ("after", "reasons"),
    [
        (timedelta(0), ()),
        (24 * HOUR - timedelta(microseconds=1), ()),
        (24 * HOUR, ("EXPIRED",)),
        (-timedelta(microseconds=1), ("BEFORE_ASKED",)),
    ],
)
def test_an_approval_counts_from_the_instant_it_is_asked_until_it_lapses(after: timedelta, reasons: tuple) -> None:
    assert judge(now=NOON + after).reasons == reasons


def test_two_persons_are_two_persons() -> None:
    first = replace(BEN, own=holder("finance_controller"))
    assert judge(first, decision=LARGE) == Verdict(True, (), 1)
    after = replace(WAITING, approved_by=frozenset({"Ben"}))
    assert judge(first, decision=LARGE, waiting=after) == Verdict(False, ("APPROVED_BEFORE",), 1)
    assert judge(replace(first, subject="cleo"), decision=LARGE, waiting=after) == Verdict(True, (), 0)


# ------------------------------------------------------------------------------------------------------------ delegation


def lent(giver: str, receiver: str, *roles: str, start: timedelta = -DAY, lasts: timedelta = 30 * DAY) -> Delegation:
    return Delegation(giver, receiver, frozenset(roles), NOON + start, NOON + start + lasts)


def with_loan(*delegations: Delegation, givers: dict[str, Holder] | None = None, **changed: Any) -> Verdict:
    held = givers or {"cleo": holder("support_lead")}
    approving = replace(BEN, own=holder(), givers=tuple(held.items()))
    return judge(approving, waiting=replace(WAITING, delegations=delegations), **changed)


def test_a_lent_role_approves() -> None:
    assert with_loan(lent("cleo", "ben", "support_lead")).counts


@pytest.mark.parametrize(
    "delegation",
    [
        lent("cleo", "ben", "support_lead", lasts=30 * DAY + timedelta(microseconds=1)),
        lent("cleo", "ben", "support_lead", start=timedelta(microseconds=1)),
        lent("cleo", "ben", "support_lead", lasts=DAY + HOUR),
        lent("cleo", "ben", "support_lead", lasts=-DAY),
        lent("cleo", "ben", "credit_manager"),
        lent("cleo", "dora", "support_lead"),
        lent("dora", "ben", "support_lead"),
    ],
    ids=["too long", "too late", "over", "backwards", "another role", "somebody else's", "from whom nothing is known"],
)
def test_a_role_that_is_not_duly_lent_does_not_approve(delegation: Delegation) -> None:
    assert not with_loan(delegation).counts


def test_nobody_lends_what_he_does_not_hold_himself() -> None:
    assert not with_loan(lent("cleo", "ben", "support_lead"), givers={"cleo": holder("support_agent")}).counts
    handed_on = (lent("dora", "cleo", "support_lead"), lent("cleo", "ben", "support_lead"))
    assert not with_loan(*handed_on, givers={"cleo": holder(), "dora": holder("support_lead")}).counts


@pytest.mark.parametrize(
    "delegations",
    [
        (lent("ada", "ben", "support_lead"),),
        (lent("ben", "ada", "case"),),
        (lent("ada", "cleo", "x"), lent("cleo", "Ben", "support_lead")),
        (lent("cleo", "ada", "x"), lent("cleo", "ben", "support_lead")),
        (lent("ada", "ben", "x", lasts=DAY + timedelta(microseconds=1)),),
    ],
    ids=["lent by the asker", "lent to the asker", "through another", "by the same giver", "over since"],
)
def test_nobody_in_the_delegation_chain_of_the_asker_approves(delegations: tuple[Delegation, ...]) -> None:
    verdict = judge(waiting=replace(WAITING, delegations=delegations))
    assert verdict.reasons == ("DELEGATION_CHAIN",)


@pytest.mark.parametrize("held", [Holder(frozenset({"support_lead"}), frozenset()), Holder(frozenset(), frozenset({"support_lead"}))])  # fmt: skip
def test_the_giver_holds_the_role_both_when_asked_and_now(held: Holder) -> None:
    assert not with_loan(lent("cleo", "ben", "support_lead"), givers={"cleo": held}).counts


def test_one_authority_does_not_approve_twice_by_being_lent() -> None:
    ben = replace(BEN, own=holder(), givers=(("cleo", holder("finance_controller")),))
    lending = replace(WAITING, delegations=(lent("cleo", "ben", "finance_controller"),))
    assert judge(ben, decision=LARGE, waiting=lending) == Verdict(True, (), 1)
    after = replace(lending, approved_by=frozenset({"cleo"}))
    assert judge(ben, decision=LARGE, waiting=after) == Verdict(False, ("DELEGATION_CHAIN",), 1)


def test_a_delegation_that_was_over_before_makes_no_chain() -> None:
    assert judge(waiting=replace(WAITING, delegations=(lent("ada", "ben", "x", lasts=DAY),))).counts


NAMES = st.sampled_from(["ada", "ben", "cleo", "dora", "eve"])


@given(st.lists(st.tuples(NAMES, NAMES)))
def test_a_chain_is_symmetric(pairs: list[tuple[str, str]]) -> None:
    delegations = [lent(giver, receiver, "x") for giver, receiver in pairs]
    chains = {name: chain(name, delegations, NOON, NOON) for name in ("ada", "ben", "cleo", "dora", "eve")}
    assert all((one in chains[other]) is (other in chains[one]) for one in chains for other in chains)


# ------------------------------------------------------------------------------------------------------------ separation


def test_whoever_asked_for_a_linked_operation_does_not_approve() -> None:
    history = (did("ben", "refund", operations=frozenset({"op-1"})),)
    assert judge(history=history).reasons == ("DUTIES_CONFLICT",)
    assert judge(history=(did("eve", "refund", operations=frozenset({"op-1"})),)).counts
    assert judge(history=(did("ben", "refund", days_ago=91, operations=frozenset({"op-1"})),)).counts


def test_whoever_assigned_the_exception_does_not_approve() -> None:
    assert judge(history=(did("ben", "assign", operations=frozenset({"op-1"})),)).reasons == ("DUTIES_CONFLICT",)


def test_whoever_changed_the_prices_does_not_approve_orders() -> None:
    order = asked("submitOrder", "60000.00", "cpq_service", human="ada")
    ben = replace(BEN, own=holder("revops"))
    assert judge(ben, decision=order).counts
    assert judge(ben, decision=order, history=(did("ben", "price_rule", "outside"),)).reasons == ("DUTIES_CONFLICT",)


@pytest.mark.parametrize("role", ["platform", "cpq_service", "auditor"])
def test_a_role_forbidden_to_approve_spoils_the_others(role: str) -> None:
    assert judge(replace(BEN, own=holder("support_lead", role))).reasons == ("ROLES_CONFLICT",)


def test_a_lent_role_conflicts_like_an_own_one() -> None:
    verdict = judge(
        replace(BEN, own=holder("platform"), givers=(("cleo", holder("support_lead")),)),
        waiting=replace(WAITING, delegations=(lent("cleo", "ben", "support_lead"),)),
    )
    assert verdict.reasons == ("ROLES_CONFLICT",)


def test_the_human_behind_the_service_does_not_approve_the_order() -> None:
    order = asked("submitOrder", "60000.00", "cpq_service", subject="cpq", human="ada")
    waiting = Asked("cpq", NOON, "digest", human="ada")
    ada = Approving("ada", holder("revops", "support_lead"), "digest", signed_in=True)
    assert judge(ada, decision=order, waiting=waiting).reasons == ("REQUESTER",)
