"""What a plan puts on an invoice, and on which: the one that is made now or the next one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sources.vendors.stripe.simulator.invoicing import draft
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.pending import open_items, part_of
from sources.vendors.stripe.simulator.planning import Plan, whole_periods
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.tariff import Part


class Bill(msgspec.Struct, frozen=True):
    """`parts` are the change's own, `waiting` what earlier changes left; `now`: they are invoiced at once."""

    parts: list[Part]
    waiting: list[Part]
    now: bool


def billed(office: Office, subscription: Object, plan: Plan, behaviour: str) -> Bill:
    """A plan's bill: a new cycle is always charged at once."""
    parts = [] if behaviour == "none" else list(plan.parts)
    if plan.restarts:
        parts += whole_periods(plan.items, subscription["id"])
    now = plan.restarts or behaviour == "always_invoice"
    return Bill(parts, [part_of(office, each) for each in open_items(office, subscription)], now)


def invoice_for(
    office: Office, subscription: Object, customer: Object, parts: Sequence[Part], reason: str, *, auto: bool = True
) -> Object:
    """A draft for a subscription, not yet issued."""
    days, method = subscription["days_until_due"], subscription["collection_method"]
    due = office.now() + (days or 0) * 86_400 if method == "send_invoice" else None
    bill = {**customer, "currency": subscription["currency"]}
    terms = {"collection_method": method, "due_date": due, "auto_advance": auto}
    return draft(office, bill, parts, reason, subscription=subscription, **terms)
