"""Money that comes in short, late or not at all, and money that is given back in small parts."""

from decimal import Decimal

import pytest

from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.invoices import RecordPayment, WriteOff
from resolvers.sagas.writes.issue_credit import IssueCredit
from resolvers.sagas.writes.refund_payment import RefundPayment
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Operation, Outcome, State
from tests.scenarios.holdings import facts
from tests.scenarios.office import AGENT, CONTROLLER, FINANCE, LEAD, TODAY, Office, person

pytestmark = pytest.mark.slow

SECOND = person("fay", "finance")
FEE = Decimal("15.00")


async def unpaid(office: Office, account: str) -> tuple[c.Invoice, c.PostedInvoice]:
    """The account's open invoice, as issued and as posted."""
    [invoice] = [
        each for each in await office.read(c.Invoice, "account", account) if each.status is c.InvoiceStatus.OPEN
    ]
    return invoice, await office.one(c.PostedInvoice, "invoice", invoice.key)


def paid(invoice: c.Invoice, amount: Decimal, reference: str) -> RecordPayment:
    return RecordPayment(
        invoice=invoice.key, amount=amount, currency=invoice.currency, received_on=TODAY, reference=reference
    )


def _applied(posted: c.PostedInvoice, amount: Decimal) -> tuple[c.Application, ...]:
    money = Money.of(amount, posted.currency)
    return (c.Application(invoice_key=posted.invoice_key, source_document_id=posted.key, amount=money),)


async def test_what_the_bank_and_the_tax_office_kept_is_settled_by_others_than_who_took_the_cash(
    office: Office,
) -> None:
    """The customer pays what is left after its bank's fee and ten per cent of tax that it has to withhold."""
    account = office.account("overdue")
    invoice, posted = await unpaid(office, account)
    due = posted.remaining.amount
    withheld = (due / 10).quantize(Decimal("0.01"))
    cash = due - FEE - withheld
    before = office.town.holdings()

    await office.completed(await office.send("recordPayment", paid(invoice, cash, "BANK-77"), FINANCE))
    assert (await office.one(c.PostedInvoice, "invoice", invoice.key)).remaining == Money.of(FEE + withheld, "USD")
    fee = WriteOff(invoice=invoice.key, amount=FEE, currency="USD", explanation="the bank's fee")
    with pytest.raises(Refused) as caught:
        await office.send("writeOff", fee, FINANCE)
    assert caught.value.reasons == ("DUTIES_CONFLICT cash_application + write_off",)
    tax = IssueCredit(invoice=invoice.key, amount=withheld, currency="USD", reason=c.CreditReason.TAX)
    await office.completed(await office.send("issueCredit", tax, LEAD))
    rest = await office.completed(await office.send("writeOff", fee, SECOND))

    after = await office.one(c.PostedInvoice, "invoice", invoice.key)
    assert (after.status, after.remaining.minor) == (c.PostedStatus.PAID, 0)
    [payment] = [each for each in await office.read(c.Payment, "account", account) if each.reference == "BANK-77"]
    [lost] = await office.read(c.WriteOff, "invoice", invoice.key)
    [memo] = await office.read(c.CreditMemo, "invoice", invoice.key)
    settled = {"account_key": account, "legal_entity": "US"}
    assert facts(payment) == settled | {
        "key": payment.key,
        "status": c.PaymentStatus.SUCCEEDED,
        "amount": Money.of(cash, "USD"),
        "applied": Money.of(cash, "USD"),
        "unapplied": Money.zero("USD"),
        "applications": _applied(posted, cash),
        "on_account": False,
        "received_on": TODAY,
        "reference": "BANK-77",
        "posted": True,
    }
    assert facts(lost) == settled | {
        "key": lost.key,
        "invoice_key": invoice.key,
        "amount": Money.of(FEE, "USD"),
        "written_off_on": TODAY,
        "memo": "the bank's fee",
    }
    assert facts(memo) == settled | {
        "key": memo.key,
        "number": memo.number,
        "status": c.CreditMemoStatus.APPLIED,
        "total": Money.of(withheld, "USD"),
        "unapplied": Money.zero("USD"),
        "applications": _applied(posted, withheld),
        "invoice_key": invoice.key,
        "issued_on": TODAY,
        "memo": c.CreditReason.TAX,
        "posted": True,
    }
    changes = office.town.changes(before)
    assert changes.told == {
        "billing": {"credit_note.added": 1, "invoice.changed": 1},
        "erp": {"customer.changed": 1, "invoice.changed": 1, "customerPayment.added": 1, "creditMemo.added": 2},
    }
    assert changes.one("billing", "credit_note.added").key == memo.key, "the ledger's memo is of billing's note"
    assert changes.one("billing", "invoice.changed").key == invoice.key
    assert office.town.did(rest.id)["billing"]["invoice.give_up"] == 1
    asked = await office.one(c.Invoice, "key", invoice.key)
    assert c.InvoiceOverlay.COLLECTION_STOPPED in asked.overlays, "nobody is asked for the rest any more"


