"""The decision table, row by row: facts in, a decision out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from resolvers.entitlement.decide import covers, decide
from resolvers.entitlement.model import Decision, Facts, Figures, Intent, LastKnown, Request, Right, Severity, Verdict
from sources import canonical as c
from sources.errors import Unavailable
from tests.resolvers.world import ACCOUNT, NOW, account, ago, contact, day, entitlement, organization, subscription

OPEN, CONTINUE, USE, CHANGE = Intent
ALLOW, LIMITED, REFER, DENY = Verdict
FIGURES = Figures()
RECORDED = c.Suspension(c.SuspensionReason.HOLD, operation="op_1", notice_sent_at=ago(9))
UNPAID = c.Suspension(c.SuspensionReason.DUNNING_EXHAUSTED)
DOWN = Unavailable("away", source="billing")


def right(granted: c.Entitlement | None = None, **given: Any) -> Right:
    return Right(granted or entitlement(), given.pop("holder", ACCOUNT), **given)


def facts(*rights: Right, **given: Any) -> Facts:
    shown: dict[str, Any] = {"effect": organization(support_plan="premium")} if rights else {}
    plain: dict[str, Any] = {
        "account": account(),
        "known_as": frozenset({ACCOUNT}),
        "rights": rights,
        "on_hold": False,
        **shown,
    }
    return Facts(**plain | given)


def ask(known: Facts, intent: Intent = OPEN, **given: Any) -> Decision:
    asked = {"support_tier": "standard"} if "feature" not in given else {}
    return decide(known, Request(intent, given.pop("now", NOW), **asked | given), FIGURES)


def verdict(known: Facts, intent: Intent = OPEN, **given: Any) -> tuple[Verdict, int]:
    found = ask(known, intent, **given)
    return found.decision, found.rule


# ---------------------------------------------------------------- rows 1 to 4


@pytest.mark.parametrize("intent", Intent)
def test_row_1_an_ambiguous_identity_is_for_the_platform(intent: Intent) -> None:
    found = ask(facts(right(), ambiguous=True), intent)
    assert (found.decision, found.rule, found.owner, found.reasons) == (REFER, 1, "platform", ("IDENTITY_AMBIGUOUS",))


@pytest.mark.parametrize("cause", c.Restriction)
def test_row_1_a_restriction_is_for_legal_and_its_cause_is_not_told(cause: c.Restriction) -> None:
    found = ask(facts(right(), account=account(restrictions=(cause,))))
    assert (found.decision, found.rule, found.owner, found.reasons) == (REFER, 1, "legal", ("RESTRICTED",))


UNAUTHORISED = {
    "nobody by that name": None,
    "without authority": contact(support_authority=c.SupportAuthority.VIEW),
    "authority over": contact(authorised_until=ago(1)),
    "deleted": contact(deleted=True),
    "of another account": contact(account_key="001OTHER"),
}


@pytest.mark.parametrize("who", UNAUTHORISED.values(), ids=UNAUTHORISED)
def test_row_2_a_contact_without_authority_is_for_the_support_lead(who: c.Contact | None) -> None:
    found = ask(facts(right(), contact=who), contact_key="003A")
    assert (found.decision, found.rule, found.owner) == (REFER, 2, "support_lead")


def test_row_2_a_contact_of_an_account_that_was_merged_into_this_one_counts() -> None:
    known = facts(right(), contact=contact(account_key="001OLD"), known_as=frozenset({ACCOUNT, "001OLD"}))
    assert verdict(known, contact_key="003A") == (ALLOW, 7)


@pytest.mark.parametrize(
    ("intent", "least"), [(USE, "VIEW"), (OPEN, "OPEN"), (CONTINUE, "OPEN"), (CHANGE, "ADMIN")], ids=str
)
def test_row_2_every_intent_has_its_least_authority(intent: Intent, least: str) -> None:
    for authority in c.SupportAuthority:
        able = list(c.SupportAuthority).index(authority) >= list(c.SupportAuthority).index(c.SupportAuthority(least))
        known = facts(right(), contact=contact(support_authority=authority))
        assert (verdict(known, intent, contact_key="003A") == (ALLOW, 7)) is able, authority


def test_row_2_a_contact_that_could_not_be_read_is_not_called_unauthorised() -> None:
    found = ask(facts(right(), contact_missing=True, missing=(DOWN,)), contact_key="003A")
    assert (found.decision, found.reasons) == (REFER, ("CONTACT_UNKNOWN",))


def test_row_3_a_case_goes_on_that_was_covered_when_it_was_opened() -> None:
    over = right(entitlement(ends_on=day(-90)))
    found = ask(facts(over, covered_at_opening=True, tier_at_opening="premium"), CONTINUE)
    assert (found.decision, found.rule, found.tier) == (ALLOW, 3, "premium")
    assert verdict(facts(over), CONTINUE) == (DENY, 12)
    assert verdict(facts(over, covered_at_opening=True), OPEN) == (DENY, 12)


def test_row_4_a_credit_hold_blocks_changes_and_nothing_else() -> None:
    held = facts(right(), on_hold=True, standing="CREDIT_HOLD")
    found = ask(held, CHANGE)
    assert (found.decision, found.rule, found.owner, found.standing) == (DENY, 4, "finance", "CREDIT_HOLD")
    assert [verdict(held, intent) for intent in (OPEN, CONTINUE, USE)] == [(ALLOW, 7)] * 3


# ---------------------------------------------------------------- rows 5 to 11


def test_row_5_a_recorded_suspension_denies_but_takes_cases() -> None:
    cut = facts(right(subscription=subscription("SUSPENDED", suspension=RECORDED)))
    assert verdict(cut, OPEN) == (LIMITED, 5)
    assert [verdict(cut, intent) for intent in (CONTINUE, USE, CHANGE)] == [(DENY, 5)] * 3
    assert verdict(cut, CONTINUE, severity=Severity.SEVERITY_1) == (LIMITED, 5)


@pytest.mark.parametrize(
    "suspension",
    [
        UNPAID,
        msgspec.structs.replace(RECORDED, operation=None),
        msgspec.structs.replace(RECORDED, notice_sent_at=None),
        msgspec.structs.replace(RECORDED, since=ago(-2)),
        msgspec.structs.replace(RECORDED, notice_sent_at=ago(-1)),
    ],
    ids=["what billing says", "no operation", "no notice", "not in effect", "notice still to come"],
)
def test_row_5_needs_an_operation_a_notice_and_its_date(suspension: c.Suspension) -> None:
    unrecorded = facts(right(subscription=subscription("SUSPENDED", suspension=suspension)))
    assert verdict(unrecorded, USE) == (ALLOW, 9)


def test_row_6_a_pack_that_is_used_up() -> None:
    empty = facts(right(entitlement(pack=c.Pack(total=5, remaining=2, reserved=2))))
    found = ask(empty)
    assert (found.decision, found.rule, found.remaining) == (DENY, 6, 0)
    assert "BUY_PACK" in found.reasons
    assert verdict(empty, severity=Severity.SEVERITY_1) == (REFER, 6)
    assert verdict(facts(right(entitlement(pack=c.Pack(total=5, remaining=2, reserved=1))))) == (ALLOW, 7)


@pytest.mark.parametrize("status", ["ACTIVE", "TRIALING"])
def test_row_7_in_its_window_and_active(status: str) -> None:
    running = facts(right(entitlement(starts_on=day(-5), ends_on=day(5)), subscription=subscription(status)))
    assert [verdict(running, intent) for intent in Intent] == [(ALLOW, 7)] * 4


def test_row_7_a_disputed_amount_is_not_past_due() -> None:
    disputed = subscription("PAST_DUE", status_since=ago(40), overlays=(c.SubscriptionOverlay.DISPUTED,))
    found = ask(facts(right(subscription=disputed)), CHANGE)
    assert (found.decision, found.rule, found.reasons) == (ALLOW, 7, ("IN_FORCE", "DISPUTED"))


def test_row_8_past_due_inside_the_grace_of_dunning() -> None:
    found = ask(facts(right(subscription=subscription("PAST_DUE", status_since=ago(13.9)))), CHANGE)
    assert (found.decision, found.rule) == (ALLOW, 8)
    assert found.grace_until == ago(13.9) + timedelta(days=14)
    assert "PAST_DUE_IN_GRACE" in found.reasons


def test_row_9_past_due_for_longer_cuts_nobody_off() -> None:
    late = facts(right(subscription=subscription("PAST_DUE", status_since=ago(14.1))))
    assert [verdict(late, intent) for intent in (OPEN, USE, CHANGE)] == [(ALLOW, 9), (ALLOW, 9), (REFER, 9)]
    assert ask(late, CHANGE).owner == "finance"
    assert verdict(facts(right(entitlement(status=c.EntitlementStatus.SUSPENDED))), CHANGE) == (REFER, 9)


def test_row_10_what_starts_later_takes_only_cases() -> None:
    later = facts(right(entitlement(starts_on=day(1))))
    assert [verdict(later, intent) for intent in (OPEN, USE, CHANGE)] == [(LIMITED, 10), (DENY, 10), (DENY, 10)]
    pending = facts(right(subscription=subscription("PENDING_ACTIVATION")))
    assert verdict(pending, USE) == (DENY, 10)


def test_row_10_holds_until_the_start() -> None:
    later = facts(right(entitlement(starts_on=day(1))))
    last_minutes = datetime(2026, 3, 10, 23, 58, tzinfo=UTC)
    assert ask(later, USE, now=last_minutes).valid_until == datetime(2026, 3, 11, tzinfo=UTC)
    assert verdict(later, USE, now=datetime(2026, 3, 11, tzinfo=UTC)) == (ALLOW, 7)


def test_row_11_a_renewal_that_is_under_way_has_grace() -> None:
    over = entitlement(ends_on=day(-10))
    found = ask(facts(right(over, renewing=True)), USE)
    assert (found.decision, found.rule, found.tier) == (ALLOW, 11, "premium")
    assert found.reasons[0] == "GRACE_RENEWAL"
    assert verdict(facts(right(over, renewing=False)), USE) == (DENY, 12)
    assert verdict(facts(right(entitlement(ends_on=day(-31)), renewing=True)), USE) == (DENY, 12)


def test_row_11_what_renews_by_itself_has_grace_while_its_subscription_lives() -> None:
    over = entitlement(ends_on=day(-10))
    alive = subscription("ACTIVE", renewal_mode=c.RenewalMode.AUTO)
    assert verdict(facts(right(over, subscription=alive)), USE) == (ALLOW, 11)
    by_hand = subscription("ACTIVE", renewal_mode=c.RenewalMode.MANUAL)
    assert verdict(facts(right(over, subscription=by_hand)), USE) == (DENY, 12)


def test_row_11_counts_from_the_end_of_the_subscription_too() -> None:
    ended = subscription("EXPIRED", ended_at=ago(10))
    assert verdict(facts(right(subscription=ended, renewing=True))) == (ALLOW, 11)
    long_ago = subscription("EXPIRED", ended_at=ago(31))
    assert verdict(facts(right(subscription=long_ago, renewing=True)), USE) == (DENY, 12)
    never = subscription("NEVER_ACTIVATED", ended_at=ago(1))
    assert verdict(facts(right(subscription=never, renewing=True)), USE) == (DENY, 12)


def test_row_11_the_contracts_own_grace_outranks_the_default() -> None:
    over = entitlement(ends_on=day(-40), grace_until=ago(-1))
    assert ask(facts(right(over, renewing=True)), USE).grace_until == ago(-1)
    strict = entitlement(ends_on=day(-10), grace_until=ago(1))
    assert verdict(facts(right(strict, renewing=True)), USE) == (DENY, 12)


# ---------------------------------------------------------------- rows 12 to 14


def test_row_12_a_right_that_the_desk_does_not_show_is_allowed_and_reported() -> None:
    for effect in (organization(support_plan="standard"), organization(), None):
        found = ask(facts(right(), effect=effect))
        assert found.decision is ALLOW
        assert "DRIFT_RIGHT_WITHOUT_EFFECT" in found.reasons
    assert "DRIFT_RIGHT_WITHOUT_EFFECT" not in ask(facts(right(), effect=None, effect_missing=True)).reasons
    assert "DRIFT_RIGHT_WITHOUT_EFFECT" not in ask(facts(right(), effect=organization(support_plan="Platinum"))).reasons


def test_row_12_a_subscription_that_nobody_has_is_reported() -> None:
    found = ask(facts(right(entitlement(subscription_key="sub_gone"), subscription_absent=True)))
    assert (found.decision, found.reasons) == (ALLOW, ("IN_FORCE", "DRIFT_SUBSCRIPTION_ABSENT"))


def test_row_12_an_effect_without_a_right_is_referred_for_a_while_and_then_denied() -> None:
    lately = facts(effect=organization(support_plan="premium", updated_at=NOW - timedelta(minutes=14)))
    assert verdict(lately) == (REFER, 12)
    assert ask(lately).valid_until == NOW + timedelta(minutes=1)
    assert verdict(facts(effect=organization(support_plan="premium", updated_at=ago(1)))) == (DENY, 12)
    assert verdict(facts(effect=organization(support_plan="premium", updated_at=None))) == (REFER, 12)


def test_row_12_the_desk_gets_its_time_after_a_right_has_ended() -> None:
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    over = facts(right(entitlement(ends_on=day(-1))))
    assert verdict(over, USE, now=midnight + timedelta(minutes=10)) == (REFER, 12)
    assert verdict(over, USE, now=midnight + timedelta(minutes=16)) == (DENY, 12)


@pytest.mark.parametrize("intent", Intent)
def test_row_13_no_right_is_left(intent: Intent) -> None:
    found = ask(facts(), intent)
    assert (found.decision, found.rule, found.owner) == (DENY, 13, "renewals")
    assert found.reasons == ("NO_RIGHT", "INTAKE_OPEN")
    ended = ask(facts(right(entitlement(status=c.EntitlementStatus.EXPIRED)), effect=None), intent)
    assert (ended.decision, ended.rule, ended.reasons[0]) == (DENY, 13, "ENDED")


def test_row_14_want_of_evidence_never_denies() -> None:
    blind = facts(missing=(DOWN,))
    assert [verdict(blind, intent) for intent in Intent] == [(LIMITED, 14), (LIMITED, 14), (REFER, 14), (REFER, 14)]
    found = ask(blind)
    assert found.fallback_rule == "14"
    assert found.reasons == ("EVIDENCE_MISSING", "MISSING:billing", "FOLLOW_UP", "INTAKE_OPEN")


def test_row_14_does_not_take_back_what_another_right_allows() -> None:
    assert verdict(facts(right(), missing=(DOWN,))) == (ALLOW, 7)


def test_row_14_a_change_is_referred_while_nobody_knows_of_a_hold() -> None:
    unsure = facts(right(), on_hold=None, missing=(DOWN,))
    assert verdict(unsure, CHANGE) == (REFER, 14)
    assert verdict(unsure, OPEN) == (ALLOW, 7)


def test_row_14_a_right_whose_subscription_could_not_be_read_is_neither_allowed_nor_denied() -> None:
    unread = facts(right(subscription_missing=True), missing=(DOWN,))
    assert [verdict(unread, intent) for intent in (OPEN, USE, CHANGE)] == [(LIMITED, 14), (REFER, 14), (REFER, 14)]


def test_row_14_an_unread_right_counts_beside_one_that_is_worth_as_little() -> None:
    used_up = right(entitlement(status=c.EntitlementStatus.EXHAUSTED))
    unread = right(holder="001PARENT", inherited=True, subscription_missing=True)
    worst = {"severity": Severity.SEVERITY_1}
    assert verdict(facts(used_up), CONTINUE, **worst) == (REFER, 6)
    assert verdict(facts(unread), CONTINUE, **worst) == (LIMITED, 14)
    assert verdict(facts(used_up, unread), CONTINUE, **worst) == (LIMITED, 14)


def test_row_14_a_right_that_ended_lately_is_not_denied_while_nobody_knows_of_a_renewal() -> None:
    assert verdict(facts(right(entitlement(ends_on=day(-3)), renewing=None)), USE) == (REFER, 14)
    assert verdict(facts(right(entitlement(ends_on=day(-60)), renewing=None)), USE) == (DENY, 12)


def test_row_14_a_feature_goes_on_that_was_allowed_within_a_day() -> None:
    blind = facts(missing=(DOWN,), last_known=LastKnown(ALLOW, ago(0.9)))
    found = ask(blind, USE, feature="sso")
    assert (found.decision, found.rule) == (ALLOW, 14)
    assert "LAST_KNOWN" in found.reasons
    for known in (LastKnown(ALLOW, ago(1.1)), LastKnown(DENY, ago(0.1))):
        assert verdict(facts(missing=(DOWN,), last_known=known), USE, feature="sso") == (REFER, 14)


def test_row_14_stale_facts_keep_the_rules_answer_and_say_so() -> None:
    found = ask(facts(right(), stale=True))
    assert (found.decision, found.rule, found.fallback_rule) == (ALLOW, 7, "14")
    assert "STALE" in found.reasons


# ---------------------------------------------------------------- between rights


def test_the_best_verdict_wins_and_every_reason_is_told() -> None:
    spent = right(entitlement(pack=c.Pack(total=1, remaining=0)))
    above = right(holder="001PARENT", inherited=True)
    found = ask(facts(spent, above))
    assert (found.decision, found.covered_by, found.inherited) == (ALLOW, "001PARENT", True)
    assert found.reasons == ("IN_FORCE", "EXHAUSTED", "BUY_PACK")


def test_of_two_that_allow_the_better_tier_wins_then_the_own_right() -> None:
    platinum = right(entitlement(support_tier="platinum"), holder="001PARENT", inherited=True)
    assert ask(facts(right(), platinum)).tier == "platinum"
    same = right(holder="001PARENT", inherited=True)
    assert ask(facts(same, right())).covered_by == ACCOUNT


@pytest.mark.parametrize(("zone", "hour", "allowed"), [("Asia/Tokyo", 14, True), ("Asia/Tokyo", 15, False)])
def test_a_day_ends_at_midnight_where_the_right_counts_its_days(zone: str, hour: int, allowed: bool) -> None:
    last = right(entitlement(ends_on=day(0), time_zone=zone))
    found = ask(facts(last, effect=None), USE, now=NOW.replace(hour=hour))
    assert (found.decision is ALLOW) is allowed
    if allowed:
        assert found.time_zone == zone


def test_days_outrank_the_granting_systems_word_expired() -> None:
    today = right(entitlement(ends_on=day(0), status=c.EntitlementStatus.EXPIRED))
    assert verdict(facts(today)) == (ALLOW, 7)


def test_an_answer_is_valid_until_the_first_of_its_bounds() -> None:
    assert ask(facts(right())).valid_until == NOW + timedelta(minutes=5)
    leaving = subscription(cancel_at=NOW + timedelta(minutes=2), next_phase=c.Phase(start=NOW + timedelta(minutes=3)))
    assert ask(facts(right(subscription=leaving))).valid_until == NOW + timedelta(minutes=2)


def test_evidence_has_the_age_it_has_now_whatever_time_is_asked_about() -> None:
    known = facts(right(), evidence=(account(as_of=ago(1)),))
    request = Request(OPEN, ago(-300), support_tier="standard")
    (found,) = decide(known, request, FIGURES, NOW).evidence
    assert (found.fact, found.source, found.age_ms) == ("Account", "crm", 86_400_000)


def test_a_right_covers_its_feature_or_its_tier_and_the_lower_ones() -> None:
    premium, sso = entitlement(), entitlement(feature="sso")
    assert [covers(premium, Request(OPEN, NOW, support_tier=tier), FIGURES) for tier in ("Standard", "platinum")] == [
        True,
        False,
    ]
    assert covers(sso, Request(USE, NOW, feature="SSO"), FIGURES)
    assert not covers(sso, Request(OPEN, NOW, support_tier="standard"), FIGURES)
    assert not covers(premium, Request(USE, NOW, feature="sso"), FIGURES)
