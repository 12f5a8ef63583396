"""What an invoice would be: `POST /v1/invoices/create_preview` reckons it and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sources.vendors.stripe.simulator.bill import billed, invoice_for
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.pending import open_items, part_of
from sources.vendors.stripe.simulator.planning import (
    BEHAVIOURS,
    ITEM,
    dated,
    ended,
    first_items,
    planned,
    whole_periods,
)
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import Part
from sources.vendors.stripe.simulator.terms import ENDED, customer_of, demand_one_currency

_NAMES = ("customer", "subscription", "subscription_details", "preview_mode", "currency")
_DETAILS = (
    "items", "proration_behavior", "proration_date", "cancel_now", "cancel_at", "cancel_at_period_end", "start_date",
    "trial_end", "billing_cycle_anchor", "metadata",
)  # fmt: skip


def preview(office: Office, tree: Tree) -> Object:
    """The invoice of a change, of the next period, or of a subscription that does not exist yet."""
    given = Given(tree, _NAMES)
    details = given.part("subscription_details", _DETAILS)
    key = given.text("subscription")
    if key is None:
        given.demand("customer")
        customer = customer_of(office, given.text("customer") or "")
        return _shown(office, *_new(office, customer, details))
    found = office.get("subscriptions", key)
    if given.text("customer") not in (None, found["customer"]):
        raise given.bad("customer", "is not the subscription's")
    if found["status"] in ENDED:
        raise Refusal(404, f"No upcoming invoices for subscription: {key}", code="invoice_upcoming_none")
    return _shown(office, found, _parts(office, found, details))


def _new(office: Office, customer: Object, details: Given) -> tuple[Object, list[Part]]:
    items = first_items(office, details.rows("items", ITEM), None)
    currency = items[0]["price"]["currency"]
    demand_one_currency(office, customer, currency)
    start, trial_end = details.whole("start_date") or office.now(), details.whole("trial_end")
    placed = dated(items, "sub_preview", start, trial_end or start)
    terms = shape(
        "subscription",
        id="sub_preview",
        collection_method="charge_automatically",
        currency=currency,
        customer=customer["id"],
        days_until_due=None,
    )
    return terms, whole_periods(placed, "sub_preview", free=trial_end is not None)


def _parts(office: Office, found: Object, details: Given) -> Sequence[Part]:
    at = details.whole("proration_date") or office.now()
    waiting = [part_of(office, each) for each in open_items(office, found)]
    if details.flag("cancel_now"):
        return [*waiting, *ended(found, at)]
    anew = details.text("billing_cycle_anchor") == "now"
    plan = planned(office, found, details.rows("items", ITEM), at, anew=anew)
    bill = billed(office, found, plan, details.choice("proration_behavior", BEHAVIOURS, BEHAVIOURS[0]))
    if bill.now:
        return [*bill.waiting, *bill.parts]
    leaves = details.flag("cancel_at_period_end", found["cancel_at_period_end"]) or details.text("cancel_at")
    return [*bill.waiting, *bill.parts, *([] if leaves else _next_period(found, plan.items))]


def _next_period(found: Object, items: Sequence[Object]) -> list[Part]:
    ends = items[0]["current_period_end"]
    return whole_periods(dated(items, found["id"], ends, ends), found["id"])


def _shown(office: Office, subscription: Object, parts: Sequence[Part]) -> Object:
    customer = office.get("customers", subscription["customer"])
    made = invoice_for(office, subscription, customer, parts, "upcoming")
    balance = customer["balance"]
    applied = max(min(-balance, made["total"]), 0)
    key = f"upcoming_{made['id']}"
    lines = office.store.every_line(made["id"])
    office.store.put_lines(key, lines)
    rows = {**made["lines"], "data": lines, "has_more": False, "url": f"/v1/invoices/{key}/lines"}
    due = max(made["total"] - applied, 0)
    return {
        **made,
        "id": key,
        "amount_due": due,
        "amount_remaining": due,
        "auto_advance": False,
        "lines": rows,
        "starting_balance": balance,
    }
