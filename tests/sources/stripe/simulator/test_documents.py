"""Invoices, credit notes and refunds at the simulator: what can be taken back, and what can not."""

from typing import Any

import pytest
import stripe

from tests.sources.stripe.simulator.account import Account


def issued(bank: Account, amount: int = 10_000, **more: Any) -> dict[str, Any]:
    """An open invoice."""
    found = bank.subscribe(bank.customer(), bank.price(amount), 1, **more)
    return bank.v1.invoices.finalize_invoice(found["latest_invoice"]).to_dict()


def charged(bank: Account, amount: int = 10_000) -> dict[str, Any]:
    """A paid invoice."""
    found = bank.subscribe(bank.customer(), bank.price(amount), 1, collection_method="charge_automatically")
    return bank.invoice(found["latest_invoice"])


def test_a_credit_note_takes_from_what_is_left_and_can_be_voided_while_the_invoice_is_open(bank: Account) -> None:
    invoice = issued(bank)
    first = bank.v1.credit_notes.create(
        {"invoice": invoice["id"], "amount": 4_000, "metadata": {"gateway_op_id": "op"}}
    )
    assert (first.type, first.pre_payment_amount, bank.invoice(invoice["id"])["amount_remaining"]) == (
        "pre_payment", 4_000, 6_000,
    )  # fmt: skip
    voided = bank.v1.credit_notes.void_credit_note(first.id)
    assert (voided.status, bank.invoice(invoice["id"])["amount_remaining"]) == ("void", 10_000)
    whole = bank.v1.credit_notes.create({"invoice": invoice["id"], "amount": 10_000})
    assert bank.invoice(invoice["id"])["status"] == "paid"
    with pytest.raises(stripe.InvalidRequestError) as late:
        bank.v1.credit_notes.void_credit_note(whole.id)
    assert late.value.code == "status_transition_invalid"
    with pytest.raises(stripe.InvalidRequestError, match="at most 0"):
        bank.v1.credit_notes.create({"invoice": invoice["id"], "amount": 1})
    numbers = [int(each.number.rpartition("-")[2]) for each in (first, whole)]
    assert numbers[1] == numbers[0] + 1
    assert [each["operation"] for each in bank.effects("credit_note.create") if "operation" in each] == ["op"]


def test_what_was_paid_goes_back_by_the_ways_that_are_named_to_the_last_unit(bank: Account) -> None:
    invoice = charged(bank)
    with pytest.raises(stripe.InvalidRequestError, match="must equal 5000"):
        bank.v1.credit_notes.create({"invoice": invoice["id"], "amount": 5_000})
    shown = bank.v1.credit_notes.preview({"invoice": invoice["id"], "amount": 5_000, "credit_amount": 5_000})
    assert (shown.type, bank.effects("credit_note.create")) == ("post_payment", [])
    made = bank.v1.credit_notes.create(
        {"invoice": invoice["id"], "amount": 5_000, "credit_amount": 2_000, "refund_amount": 3_000}
    )
    customer = invoice["customer"]
    assert bank.v1.customers.retrieve(customer).balance == -2_000
    [charge] = bank.v1.charges.list({"customer": customer}).data
    assert (charge.amount_refunded, charge.refunded) == (3_000, False)
    assert bank.v1.refunds.list({"charge": charge.id}).data[0].id == made.to_dict()["refunds"][0]["refund"]
    with pytest.raises(stripe.InvalidRequestError):
        bank.v1.credit_notes.void_credit_note(made.id)


def test_a_credit_balance_pays_the_next_invoice(bank: Account) -> None:
    invoice = charged(bank)
    bank.v1.credit_notes.create({"invoice": invoice["id"], "amount": 4_000, "credit_amount": 4_000})
    again = bank.subscribe(invoice["customer"], bank.price(10_000), 1)
    bill = bank.v1.invoices.finalize_invoice(again["latest_invoice"]).to_dict()
    assert (bill["starting_balance"], bill["ending_balance"], bill["amount_due"]) == (-4_000, 0, 6_000)
    bank.v1.invoices.void_invoice(bill["id"])
    assert bank.v1.customers.retrieve(invoice["customer"]).balance == -4_000


def test_credited_lines_carry_their_part_of_the_tax(bank: Account) -> None:
    customer = bank.customer(metadata={"legal_entity": "DE"}, address={"country": "DE"})
    found = bank.subscribe(customer, bank.price(10_000, currency="eur"), 3)
    bill = bank.v1.invoices.finalize_invoice(found["latest_invoice"]).to_dict()
    line = {"type": "invoice_line_item", "invoice_line_item": bill["lines"]["data"][0]["id"], "quantity": 1}
    made = bank.v1.credit_notes.create({"invoice": bill["id"], "lines": [line]})  # type: ignore[list-item]
    assert (made.total, made.subtotal) == (11_900, 10_000)
    assert len(bank.v1.credit_notes.line_items.list(made.id).data) == 1


def test_only_an_open_invoice_can_be_voided_and_no_finalised_one_changes(bank: Account) -> None:
    bill, paid = issued(bank), charged(bank)
    with pytest.raises(stripe.InvalidRequestError) as late:
        bank.v1.invoices.void_invoice(paid["id"])
    assert late.value.code == "status_transition_invalid"
    with pytest.raises(stripe.InvalidRequestError) as frozen:
        bank.v1.invoices.update(bill["id"], {"description": "other"})
    assert frozen.value.code == "invoice_not_editable"
    assert bank.v1.invoices.update(bill["id"], {"metadata": {"a": "b"}}).to_dict()["metadata"] == {"a": "b"}
    assert bank.v1.invoices.void_invoice(bill["id"]).status == "void"
    stuck = issued(bank)
    assert bank.v1.invoices.mark_uncollectible(stuck["id"]).status == "uncollectible"
    assert bank.v1.invoices.pay(stuck["id"], {"paid_out_of_band": True}).status == "paid"


def test_a_refund_is_never_more_than_was_charged(bank: Account) -> None:
    paid = charged(bank)
    intent = paid["payments"]["data"][0]["payment"]["payment_intent"]
    first = bank.v1.refunds.create({"payment_intent": intent, "amount": 4_000})
    assert (first.status, first.amount) == ("succeeded", 4_000)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        bank.v1.refunds.create({"payment_intent": intent, "amount": 6_001})
    bank.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as done:
        bank.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert done.value.code == "charge_already_refunded"
    assert sum(each["amount"] for each in bank.effects("refund.create")) == 10_000


def test_a_disputed_payment_is_not_refunded_and_one_that_failed_neither(bank: Account) -> None:
    disputed = next(each for each in bank.v1.disputes.list({"limit": 100}) if each.status == "needs_response")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.v1.refunds.create({"charge": str(disputed.charge), "amount": 1})
    assert refused.value.code == "charge_disputed"
    found = bank.subscribe(
        bank.customer(),
        bank.price(),
        1,
        collection_method="charge_automatically",
        payment_behavior="default_incomplete",
    )
    intent = bank.invoice(found["latest_invoice"])["payments"]["data"][0]["payment"]["payment_intent"]
    with pytest.raises(stripe.InvalidRequestError) as unpaid:
        bank.v1.refunds.create({"payment_intent": intent})
    assert unpaid.value.code == "payment_intent_unexpected_state"
