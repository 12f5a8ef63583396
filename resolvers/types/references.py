"""The types by name, for fields that point to each other in circles: `AccountRef` is `Account`, found when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strawberry.types.lazy_type import LazyType

if TYPE_CHECKING:
    pass

_HOME = {
    "Account": "account",
    "BillingCustomer": "account",
    "BillingProfile": "account",
    "SupportOrganization": "account",
    "Case": "case",
    "CaseMirror": "case",
    "Sla": "case",
    "SupportPlan": "case",
    "Contact": "contact",
    "Requester": "contact",
    "Entitlement": "entitlement",
    "Invoice": "invoice",
    "InvoiceLine": "invoice",
    "PostedInvoice": "invoice",
    "LedgerPosting": "ledger",
    "LegalEntity": "ledger",
    "RevenueSchedule": "ledger",
    "TaxProfile": "ledger",
    "Operation": "operation",
    "OperationApproval": "operation",
    "OperationException": "operation",
    "Order": "order",
    "SalesOrder": "order",
    "CreditMemo": "payment",
    "Dispute": "payment",
    "GatewayPayment": "payment",
    "Payment": "payment",
    "Refund": "payment",
    "WriteOff": "payment",
    "ErpItem": "product",
    "Meter": "product",
    "Price": "product",
    "Product": "product",
    "AccountSubscription": "subscription",
    "Amendment": "subscription",
    "Renewal": "subscription",
    "SubscriptionContract": "subscription",
    "UsageSummary": "subscription",
}


def __getattr__(name: str) -> Any:
    """A type that is looked up when the schema is assembled."""
    target = name.removesuffix("Ref")
    if not name.endswith("Ref") or target not in _HOME:
        raise AttributeError(name)
    return LazyType(target, f"resolvers.types.{_HOME[target]}")
