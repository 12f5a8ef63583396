"""Invoices: drafted from parts, finalised with a number, paid, voided."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal, locked
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.render import embedded
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import Part, rounded


def draft(office: Office, customer: Object, parts: Sequence[Part], reason: str, **decided: Any) -> Object:
    """A draft that nobody has seen yet; `subscription` is whose it is, every other name one of the invoice's own."""
    subscription: Object | None = decided.pop("subscription", None)
    key, now = decided.pop("id", None) or office.new("in"), office.now()
    rate = office.registers.rate(customer)
    lines = [_line(key, place, part, rate) for place, part in enumerate(parts)]
    parent = None
    if subscription is not None:
        details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
        parent = {"type": "subscription_details", "quote_details": None, "subscription_details": details}
    made = shape(
        "invoice",
        id=key,
        auto_advance=True,
        billing_reason=reason,
        collection_method="charge_automatically",
        created=now,
        currency=customer["currency"] or (parts[0].price["currency"] if parts else None),
        customer=customer["id"],
        lines=embedded(lines, f"/v1/invoices/{key}/lines"),
        parent=parent,
        period_start=min((part.start for part in parts), default=now),
        period_end=max((part.end for part in parts), default=now),
        status="draft",
        **_totals(lines),
    )
    made |= decided
    office.store.put_lines(key, lines)
    return made


def issue(office: Office, made: Object) -> Object:
    """Puts a new draft into the account."""
    for line in office.store.every_line(made["id"]):
        pending = _pending_of(line)
        if pending is not None:
            item = office.get("invoiceitems", pending)
            office.put("invoiceitems", {**item, "invoice": made["id"]}, invoice=made["id"])
    details = (made["parent"] or {}).get("subscription_details") or {}
    office.put("invoices", made, customer=made["customer"], subscription=details.get("subscription"))
    office.drafts.add(made["id"])
    office.tell("invoice.create", made, made["total"])
    return made


def finalise(office: Office, invoice: Object) -> Object:
    """Gives a draft its number, takes what the customer has as credit, and closes what is nothing. It never changes
    again but by payment, credit note or voiding."""
    if invoice["status"] != "draft":
        raise locked(f"This invoice is already finalized, you can't finalize it again: {invoice['id']}")
    customer, now = office.get("customers", invoice["customer"]), office.now()
    balance, total = customer["balance"], invoice["total"]
    applied = max(min(-balance, total), 0) if balance < 0 else 0
    due = max(total - applied, 0)
    after = balance + applied + min(total, 0)
    made = {
        **invoice,
        "amount_due": due,
        "amount_remaining": due,
        "due_date": _due(invoice, now),
        "effective_at": now,
        "ending_balance": after,
        "hosted_invoice_url": f"https://invoice.example/i/{invoice['id']}",
        "number": invoice["number"] or office.registers.invoice(customer),
        "starting_balance": balance,
        "status": "open",
        "status_transitions": {**invoice["status_transitions"], "finalized_at": now},
    }
    if after != balance:
        office.put("customers", {**customer, "balance": after})
    office.put("invoices", made)
    office.drafts.discard(made["id"])
    office.tell("invoice.finalise", made, total)
    return settled(office, made) if due == 0 else made


def settled(office: Office, invoice: Object) -> Object:
    """An invoice of which nothing is left."""
    transitions = {**invoice["status_transitions"], "paid_at": office.now()}
    made = {**invoice, "status": "paid", "status_transitions": transitions, "next_payment_attempt": None}
    return office.put("invoices", made)


def void(office: Office, key: str) -> Object:
    """Takes an open invoice back; what the customer had as credit is given back."""
    invoice = office.get("invoices", key)
    if invoice["status"] not in ("open", "uncollectible"):
        raise locked(f"You can only pass in open invoices. This invoice isn't open: {key}")
    if invoice["amount_paid"]:
        raise locked(f"You can't void an invoice that has been partially paid: {key}")
    customer = office.get("customers", invoice["customer"])
    applied = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    if applied:
        office.put("customers", {**customer, "balance": customer["balance"] - applied})
    transitions = {**invoice["status_transitions"], "voided_at": office.now()}
    made = {**invoice, "status": "void", "status_transitions": transitions, "auto_advance": False}
    office.put("invoices", made)
    office.tell("invoice.void", made, made["total"])
    return made


