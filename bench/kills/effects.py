"""What the simulators hold of an order, and whether that is all of it, none of it, or what it says it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from bench.kills.orders import Kind, Order
from bench.resilience.scene import call
from sources.store.operations import State

PARTIES = frozenset(
    {"customer.create", "customer.update", "organization.create", "organization.update", "account.update"}
)
"""What stays whatever becomes of an order: a customer that nothing hangs on does no harm."""
UNDONE = {
    "order.create": "order.cancel",
    "salesOrder.create": "salesOrder.close",
    "subscription.create": "subscription.cancel",
    "schedule.create": "schedule.cancel",
}
AHEAD = {"entitlement.create": "entitlement.delete"}
"""What is taken back besides of an order for a day to come; of any other it is past the point of no return."""


class Effect(msgspec.Struct, frozen=True):
    """One thing that happened in a system; `at` is the simulators' clock, one for all four."""

    at: str
    source: str
    kind: str
    key: str
    operation: str | None = None
    idempotency_key: str | None = None
    external_id: str | None = None


def read(simulators: Mapping[str, str]) -> list[Effect]:
    """All effects in the order in which they happened; `simulators` are addresses by source."""
    found = [
        msgspec.convert({"source": source, **each}, Effect)
        for source, url in simulators.items()
        for each in call("GET", f"{url}/_simulator/written", None, {})["written"]
    ]
    return sorted(found, key=lambda effect: effect.at)


def by_operation(effects: Iterable[Effect]) -> dict[str | None, list[Effect]]:
    """The effects of each operation, in order. What names no operation is that of the record's own making; None: what
    belongs to none (a customer of billing's is made for whoever comes first)."""
    made: dict[tuple[str, str], str] = {}
    found: dict[str | None, list[Effect]] = {}
    for effect in effects:
        under = (effect.idempotency_key or "").split(":")[0]
        operation = effect.operation or made.get((effect.source, effect.key)) or (under if len(under) == 32 else None)
        if operation and effect.kind.endswith(".create"):
            made[(effect.source, effect.key)] = operation
        found.setdefault(operation, []).append(effect)
    return found


def doubled_parties(effects: Iterable[Effect]) -> list[str]:
    """Customers and organizations that were made twice under one name."""
    names = Counter(
        (each.source, each.kind, each.external_id or each.idempotency_key)
        for each in effects
        if each.kind in ("customer.create", "organization.create")
    )
    return [
        f"{kind} of {name} in {source}, {times} times" for (source, kind, name), times in names.items() if times > 1
    ]


def wrong(order: Order, state: State, effects: Sequence[Effect]) -> Iterator[str]:
    """What is wrong with what an order left behind, in words; nothing where it is as its state says."""
    done = [each.kind for each in effects if each.kind in _landmarks(order)]
    twice = [kind for kind, times in Counter(done).items() if times > 1]
    if twice:
        yield f"doubled: {', '.join(twice)}"
        return
    undone = UNDONE | (AHEAD if order.planned else {})
    forward = [kind for kind in done if kind not in undone.values()]
    back = [kind for kind in done if kind in undone.values()]
    whole = _forward(order)
    if forward != whole[: len(forward)]:
        yield f"out of order: {', '.join(done)}"
    if done != forward + back:
        yield f"went on after it was being taken back: {', '.join(done)}"
    wanted = [undone[kind] for kind in reversed(forward) if kind in undone]
    if back != wanted[: len(back)]:
        yield f"not taken back in reverse: {', '.join(done)}"
    if state is State.COMPLETED and (forward != whole or back):
        yield f"completed, and only {', '.join(done) or 'nothing'} is there"
    if state is State.COMPLETED and order.kind is Kind.RECALLED:
        yield "was called back, and is done"
    if state in (State.COMPENSATED, State.REJECTED, State.CANCELED):
        yield from _left(order, effects, back, wanted)
    if state is State.NEEDS_ATTENTION and forward == whole and not back:
        yield "waits for somebody, and is done"


def _left(order: Order, effects: Sequence[Effect], back: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """What is still there of an order that is said to be taken back."""
    if list(back) != list(wanted):
        yield f"left behind: {', '.join(wanted[len(back) :])} is missing"
    billed = Counter(each.kind for each in effects if each.kind.startswith("invoice."))
    if billed["invoice.finalise"] != billed["invoice.void"]:
        yield f"left behind: {billed['invoice.finalise']} invoices finalised, {billed['invoice.void']} void"
    beyond = {each.kind for each in effects} & {"salesOrder.approve", "order.activate"}
    if not order.planned:
        beyond |= {each.kind for each in effects} & {"entitlement.create"}
    if beyond:
        yield f"past the point of no return, and taken back: {', '.join(sorted(beyond))}"


def _forward(order: Order) -> list[str]:
    """What an order does in the systems, in order, as far as it can be told from its ledgers alone."""
    right = ["entitlement.create"] if order.tier else []
    return [
        "order.create",
        "order_item.create",
        "salesOrder.create",
        *([*right, "schedule.create"] if order.planned else ["subscription.create"]),
        *([] if order.kind is Kind.CHARGED else ["invoice.finalise"]),
        "salesOrder.approve",
        *([] if order.planned else right),
        "order.activate",
    ]


def _landmarks(order: Order) -> set[str]:
    return {*_forward(order), *UNDONE.values(), *AHEAD.values()}
