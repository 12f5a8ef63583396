"""The steps of an order, each as the command that one system is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time

import msgspec

from resolvers.sagas.concerns import CREDIT as CREDIT_CONCERN
from resolvers.sagas.concerns import LEDGER, RECORDS, SERVICE, UNPROVISIONED
from resolvers.sagas.reading import claimed, held, many, profile_of, some
from resolvers.sagas.reserve import Release, Reserve
from resolvers.sagas.saga import Finding, Looked, Read, State, Step
from resolvers.sagas.writes.fulfilment import (
    cases_touched,
    credit_released,
    credit_reserved,
    draft_cancelled,
    invoice_posted,
    open_cases,
    order_activated,
    plan_set,
    right_granted,
    sales_order_approved,
    sales_order_closed,
)
from resolvers.sagas.writes.order import SubmitOrder
from resolvers.sagas.writes.order_terms import sold_lines
from sources import canonical as c
from sources.canonical import Money, UnitPrice
from sources.canonical import commands as do
from sources.canonical.commands import Collection, SoldLine, SubscriptionLine


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`bill_to`, `payer` and `user` (the end customer) are account keys, what is `billed` is of who is billed.

    `customer` is billing's, `organization` and `cases` are the desk's of the user; `contracted` is the subscription
    that the contract is for already, `cycle_at` when the periods turn that it shares; `quantity` and `headroom` are in
    minor units; `today` is the day in the selling entity.
    """

    user: str
    user_name: str
    billed_name: str
    billed_email: str | None
    country: str | None
    customer: str | None
    bill_to: str
    payer: str
    quantity: int
    headroom: int | None
    organization: str | None
    cases: tuple[str, ...]
    today: date
    contracted: str | None = None
    cycle_at: datetime | None = None


_Order = State[SubmitOrder, Known]


def _reserve_credit(state: _Order) -> Reserve | None:
    taken = Money(state.known.quantity, state.input.currency)
    return credit_reserved(state, state.known.payer, state.input.legal_entity, taken, state.known.headroom)


def _address(state: _Order) -> Mapping[str, str]:
    given = state.input.billing_address
    if given is None:
        return {"country": state.known.country} if state.known.country else {}
    return {name: value for name, value in msgspec.structs.asdict(given).items() if value}


def _debtor(state: _Order) -> do.PutDebtor:
    return do.PutDebtor(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.known.bill_to,
        legal_entity=state.input.legal_entity,
        name=state.known.billed_name,
        currency=state.input.currency,
        email=state.known.billed_email,
        address=_address(state),
    )


def _customer(state: _Order) -> do.PutCustomer:
    return do.PutCustomer(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.known.bill_to,
        party=state.known.customer,
        name=state.known.billed_name,
        email=state.known.billed_email,
        currency=state.input.currency,
        legal_entity=state.input.legal_entity,
        address=_address(state) if state.known.customer is None or state.input.billing_address else {},
    )


def _sold(state: _Order) -> tuple[SoldLine, ...]:
    order = state.input
    return sold_lines(order.lines, order.currency, order.start_on, order.end_on)


def _draft(state: _Order) -> do.PutOrder:
    order = state.input
    return do.PutOrder(
        operation=state.operation,
        correlation=state.correlation,
        account_key=order.account,
        currency=order.currency,
        effective_on=order.start_on,
        end_on=order.end_on,
        lines=_sold(state),
        contract_key=order.contract,
        purchase_order=order.purchase_order,
        legal_entity=order.legal_entity,
        parties=order.parties,
        opportunity_key=order.opportunity,
    )


def _sales_order(state: _Order) -> do.PlaceSalesOrder:
    return do.PlaceSalesOrder(
        operation=state.operation,
        correlation=state.correlation,
        party=state.key_of("erp_customer"),
        legal_entity=state.input.legal_entity,
        currency=state.input.currency,
        ordered_on=state.input.start_on,
        lines=_sold(state),
        order_key=state.key_of("crm_order"),
        purchase_order=state.input.purchase_order,
    )


def _subscription(state: _Order) -> do.PrepareSubscription:
    order = state.input
    return do.PrepareSubscription(
        operation=state.operation,
        correlation=state.correlation,
        party=state.key_of("billing_customer"),
        lines=tuple(
            SubscriptionLine(
                price_key=line.price, quantity=line.quantity, unit_price=UnitPrice(line.unit_price, order.currency)
            )
            for line in order.lines
        ),
        start_at=_start(order),
        collection=order.collection,
        due_days=order.due_days if order.collection is Collection.INVOICE else None,
        order_key=state.key_of("crm_order"),
        co_term=order.co_term,
        cycle_at=state.known.cycle_at,
    )


def _start(order: SubmitOrder) -> datetime:
    return datetime.combine(order.start_on, time.min, UTC)


def _begins(state: _Order) -> datetime | None:
    """When it begins, where that is to come: until then it can be taken back."""
    start = _start(state.input)
    return start if start > state.at else None


async def _look(read: Read, state: _Order, now: datetime) -> Looked:
    """What has come since an order was judged that starts later: a hold of its payer, a restriction of its account.
    And what its last steps are about by now: open cases, and the contract."""
    order, known = state.input, state.known
    accounts, (profiles, _), contract, cases = await asyncio.gather(
        many(read, c.Account, "key", *dict.fromkeys((order.account, known.bill_to, known.user))),
        claimed(read, c.BillingProfile, known.payer),
        some(read, c.SubscriptionContract, order.contract),
        open_cases(read, known.user, order.support_tier),
    )
    restricted = Finding(code="ACCOUNT_RESTRICTED", message="the account may not be sold to by now", owner="revops")
    return Looked(
        findings=(
            *held(profile_of(profiles, order.legal_entity)),
            *((restricted,) if any(each.restrictions for each in accounts) else ()),
        ),
        known=msgspec.structs.replace(
            known, cases=cases, contracted=contract.subscription_key if contract is not None else known.contracted
        ),
    )


