"""Order and the ERP's sales order."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from resolvers.batch import batched, derived, link
from resolvers.facts import subscriptions as facts
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.filters import OrderStatus
from resolvers.types.node import Node
from resolvers.types.scalars import Evidenced, Money, UnitPrice, status
from sources import canonical as c


@value
class OrderLine:
    """One line of an order."""

    key: str
    product_code: str | None
    product_name: str | None
    quantity: Decimal | None
    unit_price: UnitPrice | None
    total: Money | None
    service_on: date | None
    end_on: date | None


@value
class Parties:
    """Who plays which part; null where it is the account itself (no reseller: none)."""

    sold_to: ref.AccountRef | None = link(c.Account, key="sold_to_key")
    bill_to: ref.AccountRef | None = link(c.Account, key="bill_to_key")
    ship_to: ref.AccountRef | None = link(c.Account, key="ship_to_key")
    payer: ref.AccountRef | None = link(c.Account, key="payer_key")
    end_customer: ref.AccountRef | None = link(c.Account, key="end_customer_key")
    reseller: ref.AccountRef | None = link(c.Account, key="reseller_key")


@entity(c.Order)
class Order(Node):
    """A commitment to buy; owned by the CRM."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    number: str | None
    status: Evidenced[OrderStatus] | None = derived(status)  # type: ignore[valid-type]
    currency: str | None
    total: Money | None
    effective_on: date | None
    end_on: date | None
    lines: list[OrderLine | None] | None
    contract: ref.SubscriptionContractRef | None = link(c.SubscriptionContract, key="contract_key")
    reduction: bool | None
    original_order: ref.OrderRef | None = link(c.Order, key="original_order_key")
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    parties: Parties | None
    purchase_order: str | None
    operation: str | None
    created_at: datetime | None
    updated_at: datetime | None
    sales_orders: list[ref.SalesOrderRef | None] | None = batched(facts.sales_of_orders, needs=facts.SALES_NEEDS)


@entity(c.SalesOrder)
class SalesOrder(Node):
    """The ERP's sales order."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    order: ref.OrderRef | None = link(c.Order, key="order_key")
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    number: str | None
    status: Evidenced[OrderStatus] | None = derived(status)  # type: ignore[valid-type]
    currency: str | None
    total: Money | None
    ordered_on: date | None
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    updated_at: datetime | None
