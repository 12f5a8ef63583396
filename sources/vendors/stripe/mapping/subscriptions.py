"""Subscriptions: Stripe's status, its pauses and schedules, and our own suspensions as one status with overlays."""

from __future__ import annotations

from collections.abc import Iterator

from sources.canonical import (
    AccountSubscription,
    Evidence,
    Phase,
    RenewalMode,
    SubscriptionItem,
    SubscriptionOverlay,
    SubscriptionStatus,
    Suspension,
    SuspensionReason,
)
from sources.canonical.money import Money
from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.catalogue import price
from sources.vendors.stripe.mapping.mrr import recurring
from sources.vendors.stripe.mapping.origin import Origin, currency, id_of, known, moment, noted_as, text_moment
from sources.vendors.stripe.wire import Item, Schedule, Subscription

S = SubscriptionStatus
STATUSES = {
    "incomplete": S.PENDING_ACTIVATION,
    "incomplete_expired": S.NEVER_ACTIVATED,
    "trialing": S.TRIALING,
    "active": S.ACTIVE,
    "past_due": S.PAST_DUE,
    "canceled": S.CANCELED,
    "unpaid": S.SUSPENDED,
    "paused": S.SUSPENDED,
}
# Why a subscription ended: what the customer wanted, or what we or the payment brought about.
_ENDS = {
    None: S.CANCELED,
    "cancellation_requested": S.CANCELED,
    "canceled_by_retention_policy": S.TERMINATED,
    "payment_failed": S.TERMINATED,
    "payment_disputed": S.TERMINATED,
}
SUSPENSIONS = {"hold": SuspensionReason.HOLD, "customer_request": SuspensionReason.CUSTOMER_REQUEST}
_PAUSES = {
    None: SuspensionReason.TRIAL_NO_PAYMENT,
    "trial_end_without_payment_method": SuspensionReason.TRIAL_NO_PAYMENT,
    "final_payment_failure": SuspensionReason.DUNNING_EXHAUSTED,
    "first_payment_failure": SuspensionReason.DUNNING_EXHAUSTED,
    "pause_requested": SuspensionReason.CUSTOMER_REQUEST,
    "system": SuspensionReason.HOLD,
}
_RENEWALS = {None: RenewalMode.AUTO, "auto": RenewalMode.AUTO, "manual": RenewalMode.MANUAL, "none": RenewalMode.NONE}
_SCHEDULES = frozenset({"not_started", "active", "completed", "released", "canceled"})
_BEHAVIOURS = frozenset({"keep_as_draft", "mark_uncollectible", "void"})
_ENDED = frozenset({S.NEVER_ACTIVATED, S.CANCELED, S.TERMINATED, S.EXPIRED})


def account_subscription(wire: Subscription, origin: Origin) -> AccountSubscription:
    """A subscription. Its MRR is nothing once it has ended."""
    customer, iso = id_of(wire.customer), currency(wire.currency, "subscription.currency")
    suspension = _suspension(wire)
    status = _status(wire, suspension)
    ends = [item.current_period_end for item in wire.items.data if item.current_period_end is not None]
    starts = [item.current_period_start for item in wire.items.data if item.current_period_start is not None]
    period_end = max(ends, default=None)
    cancel_at = wire.cancel_at or (period_end if wire.cancel_at_period_end else None)
    return AccountSubscription(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        account_key=origin.account(customer, wire.metadata),
        source_account_id=customer or "",
        status=status,
        status_since=moment(_since(wire), "subscription.status"),
        status_evidence=tuple(_evidence(wire, origin)),
        overlays=tuple(_overlays(wire, status, suspension)),
        suspension=suspension,
        legal_entity=origin.legal_entity(wire.metadata),
        currency=iso,
        items=tuple(_item(item, origin) for item in wire.items.data),
        start_at=moment(wire.start_date, "subscription.start_date"),
        period_start=moment(min(starts, default=None), "subscription_item.current_period_start"),
        period_end=moment(period_end, "subscription_item.current_period_end"),
        trial_end=moment(wire.trial_end, "subscription.trial_end"),
        cancel_at=moment(cancel_at, "subscription.cancel_at"),
        canceled_at=moment(wire.canceled_at, "subscription.canceled_at"),
        ended_at=moment(wire.ended_at, "subscription.ended_at"),
        cancel_reason=wire.cancellation_details.reason if wire.cancellation_details else None,
        collection_method=wire.collection_method,
        days_until_due=wire.days_until_due,
        mrr=Money.zero(iso) if status in _ENDED else recurring(wire, origin.as_of),
        renewal_mode=known(_RENEWALS, "subscription.metadata.renewal", noted_as(facts.RENEWAL, wire.metadata)),
        next_phase=_next_phase(wire, origin),
        pending_change=wire.pending_update is not None,
        latest_invoice_key=id_of(wire.latest_invoice),
        end_customer_key=noted_as(facts.END_CUSTOMER, wire.metadata),
        reseller_key=noted_as(facts.RESELLER, wire.metadata),
        order_key=noted_as(facts.ORDER, wire.metadata),
        replaces_key=noted_as(facts.REPLACES, wire.metadata),
        created_at=moment(wire.created, "subscription.created"),
    )


def _status(wire: Subscription, suspension: Suspension | None) -> SubscriptionStatus:
    status = known(STATUSES, "subscription.status", wire.status)
    if status is S.CANCELED:
        schedule = _schedule(wire)
        ended = known(_ENDS, "subscription.cancellation_details.reason", _end_reason(wire))
        return S.EXPIRED if schedule is not None and schedule.status == "completed" else ended
    return S.SUSPENDED if suspension is not None else status


