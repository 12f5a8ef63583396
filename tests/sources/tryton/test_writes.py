"""What a real Tryton is told is done, once, or refused for what it is."""

import asyncio
from datetime import date
from typing import Any, cast

import pytest
from msgspec.structs import replace

from sources import canonical as c
from sources import errors
from sources.canonical import Money
from sources.canonical.commands import (
    Application,
    ApproveSalesOrder,
    CloseSalesOrder,
    CreditPosted,
    PlaceSalesOrder,
    PostInvoice,
    PutDebtor,
    ReceivePayment,
    SetCredit,
    WriteOffBalance,
)
from sources.ports import Ask
from sources.vendors.tryton.connector import TrytonConnector
from tests.sources.tryton.books import (
    ENTITY,
    WHO,
    closed_adjustments,
    closed_journals,
    closed_petty_cash,
    fresh,
    invoice,
    line,
    opened,
    order,
    party,
    period_of,
    turned,
)
from tests.sources.tryton.erp import Erp


def usd(text: str) -> Money:
    return Money.of(text, "USD")


async def one(connector: TrytonConnector, record: type[c.Record], by: str, key: str) -> Any:
    reading = await connector.read(Ask(record, by, (key,)))
    [found] = reading.rows[key].records
    return found


async def test_an_order_is_placed_approved_billed_and_paid(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        command = order(who, subscription_key=fresh("sub"))
        placed = await connector.do(command, "k-1")
        assert (placed.amounts, set(placed.parts)) == ({"total": usd("131.73"), "tax": usd("11.98")}, {"a", "b"})
        sale = await one(connector, c.SalesOrder, "subscription", str(command.subscription_key))
        assert (sale.key, sale.order_key, sale.status) == (placed.key, command.order_key, c.OrderStatus.DRAFT)

        approve = ApproveSalesOrder(**WHO, sales_order_key=placed.key)
        assert await connector.find(approve, "k-2") is None
        assert not (await connector.do(approve, "k-2")).replayed
        assert (await connector.do(approve, "k-2")).replayed
        sale = await one(connector, c.SalesOrder, "key", placed.key)
        assert sale.status is c.OrderStatus.PENDING_BILLING

        bill = PostInvoice(
            **WHO,
            **ENTITY,
            party=who,
            posted_on=date(2026, 11, 2),
            due_on=date(2026, 12, 2),
            issued_key=fresh("in"),
            sales_order_key=placed.key,
            expected_total=usd("131.74"),
        )
        assert await connector.find(bill, "k-3") is None
        posted = await connector.do(bill, "k-3")
        assert posted.amounts == {"total": usd("131.73"), "tax": usd("11.98"), "difference": usd("-0.01")}
        again = await connector.do(bill, "k-3")
        assert (again.key, again.replayed) == (posted.key, True)
        found = await one(connector, c.PostedInvoice, "invoice", str(bill.issued_key))
        assert (found.status, found.remaining, found.number) == (c.PostedStatus.OPEN, usd("131.73"), posted.number)
        assert (found.posted_on, found.due_on, found.period) == (date(2026, 11, 2), date(2026, 12, 2), "2026-11")

        receipt = ReceivePayment(
            **WHO,
            party=who,
            legal_entity="US",
            amount=usd("150"),
            received_on=date(2026, 11, 5),
            reference=fresh("bank"),
            issued_key=fresh("pi"),
            applications=(Application(invoice_key=posted.key, amount=usd("131.73")),),
        )
        assert await connector.find(receipt, "k-4") is None
        received = await connector.do(receipt, "k-4")
        assert (await connector.do(receipt, "k-4")).key == received.key
        paid = await one(connector, c.PostedInvoice, "key", posted.key)
        assert (paid.status, paid.remaining, paid.paid) == (c.PostedStatus.PAID, usd("0"), usd("131.73"))
        payment = await one(connector, c.Payment, "invoice", str(bill.issued_key))
        assert (payment.key, payment.amount, payment.unapplied) == (receipt.issued_key, usd("150"), usd("18.27"))
        assert [(each.invoice_key, each.amount) for each in payment.applications] == [(bill.issued_key, usd("131.73"))]
        profile = await one(connector, c.BillingProfile, "key", who)
        assert profile.balance == usd("-18.27")


async def test_a_part_payment_leaves_the_rest_open(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        posted = await connector.do(invoice(who), "k")
        receipt: dict[str, Any] = {"party": who, "legal_entity": "US", "received_on": date(2026, 11, 5)}
        for amount, left, status in (("100", "9.78", c.PostedStatus.OPEN), ("9.78", "0", c.PostedStatus.PAID)):
            applied = (Application(invoice_key=posted.key, amount=usd(amount)),)
            command = ReceivePayment(
                **WHO, **receipt, amount=usd(amount), reference=fresh("bank"), applications=applied
            )
            await connector.do(command, fresh("k"))
            found = await one(connector, c.PostedInvoice, "key", posted.key)
            assert (found.remaining, found.status) == (usd(left), status)
        used = ReceivePayment(**WHO, **receipt, amount=usd("1"), reference=command.reference)
        with pytest.raises(errors.Duplicate, match="used once"):
            await connector.do(used, fresh("k"))


async def test_a_whole_invoice_is_credited_and_a_part_of_it_is_refused(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        bill = invoice(who)
        posted = await connector.do(bill, "k")
        part = CreditPosted(**WHO, invoice_key=posted.key, amount=usd("1"), posted_on=date(2026, 11, 2))
        with pytest.raises(errors.Rejected, match="as a whole"):
            await connector.do(part, "k-part")
        whole = CreditPosted(
            **WHO, invoice_key=posted.key, amount=usd("109.78"), posted_on=date(2026, 11, 2), issued_key=fresh("cn")
        )
        credited = await connector.do(whole, "k-whole")
        assert credited.amounts == {"total": usd("109.78"), "tax": usd("9.98")}
        again = await connector.do(whole, "k-whole")
        assert (again.key, again.amounts, again.replayed) == (credited.key, credited.amounts, True)
        memo = await one(connector, c.CreditMemo, "invoice", str(bill.issued_key))
        assert (memo.key, memo.total, memo.unapplied) == (whole.issued_key, usd("109.78"), usd("109.78"))
        assert (await one(connector, c.BillingProfile, "key", who)).balance == usd("0")


async def test_what_is_sent_at_once_is_made_once(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        who = await party(connector)
        command = order(who)
        done = await asyncio.gather(*(connector.do(command, "k-1") for _ in range(3)))
        assert len({each.key for each in done}) == 1
        assert sorted(each.replayed for each in done) == [False, True, True]
        assert wire.sent.count("sale.sale.create") == 1


@pytest.mark.parametrize("lost", ["sale.sale.create", "account.invoice.create", "account.invoice.post"])
async def test_a_lost_answer_is_an_unknown_outcome_that_can_be_found(erp: Erp, lost: str) -> None:
    async with opened(erp) as (connector, wire):
        who = await party(connector)
        command = order(who) if lost.startswith("sale") else invoice(who)
        wire.lose.add(lost)
        with pytest.raises(errors.OutcomeUnknown) as unknown:
            await connector.do(command, "k-1")
        assert unknown.value.remedy is errors.Remedy.READ_THEN_REPEAT
        found = await connector.find(command, "k-1")  # what was not answered was done all the same
        assert (found is None) == (lost == "account.invoice.create")  # a draft is no posted invoice yet
        again = await connector.do(command, "k-1")
        assert found is None or (again.key, again.replayed) == (found.key, True)
        assert wire.sent.count(f"{lost.rpartition('.')[0]}.create") == 1


@pytest.mark.parametrize("lost", ["account.invoice.write", "account.invoice.post"])
async def test_the_invoice_of_a_sale_is_posted_once_whatever_answer_is_lost(erp: Erp, lost: str) -> None:
    async with opened(erp) as (connector, wire):
        who = await party(connector)
        placed = await connector.do(order(who), "k-1")
        approve = ApproveSalesOrder(**WHO, sales_order_key=placed.key)
        told = [
            await connector.do(approve, "k-2"),
            await connector.do(approve, "k-2"),
            await connector.find(approve, "k-2"),
        ]
        [draft] = {each.invoice_key for each in told if each is not None}
        bill = PostInvoice(
            **WHO, **ENTITY, party=who, posted_on=date(2026, 11, 2), issued_key=fresh("in"), sales_order_key=placed.key
        )
        wire.lose.add(lost)
        with pytest.raises(errors.OutcomeUnknown):
            await connector.do(bill, "k-3")
        posted = await connector.do(bill, "k-3")
        assert (posted.key, posted.amounts["total"]) == (draft, usd("131.73"))
        assert (await connector.do(bill, "k-3")).replayed
        found = (await connector.read(Ask(c.PostedInvoice, "account", (who,)))).rows[who].records
        assert [(each.key, cast(c.PostedInvoice, each).status) for each in found] == [(draft, c.PostedStatus.OPEN)]


async def test_a_closed_period_is_locked(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        who = await party(connector)
        wire.sent.clear()
        with pytest.raises(errors.Locked) as locked:
            await connector.do(invoice(who, posted_on=date(2025, 1, 15)), "k-1")
        assert locked.value.code == "PERIOD_LOCKED"
        assert wire.sent == []
        with pytest.raises(errors.Rejected, match="has no period for 2031"):
            await connector.do(invoice(who, posted_on=date(2031, 1, 15)), "k-1")


async def test_a_period_that_the_server_finds_closed_is_locked_too(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        placed = await connector.do(order(who), "k")
        await connector.do(ApproveSalesOrder(**WHO, sales_order_key=placed.key), "k")
        drafts = (await connector.read(Ask(c.PostedInvoice, "account", (who,)))).rows[who].records
        day = {"__class__": "date", "year": 2025, "month": 1, "day": 15}
        await connector._client.write("account.invoice", int(drafts[0].key), {"invoice_date": day})
        with pytest.raises(errors.Locked) as locked:
            await connector._client.press("account.invoice", int(drafts[0].key), "post")
        assert locked.value.code == "PERIOD_LOCKED"


async def test_a_period_that_was_opened_again_is_locked_until_its_journals_are_open_too(erp: Erp) -> None:
    day, later = date(2030, 12, 3), date(2030, 12, 4)
    async with opened(erp) as (connector, _), opened(erp, "accountant") as (accountant, _):
        who = await party(connector)
        receipt: dict[str, Any] = {"party": who, "legal_entity": "US", "amount": usd("1")}
        paid = [
            ReceivePayment(**WHO, **receipt, received_on=each, reference=fresh("bank"), issued_key=fresh("pi"))
            for each in (day, later)
        ]
        billed = [invoice(who, posted_on=each) for each in (day, later)]
        for first in (billed[0], paid[0]):  # the first one of a period opens its journal there
            await connector.do(first, fresh("k"))
        await turned(accountant, day, "close")
        await turned(accountant, day, "reopen", journals=False)
        for second in (billed[1], paid[1]):
            with pytest.raises(errors.Locked, match="open it there too") as locked:
                await connector.do(second, "k-2")
            assert locked.value.code == "PERIOD_LOCKED"
        await turned(accountant, day, "reopen")
        for second in (billed[1], paid[1]):
            assert not (await connector.do(second, "k-2")).replayed


async def test_what_was_refused_for_its_day_is_posted_on_another_one(erp: Erp) -> None:
    day, later = date(2029, 11, 5), date(2029, 12, 4)
    async with opened(erp) as (connector, wire), opened(erp, "accountant") as (accountant, _):
        who = await party(connector)
        placed = await connector.do(order(who), fresh("k"))
        await connector.do(ApproveSalesOrder(**WHO, sales_order_key=placed.key), fresh("k"))
        first = await connector.do(invoice(who, posted_on=day), fresh("k"))  # opens the journal of its period
        await turned(accountant, day, "close")
        await turned(accountant, day, "reopen", journals=False)  # so that drafts are made, and not posted
        dates: dict[str, Any] = {"posted_on": day, "due_on": date(2029, 12, 5)}
        billed = [invoice(who, **dates), invoice(who, **dates, lines=(), sales_order_key=placed.key)]
        credit = CreditPosted(**WHO, invoice_key=first.key, amount=usd("109.78"), posted_on=day, issued_key=fresh("cn"))
        for refused in (*billed, credit):
            with pytest.raises(errors.Locked):
                await connector.do(refused, "k")
        wire.sent.clear()
        due = date(2030, 1, 3)
        for bill in billed:
            posted = await connector.do(replace(bill, posted_on=later, due_on=due), "k")
            found = await one(connector, c.PostedInvoice, "key", posted.key)
            assert (found.posted_on, found.due_on, found.period) == (later, due, "2029-12")
        await connector.do(replace(credit, posted_on=later), "k")
        memo = await one(connector, c.CreditMemo, "key", str(credit.issued_key))
        assert memo.issued_on == later
        assert "account.invoice.create" not in wire.sent  # they are the drafts of the first attempt
        wire.sent.clear()
        for done in (*billed, credit):
            assert (await connector.do(done, "k")).replayed  # whatever day it says, what is posted stays
        assert wire.sent == []


async def test_a_receipt_that_was_begun_is_posted_on_the_day_of_the_next_attempt(erp: Erp) -> None:
    day, later = date(2028, 9, 5), date(2028, 10, 6)
    async with opened(erp) as (connector, wire), opened(erp, "accountant") as (accountant, _):
        who = await party(connector)
        bill = await connector.do(invoice(who), fresh("k"))
        receipt = ReceivePayment(
            **WHO, party=who, legal_entity="US", amount=usd("150"), received_on=day, reference=fresh("bank"),
            issued_key=fresh("pi"), applications=(Application(invoice_key=bill.key, amount=usd("109.78")),),
        )  # fmt: skip
        wire.lose.add("account.move.create")
        with pytest.raises(errors.OutcomeUnknown):
            await connector.do(receipt, "k")
        await closed_journals(accountant, day)
        for shut, why in ((day, "open it there too"), (date(2025, 1, 15), "closed")):
            with pytest.raises(errors.Locked, match=why):  # Tryton itself looks at neither once there is a draft
                await connector.do(replace(receipt, received_on=shut), "k")
        wire.sent.clear()
        done = await connector.do(replace(receipt, received_on=later), "k")
        assert "account.move.create" not in wire.sent, "it is the draft of the first attempt"
        payment = await one(connector, c.Payment, "key", str(receipt.issued_key))
        assert (payment.received_on, payment.amount, payment.unapplied) == (later, usd("150"), usd("40.22"))
        assert await period_of(accountant, done.key) == "2028-10"
        assert (await one(connector, c.PostedInvoice, "key", bill.key)).remaining == usd("0")
        again = await connector.do(receipt, "k")
        assert (again.key, again.replayed) == (done.key, True)  # whatever day it says, what is posted stays


async def test_another_journal_of_the_kind_that_is_closed_keeps_no_receipt_from_being_posted(erp: Erp) -> None:
    day = date(2028, 7, 5)
    async with opened(erp) as (connector, wire), opened(erp, "accountant") as (accountant, _):
        who = await party(connector)
        receipt = ReceivePayment(
            **WHO, party=who, legal_entity="US", amount=usd("1"), received_on=day, reference=fresh("bank"),
            issued_key=fresh("pi"),
        )  # fmt: skip
        wire.lose.add("account.move.create")
        with pytest.raises(errors.OutcomeUnknown):
            await connector.do(receipt, "k")  # opens the journal of the payment method in the period
        await closed_petty_cash(accountant, day)
        done = await connector.do(receipt, "k")
        assert (await one(connector, c.Payment, "key", str(receipt.issued_key))).received_on == day
        assert wire.sent.count("account.move.create") == 1, "it is the draft of the first attempt"
        assert await period_of(accountant, done.key) == "2028-07"
        unknown = (Application(invoice_key="999999999", amount=usd("1")),)
        other = replace(receipt, reference=fresh("bank"), issued_key=fresh("pi"), applications=unknown)
        with pytest.raises(errors.Rejected) as refused:
            await connector.do(other, "k")
        assert refused.value.code == "SOURCE_REJECTED", "for what it is, and not for the journal"
        await closed_journals(accountant, day)
        with pytest.raises(errors.Locked):
            await connector.do(replace(receipt, reference=fresh("bank"), issued_key=fresh("pi")), "k")


async def test_what_is_closed_for_adjustments_keeps_no_receipt_from_being_posted(erp: Erp) -> None:
    day = date(2028, 6, 30)
    async with opened(erp) as (connector, wire), opened(erp, "accountant") as (accountant, _):
        given: dict[str, Any] = {"party": await party(connector), "legal_entity": "US", "amount": usd("1")}
        receipts = [
            ReceivePayment(**WHO, **given, received_on=day, reference=fresh("bank"), issued_key=fresh("pi"))
            for _ in range(2)
        ]
        before = await connector.do(receipts[0], "k")
        wire.lose.add("account.move.create")
        with pytest.raises(errors.OutcomeUnknown):
            await connector.do(receipts[1], "k")
        await closed_adjustments(accountant, day, before.key)
        done = await connector.do(receipts[1], "k")
        assert await period_of(accountant, done.key) == "2028-06"


async def test_a_draft_that_is_another_receipt_is_left_as_it_is(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        theirs, mine = await party(connector), await party(connector)
        given: dict[str, Any] = {"legal_entity": "US", "amount": usd("1"), "received_on": date(2026, 11, 5)}
        first = ReceivePayment(**WHO, **given, party=theirs, reference=fresh("bank"), issued_key=fresh("pi"))
        wire.lose.add("account.move.create")
        with pytest.raises(errors.OutcomeUnknown):
            await connector.do(first, "k")
        wire.sent.clear()
        for other in (replace(first, party=mine), replace(first, reference=fresh("bank"))):
            with pytest.raises(errors.Duplicate, match="another receipt"):
                await connector.do(other, "k")
        assert wire.sent == []
        assert not (await connector.do(first, "k")).replayed


async def test_who_may_not_post_is_rejected(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
    async with opened(erp, "svc-sales") as (connector, _):
        with pytest.raises(errors.Rejected) as refused:
            await connector.do(invoice(who), "k-1")
        assert refused.value.code == "SOURCE_REJECTED"


async def test_an_order_is_cancelled_until_it_is_billed(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        placed = await connector.do(order(who), "k")
        close = CloseSalesOrder(**WHO, sales_order_key=placed.key)
        assert await connector.find(close, "k") is None
        assert [(await connector.do(close, "k")).replayed for _ in range(2)] == [False, True]
        assert (await one(connector, c.SalesOrder, "key", placed.key)).status is c.OrderStatus.CANCELED
        with pytest.raises(errors.Rejected, match="cannot be approved"):
            await connector.do(ApproveSalesOrder(**WHO, sales_order_key=placed.key), "k")
        billed = await connector.do(order(who), "k")
        await connector.do(ApproveSalesOrder(**WHO, sales_order_key=billed.key), "k")
        with pytest.raises(errors.Locked, match="being billed"):
            await connector.do(CloseSalesOrder(**WHO, sales_order_key=billed.key), "k")


async def test_a_credit_limit_is_set_and_a_hold_is_refused(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        limit = SetCredit(**WHO, party=who, limit=usd("5000"))
        assert [(await connector.do(limit, "k")).replayed for _ in range(2)] == [False, True]
        assert (await one(connector, c.BillingProfile, "key", who)).credit_limit == usd("5000")
        with pytest.raises(errors.Rejected, match="cannot hold"):
            await connector.do(SetCredit(**WHO, party=who, hold=True), "k")
    async with opened(erp, credit_limits=False) as (connector, _):
        with pytest.raises(errors.Rejected, match="keeps no credit limits"):
            await connector.do(limit, "k")


async def test_what_tryton_has_no_word_for_is_refused_before_anything_is_sent(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        who = await party(connector)
        wire.sent.clear()
        with pytest.raises(errors.Rejected, match="another source"):
            await connector.do(PlaceSalesOrder(**_elsewhere(who)), "k")
        with pytest.raises(errors.Rejected, match="no product `NONE`"):
            await connector.do(order(who, line(code="NONE")), "k")
        with pytest.raises(errors.Missing, match="ids are digits"):
            await connector.do(order("../1"), "k")
        off = WriteOffBalance(**WHO, invoice_key="1", amount=usd("1"), posted_on=date(2026, 11, 1))
        with pytest.raises(errors.BadAsk, match="cannot be told"):
            await connector.do(off, "k")
        assert wire.sent == []


def _elsewhere(who: str) -> dict[str, Any]:
    day = date(2026, 11, 1)
    return {**WHO, "party": who, "legal_entity": "DE", "currency": "USD", "ordered_on": day, "lines": (line(),)}


async def test_two_parties_never_share_an_account(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        given = {**WHO, **ENTITY, "account_key": fresh("001xx"), "name": "Quill"}
        wire.sent.clear()
        command = PutDebtor(**given, email="a@quill.example", terms="Direct")
        done = await asyncio.gather(connector.do(command, "k-1"), connector.do(command, "k-2"))
        assert len({each.key for each in done}) == 1
        profile = await one(connector, c.BillingProfile, "key", done[0].key)
        assert (profile.name, profile.email, profile.terms) == ("Quill", "a@quill.example", "Direct")


async def test_a_day_before_the_last_invoices_is_refused_plainly(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)
        await connector.do(invoice(who), "k-1")
        with pytest.raises(errors.Rejected, match="post a later day"):
            await connector.do(invoice(who, posted_on=date(2026, 10, 1)), "k-2")
