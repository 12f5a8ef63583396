"""Who goes on being asked for money when a subscription ends at once.

Vendor facts (domain.md 6): an immediate end stops the automatic collection of all of the customer's
finalised invoices, not only of its own. So which those are is noted on the subscription before it ends, and they are
collected by themselves again after it. Two ends of one customer may overlap, and nothing holds one up for the other:
what another one has stopped and not yet turned on again is noted, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import timedelta

from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.origin import id_of
from sources.vendors.stripe.wire import Metadata
from sources.vendors.stripe.writers.desk import Desk, place
from sources.vendors.stripe.writers.subscriptions import ENDED, INVOICES, SUBSCRIPTIONS
from sources.vendors.stripe.writers.wire import Bill, Held

_IN_ONE = 15  # ids in one value: an id has at most 32 signs or so [K], a value 500
_MOST = 300  # invoices noted on the subscription; what are more are noted on themselves
_NAME = 40  # characters of a name in metadata
_UNDER_WAY = timedelta(days=1)  # [D] what is still stopped so long after an end, somebody wants stopped


async def noted(desk: Desk, before: Held, step: Callable[[str], str], but: Collection[str] = ()) -> Metadata:
    """What a subscription is to remember before it ends: the open invoices of its customer that are collected by
    themselves, without some. Those that it cannot hold have it noted on themselves by now; `step` names those calls."""
    found = await _collecting(desk, before, but)
    for each in found[_MOST:]:
        if not _notes(each, before.id):
            asked = {"metadata": _note(before.id)}
            await desk.post(Bill, place(INVOICES, each.id), "invoices.mark", asked, step(f"note:{each.id}"))
    return remembered([each.id for each in found[:_MOST]])


async def stopped(desk: Desk, ended: Held) -> list[str]:
    """Which of the invoices that were noted for a subscription are still open and not collected any more."""
    keys = collected(ended.metadata)
    if len(keys) >= _MOST:
        bills = [each async for each in _open(desk, ended) if each.id in keys or _notes(each, ended.id)]
    else:
        bills = [await desk.look(Bill, place(INVOICES, key), "invoices.read") for key in keys]
    return [each.id for each in bills if each.status == "open" and each.auto_advance is False]


def _open(desk: Desk, held: Held) -> AsyncIterator[Bill]:
    """The open invoices of a subscription's customer."""
    return desk.every(Bill, INVOICES, "invoices.list", {"customer": id_of(held.customer), "status": "open"})


async def _collecting(desk: Desk, before: Held, but: Collection[str]) -> list[Bill]:
    """Those that are collected by themselves, and those that are not because another end has just stopped them."""
    bills = [each async for each in _open(desk, before) if each.id not in but]
    found = [each for each in bills if each.auto_advance]
    idle = [each for each in bills if each.auto_advance is False]
    return found + (await _taken_over(desk, before, idle) if idle else [])


async def _taken_over(desk: Desk, before: Held, idle: Sequence[Bill]) -> list[Bill]:
    """Those of a customer's idle invoices that were noted for a subscription which ended within a day. Read after the
    invoices: what an end has stopped was noted before it, so that no note can be missed."""
    since = (desk.now() - _UNDER_WAY).timestamp()
    asked = {"customer": id_of(before.customer), "status": "all"}
    held = desk.every(Held, SUBSCRIPTIONS, "subscriptions.list", asked)
    ended = [each async for each in held if each.status in ENDED and (each.ended_at or 0) >= since]
    keys = {key for each in ended for key in collected(each.metadata)}
    return [bill for bill in idle if bill.id in keys or any(_notes(bill, each.id) for each in ended)]


async def collect_on(desk: Desk, invoices: Sequence[str], step: Callable[[str], str]) -> None:
    """Has them collected by themselves again; `step` names the idempotency key of each call."""
    for key in invoices:
        asked = {"auto_advance": True}
        await desk.post(Bill, place(INVOICES, key), "invoices.update", asked, step(f"collect:{key}"))


def remembered(invoices: Sequence[str]) -> Metadata:
    """Ids of invoices as metadata, a few in each value."""
    parts = [invoices[start : start + _IN_ONE] for start in range(0, len(invoices), _IN_ONE)]
    return {f"{facts.COLLECTED}_{number}": ",".join(part) for number, part in enumerate(parts)}


def collected(metadata: Metadata | None) -> list[str]:
    """The ids again."""
    parts = [part for name, part in (metadata or {}).items() if name.startswith(facts.COLLECTED)]
    return [each for part in parts for each in part.split(",") if each]


def _note(subscription: str) -> Metadata:
    """What an invoice remembers for a subscription that is to end; each has a name of its own, by the end of its id."""
    name = f"{facts.COLLECTED}_"
    return {name + subscription[len(name) - _NAME :]: subscription}


def _notes(bill: Bill, subscription: str) -> bool:
    return _note(subscription).items() <= (bill.metadata or {}).items()
