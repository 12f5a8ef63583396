"""Order as the CRM holds it, and as the ERP books it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from sources.canonical.money import Money, UnitPrice
from sources.canonical.record import Evidence, Owned


class OrderStatus(StrEnum):
    """Where an order stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    PENDING_BILLING = "PENDING_BILLING"
    BILLED = "BILLED"
    CLOSED = "CLOSED"
    CANCELED = "CANCELED"


class OrderLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line of an order."""

    key: str
    product_code: str | None
    product_name: str | None
    quantity: Decimal
    unit_price: UnitPrice | None
    total: Money | None
    service_on: date | None = None
    end_on: date | None = None


class Parties(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who plays which part, as account keys; None = the account itself (no reseller for `reseller_key`)."""

    sold_to_key: str | None = None
    bill_to_key: str | None = None
    ship_to_key: str | None = None
    payer_key: str | None = None
    end_customer_key: str | None = None
    reseller_key: str | None = None


class Order(Owned, frozen=True, gc=False, kw_only=True):
    """A commitment to buy; key = CRM order id. Owner: CRM."""

    number: str | None = None
    status: OrderStatus
    status_evidence: tuple[Evidence, ...] = ()
    currency: str | None = None
    total: Money | None = None
    effective_on: date | None = None
    end_on: date | None = None
    lines: tuple[OrderLine, ...] = ()
    contract_key: str | None = None
    reduction: bool = False
    original_order_key: str | None = None
    legal_entity: str | None = None
    parties: Parties = Parties()
    purchase_order: str | None = None  # the customer's own number
    operation: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class SalesOrder(Owned, frozen=True, gc=False, kw_only=True):
    """The ERP's sales order; key = ERP transaction id. Facet of Order and of AccountSubscription, owner: ERP.

    `order_key` is the CRM order's key, `subscription_key` the billing subscription's, where the ERP carries them.
    """

    order_key: str | None = None
    subscription_key: str | None = None
    number: str | None = None
    status: OrderStatus
    status_evidence: tuple[Evidence, ...] = ()
    currency: str
    total: Money | None = None
    ordered_on: date | None = None
    legal_entity: str | None = None
    updated_at: datetime | None = None
