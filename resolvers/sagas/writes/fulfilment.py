"""What follows a sale in the other systems, in the same words for every write: ledger, right, desk and credit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from resolvers.sagas.reading import many
from resolvers.sagas.reserve import CREDIT, Release, Reserve
from resolvers.sagas.saga import Finding, Read, State
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do

_CLOSED = (c.CaseStatus.RESOLVED, c.CaseStatus.CLOSED)

Made = State[Any, Any]

# -------------------------------------------------------------------------------------------------------- credit


def credit_reserved(state: Made, payer: str, entity: str, amount: Money | None, headroom: int | None) -> Reserve | None:
    """Holds back what an order takes of its payer's credit; `headroom` in minor units, None without a limit."""
    if amount is None or not amount.minor:
        return None
    return Reserve(
        operation=state.operation,
        kind=CREDIT,
        subject=f"{payer}/{entity}",
        quantity=amount.minor,
        unit=amount.currency,
        most=headroom,
    )


def credit_released(state: Made) -> Release | None:
    """Gives back what the step `reserve_credit` holds."""
    if "reserve_credit" not in state.written:
        return None
    return Release(operation=state.operation, reservation=state.key_of("reserve_credit"))


def credit_left(amount: Money | None, headroom: Money | None) -> tuple[tuple[Finding, ...], int | None]:
    """What is wrong with an amount against what is left of the credit limit, and what is left in minor units; an order
    in another currency than the limit is not judged by it here."""
    if headroom is None or amount is None or headroom.currency != amount.currency:
        return (), None
    if amount.minor <= headroom.minor:
        return (), headroom.minor
    message = f"the order is {(amount - headroom).amount} {amount.currency} over what is left of the credit limit"
    return (Finding(code="CREDIT_EXCEEDED", message=message, owner="credit_manager"),), headroom.minor


# -------------------------------------------------------------------------------------------------------- the CRM


def draft_cancelled(state: Made) -> do.CancelOrder:
    """Takes back what the step `crm_order` drafted."""
    return do.CancelOrder(operation=state.operation, correlation=state.correlation, order_key=state.key_of("crm_order"))


def order_activated(state: Made) -> do.ActivateOrder:
    """Makes what the step `crm_order` drafted an order that runs."""
    return do.ActivateOrder(
        operation=state.operation, correlation=state.correlation, order_key=state.key_of("crm_order")
    )


# -------------------------------------------------------------------------------------------------------- the ERP


def sales_order_approved(state: Made) -> do.ApproveSalesOrder | None:
    """Makes what the step `sales_order` placed financial."""
    if "sales_order" not in state.written:
        return None
    return do.ApproveSalesOrder(
        operation=state.operation, correlation=state.correlation, sales_order_key=state.key_of("sales_order")
    )


def sales_order_closed(state: Made) -> do.CloseSalesOrder:
    """Takes back what the step `sales_order` placed."""
    return do.CloseSalesOrder(
        operation=state.operation, correlation=state.correlation, sales_order_key=state.key_of("sales_order")
    )


def invoice_posted(
    state: Made, *, party: str, released: str, legal_entity: str, currency: str, posted_on: date, due_days: int | None
) -> do.PostInvoice | None:
    """Posts the invoice that the ERP has made of the order by itself (Tryton does, NetSuite does not), under the key of
    the one that billing issued in the step `released`: so whoever posts billing's invoices finds it posted, and it is
    read back as that invoice's posting.

    None where the ERP makes no invoice of an order, where billing has issued none yet, and where it has issued another
    amount before tax than was ordered (part of a period): that draft is not what was issued.
    """
    approved, issued = state.written.get("approve_sales_order"), state.written.get(released)
    if approved is None or approved.invoice_key is None or issued is None or issued.invoice_key is None:
        return None
    net = _net(issued)
    if net is None or net != _net(state.written["sales_order"]):
        return None
    return do.PostInvoice(
        operation=state.operation,
        correlation=state.correlation,
        party=party,
        legal_entity=legal_entity,
        currency=currency,
        posted_on=posted_on,
        due_on=posted_on + timedelta(days=due_days) if due_days is not None else None,
        number=issued.number,
        issued_key=issued.invoice_key,
        subscription_key=issued.key,
        sales_order_key=state.key_of("sales_order"),
        expected_total=issued.amounts["total"],
    )


def _net(written: do.Written) -> Money | None:
    """What a document comes to before tax, as its system reckoned; None where that was not told."""
    total, tax = written.amounts.get("total"), written.amounts.get("tax")
    return total - tax if total is not None and tax is not None else None


# -------------------------------------------------------------------------------------------------------- support


def right_granted(
    state: Made,
    *,
    account: str,
    tier: str | None,
    start_on: date,
    end_on: date | None = None,
    subscription: str | None = None,
    name: str | None = None,
    incidents: int | None = None,
) -> do.GrantRight | None:
    """A right to support; None where no tier was bought."""
    if tier is None:
        return None
    return do.GrantRight(
        operation=state.operation,
        correlation=state.correlation,
        account_key=account,
        name=name or f"{tier} support",
        tier=tier,
        start_on=start_on,
        end_on=end_on,
        incidents=incidents,
        subscription_key=subscription,
    )


def plan_set(state: Made, organization: str | None, tier: str | None) -> do.SetSupportPlan | None:
    """The desk's plan, where there is an organization that gets one."""
    if tier is None or organization is None:
        return None
    return do.SetSupportPlan(operation=state.operation, correlation=state.correlation, party=organization, plan=tier)


def cases_touched(state: Made, cases: tuple[str, ...], tier: str | None) -> do.TouchCases | None:
    """Makes the desk reckon the targets of open cases by another plan."""
    if not cases:
        return None
    note = f"The support plan is `{tier}` now: the targets are reckoned anew."
    return do.TouchCases(operation=state.operation, correlation=state.correlation, case_keys=cases, note=note)


async def open_cases(read: Read, account: str, tier: str | None) -> tuple[str, ...]:
    """The cases whose targets follow another plan; none where no tier comes with the change."""
    if tier is None:
        return ()
    return tuple(each.key for each in await many(read, c.Case, "account", account) if is_open(each))


def is_open(case: c.Case) -> bool:
    """Whether somebody still works on a case."""
    return case.status not in _CLOSED
