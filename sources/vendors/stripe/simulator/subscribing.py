"""Subscriptions: made, changed, ended. The customer pays by what planning says; nothing is half done."""

from __future__ import annotations

from collections.abc import Sequence

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.bill import billed, invoice_for
from sources.vendors.stripe.simulator.errors import Refusal, declined, missing
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.invoicing import finalise, issue, subscription_of, void
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.paying import collect, method_of, payable
from sources.vendors.stripe.simulator.pending import open_items, part_of, postpone, withdraw
from sources.vendors.stripe.simulator.planning import (
    BEHAVIOURS,
    ITEM,
    Plan,
    dated,
    ended,
    first_items,
    planned,
    whole_periods,
)
from sources.vendors.stripe.simulator.rights import entitle
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.tariff import Part
from sources.vendors.stripe.simulator.terms import (
    ENDED,
    changed_terms,
    customer_of,
    demand_one_currency,
    drawn,
    listed,
)

_PAYMENTS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
_BOTH = (
    "cancel_at", "cancel_at_period_end", "collection_method", "days_until_due", "default_payment_method", "description",
    "items", "metadata", "off_session", "payment_behavior", "proration_behavior", "trial_end", "billing_cycle_anchor",
)  # fmt: skip
_CREATE = (*_BOTH, "customer", "currency", "backdate_start_date")
_UPDATE = (*_BOTH, "proration_date", "pause_collection", "cancellation_details")
_CANCEL = ("invoice_now", "prorate", "cancellation_details")


def create(office: Office, tree: Tree, *, drafts: bool = False) -> Object:
    """A new subscription with its first invoice: a draft for who is sent invoices, due at once for who is charged;
    `drafts`: a draft for both, as a schedule makes it."""
    given = Given(tree, _CREATE)
    given.demand("customer")
    customer = customer_of(office, given.text("customer") or "")
    items = first_items(office, given.rows("items", ITEM), given.text("currency"))
    currency = items[0]["price"]["currency"]
    demand_one_currency(office, customer, currency)
    made = drawn(office, given, customer, items)
    late = made["status"] == "active" and made["billing_cycle_anchor"] > office.now()
    prorated = given.choice("proration_behavior", BEHAVIOURS, BEHAVIOURS[0]) != "none"
    free = made["status"] == "trialing" or (late and not prorated)
    parts = whole_periods(made["items"]["data"], made["id"], free=free)
    payment = given.choice("payment_behavior", _PAYMENTS, "allow_incomplete")
    if payment == "pending_if_incomplete":
        raise given.bad("payment_behavior", "`pending_if_incomplete` is only for changes")
    return begin(office, made, {**customer, "currency": currency}, parts, payment, drafts=drafts)


def begin(
    office: Office, made: Object, customer: Object, parts: Sequence[Part], payment: str, *, drafts: bool = False
) -> Object:
    """Puts a drawn subscription in force, with its first invoice."""
    invoice = invoice_for(office, made, customer, parts, "subscription_create")
    charged = made["collection_method"] == "charge_automatically" and invoice["total"] > 0 and not drafts
    method = method_of(office, customer, made)
    if charged and payment != "default_incomplete":
        if method is None:
            message = "This customer has no attached payment source or default payment method."
            raise Refusal(400, message, code="resource_missing")
        if payment == "error_if_incomplete" and not payable(method):
            raise declined()
    made = {**made, "latest_invoice": invoice["id"], "status": "incomplete" if charged else made["status"]}
    if customer["currency"] != office.get("customers", customer["id"])["currency"]:
        office.put("customers", customer)
    _keep(office, made)
    office.tell("subscription.create", made)
    issue(office, invoice)
    if (made["collection_method"] == "charge_automatically" and not drafts) or invoice["total"] == 0:
        collect(office, finalise(office, invoice), charge=payment != "default_incomplete")
    entitle(office, office.get("subscriptions", made["id"]))
    return office.get("subscriptions", made["id"])


def update(office: Office, key: str, tree: Tree) -> Object:
    """A changed subscription. A canceled one takes nothing but metadata."""
    found, given = office.get("subscriptions", key), Given(tree, _UPDATE)
    if found["status"] in ENDED:
        if set(tree) - {"metadata", "cancellation_details", "expand"}:
            message = "A canceled subscription can only update its cancellation_details and metadata."
            raise Refusal(400, message, code="invalid_canceled_subscription_fields")
        return _told(office, {**found, "metadata": given.metadata(found["metadata"])})
    after = changed_terms(office, found, given)
    rows = given.rows("items", ITEM)
    anew = given.choice("billing_cycle_anchor", ("now", "unchanged"), "unchanged") == "now"
    if found["status"] == "trialing" and given.text("trial_end") == "now":
        anew, after = True, {**after, "status": "active", "trial_end": office.now()}
    if not rows and not anew:
        return _told(office, after)
    behaviour = given.choice("proration_behavior", BEHAVIOURS, BEHAVIOURS[0])
    payment = given.choice("payment_behavior", _PAYMENTS, "allow_incomplete")
    at = given.whole("proration_date")
    plan = planned(office, found, rows, office.now() if at is None else at, anew=anew)
    return _changed(office, found, after, plan, behaviour, payment)


