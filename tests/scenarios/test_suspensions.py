"""Suspensions: who decides them, what the customer may do meanwhile, and who lets the service go on."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from policies.principal import Principal
from resolvers.context import Context
from resolvers.entitlement.gather import entitlement_check
from resolvers.entitlement.model import Decision, Intent, Verdict
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.subscriptions import ResumeSubscription, SuspendSubscription
from sources import canonical as c
from sources.canonical import Record
from sources.ports import Ask, Page, Reading
from sources.store.operations import Outcome, State
from tests.scenarios.office import CREDIT, REVOPS, Noon, Office, person

pytestmark = pytest.mark.slow

CHANGED = {"billing": {"subscription.changed": 1}}


async def entitled(office: Office, account: str, intent: Intent) -> tuple[Verdict, int]:
    """What `entitlementCheck` answers for the standard plan, and by which row of its table."""

    async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008
        return await office.catalog.read(Ask(record, by, tuple(keys), page))

    context = Context(Principal("ada", frozenset({"support_agent"})), Noon()(), "c-1")
    [found] = await entitlement_check((None,), read, context, account=account, support_tier="standard", intent=intent)
    assert isinstance(found, Decision), found
    return found.decision, found.rule


async def test_what_was_held_for_credit_goes_on_when_the_credit_manager_agrees(office: Office) -> None:
    """A customer who has not paid for weeks is served until somebody decides otherwise and has told him; billing alone
    holds the decision, and no other system is written."""
    account = office.account("past_due_grace_over")
    before = await office.one(c.AccountSubscription, "account", account)
    books = office.town.holdings()
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.ALLOW, 9)

    told = Noon()() - timedelta(days=14)
    asked = SuspendSubscription(subscription=before.key, reason=c.SuspensionReason.HOLD, notice_sent_at=told)
    suspending = await office.send("suspendSubscription", asked, REVOPS)
    assert [each.role for each in suspending.approvals] == ["credit_manager"]
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.ALLOW, 9), "nothing is decided yet"
    await office.approve(CREDIT, suspending)
    suspended = await office.completed(suspending)

    held = await office.one(c.AccountSubscription, "key", before.key)
    assert (held.status, held.overlays) == (c.SubscriptionStatus.SUSPENDED, before.overlays)
    assert held.suspension == c.Suspension(c.SuspensionReason.HOLD, notice_sent_at=told, operation=suspended.id)
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.DENY, 5)
    assert await entitled(office, account, Intent.OPEN_CASE) == (Verdict.ALLOW_LIMITED, 5)
    assert office.town.did(suspended.id) == {"billing": {"subscription.update": 1}}
    assert office.town.changes(books).told == CHANGED
    books = office.town.holdings()

    resuming = await office.send("resumeSubscription", ResumeSubscription(subscription=before.key), REVOPS)
    assert (resuming.member, [each.role for each in resuming.approvals]) == (Outcome.NEEDS_APPROVAL, ["credit_manager"])
    await office.until(resuming, State.AWAITING_APPROVAL)
    with pytest.raises(Refused, match="NO_AUTHORITY_NOW"):
        await office.approve(person("rolf", "revops"), resuming)
    assert office.town.changes(books).told == {}
    assert (await office.one(c.AccountSubscription, "key", before.key)).suspension == held.suspension
    await office.approve(CREDIT, resuming)
    resumed = await office.completed(resuming)

    again = await office.one(c.AccountSubscription, "key", before.key)
    assert (again.status, again.suspension, again.overlays) == (before.status, None, before.overlays)
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.ALLOW, 9)
    assert office.town.did(resumed.id) == {"billing": {"subscription.update": 1}}
    changes = office.town.changes(books)
    assert changes.told == CHANGED
    assert changes.one("billing", "subscription.changed").key == before.key


async def test_what_the_customer_wished_for_revops_lets_go_on_alone(office: Office) -> None:
    account = office.account("merge_winner")
    subscription = await office.one(c.AccountSubscription, "account", account)
    books = office.town.holdings()
    told, wished = Noon()() - timedelta(days=1), c.SuspensionReason.CUSTOMER_REQUEST
    wish = SuspendSubscription(subscription=subscription.key, reason=wished, notice_sent_at=told)
    suspending = await office.send("suspendSubscription", wish, REVOPS)
    await office.approve(CREDIT, suspending)
    await office.completed(suspending)
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.DENY, 5)
    resuming = await office.send("resumeSubscription", ResumeSubscription(subscription=subscription.key), REVOPS)
    assert resuming.approvals == ()
    await office.completed(resuming)
    changes = office.town.changes(books)
    assert changes.told == CHANGED
    assert set(changes.one("billing", "subscription.changed").fields) == {"metadata"}, (
        "but for its marks it is as before"
    )
    assert await entitled(office, account, Intent.USE_FEATURE) == (Verdict.ALLOW, 7)
