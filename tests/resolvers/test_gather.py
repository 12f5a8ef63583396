"""The facts of an entitlement decision, gathered from a shelf of records."""

from typing import Any

import msgspec
import pytest

from resolvers.entitlement.gather import NEEDS, entitlement_check
from resolvers.entitlement.model import Decision, Intent, Verdict
from resolvers.ids import global_id
from sources import canonical as c
from sources.errors import Ambiguous, SourceError, StaleLimit
from tests.resolvers.world import (
    ACCOUNT,
    NOW,
    Shelf,
    account,
    ago,
    case,
    contact,
    context,
    customer,
    day,
    entitlement,
    organization,
    profile,
    renewal,
    subscription,
)

ALLOW, LIMITED, REFER, DENY = Verdict


def shelf(*rights: c.Entitlement, owner: c.Account | None = None) -> Shelf:
    found = Shelf(NEEDS).put("key", ACCOUNT, owner or account())
    if rights:
        found.put("account", ACCOUNT, *rights)
        found.put("account", ACCOUNT, organization(support_plan="premium"))
    return found


async def answer(read: Shelf, /, **given: Any) -> Decision | SourceError:
    asked = {"account": ACCOUNT} | ({} if "feature" in given else {"support_tier": "standard"}) | given
    told = msgspec.structs.replace(context(), served=read.served)
    (found,) = await entitlement_check([None], read, told, **asked)
    return found


async def decision(read: Shelf, /, **given: Any) -> Decision:
    found = await answer(read, **given)
    assert isinstance(found, Decision), found
    return found


async def test_a_right_of_the_account_itself_needs_no_ancestor() -> None:
    read = shelf(entitlement(), owner=account(parent_key="001PARENT"))
    found = await decision(read)
    assert (found.decision, found.covered_by, found.inherited) == (ALLOW, ACCOUNT, False)
    assert ("Account", "key", ("001PARENT",)) not in read.asked
    assert {each.fact for each in found.evidence} == {"Account", "Entitlement", "SupportOrganization"}


@pytest.mark.parametrize(
    ("given", "covered"),
    [
        ({"coverage": c.Coverage.AFFILIATES}, True),
        ({"coverage": c.Coverage.LISTED, "covers": (ACCOUNT,)}, True),
        ({"coverage": c.Coverage.LISTED, "covers": ("001LOSER",)}, True),
        ({"coverage": c.Coverage.LISTED, "covers": ("001OTHER",)}, False),
        ({"coverage": c.Coverage.OWN}, False),
    ],
)
async def test_an_ancestors_right_reaches_as_far_as_its_coverage(given: dict[str, Any], covered: bool) -> None:
    read = shelf(owner=account(parent_key="001PARENT"))
    read.put("key", "001LOSER", account("001LOSER", merged_into_key=ACCOUNT))
    read.put("key", "001PARENT", account("001PARENT"))
    read.put("account", "001PARENT", entitlement(account_key="001PARENT", **given))
    found = await decision(read, account="001LOSER")
    assert (found.decision is ALLOW) is covered
    if covered:
        assert (found.covered_by, found.inherited) == ("001PARENT", True)


@pytest.mark.parametrize(("generations", "covered"), [(5, True), (6, False)])
async def test_the_five_nearest_ancestors_are_asked(generations: int, covered: bool) -> None:
    names = [ACCOUNT, *(f"001UP{number}" for number in range(1, generations + 1))]
    read = Shelf(NEEDS)
    for name, above in zip(names, [*names[1:], None], strict=True):
        read.put("key", name, account(name, parent_key=above))
    read.put("account", names[-1], entitlement(coverage=c.Coverage.AFFILIATES))
    assert ((await decision(read)).decision is ALLOW) is covered


async def test_an_ancestor_that_cannot_be_read_is_missing_evidence() -> None:
    found = await decision(shelf(owner=account(parent_key="001HIDDEN")), intent=Intent.USE_FEATURE)
    assert (found.decision, found.fallback_rule) == (REFER, "14")