def _suspension(wire: Subscription) -> Suspension | None:
    """Ours (a pause that our metadata explain, with the operation that decided it), or what Stripe's status says.

    Stripe's own (`unpaid`, `paused`) has no operation: it is no record that anybody decided to cut service.
    """
    if wire.status in ("canceled", "incomplete", "incomplete_expired"):
        return None
    ours = noted_as(facts.SUSPENSION, wire.metadata)
    if wire.pause_collection is not None and ours is not None:
        return Suspension(
            reason=known(SUSPENSIONS, "subscription.metadata.suspension", ours),
            notice_sent_at=text_moment(
                noted_as(facts.SUSPENSION_NOTICE, wire.metadata), "subscription.metadata.suspension_notice_at"
            ),
            operation=noted_as(facts.SUSPENSION_OPERATION, wire.metadata),
        )
    if wire.status == "unpaid":
        return Suspension(reason=SuspensionReason.DUNNING_EXHAUSTED)
    if wire.status != "paused":
        return None
    paused = wire.status_details.paused if wire.status_details else None
    cause = paused.subscription.type if paused and paused.subscription else None
    return Suspension(
        reason=known(_PAUSES, "subscription.status_details.paused.subscription.type", cause),
        since=moment(paused.transitioned_at, "subscription.status_details.paused.transitioned_at") if paused else None,
    )


def _overlays(
    wire: Subscription, status: SubscriptionStatus, suspension: Suspension | None
) -> Iterator[SubscriptionOverlay]:
    if status in _ENDED:
        return
    if wire.cancel_at is not None or wire.cancel_at_period_end:
        yield SubscriptionOverlay.CANCEL_SCHEDULED
    if wire.pending_update is not None:
        yield SubscriptionOverlay.AMENDMENT_PENDING
    if noted_as(facts.CO_TERM, wire.metadata) is not None:
        yield SubscriptionOverlay.CO_TERMED
    if wire.pause_collection is not None:
        if wire.pause_collection.behavior not in _BEHAVIOURS:
            known({}, "subscription.pause_collection.behavior", wire.pause_collection.behavior)
        if noted_as(facts.SUSPENSION, wire.metadata) is None or suspension is None:
            yield SubscriptionOverlay.COLLECTION_PAUSED


def _evidence(wire: Subscription, origin: Origin) -> Iterator[Evidence]:
    yield origin.evidence("subscription.status", wire.status)
    if wire.status == "canceled":
        yield origin.evidence("subscription.cancellation_details.reason", _end_reason(wire))
    if wire.pause_collection is not None:
        yield origin.evidence("subscription.pause_collection.behavior", wire.pause_collection.behavior)
    ours = noted_as(facts.SUSPENSION, wire.metadata)
    if ours is not None:
        yield origin.evidence("subscription.metadata.suspension", ours)
    schedule = _schedule(wire)
    if schedule is not None:
        yield origin.evidence("subscription_schedule.status", schedule.status)


def _since(wire: Subscription) -> int | None:
    """Where Stripe says since when; of `active`, `past_due` and `unpaid` it does not."""
    if wire.status == "canceled":
        return wire.ended_at or wire.canceled_at
    if wire.status == "paused" and wire.status_details and wire.status_details.paused:
        return wire.status_details.paused.transitioned_at
    return {"trialing": wire.trial_start, "incomplete": wire.created}.get(wire.status)


def _schedule(wire: Subscription) -> Schedule | None:
    if not isinstance(wire.schedule, Schedule):
        return None
    if wire.schedule.status not in _SCHEDULES:
        known({}, "subscription_schedule.status", wire.schedule.status)
    return wire.schedule


def _end_reason(wire: Subscription) -> str | None:
    return wire.cancellation_details.reason if wire.cancellation_details else None


def _next_phase(wire: Subscription, origin: Origin) -> Phase | None:
    schedule = _schedule(wire)
    if schedule is None or schedule.status not in ("not_started", "active"):
        return None
    now = origin.as_of.timestamp()
    coming = min(
        (phase for phase in schedule.phases if phase.start_date > now), key=lambda p: p.start_date, default=None
    )
    start = moment(coming.start_date, "subscription_schedule.phases.start_date") if coming else None
    if coming is None or start is None:
        return None
    return Phase(start=start, end=moment(coming.end_date, "subscription_schedule.phases.end_date"))


def _item(item: Item, origin: Origin) -> SubscriptionItem:
    metered = item.price.recurring is not None and item.price.recurring.usage_type == "metered"
    return SubscriptionItem(
        key=item.id,
        price=price(item.price, origin),
        product_key=id_of(item.price.product) or "",
        quantity=None if metered else item.quantity,
        period_start=moment(item.current_period_start, "subscription_item.current_period_start"),
        period_end=moment(item.current_period_end, "subscription_item.current_period_end"),
    )


def wire_statuses(wanted: frozenset[SubscriptionStatus]) -> frozenset[str]:
    """Stripe's statuses among which the wanted ones are, but for what we suspended: that has any status."""
    found: dict[SubscriptionStatus, frozenset[str]] = {
        S.DRAFT: frozenset(),
        S.PENDING_ACTIVATION: frozenset({"incomplete"}),
        S.NEVER_ACTIVATED: frozenset({"incomplete_expired"}),
        S.TRIALING: frozenset({"trialing"}),
        S.ACTIVE: frozenset({"active"}),
        S.PAST_DUE: frozenset({"past_due"}),
        S.SUSPENDED: frozenset({"unpaid", "paused"}),
        S.CANCELED: frozenset({"canceled"}),
        S.TERMINATED: frozenset({"canceled"}),
        S.EXPIRED: frozenset({"canceled"}),
    }
    return frozenset[str]().union(*(found[status] for status in wanted))