async def test_what_was_written_off_may_still_be_paid_and_then_waits_on_the_account(office: Office) -> None:
    account = office.account("delinquent")
    invoices = await office.read(c.Invoice, "account", account)
    invoice = next(each for each in invoices if each.status is c.InvoiceStatus.OPEN)
    posted = await office.one(c.PostedInvoice, "invoice", invoice.key)
    whole, before = posted.remaining, office.town.holdings()
    given_up = WriteOff(invoice=invoice.key, amount=whole.amount, currency="USD", explanation="nobody answers")
    answer = await office.send("writeOff", given_up, FINANCE)
    assert (answer.member, [each.role for each in answer.approvals]) == (
        Outcome.NEEDS_APPROVAL, ["finance_controller"],
    )  # fmt: skip
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(CONTROLLER, answer)
    await office.completed(answer)
    assert (await office.one(c.PostedInvoice, "invoice", invoice.key)).remaining.minor == 0
    given = office.town.changes(before)
    assert given.told == {
        "billing": {"invoice.changed": 1},
        "erp": {"customer.changed": 1, "invoice.changed": 1, "creditMemo.added": 1},
    }
    between = office.town.holdings()

    more = paid(invoice, whole.amount + Decimal("0.01"), "BANK-78")
    assert (await office.send("recordPayment", more, SECOND)).member is Outcome.REJECTED
    asked = await office.one(c.Invoice, "key", invoice.key)
    assert (asked.status, c.InvoiceOverlay.COLLECTION_STOPPED in asked.overlays) == (c.InvoiceStatus.OPEN, True)
    await office.completed(await office.send("recordPayment", paid(invoice, whole.amount, "BANK-78"), SECOND))
    assert (await office.one(c.Invoice, "key", invoice.key)).status is c.InvoiceStatus.PAID

    [payment] = [each for each in await office.read(c.Payment, "account", account) if each.reference == "BANK-78"]
    assert (payment.amount, payment.unapplied, payment.applications) == (whole, whole, ())
    [lost] = await office.read(c.WriteOff, "invoice", invoice.key)
    assert lost.amount == whole, "what was given up stays so until finance reinstates it"
    with pytest.raises(Refused) as caught:
        await office.send("recordPayment", paid(invoice, Decimal("1.00"), "bank-78"), SECOND)
    assert caught.value.reasons == ("REFUSED duplicate_reference",)
    changes = office.town.changes(between)
    assert changes.told == {
        "billing": {"customer.changed": 1, "subscription.changed": 1, "invoice.changed": 1},
        "erp": {"customer.changed": 1, "customerPayment.added": 1},
    }, "the ledger's invoice stays given up"
    assert changes.one("billing", "customer.changed").fields == {"delinquent": False}
    assert changes.one("billing", "subscription.changed").fields == {"status": "active"}


