"""The terms of a subscription, read from what was given: when it begins and ends, how it is paid for, what is noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.given import Given
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.planning import dated
from sources.vendors.stripe.simulator.render import embedded
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import following

ENDED = ("canceled", "incomplete_expired")
METHODS = ("charge_automatically", "send_invoice")
_PAUSES = ("keep_as_draft", "mark_uncollectible", "void")
_MOMENTS = ("max_period_end", "min_period_end")


def customer_of(office: Office, key: str) -> Object:
    """A customer that can be billed."""
    found = office.get("customers", key)
    if found.get("deleted"):
        raise Refusal(400, f"No such customer: '{key}'", code="resource_missing", param="customer")
    return found


def demand_one_currency(office: Office, customer: Object, currency: str) -> None:
    """A customer has all his subscriptions in one currency."""
    for key in office.store.ids("subscriptions", "customer", customer["id"]):
        found = office.get("subscriptions", key)
        if found["status"] not in ENDED and found["currency"] != currency:
            message = (
                "You cannot combine currencies on a single customer. This customer has an active subscription with "
                f"currency {found['currency']}."
            )
            raise Refusal(400, message, param="currency")


def drawn(office: Office, given: Given, customer: Object, items: Sequence[Object]) -> Object:
    """A new subscription on paper: nobody knows of it yet."""
    key, now = office.new("sub"), office.now()
    start, trial_end = given.whole("backdate_start_date") or now, given.whole("trial_end")
    turn = _turn(given, items, start, now) if trial_end is None else trial_end
    if trial_end is not None and trial_end <= now:
        raise given.bad("trial_end", "must be in the future")
    placed = dated(items, key, start, turn)
    made = shape(
        "subscription",
        id=key,
        billing_cycle_anchor=turn,
        collection_method="charge_automatically",
        created=now,
        currency=items[0]["price"]["currency"],
        customer=customer["id"],
        days_until_due=None,
        items=listed(placed, key),
        start_date=start,
        status="active" if trial_end is None else "trialing",
        trial_end=trial_end,
        trial_start=None if trial_end is None else now,
    )
    return agreed(office, made, given)


def _turn(given: Given, items: Sequence[Object], start: int, now: int) -> int:
    """The instant at which cycles turn."""
    anchor = given.whole("billing_cycle_anchor")
    first_end = following(start, items[0]["price"]["recurring"], start)
    if start > now or first_end <= now:
        raise given.bad("backdate_start_date", "must be in the past, and within the period that is under way")
    if anchor is not None and not start < anchor <= first_end:
        raise given.bad("billing_cycle_anchor", "must be in the future, and not after the first period")
    return anchor or start


def listed(items: Sequence[Object], subscription: str) -> Object:
    """Items as they stand in a subscription."""
    rows = embedded(list(items), f"/v1/subscription_items?subscription={subscription}")
    return {**rows, "data": list(items), "total_count": len(items)}


def agreed(office: Office, found: Object, given: Given) -> Object:
    """A subscription with the terms that were given, but for its items."""
    made = {**found, "metadata": given.metadata(found["metadata"])}
    for name in ("description", "default_payment_method"):
        if name in given:
            made[name] = given.text(name)
    made["collection_method"] = given.choice("collection_method", METHODS, found["collection_method"])
    if "days_until_due" in given:
        made["days_until_due"] = given.amount("days_until_due")
    if made["collection_method"] == "send_invoice" and made["days_until_due"] is None:
        raise Refusal(400, "Missing required param: days_until_due.", code="parameter_missing", param="days_until_due")
    if made["collection_method"] == "charge_automatically" and made["days_until_due"] is not None:
        raise given.bad("days_until_due", "is only for `collection_method` set to `send_invoice`")
    return _ending(office, made, given)


def _ending(office: Office, found: Object, given: Given) -> Object:
    """When it is to end. Asking for it is remembered, taking it back forgets it."""
    if "cancel_at_period_end" not in given and "cancel_at" not in given:
        return found
    if given.flag("cancel_at_period_end") and given.text("cancel_at"):
        message = "You may only specify one of these parameters: cancel_at, cancel_at_period_end."
        raise Refusal(400, message, code="parameters_exclusive", param="cancel_at")
    made = dict(found)
    if "cancel_at_period_end" in given:
        made["cancel_at_period_end"] = given.flag("cancel_at_period_end")
        made["cancel_at"] = _period_end(found, max) if made["cancel_at_period_end"] else None
    if "cancel_at" in given:
        made["cancel_at"] = _cancel_at(office, found, given)
        made["cancel_at_period_end"] = False
    asked = made["cancel_at"] is not None
    reason = "cancellation_requested" if asked else None
    made["canceled_at"] = office.now() if asked else None
    made["cancellation_details"] = {**found["cancellation_details"], "reason": reason}
    return made


def _cancel_at(office: Office, found: Object, given: Given) -> int | None:
    if given.text("cancel_at") in _MOMENTS:
        return _period_end(found, max if given.text("cancel_at") == _MOMENTS[0] else min)
    at = given.whole("cancel_at")
    if at is not None and at <= office.now():
        raise given.bad("cancel_at", "must be in the future")
    return at


def _period_end(found: Object, choose: Any) -> int:
    return int(choose(item["current_period_end"] for item in found["items"]["data"]))


def changed_terms(office: Office, found: Object, given: Given) -> Object:
    """As `agreed`, and what only a subscription in force can be told: to pause, to end its trial, why it ends."""
    made = agreed(office, found, given)
    if "pause_collection" in given:
        made["pause_collection"] = None
        if not given.empty("pause_collection"):
            pause = given.part("pause_collection", ("behavior", "resumes_at"))
            pause.demand("behavior")
            behaviour = pause.choice("behavior", _PAUSES, "")
            made["pause_collection"] = {"behavior": behaviour, "resumes_at": pause.whole("resumes_at")}
    if "cancellation_details" in given:
        said = given.part("cancellation_details", ("comment", "feedback"))
        words = {name: said.text(name) for name in ("comment", "feedback") if name in said}
        made["cancellation_details"] = {**made["cancellation_details"], **words}
    if "trial_end" in given and given.text("trial_end") != "now":
        at = given.whole("trial_end")
        if at is None or at <= office.now():
            raise given.bad("trial_end", "must be in the future, or `now`")
        items = [{**item, "current_period_end": at} for item in found["items"]["data"]]
        made |= {"trial_end": at, "status": "trialing", "billing_cycle_anchor": at, "items": listed(items, found["id"])}
    return made
