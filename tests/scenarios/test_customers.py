"""Customers that are taken on, in one system after the other."""

from collections import Counter

import pytest

from resolvers.sagas.writes.accounts import UpdateAccount
from resolvers.sagas.writes.onboard_account import OnboardAccount
from resolvers.sagas.writes.order import BillingAddress
from sources import canonical as c
from sources.store.operations import Outcome, State
from tests.scenarios.holdings import facts
from tests.scenarios.office import FINANCE, REVOPS, Office

pytestmark = pytest.mark.slow

# What makes an account a customer of one legal entity.
MADE = {
    "billing": {"customer.added": 1},
    "erp": {"customer.added": 1, "customersubsidiaryrelationship.added": 1, "entityaddress.added": 1},
}


async def test_a_new_customer_is_known_to_all_four_systems_by_one_operation(office: Office) -> None:
    given = OnboardAccount(
        legal_entity="US",
        currency="USD",
        name="Quiet Harbour Inc.",
        fields={"region": "AMER", "country": "US", "domain": "quiet-harbour.example"},
        billing_email="ap@quiet-harbour.example",
        billing_address=BillingAddress(country="US", line1="1 Main St", city="Springfield", state="IL"),
    )
    before = office.town.holdings()
    answer = await office.send("onboardAccount", given, REVOPS)
    assert answer.member is Outcome.NEEDS_APPROVAL, "where invoices go is not for one person to say"
    assert [each.role for each in answer.approvals] == ["finance"]
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    operation = await office.completed(answer)

    [account] = await office.read(c.Account, "domain", "quiet-harbour.example")
    profile = await office.one(c.BillingProfile, "account", account.key)
    customer = await office.one(c.BillingCustomer, "account", account.key)
    desk = await office.one(c.SupportOrganization, "account", account.key)
    assert (profile.legal_entity, profile.currency, customer.legal_entity) == ("US", "USD", "US")
    assert (customer.email, desk.name, desk.support_plan) == (given.billing_email, account.name, None)
    assert {each.system.value: each.id for each in account.external_ids} == {
        "BILLING": customer.key, "ERP": profile.key,
    }  # fmt: skip
    assert office.town.did(operation.id) == {
        "crm": Counter({"account.create": 1, "account.update": 1}),
        "billing": Counter({"customer.update": 1}),  # it was made under the account's own key, whoever asks for it
        "erp": Counter({"customer.create": 1}),
        "support": Counter({"organization.create": 1}),
    }
    assert office.town.changes(before).told == {
        "crm": {"Account.added": 1},
        "support": {"organization.added": 1},
        **MADE,
    }
    again = await office.send("onboardAccount", given, REVOPS)
    assert (again.member, [each.code for each in again.findings]) == (Outcome.REJECTED, ["ACCOUNT_EXISTS"])
    assert office.town.changes(before).told == {
        "crm": {"Account.added": 1},
        "support": {"organization.added": 1},
        **MADE,
    }


async def test_a_prospect_becomes_a_customer_and_what_is_there_stays(office: Office) -> None:
    account = office.account("prospect")
    given = OnboardAccount(legal_entity="US", currency="USD", account=account)
    before = office.town.holdings()
    first = await office.completed(await office.send("onboardAccount", given, REVOPS))
    kinds = office.town.did(first.id)
    assert kinds["erp"]["customer.create"] == kinds["support"]["organization.create"] == 1
    assert kinds["crm"] == Counter({"account.update": 1})
    second = await office.completed(await office.send("onboardAccount", given, REVOPS))
    assert office.town.did(second.id) == {"billing": Counter({"customer.update": 1})}
    changes = office.town.changes(before)
    assert changes.told == {"crm": {"Account.changed": 1}, "support": {"organization.added": 1}, **MADE}
    links = changes.one("crm", "Account.changed")
    assert (links.key, links.fields["Billing_Customer_Id__c"], links.fields["ERP_Customer_Id__c"]) == (
        account, changes.one("billing", "customer.added").key, changes.one("erp", "customer.added").key,
    )  # fmt: skip


async def test_a_second_legal_entity_is_for_finance_to_agree_to(office: Office) -> None:
    account = office.account("overdue")
    profiles = await office.read(c.BillingProfile, "account", account)
    given, before = OnboardAccount(legal_entity="DE", currency="EUR", account=account), office.town.holdings()
    answer = await office.send("onboardAccount", given, REVOPS)
    assert answer.member is Outcome.NEEDS_APPROVAL
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    await office.completed(answer)
    added = await office.new(c.BillingProfile, account, profiles)
    assert (added.legal_entity, added.currency) == ("DE", "EUR")
    customers = await office.read(c.BillingCustomer, "account", account)
    assert {each.legal_entity for each in customers} == {"US", "DE"}
    assert office.town.changes(before).told == MADE, "the CRM has place for one of each, and the desk knows it"


async def test_an_account_that_was_made_for_nothing_is_marked_inactive(office: Office) -> None:
    """The ERP has no such terms: the account that the CRM got for it is of no use."""
    given = OnboardAccount(
        legal_entity="US",
        currency="USD",
        name="Never Mind Ltd.",
        fields={"domain": "never-mind.example"},
        terms="Net 7",
    )
    before = office.town.holdings()
    answer = await office.send("onboardAccount", given, REVOPS)
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    operation = await office.ended(answer)
    assert operation.state is State.COMPENSATED
    assert operation.reason
    [account] = await office.read(c.Account, "domain", "never-mind.example")
    assert account.lifecycle is c.Lifecycle.INACTIVE
    assert set(office.town.did(operation.id)) == {"crm"}
    assert office.town.changes(before).told == {"crm": {"Account.added": 1}}


async def test_what_is_told_of_a_customer_is_told_to_the_crm_alone_and_not_over_what_somebody_else_said(
    office: Office,
) -> None:
    account = office.account("merge_winner")
    seen = await office.one(c.Account, "key", account)
    before = office.town.holdings()
    told = UpdateAccount(account=account, fields={"industry": "Lanterns", "owner_notes": None})
    await office.completed(await office.send("updateAccount", told, REVOPS))
    after = await office.one(c.Account, "key", account)
    assert facts(after) == facts(seen) | {"industry": "Lanterns", "updated_at": after.updated_at}
    changes = office.town.changes(before)
    assert changes.told == {"crm": {"Account.changed": 1}}
    ours = {"Gateway_Operation__c", "Gateway_Correlation__c", "Gateway_Changes__c"}
    assert changes.one("crm", "Account.changed").fields.keys() - ours == {"Industry"}

    before, stale = office.town.holdings(), {"account": str(seen.updated_at)}
    ropes = UpdateAccount(account=account, fields={"industry": "Ropes"})
    late = await office.send("updateAccount", ropes, REVOPS, expected=stale)
    assert (late.member, [each.code for each in late.findings]) == (Outcome.CONFLICT, ["VERSION_CONFLICT"])
    assert office.town.changes(before).told == {}