async def test_a_merged_account_is_answered_as_its_winner() -> None:
    read = shelf(entitlement()).put("key", "001LOSER", account("001LOSER", merged_into_key=ACCOUNT))
    read.put("key", "003A", contact(account_key="001LOSER"))
    found = await decision(read, account="001LOSER", contact="003A")
    assert (found.decision, found.covered_by) == (ALLOW, ACCOUNT)


async def test_accounts_that_were_merged_in_a_circle_are_refused() -> None:
    read = Shelf(NEEDS)
    read.put("key", "1", account("1", merged_into_key="2")).put("key", "2", account("2", merged_into_key="1"))
    found = await answer(read, account="1")
    assert isinstance(found, SourceError)
    assert found.code == "BAD_INPUT"


async def test_an_account_that_is_not_there_is_an_error() -> None:
    found = await answer(Shelf(NEEDS))
    assert isinstance(found, SourceError)
    assert found.code == "NOT_FOUND"


@pytest.mark.parametrize("given", [{"support_tier": None}, {"support_tier": "standard", "feature": "sso"}])
async def test_exactly_one_thing_is_asked_for(given: dict[str, Any]) -> None:
    (found,) = await entitlement_check([None], shelf(), context(), account=ACCOUNT, **given)
    assert isinstance(found, SourceError)
    assert found.code == "BAD_INPUT"


async def test_an_instant_without_a_time_zone_is_refused() -> None:
    found = await answer(shelf(), at=NOW.replace(tzinfo=None))
    assert isinstance(found, SourceError)
    assert "time zone" in found.message


async def test_ids_of_the_graph_are_as_good_as_keys() -> None:
    who, what = contact(), case()
    read = shelf(entitlement()).put("key", who.key, who).put("key", what.key, what)
    found = await decision(read, account=global_id(account()), contact=global_id(who), case=global_id(what))
    assert (found.decision, found.case_key) == (ALLOW, what.key)


async def test_a_feature_hangs_on_the_best_live_subscription() -> None:
    read = shelf(entitlement(feature="sso"))
    read.put(
        "account", ACCOUNT, subscription("CANCELED", "sub_0"), subscription("PAST_DUE", "sub_1", status_since=ago(30))
    )
    assert (await decision(read, feature="sso", intent=Intent.CHANGE)).rule == 9
    read.put("account", ACCOUNT, subscription("ACTIVE", "sub_2"))
    assert (await decision(read, feature="sso", intent=Intent.CHANGE)).rule == 7


async def test_a_right_is_judged_by_the_subscription_it_names_even_if_a_reseller_has_it() -> None:
    read = shelf(entitlement(subscription_key="sub_9")).put("account", ACCOUNT, subscription())
    assert "DRIFT_SUBSCRIPTION_ABSENT" in (await decision(read)).reasons
    read.put("key", "sub_9", subscription("PAST_DUE", "sub_9", account_key="001RESELLER", status_since=ago(30)))
    assert (await decision(read)).rule == 9


@pytest.mark.parametrize("by", ["account", "key"])
async def test_a_right_whose_subscription_cannot_be_read_is_not_decided(by: str) -> None:
    read = shelf(entitlement(subscription_key="sub_9")).fail(c.AccountSubscription, by)
    found = await decision(read, intent=Intent.USE_FEATURE)
    assert (found.decision, found.fallback_rule) == (REFER, "14")


async def test_renewals_are_asked_for_only_when_a_right_is_over() -> None:
    running = shelf(entitlement())
    await decision(running)
    assert "Renewal" not in {name for name, _, _ in running.asked}
    over = shelf(entitlement(ends_on=day(-3), subscription_key="sub_1")).put(
        "account", ACCOUNT, subscription("EXPIRED")
    )
    over.put("account", ACCOUNT, renewal(subscription_key="sub_2"))
    assert (await decision(over)).decision is DENY
    over.put("account", ACCOUNT, renewal("006B", subscription_key="sub_1"))
    assert (await decision(over)).rule == 11


async def test_a_right_that_ended_lately_is_not_denied_while_the_crm_is_away() -> None:
    read = shelf(entitlement(ends_on=day(-3))).fail(c.Renewal, "account")
    assert (await decision(read)).decision is LIMITED


