"""The steps of a reversal: from the end of the subscription on there is only forward."""

from __future__ import annotations

from collections.abc import Iterator

from resolvers.sagas.concerns import LEDGER, RECORDS, SERVICE
from resolvers.sagas.saga import State, Step
from resolvers.sagas.writes.fulfilment import cases_touched
from resolvers.sagas.writes.once import once
from resolvers.sagas.writes.reversal_terms import MOST_INVOICES, Known, ReverseOrder
from sources import canonical as c
from sources.canonical import commands as do
from sources.canonical.commands import Ending

_Reversal = State[ReverseOrder, Known]


def _cancel(state: _Reversal) -> do.CancelSubscription:
    """Now, and without the credit of a proration: its invoices are given back whole."""
    return do.CancelSubscription(
        operation=state.operation,
        correlation=state.correlation,
        subscription_key=state.known.subscription,
        ending=Ending.NOW,
    )


def _given_back(place: int) -> tuple[Step, Step]:
    """Of the invoice in this place: the credit note, and its memo where the ledger has the invoice."""
    note_name = f"credit_note_{place + 1}"

    def note(state: _Reversal) -> do.CreditInvoice | None:
        if place >= len(state.known.credits):
            return None
        invoice, amount, _ = state.known.credits[place]
        return do.CreditInvoice(
            operation=state.operation,
            correlation=state.correlation,
            invoice_key=invoice,
            amount=amount,
            to=state.input.to,
            reason=state.input.reason,
        )

    def memo(state: _Reversal) -> do.CreditPosted | None:
        written = state.written.get(note_name)
        if written is None:
            return None
        _, amount, posted = state.known.credits[place]
        if posted is None:
            return None
        return do.CreditPosted(
            operation=state.operation,
            correlation=state.correlation,
            invoice_key=posted,
            amount=amount,
            posted_on=state.known.today,
            number=written.number,
            issued_key=written.key,
            reason=state.input.reason,
        )

    return (
        Step(note_name, do.CreditInvoice, note, concern=LEDGER, money=True),
        Step(f"credit_memo_{place + 1}", do.CreditPosted, memo, concern=LEDGER, money=True, changeable=("posted_on",)),
    )


def _all_given_back() -> Iterator[Step]:
    for place in range(MOST_INVOICES):
        yield from _given_back(place)


def _close_sales_order(state: _Reversal) -> do.CloseSalesOrder | None:
    """What was not billed of it is not billed any more."""
    if state.known.sales_order is None:
        return None
    return do.CloseSalesOrder(
        operation=state.operation, correlation=state.correlation, sales_order_key=state.known.sales_order
    )


def _end_right(state: _Reversal) -> do.EndRight | None:
    if state.known.support.right is None:
        return None
    return do.EndRight(
        operation=state.operation,
        correlation=state.correlation,
        entitlement_key=state.known.support.right,
        end_on=state.known.today,
    )


def _plan_left(state: _Reversal) -> do.SetSupportPlan | None:
    """The plan of the best right that is left, or none; another one than the order's stays as it is."""
    support = state.known.support
    if not support.replan or support.organization is None:
        return None
    return do.SetSupportPlan(
        operation=state.operation,
        correlation=state.correlation,
        party=support.organization,
        plan=support.tier_left,
    )


def _touch_cases(state: _Reversal) -> do.TouchCases | None:
    return cases_touched(state, state.known.support.cases, state.known.support.tier_left)


def _reduce(state: _Reversal) -> do.ReduceOrder:
    return do.ReduceOrder(
        operation=state.operation,
        correlation=state.correlation,
        order_key=state.input.order,
        effective_on=state.known.effective_on,
        lines=state.known.lines,
    )


def _end_contract(state: _Reversal) -> do.SetContract | None:
    if state.known.contract is None:
        return None
    return do.SetContract(
        operation=state.operation,
        correlation=state.correlation,
        contract_key=state.known.contract,
        account_key=state.known.account,
        active=False,
    )


def _notice(state: _Reversal) -> do.OpenCase | None:
    """Whoever was told of the order is told of its end: by the desk, which answers what is asked about it."""
    if state.known.support.organization is None:
        return None
    notes = [written.number or written.key for name, written in state.written.items() if name.startswith("credit_note")]
    given_back = f" What was invoiced is credited by {', '.join(notes)}." if notes else ""
    return do.OpenCase(
        operation=state.operation,
        correlation=state.correlation,
        party=state.known.support.organization,
        subject=f"Order {state.known.number} was taken back",
        body=f"{state.input.explanation}\n\nOrder {state.known.number} ended on {state.known.today}.{given_back}",
        priority=c.Priority.NORMAL,
    )


_CLAIM, _CLAIMED = once("reversal", lambda state: state.input.order)

STEPS = (
    _CLAIM,
    Step("cancel", do.CancelSubscription, _cancel, concern=LEDGER, pivot=True, money=True),
    *_all_given_back(),
    Step("sales_order", do.CloseSalesOrder, _close_sales_order, concern=LEDGER),
    Step("right", do.EndRight, _end_right, concern=SERVICE),
    Step("support_plan", do.SetSupportPlan, _plan_left, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
    Step("crm_order", do.ReduceOrder, _reduce, concern=RECORDS),
    Step("contract", do.SetContract, _end_contract, concern=RECORDS),
    Step("notice", do.OpenCase, _notice, concern=SERVICE),
    _CLAIMED,
)
