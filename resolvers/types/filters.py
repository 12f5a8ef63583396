"""What lists can be filtered and ordered by; only what their owners can answer is here."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import strawberry

from resolvers.batch import where
from sources import canonical as c

Lifecycle = strawberry.enum(c.Lifecycle, description="What an account is to us, money apart.")
InvoiceStatus = strawberry.enum(c.InvoiceStatus, description="The base status of an invoice.")
SubscriptionStatus = strawberry.enum(c.SubscriptionStatus, description="The base status of a subscription.")
CaseStatus = strawberry.enum(c.CaseStatus, description="Where a case stands.")
Priority = strawberry.enum(c.Priority, description="How pressing.")
OperationState = strawberry.enum(c.OperationState, description="How far an operation is.")
ApprovalDecision = strawberry.enum(c.ApprovalDecision, description="What became of an approval.")
ExceptionStatus = strawberry.enum(c.ExceptionStatus, description="How far an exception is.")
OrderStatus = strawberry.enum(c.OrderStatus, description="Where an order stands.")


@strawberry.enum(description="Which way round.")
class Direction(Enum):
    """Which way round."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum(description="What accounts can be ordered by.")
class AccountOrderField(Enum):
    """What accounts can be ordered by."""

    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input(description="How accounts are ordered.")
class AccountOrder:
    """How accounts are ordered."""

    field: AccountOrderField
    direction: Direction = Direction.ASC


@strawberry.input(description="Which accounts; all conditions must hold.")
class AccountFilter:
    """Which accounts."""

    name_contains: str | None = where("name", "contains")
    region: list[str] | None = where("region", "in")
    country: list[str] | None = where("country", "in", "ISO 3166-1 alpha-2 codes.")
    lifecycle: list[Lifecycle] | None = where("lifecycle", "in", "As the CRM says it: CHURNED is derived, no filter.")  # type: ignore[valid-type]
    parent_key: str | None = where("parent_key", "eq")


@strawberry.enum(description="What the invoices of one account or subscription can be ordered by.")
class DocumentOrderField(Enum):
    """What the invoices of one account or subscription can be ordered by."""

    CREATED_AT = "created_at"
    ISSUED_AT = "issued_at"


@strawberry.input(description="How the invoices of one account or subscription are ordered.")
class DocumentOrder:
    """How the invoices of one account or subscription are ordered."""

    field: DocumentOrderField = DocumentOrderField.CREATED_AT
    direction: Direction = Direction.DESC


@strawberry.input(description="Which invoices; all conditions must hold.")
class InvoiceFilter:
    """Which invoices."""

    status: list[InvoiceStatus] | None = where("status", "in", "Base statuses, as billing says them.")  # type: ignore[valid-type]
    due_before: datetime | None = where("due_at", "lt", "With `status: [OPEN, PARTIALLY_PAID]`: what is overdue.")
    due_from: datetime | None = where("due_at", "gte")
    created_from: datetime | None = where("created_at", "gte")
    created_before: datetime | None = where("created_at", "lt")
    legal_entity: list[str] | None = where("legal_entity", "in", "Codes of legal entities.")


@strawberry.enum(description="What subscriptions can be ordered by.")
class SubscriptionOrderField(Enum):
    """What subscriptions can be ordered by."""

    CREATED_AT = "created_at"


@strawberry.input(description="How subscriptions are ordered.")
class SubscriptionOrder:
    """How subscriptions are ordered."""

    field: SubscriptionOrderField = SubscriptionOrderField.CREATED_AT
    direction: Direction = Direction.DESC


@strawberry.input(description="Which subscriptions.")
class SubscriptionFilter:
    """Which subscriptions."""

    status: list[SubscriptionStatus] | None = where("status", "in", "Base statuses, as billing says them.")  # type: ignore[valid-type]


@strawberry.enum(description="What contacts can be ordered by.")
class ContactOrderField(Enum):
    """What contacts can be ordered by."""

    NAME = "name"


@strawberry.input(description="How contacts are ordered.")
class ContactOrder:
    """How contacts are ordered."""

    field: ContactOrderField = ContactOrderField.NAME
    direction: Direction = Direction.ASC