async def test_two_accounts_that_claim_one_record_are_for_the_platform() -> None:
    read = shelf(entitlement()).fail(c.AccountSubscription, "account", Ambiguous("two claim it"))
    found = await decision(read)
    assert (found.decision, found.rule, found.owner) == (REFER, 1, "platform")


async def test_the_hold_of_who_pays_counts_for_a_change_and_of_nobody_else() -> None:
    held = profile("902", account_key="001PAYER", credit_hold_override=c.CreditHoldOverride.ON)
    read = shelf(entitlement()).put("account", ACCOUNT, profile(payer_id="902")).put("key", "902", held)
    assert (await decision(read, intent=Intent.CHANGE)).rule == 4
    assert (await decision(read)).decision is ALLOW
    alone = shelf(entitlement()).put("account", ACCOUNT, profile(billing_parent_id="902")).put("key", "902", held)
    assert (await decision(alone, intent=Intent.CHANGE)).decision is ALLOW


@pytest.mark.parametrize("by", ["account", "key"])
async def test_a_change_is_referred_while_the_erp_cannot_say_who_is_on_hold(by: str) -> None:
    read = shelf(entitlement()).put("account", ACCOUNT, profile(payer_id="902")).fail(c.BillingProfile, by)
    found = await decision(read, intent=Intent.CHANGE)
    assert (found.decision, found.fallback_rule) == (REFER, "14")
    assert (await decision(read)).decision is ALLOW


async def test_the_standing_is_unknown_while_one_of_its_sources_is_away() -> None:
    read = shelf(entitlement()).put("account", ACCOUNT, customer(delinquent=True))
    assert (await decision(read)).standing == "DELINQUENT"
    assert (await decision(read.fail(c.BillingProfile, "account"))).standing == "UNKNOWN"


async def test_a_case_goes_on_only_for_its_own_account_and_until_it_is_closed() -> None:
    over = entitlement(ends_on=day(-5))
    asked: dict[str, Any] = {"intent": Intent.CONTINUE_CASE, "case": "77"}
    found = await decision(shelf(over).put("key", "77", case()), **asked)
    assert (found.decision, found.rule, found.tier) == (ALLOW, 3, "premium")
    for other in (case(account_key="001OTHER"), case(status=c.CaseStatus.CLOSED), case(created_at=ago(1))):
        assert (await decision(shelf(over).put("key", "77", other), **asked)).decision is DENY


async def test_a_case_that_cannot_be_read_matters_only_where_it_is_to_go_on() -> None:
    read = shelf(entitlement(ends_on=day(-60))).fail(c.Case, "key")
    assert (await decision(read, case="77", intent=Intent.CONTINUE_CASE)).decision is LIMITED
    assert (await decision(read, case="77")).decision is DENY


async def test_a_desk_that_is_away_matters_only_where_no_right_is_left() -> None:
    assert (await decision(shelf(entitlement()).fail(c.SupportOrganization, "account"))).decision is ALLOW
    assert (await decision(shelf().fail(c.SupportOrganization, "account"))).decision is LIMITED
    feature = await decision(shelf().fail(c.SupportOrganization, "account"), feature="sso")
    assert feature.decision is DENY


# ---------------------------------------------------------------- row 14: what a memory remembers

STALE, CACHED, LIVE = c.Served.STALE, c.Served.CACHE, c.Served.LIVE
TOO_OLD = StaleLimit("older than it may be", source="billing")
FALLBACK = c.Served.FALLBACK


def told(found: Decision) -> tuple[Any, ...]:
    return found.decision, found.rule, found.fallback_rule, found.served


