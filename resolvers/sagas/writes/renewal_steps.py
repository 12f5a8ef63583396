"""The steps of a renewal: what runs goes on, and what has ended is begun again from the day after its end."""

from __future__ import annotations

from datetime import UTC, datetime, time

from resolvers.sagas.concerns import CREDIT, LEDGER, RECORDS, SERVICE, UNPROVISIONED
from resolvers.sagas.reserve import Release, Reserve
from resolvers.sagas.saga import State, Step
from resolvers.sagas.writes.fulfilment import (
    cases_touched,
    credit_released,
    credit_reserved,
    draft_cancelled,
    invoice_posted,
    order_activated,
    plan_set,
    right_granted,
    sales_order_approved,
    sales_order_closed,
)
from resolvers.sagas.writes.once import once
from resolvers.sagas.writes.order_terms import sold_lines
from resolvers.sagas.writes.renewal_known import Known
from resolvers.sagas.writes.renewal_terms import RenewSubscription, counted
from sources.canonical import UnitPrice
from sources.canonical import commands as do
from sources.canonical.commands import SoldLine, SubscriptionLine

_Renewal = State[RenewSubscription, Known]


def _reserve_credit(state: _Renewal) -> Reserve | None:
    known = state.known
    return credit_reserved(state, known.payer, known.entity, state.facts.amount, known.headroom)


def _sold(state: _Renewal) -> tuple[SoldLine, ...]:
    known = state.known
    return sold_lines(counted(known.lines), known.currency, known.start_on, known.end_on)


def _draft(state: _Renewal) -> do.PutOrder:
    """Of no contract: an order begins within its contract's days, and this one's are still to come."""
    known = state.known
    return do.PutOrder(
        operation=state.operation,
        correlation=state.correlation,
        account_key=known.buyer,
        currency=known.currency,
        effective_on=known.start_on,
        end_on=known.end_on,
        lines=_sold(state),
        purchase_order=state.input.purchase_order,
        legal_entity=known.entity,
        parties=known.parties,
    )


def _sales_order(state: _Renewal) -> do.PlaceSalesOrder:
    known = state.known
    return do.PlaceSalesOrder(
        operation=state.operation,
        correlation=state.correlation,
        party=known.party,
        legal_entity=known.entity,
        currency=known.currency,
        ordered_on=known.today,
        lines=_sold(state),
        order_key=state.key_of("crm_order"),
        subscription_key=state.input.subscription,
        purchase_order=state.input.purchase_order,
    )


def _begin_again(state: _Renewal) -> do.PrepareSubscription | None:
    """Where it has ended: another one that goes on for it, from the first day of the new term, however late."""
    known = state.known
    if not known.ended:
        return None
    return do.PrepareSubscription(
        operation=state.operation,
        correlation=state.correlation,
        party=known.customer,
        lines=tuple(
            SubscriptionLine(
                price_key=line.price,
                quantity=line.quantity,
                unit_price=UnitPrice(line.unit_price, known.currency) if line.quantity else None,
            )
            for line in known.lines
        ),
        start_at=_start(state),
        collection=known.collection,
        due_days=known.due_days,
        order_key=state.key_of("crm_order"),
        replaces=state.input.subscription,
    )


def _drop(state: _Renewal) -> do.DropSubscription:
    return do.DropSubscription(
        operation=state.operation, correlation=state.correlation, subscription_key=state.key_of("subscription")
    )


def _start(state: _Renewal) -> datetime:
    return datetime.combine(state.known.start_on, time.min, UTC)


def _begins(state: _Renewal) -> datetime | None:
    """When what is begun again begins, where that is to come: until then it can be taken back."""
    return _start(state) if state.known.ended and _start(state) > state.at else None


