"""What the ERP is told is done once, however often it is sent and whatever is lost on the way."""

import asyncio

import pytest

from sources import errors
from sources.canonical import (
    BillingProfile,
    CreditHoldOverride,
)
from sources.canonical.commands import (
    Command,
    PutDebtor,
    SetCredit,
)
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.simulator import Limits
from sources.vendors.netsuite.writers import TOUCHES, NetSuiteWriter
from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.writer_account import erp
from tests.sources.netsuite.writer_commands import (
    DEEDS,
    WHO,
    Prepare,
    invoice,
    order,
    usd,
)

pytestmark = pytest.mark.usefixtures("complaints")
EVERY = pytest.mark.parametrize(("prepare", "effect", "call"), DEEDS.values(), ids=DEEDS)


async def test_the_connector_offers_every_command_of_an_erp_and_says_what_it_touches() -> None:
    async with erp() as account:
        commands = {type(await prepare(account)) for prepare, _, _ in list(DEEDS.values())[:5]}
        assert commands < account.connector.commands == NetSuiteWriter.commands == TOUCHES.keys()
        assert len(TOUCHES) == 9
        assert all(command.target in touched for command, touched in TOUCHES.items())
        with pytest.raises(errors.BadAsk, match="cannot be told"):
            await account.connector.do(Command(operation="op-1"), "k")
        with pytest.raises(errors.BadAsk, match="key"):
            await account.connector.do(order(order_key=None), "")


@EVERY
async def test_a_command_is_done_once_however_often_it_is_sent(prepare: Prepare, effect: str, call: str) -> None:
    async with erp() as account:
        command = await prepare(account)
        assert await account.connector.find(command, "k-1") is None
        first = await account.connector.do(command, "k-1")
        again = await account.connector.do(command, "k-1")
        found = await account.connector.find(command, "k-1")
        assert (first.replayed, again.replayed, again.key, again.amounts) == (False, True, first.key, first.amounts)
        assert found is not None
        assert (found.key, found.number, found.parts) == (first.key, first.number, first.parts)
        done = account.effects(effect)
        assert [(each["key"], each["operation"]) for each in done] == [(first.key, "op-1")]
        assert account.wire.writes()[-1] == call


@EVERY
async def test_a_lost_answer_is_an_unknown_outcome_that_can_be_found(prepare: Prepare, effect: str, call: str) -> None:
    async with erp() as account:
        command = await prepare(account)
        account.wire.lose.add(call)
        with pytest.raises(errors.OutcomeUnknown) as unknown:
            await account.connector.do(command, "k-1")
        assert unknown.value.remedy is errors.Remedy.READ_THEN_REPEAT
        found = await account.connector.find(command, "k-1")
        assert found is not None
        again = await account.connector.do(command, "k-1")
        assert (again.key, again.replayed, len(account.effects(effect))) == (found.key, True, 1)


DOCUMENTS = {
    "order": "salesOrder.get",
    "invoice": "invoice.get",
    "billing": "invoice.get",
    "credit": "creditMemo.get",
    "receipt": "customerPayment.get",
    "write-off": "creditMemo.get",
}


@pytest.mark.parametrize(("name", "reading"), DOCUMENTS.items())
async def test_who_dies_before_reading_back_goes_on_with_what_is_there(name: str, reading: str) -> None:
    prepare, effect, _ = DEEDS[name]
    async with erp(retries=False) as account:
        command = await prepare(account)
        account.wire.lose.add(reading)
        with pytest.raises(errors.OutcomeUnknown, match="look for it again"):
            await account.connector.do(command, "k-1")
        again = await account.connector.do(command, "k-1")
        assert (again.replayed, len(account.effects(effect))) == (True, 1)
        assert again.amounts["total"]


async def test_what_was_refused_for_being_too_much_at_once_is_sent_again_by_itself() -> None:
    async with erp() as account:
        account.refuse("/record/v1/salesOrder", 429, "CONCURRENCY_LIMIT_EXCEEDED")
        assert not (await account.connector.do(order(), "k-1")).replayed
        assert account.wire.writes() == ["sales_orders.place"] * 2
        assert len(account.effects()) == 1


async def test_what_failed_half_way_is_not_sent_again_by_itself() -> None:
    async with erp() as account:
        account.refuse("/record/v1/salesOrder", 500, "UNEXPECTED_ERROR")
        with pytest.raises(errors.OutcomeUnknown):
            await account.connector.do(order(), "k-1")
        assert account.wire.writes() == ["sales_orders.place"]
        assert await account.connector.find(order(), "k-1") is None


async def test_two_entities_of_a_new_account_at_once_get_a_record_each() -> None:
    async with erp(limits=Limits(latency=0.05)) as account:
        given = {**WHO, "account_key": ACME[:17] + "Y", "name": "Quill"}
        places = {"US": "USD", "DE": "EUR"}
        commands = [PutDebtor(**given, legal_entity=entity, currency=money) for entity, money in places.items()]
        done = await asyncio.gather(*(account.connector.do(command, command.legal_entity) for command in commands))
        assert len({each.key for each in done}) == 2
        names = sorted(each["external_id"] for each in account.effects("customer.create"))
        assert names[0] == given["account_key"]
        assert names[1] in {f"{given['account_key']}:{entity}" for entity in places}


async def test_two_who_send_the_same_at_once_make_one_document() -> None:
    async with erp(limits=Limits(latency=0.05)) as account:
        done = await asyncio.gather(*(account.connector.do(invoice(), "k-1") for _ in range(3)))
        assert len({each.key for each in done}) == 1
        assert sorted(each.replayed for each in done) == [False, True, True]
        assert len(account.effects("invoice.create")) == 1


async def test_a_record_that_somebody_saves_meanwhile_is_looked_at_again() -> None:
    async with erp(limits=Limits(latency=0.2)) as account:
        commands = (SetCredit(**WHO, party="101", limit=usd(700_000)), SetCredit(**WHO, party="101", hold=True))
        await asyncio.gather(*(account.connector.do(command, f"k-{command.hold}") for command in commands))
        assert account.wire.writes().count("customers.credit") == 3
        [profile] = await account.read(BillingProfile, "key", "101")
        assert (profile.credit_limit, profile.credit_hold_override) == (usd(700_000), CreditHoldOverride.ON)


async def test_a_late_repetition_of_a_hold_does_not_undo_what_came_after() -> None:
    async with erp() as account:
        on, off = (SetCredit(**WHO, party="101", hold=hold) for hold in (True, False))
        await account.connector.do(on, "k-on")
        await account.connector.do(off, "k-off")
        late = await account.connector.do(on, "k-on")
        assert (late.key, late.replayed) == ("101", True)
        assert await account.connector.find(on, "k-on") is not None
        assert await account.connector.find(on, "k-new") is None
        [profile] = await account.read(BillingProfile, "key", "101")
        assert profile.credit_hold_override is CreditHoldOverride.AUTO


async def test_a_customer_keeps_the_keys_of_its_last_changes() -> None:
    async with erp() as account:
        commands = [SetCredit(**WHO, party="101", limit=usd(1_000 + number)) for number in range(facts.KEYS_KEPT + 2)]
        for number, command in enumerate(commands):
            await account.connector.do(command, f"k-{number}")
        found = [await account.connector.find(each, f"k-{number}") is not None for number, each in enumerate(commands)]
        assert found == [False, False, *[True] * facts.KEYS_KEPT]
