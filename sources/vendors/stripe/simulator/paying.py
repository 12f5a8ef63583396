"""Payments of invoices: intents, charges, and what a payment that comes or fails does to a subscription."""

from __future__ import annotations

from typing import Any

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal, declined, locked
from sources.vendors.stripe.simulator.invoicing import settled, subscription_of
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.rights import entitle
from sources.vendors.stripe.simulator.shapes import Object, shape


def method_of(office: Office, customer: Object, subscription: Object | None = None) -> str | None:
    """What a customer pays with: the default, or what his last successful payment by himself was made with."""
    chosen = (subscription or {}).get("default_payment_method")
    usual = (customer.get("invoice_settings") or {}).get("default_payment_method")
    if chosen or usual:
        return str(chosen or usual)
    for key in office.store.ids("payment_intents", "customer", customer["id"]):
        intent = office.get("payment_intents", key)
        if intent["status"] == "succeeded" and intent["payment_method_types"] != ["customer_balance"]:
            return f"pm_of_{customer['id']}"
    return None


def payable(method: str | None) -> bool:
    """Whether a payment by this method would succeed."""
    return method is not None and method not in facts.DECLINING


def ask(office: Office, invoice: Object) -> Object:
    """Opens the intent by which an invoice is to be paid."""
    intent = shape(
        "payment_intent",
        id=office.new("pi"),
        amount=invoice["amount_remaining"],
        amount_received=0,
        created=office.now(),
        currency=invoice["currency"],
        customer=invoice["customer"],
        payment_method_types=["card"],
        status="requires_payment_method",
    )
    link = shape(
        "invoice_payment",
        id=office.new("inpay"),
        amount_paid=None,
        amount_requested=intent["amount"],
        created=intent["created"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    office.put("payment_intents", intent, customer=invoice["customer"])
    office.put("invoice_payments", link, invoice=invoice["id"], payment_intent=intent["id"])
    return link


def pay(office: Office, key: str, method: str | None = None, *, outside: bool = False) -> Object:
    """Pays what is left of an invoice, or says why that failed; what failed is seen on the invoice."""
    invoice = office.get("invoices", key)
    if invoice["status"] == "paid":
        raise locked("Invoice is already paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise locked(f"Invoice is {invoice['status']} and can't be paid.")
    if outside:
        office.tell("invoice.pay_outside", invoice, invoice["amount_remaining"])
        return _closed(office, invoice, 0)
    customer = office.get("customers", invoice["customer"])
    subscription = subscription_of(invoice)
    chosen = method or method_of(office, customer, office.get("subscriptions", subscription) if subscription else None)
    if chosen is None:
        message = "This customer has no attached payment source or default payment method."
        raise Refusal(400, message, code="resource_missing", param="payment_method")
    paid = attempt(office, invoice, chosen)
    if paid["status"] != "paid":
        raise declined()
    return paid


def attempt(office: Office, invoice: Object, method: str) -> Object:
    """Charges what is left; the invoice afterwards, paid or with one attempt more."""
    links = [
        office.get("invoice_payments", each) for each in office.store.ids("invoice_payments", "invoice", invoice["id"])
    ]
    link = next((each for each in links if each["status"] == "open"), None) or ask(office, invoice)
    intent = office.get("payment_intents", link["payment"]["payment_intent"])
    good, amount = payable(method), invoice["amount_remaining"]
    charge = _charge(office, intent, amount, good)
    error = None if good else {"code": "card_declined", "message": "declined", "type": "card_error"}
    office.put(
        "payment_intents",
        {
            **intent,
            "amount": amount,
            "amount_received": amount if good else 0,
            "last_payment_error": error,
            "latest_charge": charge["id"],
            "payment_method": method if good else None,
            "status": "succeeded" if good else "requires_payment_method",
        },
    )
    tried = {**invoice, "attempt_count": invoice["attempt_count"] + 1, "attempted": True}
    if not good:
        return office.put("invoices", tried)
    transitions = {**link["status_transitions"], "paid_at": office.now()}
    office.put(
        "invoice_payments",
        {
            **link,
            "amount_requested": amount,
            "amount_paid": amount,
            "status": "paid",
            "status_transitions": transitions,
        },
    )
    office.tell("invoice.pay", tried, amount)
    return _closed(office, tried, amount)


def _charge(office: Office, intent: Object, amount: int, good: bool) -> Object:
    charge = shape(
        "charge",
        id=office.new("ch"),
        amount=amount,
        amount_captured=amount if good else 0,
        amount_refunded=0,
        captured=good,
        created=office.now(),
        currency=intent["currency"],
        customer=intent["customer"],
        failure_code=None if good else "card_declined",
        paid=good,
        payment_intent=intent["id"],
        payment_method_details={"type": "card"},
        status="succeeded" if good else "failed",
    )
    return office.put("charges", charge, customer=intent["customer"], payment_intent=intent["id"])


def _closed(office: Office, invoice: Object, cash: int) -> Object:
    paid = settled(office, {**invoice, "amount_paid": invoice["amount_paid"] + cash, "amount_remaining": 0})
    key = subscription_of(paid)
    if key is not None:
        revive(office, key)
    customer = office.get("customers", paid["customer"])
    if customer["delinquent"] and not any(_unpaid(office, each) for each in _invoices_of(office, customer)):
        office.put("customers", {**customer, "delinquent": False})
    return paid


def revive(office: Office, key: str) -> None:
    """A subscription whose invoice is settled begins, or is no longer past due."""
    subscription = office.get("subscriptions", key)
    if subscription["status"] in ("incomplete", "past_due"):
        entitle(office, office.put("subscriptions", {**subscription, "status": "active"}))


def collect(office: Office, invoice: Object, **decided: Any) -> Object:
    """What happens by itself to an invoice that was just finalised: it is charged, where it is to be charged; where
    the customer's credit has paid it, its subscription begins."""
    key = subscription_of(invoice)
    if invoice["status"] == "paid" and key:
        revive(office, key)
    if invoice["status"] != "open" or invoice["collection_method"] != "charge_automatically":
        return invoice
    subscription = office.get("subscriptions", key) if key else None
    method = method_of(office, office.get("customers", invoice["customer"]), subscription)
    if method is None or not decided.get("charge", True):
        ask(office, invoice)
        after = invoice
    else:
        after = attempt(office, invoice, method)
    if after["status"] != "paid" and subscription is not None and subscription["status"] == "active":
        office.put("subscriptions", {**subscription, "status": "past_due"})
        customer = office.get("customers", invoice["customer"])
        office.put("customers", {**customer, "delinquent": True})
    return after


def _invoices_of(office: Office, customer: Object) -> list[str]:
    return office.store.ids("invoices", "customer", customer["id"])


def _unpaid(office: Office, key: str) -> bool:
    invoice = office.get("invoices", key)
    return invoice["status"] == "open" and bool(invoice["attempted"])
