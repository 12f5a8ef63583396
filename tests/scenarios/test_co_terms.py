"""Subscriptions that end together: what is added to one that runs is billed with it and ends with it."""

from datetime import timedelta

import msgspec
import pytest

from sources import canonical as c
from sources.store.operations import Outcome
from tests.scenarios.holdings import ORDERED
from tests.scenarios.office import TODAY, Office

pytestmark = pytest.mark.slow


async def test_three_subscriptions_turn_together_and_end_on_the_same_day(office: Office) -> None:
    account = office.account("merge_winner")
    anchor = await office.one(c.AccountSubscription, "account", account)
    [contract] = await office.read(c.SubscriptionContract, "subscription", anchor.key)
    assert contract.end_on
    orders = await office.read(c.Order, "account", account)
    invoices, books = await office.read(c.Invoice, "account", account), office.town.holdings()
    for tier, code in (("platinum", "ADDON-SECURITY"), (None, "ADDON-ANALYTICS")):
        given = await office.order(account, end_on=contract.end_on, co_term=anchor.key, support_tier=tier, code=code)
        await office.completed(await office.send("submitOrder", given))

    running = await office.read(c.AccountSubscription, "account", account)
    assert len(running) == 3
    assert {each.period_end for each in running} == {anchor.period_end}
    shared = [each for each in running if c.SubscriptionOverlay.CO_TERMED in each.overlays]
    assert sorted(each.key for each in shared) == sorted({each.key for each in running} - {anchor.key})
    known = {each.key for each in invoices}
    billed = [each for each in await office.read(c.Invoice, "account", account) if each.key not in known]
    assert len(billed) == 2
    assert all(0 < each.subtotal.minor < 8_000 for each in billed), "a part of a month of 60.00 or 80.00"
    assert sorted(each.mrr.minor for each in shared if each.mrr) == [6_000, 8_000]
    before = {each.key for each in orders}
    added = [each for each in await office.read(c.Order, "account", account) if each.key not in before]
    assert {each.end_on for each in added} == {contract.end_on}
    for each in added:
        [sales] = await office.read(c.SalesOrder, "order", each.key)
        assert (each.status, sales.status) == (c.OrderStatus.APPROVED, c.OrderStatus.APPROVED)
        assert sales.total == each.total
    assert (await office.one(c.SupportOrganization, "account", account)).support_plan == "platinum"
    rights = await office.read(c.Entitlement, "account", account)
    [right] = [each for each in rights if each.support_tier == "platinum"]
    assert right.ends_on == contract.end_on
    changes = office.town.changes(books)
    twice = {source: {what: 2 if what.endswith("added") else 1 for what in kinds} for source, kinds in ORDERED.items()}
    assert changes.told == twice | {
        "crm": twice["crm"] | {"Entitlement.added": 1}, "support": {"organization.changed": 1},
    }, "the one that they go along with stays as it is"  # fmt: skip


async def test_what_does_not_fit_the_other_is_not_co_termed(office: Office) -> None:
    account, other = office.account("overdue"), office.account("dinar")
    [anchor] = await office.read(c.AccountSubscription, "account", other)
    given = await office.order(account, end_on=TODAY + timedelta(days=300), co_term=anchor.key)
    before = office.town.holdings()
    answer = await office.send("submitOrder", given)
    assert answer.member is Outcome.REJECTED
    assert answer.operation
    said = answer.operation.reason or ""
    for word in ("another account", "not as long", "give that as `endOn`"):
        assert word in said
    own = await office.one(c.AccountSubscription, "account", account)
    answer = await office.send("submitOrder", msgspec.structs.replace(given, co_term=own.key, end_on=None))
    assert (answer.member, [each.code for each in answer.findings]) == (Outcome.REJECTED, ["COTERM_INVALID"])
    assert office.town.changes(before).told == {}
