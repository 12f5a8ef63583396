"""The steps of an amendment: from the change in billing on there is only forward.

What is added is an order of its own, in CRM and ERP; what goes reduces the orders by which it came.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from resolvers.sagas.concerns import CREDIT, LEDGER, RECORDS, SERVICE, UNPROVISIONED
from resolvers.sagas.reserve import Release, Reserve
from resolvers.sagas.saga import State, Step
from resolvers.sagas.writes.amendment_records import MOST_ORDERS, Recorded
from resolvers.sagas.writes.amendment_terms import AmendSubscription
from resolvers.sagas.writes.fulfilment import (
    cases_touched,
    credit_released,
    credit_reserved,
    draft_cancelled,
    order_activated,
    plan_set,
    right_granted,
    sales_order_approved,
    sales_order_closed,
)
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do
from sources.canonical.commands import SoldLine, SubscriptionLine


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`account` is billed, and of the `parties` the end customer uses it; `sold` are the lines that add value, and
    `records` what the CRM has. `prorate_at` is the instant of the change's price, `added` what it adds to what is owed,
    of `headroom` in minor units.
    """

    account: str
    parties: c.Parties
    party: str | None
    entity: str | None
    currency: str
    today: date
    prorate_at: datetime
    sold: tuple[SoldLine, ...]
    added: Money | None
    headroom: int | None
    records: Recorded
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
    payer = known.parties.payer_key or known.account
    return credit_reserved(state, payer, known.entity or "", known.added, known.headroom)


def _draft(state: _Amendment) -> do.PutOrder | None:
    """Without a last day of its own: it ends with the contract it belongs to, as its lines say."""
    known = state.known
    if not _is_sold(known):
        return None
    return do.PutOrder(
        operation=state.operation,
        correlation=state.correlation,
        account_key=known.parties.sold_to_key or known.account,
        currency=known.currency,
        effective_on=known.today,
        lines=known.sold,
        contract_key=known.records.contract,
        legal_entity=known.entity,
        parties=known.parties,
    )


def _is_sold(known: Known) -> bool:
    return bool(known.sold) and known.party is not None and known.entity is not None


def _sales_order(state: _Amendment) -> do.PlaceSalesOrder | None:
    known = state.known
    if not _is_sold(known) or known.party is None or known.entity is None:
        return None
    return do.PlaceSalesOrder(
        operation=state.operation,
        correlation=state.correlation,
        party=known.party,
        legal_entity=known.entity,
        currency=known.currency,
        ordered_on=known.today,
        lines=known.sold,
        order_key=state.key_of("crm_order"),
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
    known = state.known
    return right_granted(
        state,
        account=known.parties.end_customer_key or known.account,
        tier=known.records.tier,
        start_on=known.today,
        end_on=known.records.right_end,
        subscription=state.input.subscription,
    )


def _replaced_right(state: _Amendment) -> do.EndRight | None:
    """After the new one is there, so that there is no day without any."""
    known = state.known.records
    if known.replaced is None or known.replaced_until is None:
        return None
    return do.EndRight(
        operation=state.operation,
        correlation=state.correlation,
        entitlement_key=known.replaced,
        end_on=known.replaced_until,
    )


def _activate(state: _Amendment) -> do.ActivateOrder | None:
    return order_activated(state) if "crm_order" in state.written else None


def _reduction(place: int) -> Step:
    """Of the order in this place: what goes of it."""

    def reduce(state: _Amendment) -> do.ReduceOrder | None:
        if place >= len(state.known.records.reductions):
            return None
        goes = state.known.records.reductions[place]
        return do.ReduceOrder(
            operation=state.operation,
            correlation=state.correlation,
            order_key=goes.order,
            effective_on=goes.effective_on,
            lines=goes.lines,
        )

    return Step(f"reduce_order_{place + 1}", do.ReduceOrder, reduce, concern=RECORDS)


def _support_plan(state: _Amendment) -> do.SetSupportPlan | None:
    return plan_set(state, state.known.organization, state.input.support_tier)


def _touch_cases(state: _Amendment) -> do.TouchCases | None:
    return cases_touched(state, state.known.cases, state.input.support_tier)


STEPS = (
    Step("reserve_credit", Reserve, _reserve_credit, credit_released, concern=CREDIT),
    Step("crm_order", do.PutOrder, _draft, draft_cancelled, concern=RECORDS),
    Step("sales_order", do.PlaceSalesOrder, _sales_order, sales_order_closed, concern=LEDGER),
    Step("change", do.ChangeSubscription, _change_subscription, concern=RECORDS, pivot=True, money=True),
    Step("approve_sales_order", do.ApproveSalesOrder, sales_order_approved, concern=LEDGER, money=True),
    Step("right", do.GrantRight, _right, concern=UNPROVISIONED),
    Step("replaced_right", do.EndRight, _replaced_right, concern=SERVICE),
    Step("support_plan", do.SetSupportPlan, _support_plan, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
    Step("activate", do.ActivateOrder, _activate, concern=RECORDS),
    *map(_reduction, range(MOST_ORDERS)),
    Step("release_credit", Release, credit_released, concern=CREDIT),
)
