"""Every write the account takes: its method, its address, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sources.vendors.stripe.simulator import (
    crediting,
    features,
    invoicing,
    paying,
    previewing,
    register,
    scheduling,
    subscribing,
)
from sources.vendors.stripe.simulator.errors import locked
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object

_DRAFT = ("description", "due_date", "days_until_due", "collection_method")
_INVOICE = (*_DRAFT, "auto_advance", "metadata")


class Change(msgspec.Struct, frozen=True):
    """One write. `do(office, id, parameters)`; `id` is empty where the address has none."""

    method: str
    path: str
    do: Callable[[Office, str, Tree], Object]


def _new(do: Callable[[Office, Tree], Object]) -> Callable[[Office, str, Tree], Object]:
    return lambda office, _key, tree: do(office, tree)


def _bare(do: Callable[[Office, str], Object]) -> Callable[[Office, str, Tree], Object]:
    """A write without parameters."""

    def done(office: Office, key: str, tree: Tree) -> Object:
        Given(tree, ())
        return do(office, key)

    return done


def _finalised(office: Office, key: str, tree: Tree) -> Object:
    given = Given(tree, ("auto_advance",))
    invoice = office.get("invoices", key)
    advances = given.flag("auto_advance", invoice["auto_advance"])
    made = invoicing.finalise(office, {**invoice, "auto_advance": advances})
    return paying.collect(office, made) if advances else made


def _paid(office: Office, key: str, tree: Tree) -> Object:
    given = Given(tree, ("paid_out_of_band", "payment_method", "off_session"))
    if office.get("invoices", key)["status"] == "draft":
        paying_now = invoicing.finalise(office, office.get("invoices", key))
        if paying_now["status"] == "paid":
            return paying_now
    return paying.pay(office, key, given.text("payment_method"), outside=given.flag("paid_out_of_band"))


def _sent(office: Office, key: str) -> Object:
    invoice = office.get("invoices", key)
    if invoice["collection_method"] != "send_invoice":
        raise locked("You can only manually send an invoice if its collection method is `send_invoice`.")
    found = invoicing.finalise(office, invoice) if invoice["status"] == "draft" else invoice
    office.tell("invoice.send", found)
    return found


def _edited(office: Office, key: str, tree: Tree) -> Object:
    """A changed invoice; once it is finalised, nothing of it changes but what is noted and whether it advances."""
    found, given = office.get("invoices", key), Given(tree, _INVOICE)
    if found["status"] != "draft" and any(name in given for name in _DRAFT):
        raise locked("Finalized invoices can't be updated in this way.", "invoice_not_editable")
    made: dict[str, Any] = {**found, "metadata": given.metadata(found["metadata"])}
    made["auto_advance"] = given.flag("auto_advance", found["auto_advance"])
    if "description" in given:
        made["description"] = given.text("description")
    if "due_date" in given:
        made["due_date"] = given.whole("due_date")
    if "days_until_due" in given:
        made["due_date"] = found["created"] + given.amount("days_until_due") * 86_400
    office.put("invoices", made)
    office.tell("invoice.update", made)
    return made


def _noted(kind: str) -> Callable[[Office, str, Tree], Object]:
    """A change of nothing but metadata (and a credit note's memo)."""

    def done(office: Office, key: str, tree: Tree) -> Object:
        found, given = office.get(kind, key), Given(tree, ("metadata", "memo"))
        made = {**found, "metadata": given.metadata(found["metadata"])}
        if "memo" in given:
            made["memo"] = given.text("memo")
        return office.put(kind, made)

    return done


CHANGES = (
    Change("POST", "/v1/customers", _new(register.create_customer)),
    Change("POST", "/v1/customers/{id}", register.update_customer),
    Change("POST", "/v1/products", _new(register.create_product)),
    Change("POST", "/v1/products/{id}", register.update_product),
    Change("POST", "/v1/products/{id}/features", features.offer),
    Change("DELETE", "/v1/products/{product}/features/{id}", _bare(features.withdraw)),
    Change("POST", "/v1/entitlements/features", _new(features.create)),
    Change("POST", "/v1/entitlements/features/{id}", features.update),
    Change("POST", "/v1/prices", _new(register.create_price)),
    Change("POST", "/v1/prices/{id}", register.update_price),
    Change("POST", "/v1/subscriptions", _new(subscribing.create)),
    Change("POST", "/v1/subscriptions/{id}", subscribing.update),
    Change("DELETE", "/v1/subscriptions/{id}", subscribing.cancel),
    Change("POST", "/v1/subscriptions/{id}/resume", subscribing.resume),
    Change("POST", "/v1/subscription_schedules", _new(scheduling.create)),
    Change("POST", "/v1/subscription_schedules/{id}", scheduling.update),
    Change("POST", "/v1/subscription_schedules/{id}/cancel", scheduling.cancel),
    Change("POST", "/v1/subscription_schedules/{id}/release", _bare(scheduling.release)),
    Change("POST", "/v1/invoices/create_preview", _new(previewing.preview)),
    Change("POST", "/v1/invoices/{id}", _edited),
    Change("DELETE", "/v1/invoices/{id}", _bare(invoicing.removed)),
    Change("POST", "/v1/invoices/{id}/finalize", _finalised),
    Change("POST", "/v1/invoices/{id}/pay", _paid),
    Change("POST", "/v1/invoices/{id}/send", _bare(_sent)),
    Change("POST", "/v1/invoices/{id}/void", _bare(invoicing.void)),
    Change("POST", "/v1/invoices/{id}/mark_uncollectible", _bare(invoicing.give_up)),
    Change("GET", "/v1/credit_notes/preview", _new(crediting.drawn)),
    Change("POST", "/v1/credit_notes", _new(crediting.create)),
    Change("POST", "/v1/credit_notes/{id}", _noted("credit_notes")),
    Change("POST", "/v1/credit_notes/{id}/void", _bare(crediting.void)),
    Change("POST", "/v1/refunds", _new(crediting.refund)),
    Change("POST", "/v1/refunds/{id}", _noted("refunds")),
)
