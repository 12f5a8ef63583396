"""What is going to happen to a subscription: updates that wait for payment, phases to come, the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from sources.canonical import Amendment, AmendmentKind, AmendmentLine, Money
from sources.vendors.stripe.mapping.mrr import recurring
from sources.vendors.stripe.mapping.origin import Origin, id_of, moment
from sources.vendors.stripe.wire import Item, Phase, PhaseItem, Schedule, Subscription


def amendments(wire: Subscription, origin: Origin) -> Iterator[Amendment]:
    """Every change of a subscription that Stripe knows of and that is still to come."""
    if wire.pending_update is not None:
        yield _pending(wire, wire.pending_update.subscription_items or wire.items.data, origin)
    if isinstance(wire.schedule, Schedule) and wire.schedule.status in ("active", "not_started"):
        yield from _scheduled(wire, wire.schedule, origin)
    ends = [item.current_period_end for item in wire.items.data if item.current_period_end is not None]
    cancel_at = wire.cancel_at or (max(ends, default=None) if wire.cancel_at_period_end else None)
    if cancel_at is not None and wire.ended_at is None:
        yield _ending(wire, f"{wire.id}:cancel", cancel_at, origin)


def _pending(wire: Subscription, wanted: Sequence[Item], origin: Origin) -> Amendment:
    before, after = _lines(wire.items.data), _lines(wanted)
    now, then = recurring(wire, origin.as_of, gross=True), recurring(wire, origin.as_of, wanted, gross=True)
    delta = then - now if now is not None and then is not None else None
    latest = id_of(wire.latest_invoice)
    return msgspec.structs.replace(
        _amendment(wire, origin, f"{wire.id}:pending_update", _kind(before, after, delta)),
        before=before,
        after=after,
        mrr_delta=delta,
        documents=(latest,) if latest else (),
    )


def _scheduled(wire: Subscription, schedule: Schedule, origin: Origin) -> Iterator[Amendment]:
    """The phases to come, each against the one before, and the end where the schedule cancels."""
    now = origin.as_of.timestamp()
    phases = sorted(schedule.phases, key=_start)
    before = _lines(wire.items.data)
    for phase in phases:
        after = _lines(phase.items) if phase.items else before
        if phase.start_date > now:
            yield msgspec.structs.replace(
                _amendment(wire, origin, f"{schedule.id}:{phase.start_date}", _kind(before, after, None)),
                effective_at=moment(phase.start_date, "subscription_schedule.phases.start_date"),
                before=before,
                after=after,
            )
        before = after
    end = phases[-1].end_date if phases else None
    if schedule.end_behavior == "cancel" and end is not None and end > now:
        yield _ending(wire, f"{schedule.id}:end", end, origin)


def _ending(wire: Subscription, key: str, at: int, origin: Origin) -> Amendment:
    now = recurring(wire, origin.as_of)
    return msgspec.structs.replace(
        _amendment(wire, origin, key, AmendmentKind.TERMINATE),
        effective_at=moment(at, "subscription.cancel_at"),
        before=_lines(wire.items.data),
        mrr_delta=None if now is None else -now,
    )


def _amendment(wire: Subscription, origin: Origin, key: str, kind: AmendmentKind) -> Amendment:
    customer = id_of(wire.customer)
    return Amendment(
        key=key,
        source=origin.source,
        source_id=key,
        as_of=origin.as_of,
        account_key=origin.account(customer, wire.metadata),
        source_account_id=customer or "",
        subscription_key=wire.id,
        kind=kind,
    )


def _kind(before: Sequence[AmendmentLine], after: Sequence[AmendmentLine], delta: Money | None) -> AmendmentKind:
    """By what it does to the lines; where prices change, by what that does to the MRR, if both are known."""
    old, new = _quantities(before), _quantities(after)
    if old == new:
        return AmendmentKind.RENEW
    if old.keys() < new.keys() and all(old[key] == new[key] for key in old):
        return AmendmentKind.ADD
    if new.keys() < old.keys() and all(old[key] == new[key] for key in new):
        return AmendmentKind.REMOVE
    if delta is not None and delta.minor:
        return AmendmentKind.UPGRADE if delta.minor > 0 else AmendmentKind.DOWNGRADE
    if old.keys() == new.keys():
        more = sum(new.values()) > sum(old.values())
        return AmendmentKind.UPGRADE if more else AmendmentKind.DOWNGRADE
    return AmendmentKind.PRICE_CHANGE


def _quantities(lines: Sequence[AmendmentLine]) -> Mapping[str | None, int]:
    return {line.price_key: line.quantity or 0 for line in lines}


def _lines(items: Sequence[Item] | Sequence[PhaseItem]) -> tuple[AmendmentLine, ...]:
    return tuple(
        AmendmentLine(
            price_key=id_of(item.price),
            product_key=None if isinstance(item.price, str) else id_of(item.price.product),
            quantity=item.quantity,
        )
        for item in items
    )


def _start(phase: Phase) -> int:
    return phase.start_date
