"""Schedules: subscriptions that begin on a day to come, or change phase by phase."""

from __future__ import annotations

from collections.abc import Mapping

from sources.vendors.stripe.simulator.errors import Refusal, locked
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.planning import recurring_price
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.subscribing import cancel as cancel_subscription
from sources.vendors.stripe.simulator.subscribing import create as create_subscription
from sources.vendors.stripe.simulator.subscribing import update as update_subscription
from sources.vendors.stripe.simulator.tariff import following, metered
from sources.vendors.stripe.simulator.terms import METHODS, customer_of

_SCHEDULE = ("customer", "start_date", "end_behavior", "phases", "default_settings", "metadata")
_DEFAULTS = ("collection_method", "invoice_settings", "default_payment_method", "description")
_PHASE = ("items", "duration", "end_date", "collection_method", "invoice_settings", "metadata", "proration_behavior")
_ITEM = ("price", "price_data", "quantity", "metadata")


def create(office: Office, tree: Tree) -> Object:
    """A schedule that has not begun, or begins at once."""
    given = Given(tree, _SCHEDULE)
    given.demand("customer", "phases")
    customer = customer_of(office, given.text("customer") or "")
    start = _start(office, given, office.now())
    phases = _phases(office, given, start)
    made = shape(
        "subscription_schedule",
        id=office.new("sub_sched"),
        created=office.now(),
        customer=customer["id"],
        end_behavior=given.choice("end_behavior", ("release", "cancel"), "release"),
        metadata=given.metadata({}),
        phases=phases,
        status="not_started",
        default_settings=_settings(given),
    )
    office.put("subscription_schedules", made, customer=customer["id"])
    office.schedules.add(made["id"])
    office.tell("schedule.create", made)
    return begin(office, made) if start <= office.now() else made


def update(office: Office, key: str, tree: Tree) -> Object:
    """A changed schedule; its phases only until it begins."""
    found, given = _alive(office, key), Given(tree, _SCHEDULE)
    made = {**found, "metadata": given.metadata(found["metadata"])}
    if "phases" in given:
        if found["status"] != "not_started":
            raise locked("You can only change the phases of a schedule that has not started.")
        made["phases"] = _phases(office, given, _start(office, given, int(found["phases"][0]["start_date"])))
    if "end_behavior" in given:
        made["end_behavior"] = given.choice("end_behavior", ("release", "cancel"), "release")
    office.put("subscription_schedules", made)
    office.tell("schedule.update", made)
    return made


def begin(office: Office, found: Object) -> Object:
    """Makes the subscription of a schedule whose day has come."""
    phase = found["phases"][0]
    tree: Tree = {"customer": found["customer"], "items": _asked(phase), "metadata": phase["metadata"]}
    tree |= {name: str(value) for name, value in found["default_settings"].items() if value is not None}
    made = create_subscription(office, tree, drafts=True)
    office.put("subscriptions", {**office.get("subscriptions", made["id"]), "schedule": found["id"]})
    span = {"start_date": phase["start_date"], "end_date": phase["end_date"]}
    begun = {**found, "status": "active", "subscription": made["id"], "current_phase": span}
    return office.put("subscription_schedules", begun)


def turn(office: Office, found: Object) -> Object:
    """The end of a phase: the next one begins, or the schedule is done."""
    current = found["current_phase"]["start_date"]
    later = [phase for phase in found["phases"] if phase["start_date"] > current]
    if later:
        _enter(office, found, later[0])
        span = {"start_date": later[0]["start_date"], "end_date": later[0]["end_date"]}
        return office.put("subscription_schedules", {**found, "current_phase": span})
    if found["end_behavior"] == "cancel":
        cancel_subscription(office, found["subscription"], {})
        done = {**found, "status": "completed", "completed_at": office.now(), "current_phase": None}
        return office.put("subscription_schedules", done)
    return release(office, found["id"])


def cancel(office: Office, key: str, tree: Tree) -> Object:
    """Cancels a schedule, and the subscription that it has begun."""
    found, given = _alive(office, key), Given(tree, ("invoice_now", "prorate"))
    made = {**found, "status": "canceled", "canceled_at": office.now(), "current_phase": None}
    office.put("subscription_schedules", made)
    office.tell("schedule.cancel", made)
    if found["subscription"] is not None:
        asked = {name: str(given.flag(name)).lower() for name in ("invoice_now", "prorate")}
        cancel_subscription(office, found["subscription"], asked)
    return made