async def test_a_needed_fact_inside_its_bound_decides_and_the_answer_says_that_it_is_stale_and_how_old() -> None:
    read = shelf(entitlement(subscription_key="sub_1", as_of=ago(0.5)))
    read.put("account", ACCOUNT, subscription(as_of=ago(0.25)))
    assert told(await decision(read)) == (ALLOW, 7, None, LIVE)
    read.serve(c.Entitlement, "account", STALE).serve(c.AccountSubscription, "account", CACHED)
    found = await decision(read)
    assert told(found) == (ALLOW, 7, "14", STALE)
    assert "STALE" in found.reasons
    ages = {each.fact: (each.served, each.age_ms) for each in found.evidence}
    assert ages["Entitlement"] == (STALE, 43_200_000)
    assert ages["AccountSubscription"] == (CACHED, 21_600_000)
    assert ages["Account"] == (LIVE, 0)


async def test_what_comes_from_memory_in_its_time_is_as_good_as_live() -> None:
    read = shelf(entitlement()).serve(c.Entitlement, "account", CACHED)
    found = await decision(read)
    assert told(found) == (ALLOW, 7, None, CACHED)
    assert "STALE" not in found.reasons


@pytest.mark.parametrize("intent", [Intent.OPEN_CASE, Intent.CHANGE])
async def test_a_stale_fact_that_decides_nothing_makes_no_decision_stale(intent: Intent) -> None:
    read = shelf(entitlement()).put("account", ACCOUNT, profile()).serve(c.BillingProfile, "account", STALE)
    found = await decision(read, intent=intent)
    assert told(found)[2:] == (("14", STALE) if intent is Intent.CHANGE else (None, CACHED))
    assert {each.served for each in found.evidence if each.fact == "BillingProfile"} == {STALE}


async def test_a_stale_list_without_a_right_is_no_plain_denial() -> None:
    read = shelf().put("account", ACCOUNT, entitlement(support_tier="basic"))
    read.serve(c.Entitlement, "account", STALE)
    found = await decision(read, support_tier="platinum")
    assert told(found) == (DENY, 13, "14", STALE)


@pytest.mark.parametrize(
    ("intent", "verdict"), [(Intent.OPEN_CASE, LIMITED), (Intent.CHANGE, REFER), (Intent.USE_FEATURE, REFER)]
)
async def test_past_its_bound_a_fact_is_missing_and_the_rule_stands_in(intent: Intent, verdict: Verdict) -> None:
    read = shelf(entitlement(subscription_key="sub_1")).fail(c.AccountSubscription, "account", TOO_OLD)
    read.fail(c.AccountSubscription, "key", TOO_OLD)
    found = await decision(read, intent=intent)
    assert told(found) == (verdict, 14, "14", FALLBACK)
    assert "MISSING:billing" in found.reasons


@pytest.mark.parametrize(("days", "verdict"), [(0.9, ALLOW), (1.1, REFER)])
async def test_a_feature_that_was_granted_within_a_day_is_used_on(days: float, verdict: Verdict) -> None:
    read = shelf(entitlement(feature="sso", as_of=ago(days))).serve(c.Entitlement, "account", STALE)
    read.fail(c.AccountSubscription, "account", TOO_OLD)
    found = await decision(read, feature="sso", intent=Intent.USE_FEATURE)
    assert told(found) == (verdict, 14, "14", FALLBACK)
    assert ("LAST_KNOWN" in found.reasons) is (verdict is ALLOW)
    assert {each.served for each in found.evidence if each.fact == "Entitlement"} == {STALE}


@pytest.mark.parametrize(
    "right",
    [
        {"feature": "sso", "ends_on": day(-3)},
        {"feature": "sso", "starts_on": day(3)},
        {"feature": "sso", "subscription_key": "sub_9"},
        {"feature": "sso", "status": c.EntitlementStatus.SUSPENDED},
        {"support_tier": "premium", "subscription_key": "sub_9"},
    ],
)
async def test_only_a_grant_in_force_that_names_no_subscription_says_what_was_known_last(right: dict[str, Any]) -> None:
    read = shelf(entitlement(**right))
    for by in ("account", "key"):
        read.fail(c.AccountSubscription, by, TOO_OLD)
    asked = {"feature": "sso"} if "feature" in right else {}
    found = await decision(read, intent=Intent.USE_FEATURE, **asked)
    assert "LAST_KNOWN" not in found.reasons
