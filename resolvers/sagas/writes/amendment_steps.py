"""The steps of an amendment: from the change in billing on there is only forward."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from resolvers.sagas.concerns import CREDIT, LEDGER, RECORDS, SERVICE, UNPROVISIONED
from resolvers.sagas.reserve import Release, Reserve
from resolvers.sagas.saga import State, Step
from resolvers.sagas.writes.amendment_terms import AmendSubscription
from resolvers.sagas.writes.fulfilment import (
    cases_touched,
    credit_released,
    credit_reserved,
    plan_set,
    right_granted,
    sales_order_approved,
    sales_order_closed,
)
from sources.canonical import Money
from sources.canonical import commands as do
from sources.canonical.commands import SoldLine, SubscriptionLine


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`account` is billed, `payer` pays and `user` uses it; `sold` are the lines that add value, for the ERP;
    `prorate_at` the instant of the change's price; `added` what it adds to what is owed, of `headroom` in minor units.
    """

    account: str
    user: str
    payer: str
    party: str | None
    entity: str | None
    currency: str
    today: date
    prorate_at: datetime
    sold: tuple[SoldLine, ...]
    added: Money | None
    headroom: int | None
    organization: str | None
    cases: tuple[str, ...]


_Amendment = State[AmendSubscription, Known]


def items_of(asked: AmendSubscription) -> tuple[SubscriptionLine, ...]:
    """The lines as billing is told them."""
    return tuple(
        SubscriptionLine(price_key=each.price, quantity=each.quantity, item_key=each.item) for each in asked.lines
    )


def _reserve_credit(state: _Amendment) -> Reserve | None:
    known = state.known
    return credit_reserved(state, known.payer, known.entity or "", known.added, known.headroom)


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
        lines=items_of(state.input),
        prorate_at=state.known.prorate_at,
        proration=state.input.proration,
    )


def _right(state: _Amendment) -> do.GrantRight | None:
    return right_granted(
        state,
        account=state.known.user,
        tier=state.input.support_tier,
        start_on=state.known.today,
        subscription=state.input.subscription,
    )


def _support_plan(state: _Amendment) -> do.SetSupportPlan | None:
    return plan_set(state, state.known.organization, state.input.support_tier)


def _touch_cases(state: _Amendment) -> do.TouchCases | None:
    return cases_touched(state, state.known.cases, state.input.support_tier)


STEPS = (
    Step("reserve_credit", Reserve, _reserve_credit, credit_released, concern=CREDIT),
    Step("sales_order", do.PlaceSalesOrder, _sales_order, sales_order_closed, concern=LEDGER),
    Step("change", do.ChangeSubscription, _change_subscription, concern=RECORDS, pivot=True, money=True),
    Step("approve_sales_order", do.ApproveSalesOrder, sales_order_approved, concern=LEDGER, money=True),
    Step("right", do.GrantRight, _right, concern=UNPROVISIONED),
    Step("support_plan", do.SetSupportPlan, _support_plan, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
    Step("release_credit", Release, credit_released, concern=CREDIT),
)