def release(office: Office, key: str) -> Object:
    """Lets the subscription go on without its schedule."""
    found = _alive(office, key)
    if found["subscription"] is not None:
        office.put("subscriptions", {**office.get("subscriptions", found["subscription"]), "schedule": None})
    made = {
        **found,
        "status": "released",
        "released_at": office.now(),
        "released_subscription": found["subscription"],
        "subscription": None,
        "current_phase": None,
    }
    office.put("subscription_schedules", made)
    office.tell("schedule.release", made)
    return made


def due_at(found: Object) -> int | None:
    """When a schedule has something to do next."""
    if found["status"] == "not_started":
        return int(found["phases"][0]["start_date"])
    end = (found["current_phase"] or {}).get("end_date") if found["status"] == "active" else None
    return int(end) if end is not None else None


def _alive(office: Office, key: str) -> Object:
    found = office.get("subscription_schedules", key)
    if found["status"] not in ("not_started", "active"):
        raise locked(f"You cannot change a subscription schedule that is `{found['status']}`.")
    return found


def _start(office: Office, given: Given, usual: int) -> int:
    if given.text("start_date") == "now":
        return office.now()
    start = given.whole("start_date") or usual
    if start < office.now():
        raise given.bad("start_date", "must not be in the past")
    return start


def _phases(office: Office, given: Given, start: int) -> list[Object]:
    made: list[Object] = []
    for row in given.rows("phases", _PHASE):
        items = []
        for each in row.rows("items", _ITEM):
            price = recurring_price(office, each)
            quantity = each.amount("quantity") if "quantity" in each else None
            if quantity is not None and metered(price):
                raise each.bad("quantity", "cannot be set for metered prices")
            items.append({"price": price["id"], "quantity": quantity, "metadata": each.metadata({})})
        if not items:
            raise Refusal(400, "Missing required param: phases[items].", code="parameter_missing", param="phases")
        end = _phase_end(office, row, items[0]["price"], start)
        made.append({"start_date": start, "end_date": end, "items": items, "metadata": row.metadata({})})
        start = end
    return made


def _phase_end(office: Office, row: Given, price: str, start: int) -> int:
    """Until a day, for a duration, or for one period."""
    if "end_date" in row:
        return row.whole("end_date") or 0
    duration = row.part("duration", ("interval", "interval_count"))
    recurring: Mapping[str, object] = office.get("prices", price)["recurring"]
    if "interval" in duration:
        count = duration.whole("interval_count") or 1
        recurring = {
            "interval": duration.choice("interval", ("day", "week", "month", "year"), ""),
            "interval_count": count,
        }
    return following(start, dict(recurring), start)


def _settings(given: Given) -> Object:
    usual = given.part("default_settings", _DEFAULTS)
    terms = usual.part("invoice_settings", ("days_until_due",))
    method = usual.choice("collection_method", METHODS, METHODS[0])
    days = terms.amount("days_until_due") if "days_until_due" in terms else None
    if method == "send_invoice" and days is None:
        raise terms.bad("days_until_due", "is needed where invoices are sent")
    return {"collection_method": method, "days_until_due": days}


def _asked(phase: Object) -> list[Tree]:
    return [
        {"price": item["price"], "metadata": item["metadata"]}
        | ({"quantity": str(item["quantity"])} if item["quantity"] is not None else {})
        for item in phase["items"]
    ]


def _enter(office: Office, found: Object, phase: Object) -> None:
    """The subscription gets the items of a phase, without prorations: it is the end of a period."""
    subscription = office.get("subscriptions", found["subscription"])
    known = {item["price"]["id"]: item["id"] for item in subscription["items"]["data"]}
    wanted = [{**row, "id": known[row["price"]]} if row["price"] in known else row for row in _asked(phase)]
    kept = {row["price"] for row in wanted}
    gone = [{"id": key, "deleted": "true"} for price, key in known.items() if price not in kept]
    update_subscription(office, subscription["id"], {"items": [*wanted, *gone], "proration_behavior": "none"})
