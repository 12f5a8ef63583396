"""The roots of every question."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers import find
from resolvers.batch import batched, connection, link, links, seeking
from resolvers.budget import OperationClass
from resolvers.changes import lending
from resolvers.changes import purposes as asked
from resolvers.changes.purposes import PurposeRequest
from resolvers.entitlement import gather
from resolvers.facts import operations as desk
from resolvers.types import references as ref
from resolvers.types import source
from resolvers.types.connection import Connection
from resolvers.types.entitlement_check import EntitlementCheck, Intent, Severity
from resolvers.types.filters import (
    AccountFilter,
    AccountOrder,
    ApprovalFilter,
    CaseFilter,
    CaseOrder,
    ExceptionFilter,
    InvoiceFilter,
    OperationFilter,
    OrderFilter,
    OrderOrder,
    SubscriptionFilter,
)
from resolvers.types.ledger import AccountingPeriod
from resolvers.types.node import Node
from resolvers.types.operation import WritePause
from resolvers.types.order_validation import OrderValidation
from resolvers.validation import gather as gather_order
from resolvers.validation import judge
from resolvers.validation.inputs import OrderInput
from sources import canonical as c
from sources import ports

_360, _LOOKUP = OperationClass.CUSTOMER360, OperationClass.LOOKUP
_NEWEST = ports.Order("created_at", descending=True)


@strawberry.type(description="Every question starts here.")
class Query:
    """Every question starts here."""

    account: ref.AccountRef | None = batched(
        find.account,
        needs=find.ACCOUNT_NEEDS,
        arguments={"by": find.AccountBy},
        known=find.known_account,
        record=c.Account,
        budget=_360,
        description="One account, by what any system calls it.",
    )
    accounts: Connection[ref.AccountRef] | None = connection(
        c.Account, by="list", filters=AccountFilter, orders=AccountOrder, order=ports.Order("name"), budget=_360
    )
    search_accounts: Connection[ref.AccountRef] | None = connection(
        c.Account,
        by="search",
        argument="text",
        words="name",
        description="Accounts whose name has these words.",
        budget=_360,
    )
    entitlement_check: EntitlementCheck | None = batched(
        gather.entitlement_check,
        needs=gather.NEEDS,
        derives=[
            "Account.restrictions",
            "Account.identities",
            "Account.standing",
            "BillingProfile.creditHoldOverride",
            "AccountSubscription.status",
            "AccountSubscription.suspension",
            "Entitlement.status",
            "Renewal.open",
            "Contact.supportAuthority",
            "Case.createdAt",
            "SupportOrganization.supportPlan",
        ],
        arguments={
            "account": strawberry.ID,
            "feature": str | None,
            "support_tier": str | None,
            "intent": Intent | None,
            "contact": strawberry.ID | None,
            "severity": Severity | None,
            "case": strawberry.ID | None,
            "at": datetime | None,
        },
        budget=_LOOKUP,
        dated=True,
        sought=seeking(account="Account.key", contact="Contact.key", case="Case.key"),
        description="Is this customer entitled? A decision with its evidence.",
    )
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, argument="key", budget=_360)
    subscriptions: Connection[ref.AccountSubscriptionRef] | None = connection(
        c.AccountSubscription, by="list", filters=SubscriptionFilter, order=_NEWEST, budget=_360
    )
    invoice: ref.InvoiceRef | None = link(c.Invoice, argument="key", budget=_360)
    invoices: Connection[ref.InvoiceRef] | None = connection(
        c.Invoice, by="list", filters=InvoiceFilter, order=_NEWEST, budget=_360
    )
    payment: ref.PaymentRef | None = link(c.Payment, argument="key", budget=_360)
    case: ref.CaseRef | None = link(c.Case, argument="key", budget=_360)
    cases: Connection[ref.CaseRef] | None = connection(
        c.Case, by="list", filters=CaseFilter, orders=CaseOrder, order=ports.Order("created_at", True), budget=_360
    )
    order: ref.OrderRef | None = link(c.Order, argument="key", budget=_360)
    orders: Connection[ref.OrderRef] | None = connection(
        c.Order, by="list", filters=OrderFilter, orders=OrderOrder, budget=_360
    )
    contact: ref.ContactRef | None = link(c.Contact, argument="key", budget=_360)
    product: ref.ProductRef | None = link(c.Product, argument="key", budget=_360)
    products: Connection[ref.ProductRef] | None = connection(c.Product, by="list", first=100, budget=_360)
    legal_entities: list[ref.LegalEntityRef | None] | None = links(c.LegalEntity, by="list", budget=_360)
    accounting_periods: list[AccountingPeriod | None] | None = links(c.AccountingPeriod, by="list", budget=_360)
    support_plans: list[ref.SupportPlanRef | None] | None = links(c.SupportPlan, by="list", budget=_360)
    validate_order: OrderValidation | None = batched(
        judge.validate_order,
        needs=gather_order.NEEDS,
        derives=[
            "Account.lifecycle",
            "Account.restrictions",
            "Account.country",
            "LegalEntity.timeZone",
            "AccountingPeriod.closed",
            "BillingProfile.terms",
            "BillingProfile.creditLimit",
            "BillingProfile.balance",
            "BillingProfile.unbilledOrders",
            "BillingProfile.creditHoldOverride",
            "TaxProfile.reverseCharge",
            "AccountSubscription.items",
            "AccountSubscription.mrr",
            "SubscriptionContract.endOn",
            "Invoice.status",
            "Order.lines",
            "Order.purchaseOrder",
            "Product.taxCode",
            "Price.unitPrice",
            "Meter.active",
            "ErpItem.revenueRule",
            "Case.priority",
        ],
        arguments={"input": OrderInput},
        budget=OperationClass.VALIDATE,
        description="May this order be placed? A verdict with its findings, prices and approvals; it changes nothing.",
    )
    operation: ref.OperationRef | None = batched(
        desk.operation,
        needs=desk.OPERATION_NEEDS,
        arguments={"id": strawberry.ID},
        budget=_LOOKUP,
        sought=seeking(id="Operation.id"),
    )
    operations: Connection[ref.OperationRef] | None = connection(
        c.Operation, by="list", filters=OperationFilter, order=ports.Order("accepted_at", True), budget=_360
    )
    approvals: Connection[ref.OperationApprovalRef] | None = connection(
        c.OperationApproval, by="list", filters=ApprovalFilter, order=ports.Order("expires_at"), budget=_360
    )
    exceptions: Connection[ref.OperationExceptionRef] | None = connection(
        c.OperationException, by="list", filters=ExceptionFilter, order=ports.Order("due_at"), budget=_360
    )
    pauses: list[WritePause | None] | None = batched(desk.pauses, needs=(), budget=_LOOKUP)
    lendings: list[lending.Lending | None] | None = batched(lending.lendings, needs=(), budget=_LOOKUP)
    purposes: list[PurposeRequest | None] | None = batched(asked.mine, needs=(), budget=_LOOKUP)
    purpose_requests: list[PurposeRequest | None] | None = batched(asked.waiting, needs=(), budget=_LOOKUP)
    sources: list[source.Source | None] | None = batched(source.sources, needs=(), budget=_LOOKUP)
    node: Node | None = batched(
        find.node, needs=find.NODE_NEEDS, arguments={"id": strawberry.ID}, budget=_360, sought=find.sought_node
    )
    nodes: list[Node | None] | None = batched(
        find.nodes, needs=find.NODE_NEEDS, arguments={"ids": list[strawberry.ID]}, budget=_360, sought=find.sought_nodes
    )