def _changed(office: Office, found: Object, after: Object, plan: Plan, behaviour: str, payment: str) -> Object:
    """Carries a plan out. What is charged at once may be refused, and then nothing has changed."""
    customer = office.get("customers", found["customer"])
    bill = billed(office, found, plan, behaviour)
    changed = {**after, "items": listed(plan.items, found["id"])}
    if plan.restarts:
        changed["billing_cycle_anchor"] = office.now()
    lines = [*bill.waiting, *bill.parts] if bill.now else []
    invoice = invoice_for(office, changed, customer, lines, "subscription_update") if lines else None
    if invoice is not None and _would_fail(office, invoice, customer, after):
        if payment == "error_if_incomplete":
            raise declined()
        if payment == "pending_if_incomplete":
            return _told(office, {**after, "pending_update": _parked(office, plan.items)})
    if invoice is not None:
        changed["latest_invoice"] = invoice["id"]
    _keep(office, changed, found)
    office.tell("subscription.update", changed, sum(part.amount for part in bill.parts))
    if invoice is not None:
        issue(office, invoice)
        collect(office, finalise(office, invoice))
    else:
        postpone(office, changed, bill.parts)
    entitle(office, office.get("subscriptions", found["id"]), found)
    return office.get("subscriptions", found["id"])


def cancel(office: Office, key: str, tree: Tree) -> Object:
    """Ends a subscription now, and with it the collection of everything that the customer owes. Prorations that wait
    are dropped, unless they are invoiced now."""
    found, given = office.get("subscriptions", key), Given(tree, _CANCEL)
    if found["status"] in ENDED:
        raise missing("subscription", key)
    now, customer = office.now(), office.get("customers", found["customer"])
    if found["status"] == "incomplete":
        return lapse(office, found)
    parts = ended(found, now) if given.flag("prorate") and found["status"] != "trialing" else []
    waiting = [part_of(office, each) for each in open_items(office, found)]
    reason = {**found["cancellation_details"], "reason": "cancellation_requested"}
    made = {**found, "status": "canceled", "canceled_at": now, "ended_at": now, "cancellation_details": reason}
    if given.flag("invoice_now") and (parts or waiting):
        invoice = invoice_for(office, made, customer, [*waiting, *parts], "subscription_update")
        made["latest_invoice"] = invoice["id"]
        collect(office, finalise(office, issue(office, invoice)))
    else:
        withdraw(office, open_items(office, found))
        if parts:
            postpone(office, made, parts)
    return stop(office, made, found)


def lapse(office: Office, found: Object) -> Object:
    """Ends a subscription whose first payment never came."""
    invoice = office.get("invoices", found["latest_invoice"])
    if invoice["status"] == "open":
        void(office, invoice["id"])
    return stop(office, {**found, "status": "incomplete_expired", "ended_at": office.now()}, found)


def stop(office: Office, made: Object, before: Object) -> Object:
    """Puts an ended subscription away; nothing of the customer's is collected by itself any more."""
    for key in office.store.ids("invoices", "customer", made["customer"]):
        invoice = office.get("invoices", key)
        own = invoice["status"] == "draft" and subscription_of(invoice) == made["id"]
        if invoice["auto_advance"] and (invoice["status"] == "open" or own):
            office.put("invoices", {**invoice, "auto_advance": False, "next_payment_attempt": None})
    office.put("subscriptions", made)
    office.running.discard(made["id"])
    office.tell("subscription.cancel", made)
    entitle(office, made, before)
    return made


def resume(office: Office, key: str, tree: Tree) -> Object:
    """Takes up a subscription whose status is `paused`, with a new period from now on."""
    given = Given(tree, ("billing_cycle_anchor", "proration_behavior", "proration_date", "payment_behavior"))
    given.text("proration_behavior")
    found = office.get("subscriptions", key)
    if found["status"] != "paused":
        raise Refusal(400, f"You can only resume a subscription with a status of paused: {found['status']}.")
    now = office.now()
    items = dated(found["items"]["data"], key, now, now)
    made = {**found, "status": "active", "items": listed(items, key), "billing_cycle_anchor": now}
    customer = office.get("customers", found["customer"])
    invoice = invoice_for(office, made, customer, whole_periods(items, key), "subscription_update")
    made["latest_invoice"] = invoice["id"]
    _keep(office, made)
    office.tell("subscription.resume", made)
    collect(office, finalise(office, issue(office, invoice)))
    entitle(office, office.get("subscriptions", key))
    return office.get("subscriptions", key)


def _would_fail(office: Office, invoice: Object, customer: Object, subscription: Object) -> bool:
    charged = subscription["collection_method"] == "charge_automatically" and invoice["total"] > 0
    return charged and not payable(method_of(office, customer, subscription))


def _told(office: Office, made: Object) -> Object:
    _keep(office, made)
    office.tell("subscription.update", made)
    return made


def _keep(office: Office, made: Object, before: Object | None = None) -> None:
    """Puts a subscription and its items where lists find them, and lets time move it on."""
    office.put("subscriptions", made, customer=made["customer"])
    office.running.add(made["id"])
    items = {item["id"]: item for item in made["items"]["data"]}
    for gone in (before or made)["items"]["data"]:
        office.store.unrelate("subscriptions", made["id"], "price", gone["price"]["id"])
        if gone["id"] not in items:
            office.store.drop("subscription_items", gone["id"])
    for item in items.values():
        office.put("subscriptions", made, price=item["price"]["id"])
        office.put("subscription_items", item, subscription=made["id"])


def _parked(office: Office, items: Sequence[Object]) -> Object:
    """A change that waits for its payment, for as long as a first payment may [K]."""
    return {
        "billing_cycle_anchor": None,
        "expires_at": office.now() + facts.INCOMPLETE_SECONDS,
        "subscription_items": list(items),
        "trial_end": None,
        "trial_from_plan": None,
    }
