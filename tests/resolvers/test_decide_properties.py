"""What holds for every set of facts."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.entitlement.decide import decide
from resolvers.entitlement.model import Facts, Figures, Intent, Request, Right, Severity, Verdict
from resolvers.entitlement.rows import judge_right
from sources import canonical as c
from sources.errors import Unavailable
from tests.resolvers.world import ACCOUNT, NOW, account, ago, day, entitlement, organization, subscription

FIGURES = Figures()
RANK = list(Verdict)
DOWN = Unavailable("away", source="billing")

days = st.none() | st.integers(-60, 60).map(day)
instants = st.none() | st.integers(-60, 60).map(ago)
suspensions = st.builds(
    c.Suspension,
    st.sampled_from(c.SuspensionReason),
    since=instants,
    notice_sent_at=instants,
    operation=st.sampled_from([None, "op_1"]),
)
subscriptions = st.builds(
    subscription,
    st.sampled_from([each.value for each in c.SubscriptionStatus]),
    status_since=instants,
    ended_at=instants,
    cancel_at=instants,
    suspension=st.none() | suspensions,
    renewal_mode=st.sampled_from(c.RenewalMode),
)
packs = st.builds(
    lambda remaining, reserved: c.Pack(total=5, remaining=remaining, reserved=reserved),
    st.integers(0, 5),
    st.integers(0, 2),
)
rights = st.builds(
    Right,
    st.builds(
        entitlement,
        support_tier=st.sampled_from(FIGURES.tiers),
        status=st.sampled_from(c.EntitlementStatus),
        starts_on=days,
        ends_on=days,
        grace_until=instants,
        time_zone=st.sampled_from([None, "Asia/Tokyo", "America/Los_Angeles", "Not/AZone"]),
        pack=st.none() | packs,
    ),
    holder=st.sampled_from([ACCOUNT, "001PARENT"]),
    inherited=st.booleans(),
    subscription=st.none() | subscriptions,
    subscription_missing=st.booleans(),
    subscription_absent=st.booleans(),
    renewing=st.sampled_from([True, False, None]),
)
requests = st.builds(
    Request,
    st.sampled_from(Intent),
    st.just(NOW),
    support_tier=st.just("standard"),
    severity=st.none() | st.sampled_from(Severity),
)
several = st.lists(rights, max_size=4).map(tuple)
effects = st.none() | st.builds(
    organization, support_plan=st.sampled_from([None, "standard", "Premium"]), updated_at=instants
)


def known(found: tuple[Right, ...], **given: Any) -> Facts:
    plain: dict[str, Any] = {"account": account(), "known_as": frozenset({ACCOUNT}), "rights": found, "on_hold": False}
    return Facts(**plain | given)


@given(several, effects, requests)
@settings(max_examples=300)
def test_it_is_never_denied_while_a_needed_fact_is_missing(
    found: tuple[Right, ...], effect: c.SupportOrganization | None, request: Request
) -> None:
    answer = decide(known(found, effect=effect, missing=(DOWN,)), request, FIGURES)
    assert answer.decision is not Verdict.DENY


@given(several, requests)
@settings(max_examples=300)
def test_a_denial_names_its_row_and_has_no_right_that_allows(found: tuple[Right, ...], request: Request) -> None:
    answer = decide(known(found), request, FIGURES)
    if answer.decision is Verdict.DENY:
        assert answer.rule in (5, 6, 10, 13)
        judged = [judge_right(each, request, FIGURES) for each in found]
        assert all(each is None or each.verdict is Verdict.DENY for each in judged)


@given(several, rights, requests)
@settings(max_examples=300)
def test_another_right_never_worsens_the_verdict(found: tuple[Right, ...], more: Right, request: Request) -> None:
    before = decide(known(found), request, FIGURES).decision
    after = decide(known((*found, more)), request, FIGURES).decision
    assert RANK.index(after) <= RANK.index(before)


@given(several, rights, requests)
@settings(max_examples=300)
def test_a_lost_source_never_turns_a_refusal_into_a_full_yes(
    found: tuple[Right, ...], more: Right, request: Request
) -> None:
    whole = decide(known((*found, more)), request, FIGURES).decision
    half_blind = decide(known(found, missing=(DOWN,)), request, FIGURES).decision
    if half_blind is Verdict.ALLOW:
        assert whole is Verdict.ALLOW


@given(several, effects, requests)
@settings(max_examples=300)
def test_every_answer_has_a_reason_an_owner_where_one_is_needed_and_an_end(
    found: tuple[Right, ...], effect: c.SupportOrganization | None, request: Request
) -> None:
    answer = decide(known(found, effect=effect), request, FIGURES)
    assert answer.reasons
    assert len(set(answer.reasons)) == len(answer.reasons)
    assert answer.owner is not None or answer.decision is Verdict.ALLOW
    assert NOW < answer.valid_until <= NOW + timedelta(minutes=FIGURES.fact_minutes)
    assert answer.version == FIGURES.version
