"""amendSubscription: a change in the middle of a term, with what it means for ledger, CRM, support and open cases.

What it costs is asked of billing before it is judged; the instant of the proration is kept with that, so that the
change costs what was judged, and a repetition the same.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from resolvers.sagas.reading import claimed, entity, many, one, periods, profile_of, some, today
from resolvers.sagas.saga import Facts, Read, Saga
from resolvers.sagas.writes.amendment_records import recorded
from resolvers.sagas.writes.amendment_steps import STEPS, Known, items_of
from resolvers.sagas.writes.amendment_terms import (
    AmendedLine,
    AmendSubscription,
    after,
    change,
    figures,
    gives_back,
    gone,
    priced_at,
    refusals,
    sold,
    yearly,
)
from resolvers.sagas.writes.changing import Change, ChangeJudge, paid_for, plain_change, tier_kept
from resolvers.sagas.writes.fulfilment import credit_left, open_cases
from resolvers.sagas.writes.order import Judgement
from resolvers.sagas.writes.parties import ordered, owing, parties_of, sold_by
from resolvers.sagas.writes.previewing import Preview
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do
from sources.errors import BadAsk

__all__ = ["AMEND_SUBSCRIPTION", "AmendSubscription", "AmendedLine", "amend_subscription"]


NEEDS = (
    (c.AccountSubscription, "key"),
    (c.Price, "list"),
    (c.Product, "key"),
    (c.LegalEntity, "key"),
    (c.AccountingPeriod, "list"),
    (c.BillingProfile, "account"),
    (c.Invoice, "key"),
    (c.Order, "key"),
    (c.Order, "account"),
    (c.SalesOrder, "subscription"),
    (c.SubscriptionContract, "subscription"),
    (c.Entitlement, "account"),
    (c.SupportOrganization, "account"),
    (c.SupportPlan, "list"),
    (c.Case, "account"),
)


def amend_subscription(preview: Preview | None = None, judge: ChangeJudge = plain_change) -> Saga:
    """The saga. `preview` and `judge` are asked before it is accepted, and again before it begins and after approvals;
    without a preview nobody knows what a fall of revenue credits, and such a change needs approval."""

    async def gather(read: Read, asked: AmendSubscription, now: datetime) -> Facts:
        """The subscription, what the change makes of its recurring revenue, what speaks against it, and the cases whose
        targets follow."""
        _sound(asked)
        subscription, unsold = await sold_by(read, await one(read, c.AccountSubscription, asked.subscription))
        user = subscription.end_customer_key or subscription.account_key
        (book, codes), seller, (profiles, unlinked), desk, cases, order = await asyncio.gather(
            _catalogue(read, subscription, asked),
            entity(read, subscription.legal_entity),
            claimed(read, c.BillingProfile, subscription.account_key),
            some(read, c.SupportOrganization, user, "account"),
            open_cases(read, user, asked.support_tier),
            ordered(read, subscription),
        )
        own = (item.price for item in subscription.items)  # perhaps agreed, and in no price book
        prices = {price.key: price for price in (*own, *book)}
        profile = profile_of(profiles, subscription.legal_entity)
        changed, wrong = change(subscription, asked.lines, prices), refusals(subscription, asked.lines, prices)
        day, at, proration, judged = today(seller, now), priced_at(subscription, now), None, Judgement()
        parties = parties_of(subscription, order)
        credit, (records, often) = await asyncio.gather(
            owing(read, subscription.legal_entity, parties),
            recorded(read, subscription, parties, gone(subscription, asked.lines, codes), asked.support_tier, day),
        )
        wrong += often
        if not wrong:
            proration = await _proration(preview, subscription, asked, at)
            wanted = Change(
                subscription=subscription,
                parties=parties,
                items=after(subscription, asked.lines),
                adds=yearly(changed, subscription.currency),
                start_on=day,
            )
            judged = await _judged(read, judge, wanted, asked, desk, now)
        exceeded, left = credit_left(judged.amount or None, judged.headroom)
        known = Known(
            account=subscription.account_key,
            parties=parties,
            party=profile.key if profile else None,
            entity=subscription.legal_entity,
            currency=subscription.currency,
            today=day,
            prorate_at=at,
            sold=sold(subscription, asked.lines, prices, codes, day, records.end_on),
            added=judged.amount,
            headroom=left,
            records=records,
            organization=desk.key if desk else None,
            cases=cases,
        )
        return Facts(
            account=subscription.account_key,
            entity=subscription.legal_entity,
            functional=seller.currency if seller else "",
            amount=yearly(changed, subscription.currency),
            figures=figures(subscription, changed, proration),
            flags={"non_standard_terms": False, "backdated": False},
            documents=(f"accountsubscription:{subscription.key}", *credit),
            findings=tuple(dict.fromkeys((*wrong, *unsold, *unlinked, *judged.findings, *exceeded))),
            known=msgspec.to_builtins(known),
        )

    return Saga(
        mutation="amendSubscription", input=AmendSubscription, known=Known, gather=gather, needs=NEEDS, steps=STEPS
    )


def _sound(asked: AmendSubscription) -> None:
    """Raises BadAsk for what is no amendment."""
    if not asked.lines or any(not each.quantity.is_finite() or each.quantity < 0 for each in asked.lines):
        raise BadAsk("`lines`: one at least, each with a quantity of zero or more, are expected")
    items = [each.item for each in asked.lines if each.item is not None]
    twice = next((each for each in items if items.count(each) > 1), None)
    if twice is not None:
        raise BadAsk(f"`lines` name the item `{twice}` twice: say once what it becomes")


async def _catalogue(
    read: Read, subscription: c.AccountSubscription, asked: AmendSubscription
) -> tuple[list[c.Price], dict[str, str | None]]:
    """The price book, and our codes of the products that are there and that are asked for."""
    book = await many(read, c.Price, "list", "")
    named = {line.price for line in asked.lines}
    own = [item.product_key for item in subscription.items]
    wanted = [price.product_key for price in book if price.key in named]
    products = await many(read, c.Product, "key", *dict.fromkeys((*own, *wanted)))
    return book, {each.key: each.code for each in products}


async def _judged(
    read: Read,
    judge: ChangeJudge,
    wanted: Change,
    asked: AmendSubscription,
    desk: c.SupportOrganization | None,
    now: datetime,
) -> Judgement:
    """What the judge says, the period of the day, and what this write finds out itself."""
    subscription, user = wanted.subscription, wanted.parties.end_customer_key or wanted.subscription.account_key
    plan = desk.support_plan if desk is not None else None
    judged, (_, shut), unpaid, lowered = await asyncio.gather(
        judge(read, wanted, now),
        periods(read, wanted.start_on),
        paid_for(read, subscription, gives_back=gives_back(subscription, asked.lines, asked.proration)),
        tier_kept(read, user, plan, asked.support_tier),
    )
    return msgspec.structs.replace(judged, findings=(*judged.findings, *shut, *unpaid, *lowered))


async def _proration(
    preview: Preview | None, subscription: c.AccountSubscription, asked: AmendSubscription, at: datetime
) -> Money | None:
    """What the change alone would come to, before tax; None where nobody is there to be asked."""
    if preview is None:
        return None
    command = do.PreviewChange(
        operation="preview",
        party=subscription.source_account_id or "",
        subscription_key=subscription.key,
        lines=items_of(asked),
        prorate_at=at,
        proration=asked.proration,
    )
    return (await preview(command, subscription.legal_entity)).get("proration")


AMEND_SUBSCRIPTION = amend_subscription()
