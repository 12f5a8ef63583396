"""amendSubscription: a change in the middle of a term, with what it means for ledger, CRM, support and open cases.

What it costs is asked of billing before it is judged; the instant of the proration is kept with that, so that the
change costs what was judged, and a repetition the same.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime

import msgspec

from resolvers.sagas.concerns import LEDGER, RECORDS, SERVICE, UNPROVISIONED
from resolvers.sagas.reading import entity, held, many, one, profile_of, some, today
from resolvers.sagas.saga import Facts, Read, Saga, State, Step
from resolvers.sagas.writes.amendment_terms import (
    AmendedLine,
    change,
    figures,
    priced_at,
    refusals,
    sold,
    yearly,
)
from resolvers.sagas.writes.fulfilment import (
    cases_touched,
    open_cases,
    plan_set,
    right_granted,
    sales_order_approved,
    sales_order_closed,
)
from resolvers.sagas.writes.previewing import Preview
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do
from sources.canonical.commands import Proration, SoldLine, SubscriptionLine
from sources.errors import BadAsk

__all__ = ["AMEND_SUBSCRIPTION", "AmendSubscription", "AmendedLine", "amend_subscription"]


class AmendSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Takes effect when it is carried out; `support_tier` where the customer gets another one with it."""

    subscription: str
    lines: tuple[AmendedLine, ...]
    proration: Proration = Proration.INVOICE_NOW
    support_tier: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`sold` are the lines that add value, for the ERP; `prorate_at` the instant of the change's price."""

    account: str
    party: str | None
    entity: str | None
    currency: str
    today: date
    prorate_at: datetime
    sold: tuple[SoldLine, ...]
    organization: str | None
    cases: tuple[str, ...]


NEEDS = (
    (c.AccountSubscription, "key"),
    (c.Price, "list"),
    (c.LegalEntity, "key"),
    (c.BillingProfile, "account"),
    (c.SupportOrganization, "account"),
    (c.Case, "account"),
)


def amend_subscription(preview: Preview | None = None) -> Saga:
    """The saga. `preview` is asked before it is accepted, and again before it begins; without it nobody knows what a
    fall of revenue credits, and such a change needs approval."""

    async def gather(read: Read, asked: AmendSubscription, now: datetime) -> Facts:
        """The subscription, what the change makes of its recurring revenue, and the cases whose targets follow."""
        if not asked.lines or any(not each.quantity.is_finite() or each.quantity < 0 for each in asked.lines):
            raise BadAsk("`lines`: one at least, each with a quantity of zero or more, are expected")
        subscription = await one(read, c.AccountSubscription, asked.subscription)
        account = subscription.account_key
        book, seller, profiles, desk, cases = await asyncio.gather(
            many(read, c.Price, "list", ""),
            entity(read, subscription.legal_entity),
            many(read, c.BillingProfile, "account", account),
            some(read, c.SupportOrganization, account, "account"),
            open_cases(read, account, asked.support_tier),
        )
        own = (item.price for item in subscription.items)  # perhaps agreed, and in no price book
        prices = {price.key: price for price in (*own, *book)}
        profile = profile_of(profiles, subscription.legal_entity)
        changed, wrong = change(subscription, asked.lines, prices), refusals(subscription, asked.lines, prices)
        at = priced_at(subscription, now)
        proration = await _proration(preview, subscription, asked, at) if not wrong else None
        known = Known(
            account=account,
            party=profile.key if profile else None,
            entity=subscription.legal_entity,
            currency=subscription.currency,
            today=today(seller, now),
            prorate_at=at,
            sold=sold(subscription, asked.lines, prices),
            organization=desk.key if desk else None,
            cases=cases,
        )
        return Facts(
            account=account,
            entity=subscription.legal_entity,
            functional=seller.currency if seller else "",
            amount=yearly(changed, subscription.currency),
            figures=figures(subscription, changed, proration),
            flags={"non_standard_terms": False, "backdated": False},
            documents=(f"accountsubscription:{subscription.key}",),
            findings=(*wrong, *held(profile)),
            known=msgspec.to_builtins(known),
        )

    return Saga(
        mutation="amendSubscription", input=AmendSubscription, known=Known, gather=gather, needs=NEEDS, steps=STEPS
    )


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
        lines=_items(asked),
        prorate_at=at,
        proration=asked.proration,
    )
    return (await preview(command, subscription.legal_entity)).get("proration")


def _items(asked: AmendSubscription) -> tuple[SubscriptionLine, ...]:
    return tuple(
        SubscriptionLine(price_key=each.price, quantity=each.quantity, item_key=each.item) for each in asked.lines
    )


# -------------------------------------------------------------------------------------------------------- the steps

_Amendment = State[AmendSubscription, Known]


def _sales_order(state: _Amendment) -> do.PlaceSalesOrder | None:
    known = state.known
    if not known.sold or known.party is None or known.entity is None:
        return None
    return do.PlaceSalesOrder(
        operation=state.operation,
        correlation=state.correlation,
        party=known.party,
        legal_entity=known.entity,
        currency=known.currency,
        ordered_on=known.today,
        lines=known.sold,
        subscription_key=state.input.subscription,
    )


def _change_subscription(state: _Amendment) -> do.ChangeSubscription:
    return do.ChangeSubscription(
        operation=state.operation,
        correlation=state.correlation,
        subscription_key=state.input.subscription,
        lines=_items(state.input),
        prorate_at=state.known.prorate_at,
        proration=state.input.proration,
    )


def _right(state: _Amendment) -> do.GrantRight | None:
    return right_granted(
        state,
        account=state.known.account,
        tier=state.input.support_tier,
        start_on=state.known.today,
        subscription=state.input.subscription,
    )


def _support_plan(state: _Amendment) -> do.SetSupportPlan | None:
    return plan_set(state, state.known.organization, state.input.support_tier)


def _touch_cases(state: _Amendment) -> do.TouchCases | None:
    return cases_touched(state, state.known.cases, state.input.support_tier)


STEPS = (
    Step("sales_order", do.PlaceSalesOrder, _sales_order, sales_order_closed, concern=LEDGER),
    Step("change", do.ChangeSubscription, _change_subscription, concern=RECORDS, pivot=True, money=True),
    Step("approve_sales_order", do.ApproveSalesOrder, sales_order_approved, concern=LEDGER, money=True),
    Step("right", do.GrantRight, _right, concern=UNPROVISIONED),
    Step("support_plan", do.SetSupportPlan, _support_plan, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
)
AMEND_SUBSCRIPTION = amend_subscription()