def _begun(state: _Order) -> str | None:
    """The subscription, as it is called once it has begun."""
    released = state.written.get("release")
    if released is not None:
        return released.key
    return state.key_of("subscription") if _begins(state) is None else None


def _drop_subscription(state: _Order) -> do.DropSubscription:
    return do.DropSubscription(
        operation=state.operation, correlation=state.correlation, subscription_key=state.key_of("subscription")
    )


def _release(state: _Order) -> do.ReleaseSubscription:
    return do.ReleaseSubscription(
        operation=state.operation, correlation=state.correlation, subscription_key=state.key_of("subscription")
    )


def _right_ahead(state: _Order) -> do.GrantRight | None:
    """Who has bought it from a day to come on is told so today."""
    return _granted(state) if _begins(state) is not None else None


def _right(state: _Order) -> do.GrantRight | do.LinkRight | None:
    ahead, subscription = state.written.get("right_ahead"), _begun(state)
    if ahead is None:
        return _granted(state, subscription)
    if subscription is None:
        return None
    return do.LinkRight(
        operation=state.operation,
        correlation=state.correlation,
        entitlement_key=ahead.key,
        subscription_key=subscription,
    )


def _granted(state: _Order, subscription: str | None = None) -> do.GrantRight | None:
    order = state.input
    return right_granted(
        state,
        account=state.known.user,
        tier=order.support_tier,
        start_on=order.start_on,
        end_on=order.end_on,
        subscription=subscription,
    )


def _drop_right(state: _Order) -> do.DropRight:
    return do.DropRight(
        operation=state.operation, correlation=state.correlation, entitlement_key=state.key_of("right_ahead")
    )


def _organization(state: _Order) -> do.PutOrganization | None:
    """Without a plan: that is bought only once the money moves."""
    if state.input.support_tier is None or state.known.organization is not None:
        return None
    return do.PutOrganization(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.known.user,
        name=state.known.user_name,
    )


def _support_plan(state: _Order) -> do.SetSupportPlan | None:
    made = state.written.get("organization")
    party = state.known.organization or (made.key if made is not None else None)
    return plan_set(state, party, state.input.support_tier)


def _touch_cases(state: _Order) -> do.TouchCases | None:
    return cases_touched(state, state.known.cases, state.input.support_tier)


def _contract(state: _Order) -> do.SetContract | None:
    if state.input.contract is None:
        return None
    return do.SetContract(
        operation=state.operation,
        correlation=state.correlation,
        contract_key=state.input.contract,
        account_key=state.input.account,
        subscription_key=None if state.known.contracted else _begun(state),
        active=True,
    )


def _posted(state: _Order) -> do.PostInvoice | None:
    order = state.input
    return invoice_posted(
        state,
        party=state.key_of("erp_customer"),
        released="release",
        legal_entity=order.legal_entity,
        currency=order.currency,
        posted_on=max(state.known.today, order.start_on),
        due_days=order.due_days if order.collection is Collection.INVOICE else None,
    )


STEPS = (
    Step("reserve_credit", Reserve, _reserve_credit, credit_released, concern=CREDIT_CONCERN),
    # Parties that nothing hangs on do no harm: they stay.
    Step("erp_customer", do.PutDebtor, _debtor, concern=RECORDS),
    Step("billing_customer", do.PutCustomer, _customer, concern=RECORDS),
    Step("organization", do.PutOrganization, _organization, concern=RECORDS),
    Step("crm_order", do.PutOrder, _draft, draft_cancelled, concern=RECORDS),
    # Pending approval: no effect on the ledger yet, but the ERP has proven entity, items, tax and hold itself.
    Step(
        "sales_order", do.PlaceSalesOrder, _sales_order, sales_order_closed, concern=LEDGER, changeable=("ordered_on",)
    ),
    Step("right_ahead", do.GrantRight, _right_ahead, _drop_right, concern=SERVICE),
    # Of all that is taken back billing comes first: nothing may hold up what stops the money.
    Step("subscription", do.PrepareSubscription, _subscription, _drop_subscription, concern=RECORDS),
    Step(
        "release", do.ReleaseSubscription, _release, concern=LEDGER, pivot=True, money=True, begins=_begins, looks=_look
    ),
    Step("approve_sales_order", do.ApproveSalesOrder, sales_order_approved, concern=LEDGER, money=True),
    Step("right", do.GrantRight, _right, concern=UNPROVISIONED),
    Step("support_plan", do.SetSupportPlan, _support_plan, concern=SERVICE),
    Step("touch_cases", do.TouchCases, _touch_cases, concern=SERVICE),
    Step("activate", do.ActivateOrder, order_activated, concern=RECORDS),
    Step("contract", do.SetContract, _contract, concern=RECORDS),
    Step("release_credit", Release, credit_released, concern=CREDIT_CONCERN),  # the ERP counts the order from now on
    # Behind all that the customer waits for: a closed period keeps nobody from what was bought.
    Step("post_invoice", do.PostInvoice, _posted, concern=LEDGER, money=True, changeable=("posted_on", "due_on")),
)
