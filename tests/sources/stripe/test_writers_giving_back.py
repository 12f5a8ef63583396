"""Credits, voids and refunds: never more than is left, and where it was asked to."""

from typing import Any

import pytest

from sources.canonical import CreditMemo, CreditMemoStatus, InvoiceStatus, Money, Refund
from sources.canonical.commands import (
    Collection,
    CreditInvoice,
    ReleaseSubscription,
    Return,
    ReturnPayment,
    VoidCredit,
    VoidInvoice,
)
from sources.errors import Locked, Rejected
from tests.sources.stripe.commands_of import CHARGED, OP, invoice_of, prepared, preparing, released, usd
from tests.sources.stripe.writing import BUYER, GOOD, Billing


class TestGivingBack:
    def credit(self, invoice: str, minor: int, **more: Any) -> CreditInvoice:
        return CreditInvoice(invoice_key=invoice, amount=usd(minor), **more, **OP)

    def test_what_is_owed_is_lowered_first(self, account: Billing) -> None:
        invoice = invoice_of(account, released(account)).key
        written = account.do(self.credit(invoice, 1_200, reason="SERVICE_LEVEL", to=Return.REFUND))
        assert written.amounts == {"total": usd(1_200), "before_payment": usd(1_200), "after_payment": usd(0)}
        [note] = account.read(CreditMemo, "key", written.key)
        assert (note.number, note.total, note.memo) == (written.number, usd(1_200), "SERVICE_LEVEL")
        assert account.raw(f"invoices/{invoice}")["amount_remaining"] == 3_800

    @pytest.mark.parametrize(
        ("to", "balance", "refunds"), [(Return.BALANCE, -1_200, 0), (Return.REFUND, 0, 1), (Return.OUTSIDE, 0, 0)]
    )
    def test_what_was_paid_goes_where_it_was_asked_to(
        self, account: Billing, to: Return, balance: int, refunds: int
    ) -> None:
        invoice = invoice_of(account, released(account, **CHARGED)).key
        written = account.do(self.credit(invoice, 1_200, to=to))
        assert written.amounts["after_payment"] == usd(1_200)
        assert account.raw(f"customers/{BUYER}")["balance"] == balance
        assert len(account.raw("refunds")["data"]) == refunds

    def test_never_more_than_is_left(self, account: Billing) -> None:
        invoice = invoice_of(account, released(account)).key
        account.do(self.credit(invoice, 4_000), "a")
        with pytest.raises(Rejected, match=r"more than is left of the invoice: `10\.00`"):
            account.do(self.credit(invoice, 1_001), "b")
        account.do(self.credit(invoice, 1_000), "c")

    @pytest.mark.parametrize("amount", [Money(100, "EUR"), Money(0, "USD"), Money(-1, "USD")])
    def test_an_amount_that_is_none_is_refused(self, account: Billing, amount: Money) -> None:
        invoice = invoice_of(account, released(account)).key
        with pytest.raises(Rejected):
            account.do(CreditInvoice(invoice_key=invoice, amount=amount, **OP))

    def test_a_draft_is_not_credited_nor_voided(self, account: Billing) -> None:
        draft = invoice_of(account, prepared(account)).key
        with pytest.raises(Locked):
            account.do(self.credit(draft, 100))
        with pytest.raises(Locked):
            account.do(VoidInvoice(invoice_key=draft, **OP))

    def test_a_credit_is_taken_back_while_its_invoice_is_open(self, account: Billing) -> None:
        invoice = invoice_of(account, released(account)).key
        note = account.do(self.credit(invoice, 1_200), "a").key
        account.do(VoidCredit(credit_key=note, **OP), "b")
        [found] = account.read(CreditMemo, "key", note)
        assert found.status is CreditMemoStatus.VOID
        assert account.raw(f"invoices/{invoice}")["amount_remaining"] == 5_000
        other = account.do(self.credit(invoice, 1_200), "c").key
        account.change(f"invoices/{invoice}/pay", paid_out_of_band="true")
        with pytest.raises(Locked, match="not open any more"):
            account.do(VoidCredit(credit_key=other, **OP), "d")

    def test_a_void_invoice_is_owed_no_more_and_a_paid_one_stays(self, account: Billing) -> None:
        key = released(account)
        account.do(VoidInvoice(invoice_key=invoice_of(account, key).key, **OP), "a")
        assert invoice_of(account, key).status is InvoiceStatus.VOID
        paid = released_of(account)
        with pytest.raises(Locked, match="`paid`"):
            account.do(VoidInvoice(invoice_key=paid, **OP), "b")

    def test_a_refund_is_seen_and_never_exceeds_the_payment(self, account: Billing) -> None:
        invoice = released_of(account)
        [link] = account.raw("invoice_payments", invoice=invoice)["data"]
        payment = link["payment"]["payment_intent"]
        key = account.do(ReturnPayment(payment_key=payment, amount=usd(2_000), **OP), "a").key
        [found] = [each for each in account.read(Refund, "payment", payment) if each.key == key]
        assert (found.amount, found.payment_key) == (usd(2_000), payment)
        with pytest.raises((Rejected, Locked)):
            account.do(ReturnPayment(payment_key=payment, amount=usd(3_001), **OP), "b")
        charge = account.raw(f"payment_intents/{payment}")["latest_charge"]
        account.do(ReturnPayment(payment_key=charge, amount=usd(3_000), **OP), "c")
        with pytest.raises((Rejected, Locked)):
            account.do(ReturnPayment(payment_key=payment, amount=usd(1), **OP), "d")


def released_of(account: Billing) -> str:
    """A paid invoice."""
    account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
    key = account.do(preparing(collection=Collection.CHARGE), "paid:prepare").key
    account.do(ReleaseSubscription(subscription_key=key, **OP), "paid:release")
    return invoice_of(account, key).key
