"""Customers that are taken on, in one system after the other."""

from collections import Counter

import pytest

from resolvers.sagas.writes.onboard_account import OnboardAccount
from resolvers.sagas.writes.order import BillingAddress
from sources import canonical as c
from sources.store.operations import Outcome, State
from tests.scenarios.office import FINANCE, REVOPS, Office

pytestmark = pytest.mark.slow


async def test_a_new_customer_is_known_to_all_four_systems_by_one_operation(office: Office) -> None:
    given = OnboardAccount(
        legal_entity="US",
        currency="USD",
        name="Quiet Harbour Inc.",
        fields={"region": "AMER", "country": "US", "domain": "quiet-harbour.example"},
        billing_email="ap@quiet-harbour.example",
        billing_address=BillingAddress(country="US", line1="1 Main St", city="Springfield", state="IL"),
    )
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
    again = await office.send("onboardAccount", given, REVOPS)
    assert (again.member, [each.code for each in again.findings]) == (Outcome.REJECTED, ["ACCOUNT_EXISTS"])


async def test_a_prospect_becomes_a_customer_and_what_is_there_stays(office: Office) -> None:
    account = office.account("prospect")
    given = OnboardAccount(legal_entity="US", currency="USD", account=account)
    first = await office.completed(await office.send("onboardAccount", given, REVOPS))
    kinds = office.town.did(first.id)
    assert kinds["erp"]["customer.create"] == kinds["support"]["organization.create"] == 1
    assert kinds["crm"] == Counter({"account.update": 1})
    second = await office.completed(await office.send("onboardAccount", given, REVOPS))
    assert office.town.did(second.id) == {"billing": Counter({"customer.update": 1})}


async def test_a_second_legal_entity_is_for_finance_to_agree_to(office: Office) -> None:
    account = office.account("overdue")
    profiles = await office.read(c.BillingProfile, "account", account)
    given = OnboardAccount(legal_entity="DE", currency="EUR", account=account)
    answer = await office.send("onboardAccount", given, REVOPS)
    assert answer.member is Outcome.NEEDS_APPROVAL
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    await office.completed(answer)
    added = await office.new(c.BillingProfile, account, profiles)
    assert (added.legal_entity, added.currency) == ("DE", "EUR")
    customers = await office.read(c.BillingCustomer, "account", account)
    assert {each.legal_entity for each in customers} == {"US", "DE"}


async def test_an_account_that_was_made_for_nothing_is_marked_inactive(office: Office) -> None:
    """The ERP has no such terms: the account that the CRM got for it is of no use."""
    given = OnboardAccount(
        legal_entity="US",
        currency="USD",
        name="Never Mind Ltd.",
        fields={"domain": "never-mind.example"},
        terms="Net 7",
    )
    answer = await office.send("onboardAccount", given, REVOPS)
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    operation = await office.ended(answer)
    assert operation.state is State.COMPENSATED
    assert operation.reason
    [account] = await office.read(c.Account, "domain", "never-mind.example")
    assert account.lifecycle is c.Lifecycle.INACTIVE
    assert set(office.town.did(operation.id)) == {"crm"}