def give_up(office: Office, key: str) -> Object:
    """Marks an open invoice as uncollectible; it can still be paid."""
    invoice = office.get("invoices", key)
    if invoice["status"] != "open":
        raise locked(f"You can only mark open invoices as uncollectible: {key}")
    transitions = {**invoice["status_transitions"], "marked_uncollectible_at": office.now()}
    made = office.put("invoices", {**invoice, "status": "uncollectible", "status_transitions": transitions})
    office.tell("invoice.give_up", made, made["amount_remaining"])
    return made


def removed(office: Office, key: str) -> Object:
    """Deletes a draft that belongs to no subscription: all others stay for ever."""
    invoice = office.get("invoices", key)
    if invoice["status"] != "draft" or invoice["parent"] is not None:
        raise Refusal(
            400, "You can only delete draft invoices, and none of a subscription.", code="invoice_not_editable"
        )
    office.store.drop("invoices", key)
    office.drafts.discard(key)
    office.tell("invoice.delete", invoice)
    return {"id": key, "object": "invoice", "deleted": True}


def subscription_of(invoice: Object) -> str | None:
    """Whose invoice it is."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found = details.get("subscription")
    return str(found) if found else None


def taxes(amount: int, rate: Decimal, currency: str) -> list[Object]:
    """The tax on an amount, as a line carries it."""
    if not rate or not amount:
        return []
    return [
        {
            "amount": rounded(amount * rate, currency),
            "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": "txr_standard"},
            "taxability_reason": "standard_rated",
            "taxable_amount": amount,
            "type": "tax_rate_details",
        }
    ]


def _line(invoice: str, place: int, part: Part, rate: Decimal) -> Object:
    details = {
        "invoice_item": part.pending,
        "proration": part.proration,
        "proration_details": None,
        "subscription": part.subscription,
        "subscription_item": part.item,
    }
    price = {"price": part.price["id"], "product": part.price["product"]}
    return shape(
        "line_item",
        id=f"il_{invoice.partition('_')[2]}{place:02d}",
        amount=part.amount,
        currency=part.price["currency"],
        description=part.description,
        invoice=invoice,
        parent={
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": details,
        },
        period={"start": part.start, "end": part.end},
        pricing={"type": "price_details", "price_details": price, "unit_amount_decimal": None},
        quantity=part.quantity,
        subtotal=part.amount,
        taxes=taxes(part.amount, rate, part.price["currency"]),
    )


def _totals(lines: Sequence[Object]) -> Object:
    subtotal = sum(line["amount"] for line in lines)
    found = [tax for line in lines for tax in line["taxes"]]
    tax = sum(each["amount"] for each in found)
    whole = (
        {**found[0], "amount": tax, "taxable_amount": sum(each["taxable_amount"] for each in found)} if found else {}
    )
    due = max(subtotal + tax, 0)
    return {
        "amount_due": due,
        "amount_remaining": due,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": subtotal + tax,
        "total_excluding_tax": subtotal,
        "total_taxes": [whole] if whole else [],
    }


def _due(invoice: Object, now: int) -> int | None:
    """A draft's day stays, but it is never in the past [K]."""
    if invoice["collection_method"] != "send_invoice":
        return None
    return max(int(invoice["due_date"] or now), now)


def _pending_of(line: Object) -> str | None:
    found = (line["parent"].get("subscription_item_details") or {}).get("invoice_item")
    return str(found) if found else None


def advances_at(invoice: Object) -> int | None:
    """When a draft is finalised by itself."""
    if invoice["status"] != "draft" or not invoice["auto_advance"]:
        return None
    return int(invoice["created"]) + facts.DRAFT_SECONDS
