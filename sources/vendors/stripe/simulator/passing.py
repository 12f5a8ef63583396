"""What time brings about: drafts are finalised, first payments lapse, periods turn, ends and schedules come due."""

from __future__ import annotations

from collections.abc import Iterator

from sources.vendors.stripe.simulator import facts, scheduling
from sources.vendors.stripe.simulator.bill import invoice_for
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.invoicing import advances_at, finalise, give_up, issue, void
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.paying import collect
from sources.vendors.stripe.simulator.pending import open_items, part_of
from sources.vendors.stripe.simulator.planning import dated, whole_periods
from sources.vendors.stripe.simulator.rights import entitle
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.subscribing import lapse, stop
from sources.vendors.stripe.simulator.terms import listed

_MOST = 10_000  # turns at once: whoever moves the clock by a century is stopped


def pass_time(office: Office) -> None:
    """Does everything that has fallen due, in its order, each as of its own instant."""
    present = office.now()
    for _ in range(_MOST):
        due = min((each for each in _coming(office) if each[0] <= present), default=None)
        if due is None:
            return
        instant, kind, key = due
        with office.at(instant):
            try:
                _DUE[kind](office, key)
            except Refusal as refusal:
                _give_up(office, kind, key, refusal)


def _coming(office: Office) -> Iterator[tuple[int, str, str]]:
    """What happens next: when, what, to what."""
    for key in office.running:
        found = office.get("subscriptions", key)
        if found["status"] == "incomplete":
            yield found["created"] + facts.INCOMPLETE_SECONDS, "lapse", key
            continue
        pause = found["pause_collection"]
        if pause and pause["resumes_at"] is not None:
            yield pause["resumes_at"], "collect again", key
        ends = min(item["current_period_end"] for item in found["items"]["data"])
        if found["cancel_at"] is not None and found["cancel_at"] <= ends:
            yield found["cancel_at"], "end", key
        elif found["status"] in ("trialing", "active", "past_due"):
            yield ends, "turn", key
    for key in office.drafts:
        at = advances_at(office.get("invoices", key))
        if at is not None:
            yield at, "advance", key
    for key in office.schedules:
        at = scheduling.due_at(office.get("subscription_schedules", key))
        if at is not None:
            yield at, "schedule", key


def _give_up(office: Office, kind: str, key: str, refusal: Refusal) -> None:
    """What cannot be done on its day, such as a schedule whose customer is gone, is not tried for ever: the ledger says
    why, and whoever asks next is not refused for it."""
    for waiting in (office.running, office.drafts, office.schedules):
        waiting.discard(key)
    office.written.add("due.refused", key, what=kind, reason=str(refusal))


def _lapse(office: Office, key: str) -> None:
    lapse(office, office.get("subscriptions", key))


def _collect_again(office: Office, key: str) -> None:
    office.put("subscriptions", {**office.get("subscriptions", key), "pause_collection": None})


def _end(office: Office, key: str) -> None:
    found = office.get("subscriptions", key)
    stop(office, {**found, "status": "canceled", "ended_at": office.now()}, found)


def _turn(office: Office, key: str) -> None:
    """A new period: what has waited goes with it on one invoice."""
    found, now = office.get("subscriptions", key), office.now()
    anchor = found["billing_cycle_anchor"]
    turning = [item for item in found["items"]["data"] if item["current_period_end"] <= now]
    turned = {item["id"]: item for item in dated(turning, key, now, min(anchor, now))}
    items = [turned.get(item["id"], item) for item in found["items"]["data"]]
    status = "active" if found["status"] == "trialing" else found["status"]
    made = {**found, "items": listed(items, key), "status": status}
    waiting = [part_of(office, each) for each in open_items(office, found)]
    parts = [*waiting, *whole_periods(list(turned.values()), key)]
    customer = office.get("customers", found["customer"])
    pause = (found["pause_collection"] or {}).get("behavior")
    invoice = invoice_for(office, made, customer, parts, "subscription_cycle", auto=pause is None)
    office.put("subscriptions", {**made, "latest_invoice": invoice["id"]})
    for item in items:
        office.put("subscription_items", item)
    issue(office, invoice)
    entitle(office, office.get("subscriptions", key))
    if pause in ("void", "mark_uncollectible"):
        finalised = finalise(office, invoice)
        if finalised["status"] == "open":
            (void if pause == "void" else give_up)(office, invoice["id"])


def _advance(office: Office, key: str) -> None:
    collect(office, finalise(office, office.get("invoices", key)))


def _schedule(office: Office, key: str) -> None:
    found: Object = office.get("subscription_schedules", key)
    if found["status"] == "not_started":
        scheduling.begin(office, found)
        return
    scheduling.turn(office, found)


_DUE = {
    "lapse": _lapse,
    "collect again": _collect_again,
    "end": _end,
    "turn": _turn,
    "advance": _advance,
    "schedule": _schedule,
}