async def test_a_payment_goes_back_while_its_dispute_is_won_and_not_once_it_is_lost(office: Office) -> None:
    """What the bank takes back is not given back by us as well, whatever was decided before."""
    account = office.account("disputed")
    [dispute] = await office.read(c.Dispute, "account", account)
    assert dispute.payment_key

    async def refund(amount: str) -> Operation:
        given = RefundPayment(payment=dispute.payment_key or "", amount=Decimal(amount), currency="USD")
        answer = await office.send("refundPayment", given, FINANCE)
        if answer.member is Outcome.NEEDS_APPROVAL:
            await office.until(answer, State.AWAITING_APPROVAL)
            await office.approve(SECOND, answer)
            return await office.ended(answer)
        return await office.operation(answer)

    before = office.town.holdings()
    contested = await refund("10.00")
    assert (contested.state, (contested.reason or "").partition(":")[0]) == (State.REJECTED, "PAYMENT_NOT_REFUNDABLE")
    assert office.town.changes(before).told == {}
    office.town.judged(dispute.key, "won")
    office.catalog.wrote("billing", [f"account:{account}"])
    before = office.town.holdings()
    assert (await refund("10.00")).state is State.COMPLETED
    changes = office.town.changes(before)
    assert changes.told == {"billing": {"charge.changed": 1, "refund.added": 1}}, "the ledger learns of it from billing"
    assert changes.one("billing", "charge.changed").fields == {"amount_refunded": 1_000}
    office.town.judged(dispute.key, "lost")
    office.catalog.wrote("billing", [f"account:{account}"])
    before = office.town.holdings()
    lost = await refund("20.00")
    assert office.town.changes(before).told == {}
    assert (lost.state, (lost.reason or "").partition(":")[0]) == (State.REJECTED, "PAYMENT_NOT_REFUNDABLE")
    [given] = await office.read(c.Refund, "account", account)
    assert (given.amount, given.payment_key) == (Money(1_000, "USD"), dispute.payment_key)
    payment = await office.one(c.GatewayPayment, "key", dispute.payment_key)
    assert payment.status is c.PaymentStatus.DISPUTE_LOST


async def test_ten_credits_under_the_limit_are_one_credit_over_it(office: Office) -> None:
    account = office.account("credit_hold_off")
    invoice, posted = await unpaid(office, account)
    before = office.town.holdings()

    async def credit(amount: str, who: Asker = AGENT) -> Answer:
        given = IssueCredit(invoice=invoice.key, amount=Decimal(amount), currency="USD", reason=c.CreditReason.GOODWILL)
        return await office.send("issueCredit", given, who)

    for _ in range(10):
        await office.completed(await credit("10.00"))
    after = await office.one(c.PostedInvoice, "invoice", invoice.key)
    assert posted.remaining - after.remaining == Money(100_00, "USD")
    eleventh = await credit("0.01")
    assert (eleventh.member, [each.role for each in eleventh.approvals]) == (
        Outcome.NEEDS_APPROVAL, ["support_lead"],
    )  # fmt: skip
    await office.until(eleventh, State.AWAITING_APPROVAL)
    with pytest.raises(Refused):
        await office.approve(AGENT, eleventh)
    await office.approve(LEAD, eleventh)
    await office.completed(eleventh)
    memos = await office.read(c.CreditMemo, "invoice", invoice.key)
    changes = office.town.changes(before)
    assert changes.told == {
        "billing": {"credit_note.added": 11, "invoice.changed": 1},
        "erp": {"customer.changed": 1, "invoice.changed": 1, "creditMemo.added": 11},
    }
    notes = {each.key: each.after for each in changes.of("billing", "credit_note.added")}
    assert {each.key: each.total.minor for each in memos} == {key: (note or {})["total"] for key, note in notes.items()}
    issued, ledger = await office.one(c.Invoice, "key", invoice.key), await unpaid(office, account)
    assert issued.remaining == ledger[1].remaining == posted.remaining - Money(100_01, "USD")
