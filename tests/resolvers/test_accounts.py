"""What is computed of an account from several records."""

from typing import Any

import pytest

from resolvers.facts import accounts as facts
from resolvers.facts.accounts import LifecycleValue
from sources import canonical as c
from sources.canonical import ExternalId, System
from sources.errors import Unavailable
from tests.resolvers.world import (
    ACCOUNT,
    DOWN,
    Shelf,
    account,
    ago,
    context,
    customer,
    organization,
    profile,
    subscription,
)

CHURNED = c.Lifecycle.CHURNED
NEVER, CANCELED = subscription("NEVER_ACTIVATED", "sub_0"), subscription("CANCELED", "sub_2", ended_at=ago(7))


async def lifecycle(owner: c.Account, *subscriptions: c.AccountSubscription) -> LifecycleValue:
    read = Shelf(facts.LIFECYCLE_NEEDS)
    if subscriptions:
        read.put("account", ACCOUNT, *subscriptions)
    (found,) = await facts.lifecycle([owner], read, context())
    assert isinstance(found, LifecycleValue)
    return found


@pytest.mark.parametrize("status", ["CANCELED", "TERMINATED", "EXPIRED"])
@pytest.mark.parametrize("word", [c.Lifecycle.ACTIVE, c.Lifecycle.INACTIVE])
async def test_an_account_whose_subscriptions_have_all_ended_has_churned(word: c.Lifecycle, status: str) -> None:
    found = await lifecycle(account(lifecycle=word), NEVER, subscription(status, ended_at=ago(9)), CANCELED)
    assert (found.value, found.since) == (CHURNED, ago(7))
    assert c.Evidence("billing", "subscription.status", "canceled") in found.derived_from


@pytest.mark.parametrize(
    "subscriptions",
    [
        (),
        (NEVER,),
        (CANCELED, subscription("PAST_DUE")),
        (CANCELED, subscription("PENDING_ACTIVATION")),
        (subscription("CANCELED", trial_end=ago(5), ended_at=ago(6)),),
    ],
    ids=["none", "never activated", "one is unpaid", "one is to come", "ended on trial"],
)
async def test_an_account_has_not_churned(subscriptions: tuple[c.AccountSubscription, ...]) -> None:
    assert (await lifecycle(account(), *subscriptions)).value is c.Lifecycle.ACTIVE


async def test_a_prospect_and_a_merged_account_are_not_asked_about() -> None:
    read = Shelf(facts.LIFECYCLE_NEEDS).fail(c.AccountSubscription, "account")
    words = [c.Lifecycle.PROSPECT, c.Lifecycle.MERGED, c.Lifecycle.ACTIVE]
    found = await facts.lifecycle(
        [account(str(number), lifecycle=word) for number, word in enumerate(words)], read, context()
    )
    assert [getattr(each, "value", each) for each in found] == [*words[:2], DOWN]
    assert read.asked == [("AccountSubscription", "account", ("2",))]


async def test_legal_entities_are_those_of_all_customer_records() -> None:
    read = Shelf(facts.ENTITY_NEEDS).put(
        "account", ACCOUNT, profile(legal_entity="US"), profile("902", legal_entity=None)
    )
    read.put("account", ACCOUNT, customer(legal_entity="DE"), customer("cus_2", legal_entity="US"))
    assert await facts.legal_entities([account(), account("001B")], read, context()) == [["DE", "US"], []]


@pytest.mark.parametrize("record", [c.BillingProfile, c.BillingCustomer])
async def test_legal_entities_are_no_guess_while_a_source_is_away(record: type[c.Record]) -> None:
    read = Shelf(facts.ENTITY_NEEDS).put("account", ACCOUNT, profile()).put("account", ACCOUNT, customer())
    assert await facts.legal_entities([account()], read.fail(record, "account"), context()) == [DOWN]


def known() -> Shelf:
    read = Shelf(facts.IDENTITY_NEEDS).put("account", ACCOUNT, profile(), profile("902"))
    return read.put("account", ACCOUNT, customer()).put("account", ACCOUNT, organization(account_key=""))


async def test_identities_name_every_record_and_how_it_was_linked() -> None:
    (found,) = await facts.identities([account()], known(), context())
    assert [(each.system, each.source, each.id, each.via) for each in found] == [
        ("CRM", "crm", ACCOUNT, "EXPLICIT"),
        ("ERP", "erp", "901", "EXPLICIT"),
        ("ERP", "erp", "902", "EXPLICIT"),
        ("BILLING", "billing", "cus_1", "EXPLICIT"),
        ("SUPPORT", "desk", "361", "RULE"),
    ]


async def test_identities_leave_out_a_system_that_cannot_be_asked() -> None:
    (found,) = await facts.identities([account()], known().fail(c.BillingCustomer, "account"), context())
    assert {each.system for each in found} == {"CRM", "ERP", "SUPPORT"}


ERP_DOWN = Unavailable("away", source="erp")
NOTED = (ExternalId(System.ERP, "901"),)


@pytest.mark.parametrize(("noted", "answered"), [(NOTED, True), ((), False)])
async def test_external_ids_do_without_a_system_only_where_the_crm_notes_its_id(noted: Any, answered: bool) -> None:
    owner = account(external_ids=noted)
    (whole,) = await facts.external_ids([owner], known(), context())
    assert [(each.system, each.id) for each in whole if each.system is System.ERP] == [("ERP", "901"), ("ERP", "902")]
    (found,) = await facts.external_ids([owner], known().fail(c.BillingProfile, "account", ERP_DOWN), context())
    if answered:
        assert ExternalId(System.ERP, "901") in found
    assert (found is ERP_DOWN) is not answered