def _renew(state: _Renewal) -> do.ReleaseSubscription | do.ResumeSubscription:
    """The point of no return: the first invoice of the new term goes out, or an end that was planned does not come."""
    if not state.known.ended:
        return do.ResumeSubscription(
            operation=state.operation, correlation=state.correlation, subscription_key=state.input.subscription
        )
    return do.ReleaseSubscription(
        operation=state.operation, correlation=state.correlation, subscription_key=state.key_of("subscription")
    )


def _renewed(state: _Renewal) -> str:
    """The subscription of the new term."""
    if not state.known.ended:
        return state.input.subscription
    return (state.written.get("renew") or state.written["subscription"]).key


def _right(state: _Renewal) -> do.GrantRight | None:
    known = state.known
    if known.right_from is None:
        return None
    return right_granted(
        state,
        account=known.user,
        tier=known.tier,
        start_on=known.right_from,
        end_on=known.end_on,
        subscription=_renewed(state),
        incidents=known.incidents,
    )


def _support_plan(state: _Renewal) -> do.SetSupportPlan | None:
    return plan_set(state, state.known.organization, state.known.replan)


def _touch_cases(state: _Renewal) -> do.TouchCases | None:
    return cases_touched(state, state.known.cases, state.known.replan)


def _contract(state: _Renewal) -> do.SetContract | None:
    """The contract in force lasts longer; where it is over there is a new one for the new term."""
    known = state.known
    runs = known.contract_runs
    if known.contract is None and not known.ended:
        return None
    return do.SetContract(
        operation=state.operation,
        correlation=state.correlation,
        contract_key=known.contract if runs else None,
        account_key=known.contract_of,
        subscription_key=_renewed(state) if known.ended else None,
        start_on=None if runs else known.start_on,
        end_on=known.end_on,
        active=None if runs else True,
    )


def _opportunity(state: _Renewal) -> do.ChangeOpportunity | None:
    if state.known.opportunity is None:
        return None
    return do.ChangeOpportunity(
        operation=state.operation,
        correlation=state.correlation,
        opportunity_key=state.known.opportunity,
        won=True,
        close_on=state.known.today,
    )


def _posted(state: _Renewal) -> do.PostInvoice | None:
    """Of a term that begins anew: what goes on is billed when its term ends."""
    known = state.known
    if not known.ended:
        return None
    return invoice_posted(
        state,
        party=known.party,
        released="renew",
        legal_entity=known.entity,
        currency=known.currency,
        posted_on=max(known.today, known.start_on),
        due_days=known.due_days,
    )


_CLAIM, _CLAIMED = once("renewal", lambda state: f"{state.input.subscription}/{state.known.start_on}")

STEPS = (
    _CLAIM,
    Step("reserve_credit", Reserve, _reserve_credit, credit_released, concern=CREDIT),
    Step("crm_order", do.PutOrder, _draft, draft_cancelled, concern=RECORDS),
    Step(
        "sales_order", do.PlaceSalesOrder, _sales_order, sales_order_closed, concern=LEDGER, changeable=("ordered_on",)
    ),
    Step("subscription", do.PrepareSubscription, _begin_again, _drop, concern=RECORDS),
    Step("renew", do.ReleaseSubscription, _renew, concern=LEDGER, pivot=True, money=True, begins=_begins),
    Step("approve_sales_order", do.ApproveSalesOrder, sales_order_approved, concern=LEDGER, money=True),
    Step("right", do.GrantRight, _right, concern=UNPROVISIONED),
    Step("support_plan", do.SetSupportPlan, _support_plan, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
    Step("activate", do.ActivateOrder, order_activated, concern=RECORDS),
    Step("contract", do.SetContract, _contract, concern=RECORDS, changeable=("end_on",)),
    Step("opportunity", do.ChangeOpportunity, _opportunity, concern=RECORDS),
    Step("release_credit", Release, credit_released, concern=CREDIT),
    Step("post_invoice", do.PostInvoice, _posted, concern=LEDGER, money=True, changeable=("posted_on", "due_on")),
    _CLAIMED,
)
