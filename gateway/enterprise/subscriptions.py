"""Subscriptions in billing, and the features they bring."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.enterprise.agreements import Agreement, Period, agree, period, start_of, yearly
from gateway.enterprise.invoices import issue
from gateway.enterprise.sketch import Deal
from gateway.enterprise.world import Dossier, World
from sources.simulation.enterprise import BillEntitlement, BillItem, BillSubscription

LIVE = frozenset({"trialing", "active", "past_due"})
# What becomes of the older invoices that the sketch says nothing about, per thousand.
_USUAL = (("paid", 900), ("paid_bank", 50), ("paid_late", 25), ("part_refunded", 10), ("kept_credit", 5), ("void", 10))


def make_subscriptions(world: World, dossier: Dossier) -> None:
    """Each deal's subscription with its invoices, oldest first."""
    for deal in dossier.sketch.deals:
        agreement = agree(world, dossier, deal)
        latest_invoice_id = _bill(world, agreement)
        world.books.subscriptions.append(_subscription(world, agreement, latest_invoice_id))
        dossier.subscription_ids.append(agreement.subscription_id or "")
        if deal.status in LIVE:
            agreement.tally.yearly += yearly(agreement)
    _grant_features(world, dossier)


def _bill(world: World, agreement: Agreement) -> str | None:
    deal, latest = agreement.deal, None
    chance = world.streams("outcomes")
    names, weights = zip(*_USUAL, strict=True)
    for number in range(deal.periods - 1, -1, -1):
        usual = chance.choices(names, weights)[0] if deal.varied else "paid"
        outcome = deal.outcomes[number] if number < len(deal.outcomes) else usual
        posting = deal.postings[number] if number < len(deal.postings) else "posted"
        latest = issue(world, agreement, period(world, deal, number), outcome, posting)
    return latest


def _subscription(world: World, agreement: Agreement, latest_invoice_id: str | None) -> BillSubscription:
    deal, buyer = agreement.deal, agreement.buyer
    span = period(world, deal, 0)
    ended_at = None if deal.ended is None else world.ago(deal.ended)
    start_at = start_of(world, deal)
    return BillSubscription(
        id=agreement.subscription_id or "",
        customer_id=buyer.billing_id or "",
        account_id=agreement.linked_id,
        entity=None if agreement.dossier.sketch.bare else buyer.entity,
        status=deal.status,
        items=_items(agreement, span),
        currency=buyer.currency,
        start_at=start_at,
        trial_end=None if deal.trial is None else world.ago(-deal.trial),
        cancel_at=world.ago(-20) if deal.cancel == "at" else None,
        cancel_at_period_end=deal.cancel == "end",
        canceled_at=_canceled_at(world, deal, ended_at),
        ended_at=ended_at,
        cancel_reason="requested" if deal.cancel else deal.reason,
        collection=deal.collection,
        days_until_due=deal.terms if deal.collection == "invoice" else None,
        latest_invoice_id=latest_invoice_id,
        pause=deal.pause,
        hold=deal.hold,
        hold_notice_at=world.ago(24) if deal.hold else None,
        hold_operation=f"op-{world.mint.number('operation'):06d}" if deal.hold else None,
        pending_change=_pending_change(agreement) if deal.pending else None,
        schedule=deal.schedule,
        schedule_phases=_phases(deal, span.start, span.end),
        renewal=deal.renewal,
        end_customer_id=deal.end_customer_id,
        reseller_id=deal.reseller_id,
        created_at=world.past(start_at) - timedelta(minutes=5),
    )


def _items(agreement: Agreement, span: Period) -> tuple[BillItem, ...]:
    return tuple(
        BillItem(
            id=item.id,
            price_id=item.price.id,
            quantity=item.quantity,
            period_start=span.start,
            period_end=span.end,
        )
        for item in agreement.items
    )


def _canceled_at(world: World, deal: Deal, ended_at: datetime | None) -> datetime | None:
    if deal.cancel:
        return world.ago(5)
    return ended_at if deal.status == "canceled" else None


def _pending_change(agreement: Agreement) -> tuple[tuple[str, int], ...]:
    """Five seats more, once they are paid."""
    return tuple(
        (item.price.id, item.quantity + 5 if item.quantity > 1 else item.quantity)
        for item in agreement.items
        if item.quantity is not None
    )


def _phases(deal: Deal, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime | None], ...]:
    if deal.schedule is None:
        return ()
    return ((start, end), (end, None)) if deal.schedule in ("active", "not_started") else ((start, end),)


def _grant_features(world: World, dossier: Dossier) -> None:
    """One active entitlement per customer and feature, however many subscriptions bring it."""
    newest = world.books.subscriptions[len(world.books.subscriptions) - len(dossier.subscription_ids) :]
    granted = {
        (subscription.customer_id, feature_id): None
        for subscription in newest
        if subscription.status in LIVE and not subscription.hold
        for item in subscription.items
        for feature_id in world.catalogue.feature_ids[item.price_id]
    }
    world.books.bill_entitlements += [
        BillEntitlement(id=world.mint.billing("ent"), customer_id=customer_id, feature_id=feature_id)
        for customer_id, feature_id in granted
    ]