@strawberry.enum(description="What payments can be ordered by.")
class PaymentOrderField(Enum):
    """What payments can be ordered by."""

    RECEIVED_AT = "received_at"


@strawberry.input(description="How payments are ordered.")
class PaymentOrder:
    """How payments are ordered."""

    field: PaymentOrderField = PaymentOrderField.RECEIVED_AT
    direction: Direction = Direction.DESC


@strawberry.enum(description="What credits can be ordered by.")
class CreditMemoOrderField(Enum):
    """What credits can be ordered by."""

    ISSUED_AT = "issued_at"


@strawberry.input(description="How credits are ordered.")
class CreditMemoOrder:
    """How credits are ordered."""

    field: CreditMemoOrderField = CreditMemoOrderField.ISSUED_AT
    direction: Direction = Direction.DESC


@strawberry.enum(description="What cases can be ordered by.")
class CaseOrderField(Enum):
    """What cases can be ordered by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input(description="How cases are ordered.")
class CaseOrder:
    """How cases are ordered."""

    field: CaseOrderField = CaseOrderField.CREATED_AT
    direction: Direction = Direction.DESC


@strawberry.input(description="Which cases; all conditions must hold.")
class CaseFilter:
    """Which cases."""

    status: list[CaseStatus] | None = where("status", "in")  # type: ignore[valid-type]
    priority: list[Priority] | None = where("priority", "in")  # type: ignore[valid-type]
    escalated: bool | None = where("escalated", "eq")
    created_from: datetime | None = where("created_at", "gte")
    updated_from: datetime | None = where("updated_at", "gte")


@strawberry.enum(description="What orders can be ordered by.")
class OrderOrderField(Enum):
    """What orders can be ordered by."""

    CREATED_AT = "created_at"
    EFFECTIVE_ON = "effective_on"


@strawberry.input(description="How orders are ordered.")
class OrderOrder:
    """How orders are ordered."""

    field: OrderOrderField = OrderOrderField.CREATED_AT
    direction: Direction = Direction.DESC


@strawberry.input(description="Which orders; all conditions must hold.")
class OrderFilter:
    """Which orders."""

    status: list[OrderStatus] | None = where("status", "in")  # type: ignore[valid-type]
    effective_from: date | None = where("effective_on", "gte")
    effective_before: date | None = where("effective_on", "lt")


@strawberry.input(description="Which operations; all conditions must hold.")
class OperationFilter:
    """Which operations."""

    state: list[OperationState] | None = where("state", "in")  # type: ignore[valid-type]
    mutation: list[str] | None = where("mutation", "in", "Names of mutations, such as `submitOrder`.")
    account: str | None = where("account_key", "eq", "The key of the account that they are about.")
    legal_entity: list[str] | None = where("legal_entity", "in", "Codes of legal entities.")
    person: list[str] | None = where("person", "in", "Who asked, in lower case: whoever stands behind a service.")
    accepted_from: datetime | None = where("accepted_at", "gte", "Accepted at this instant or later.")
    accepted_before: datetime | None = where("accepted_at", "lt", "Accepted before this instant.")


@strawberry.input(description="Which approvals; all conditions must hold.")
class ApprovalFilter:
    """Which approvals."""

    decision: list[ApprovalDecision] | None = where("decision", "in", "`[PENDING]`: what waits.")  # type: ignore[valid-type]
    role: list[str] | None = where("role", "in", "The roles that are asked.")
    person: list[str] | None = where("person", "in", "Who asked, in lower case.")


@strawberry.input(description="Which exceptions; all conditions must hold.")
class ExceptionFilter:
    """Which exceptions."""

    status: list[ExceptionStatus] | None = where("status", "in", "`[OPEN, ASSIGNED]`: what waits.")  # type: ignore[valid-type]
    owner: list[str] | None = where("owner", "in", "The roles whose queue it is.")
    kind: list[str] | None = where("kind", "in", "Codes such as `PERIOD_LOCKED`.")
    assignee: str | None = where("assignee", "eq", "The person it was given to.")
    due_before: datetime | None = where("due_at", "lt", "To be cleared before this instant; now: what is late.")
