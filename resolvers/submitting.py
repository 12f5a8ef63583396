"""What only a whole gateway can judge: orders and changes by their validation, cases by the entitlement decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from policies.load import Rules
from resolvers.context import Context
from resolvers.entitlement.gather import entitlement_check, figures_of
from resolvers.entitlement.model import Intent, Severity, Verdict
from resolvers.sagas.asking import asked_for
from resolvers.sagas.reserve import CREDIT
from resolvers.sagas.saga import Finding, Read, Saga
from resolvers.sagas.systems import Systems
from resolvers.sagas.writes import writes_over
from resolvers.sagas.writes.open_case import Entitled, OpenCase
from resolvers.sagas.writes.order import SubmitOrder
from resolvers.validation.submission import Submission, principal_of
from sources import canonical as c
from sources.ours import NAME
from sources.settings import Secret
from sources.store import reservations, steps, worklist
from sources.store.operations import ENDED, Operation, State
from sources.store.steps import StepOutcome
from sources.store.store import Store, Transaction

_IN_THE_CRM = "crm_order"  # the step after which the CRM has an order
_MOST = 200  # operations of one account that are looked at
_SEVERITY = {
    c.Priority.URGENT: Severity.SEVERITY_1,
    c.Priority.HIGH: Severity.SEVERITY_2,
    c.Priority.NORMAL: Severity.SEVERITY_3,
    c.Priority.LOW: Severity.SEVERITY_4,
}
_MAY = (Verdict.ALLOW, Verdict.ALLOW_LIMITED)


class InForce(Protocol):
    """The rules in force, whenever they are looked at: `policies.store.PolicyStore` has them."""

    @property
    def rules(self) -> Rules: ...


class Judges:
    """The judges of one process. `opened` gives them our own tables, before anything is judged."""

    def __init__(self, policies: InForce, signing: Secret | None) -> None:
        self._policies = policies
        self._orders = Submission(lambda: policies.rules, signing)

    def sagas(self, systems: Systems) -> tuple[Saga, ...]:
        """Every governed write there is, judged by these."""
        return writes_over(systems, self._orders, self._entitled(), self._orders.change)

    def opened(self, store: Store) -> None:
        """Our own tables are there."""
        self._orders.under_way = OrdersUnderWay(store)

    def _entitled(self) -> Entitled:
        async def entitled(read: Read, asked: OpenCase, now: datetime) -> tuple[Finding, ...]:
            """Why this customer may not open a case now. A source that is away is no reason: the decision says so."""
            who = asked_for()
            context = Context(principal_of(who), now, who.correlation, self._policies.rules)
            [decision] = await entitlement_check(
                (None,),
                read,
                context,
                account=asked.account,
                support_tier=figures_of(context).tiers[0],
                intent=Intent.OPEN_CASE,
                severity=_SEVERITY[asked.priority],
            )
            if isinstance(decision, Exception):
                raise decision
            if decision.decision in _MAY:
                return ()
            refer = f"refer to {decision.owner}" if decision.owner else "nobody grants it"
            message = f"the customer may not open a case: {', '.join(decision.reasons)}; {refer}"
            return (Finding(code="NOT_ENTITLED", message=message, path="account"),)

        return entitled


class OrdersUnderWay:
    """Orders that were accepted and are not in the CRM yet, by our own tables; see `UnderWay`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def orders(self, account: str, since: datetime, without: str | None) -> Sequence[c.Order]:
        """Those of a sold-to since an instant, but for one."""
        return await self._store.read(_orders, account, since, without)

    async def reserved(self, payer: str, entity: str) -> Sequence[c.Money]:
        """What is held back of a payer's credit, one amount for each currency."""
        return await self._store.read(reservations.amounts, CREDIT, f"{payer}/{entity}")


def _orders(connection: Transaction, account: str, since: datetime, without: str | None) -> list[c.Order]:
    going = [each for each in State if each not in ENDED]
    found = worklist.page(connection, states=going, mutation="submitOrder", account=account, first=_MOST)
    return [
        _order(each)
        for each in found
        if each.id != without and each.accepted_at >= since and not _in_the_crm(connection, each.id)
    ]


def _in_the_crm(connection: Transaction, operation: str) -> bool:
    done = steps.of_operation(connection, operation)
    return any(each.name == _IN_THE_CRM and each.outcome is StepOutcome.OK for each in done)


def _order(operation: Operation) -> c.Order:
    """An order under way as the CRM will have it."""
    given = msgspec.json.decode(operation.payload, type=SubmitOrder)
    return c.Order(
        key=operation.id,
        source=NAME,
        source_id=operation.id,
        as_of=operation.accepted_at,
        account_key=given.account,
        status=c.OrderStatus.DRAFT,
        currency=given.currency,
        total=operation.amount,
        lines=tuple(
            c.OrderLine(
                key=str(place),
                product_code=each.product,
                product_name=None,
                quantity=each.quantity,
                unit_price=None,
                total=None,
            )
            for place, each in enumerate(given.lines)
        ),
        legal_entity=given.legal_entity,
        parties=given.parties,
        purchase_order=given.purchase_order,
        operation=operation.id,
        created_at=operation.accepted_at,
    )
