"""Tells products, contracts, opportunities and orders of the book as rows."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sources.simulation import enterprise as book
from sources.vendors.salesforce.simulator import terms
from sources.vendors.salesforce.simulator.clerk import Clerk, Price, day, instant

PRICEBOOK = "01sSm0000000001IAA"


def pricebook(clerk: Clerk, pricebook_id: str) -> dict[str, Any]:
    """The one price book there is."""
    return {
        "Id": pricebook_id,
        "Name": "Standard Price Book",
        "IsActive": 1,
        "IsStandard": 1,
        **clerk.since(None),
    }


def product(clerk: Clerk, product: book.CrmProduct) -> dict[str, Any]:
    """A product."""
    return {
        "Id": product.id,
        "Name": product.name,
        "ProductCode": product.code,
        "Family": product.family,
        "IsActive": int(product.active),
        **clerk.since(None),
    }


def price(clerk: Clerk, price: Price) -> dict[str, Any]:
    """An entry of the price book."""
    product = clerk.products[price.product_id]
    return {
        "Id": price.id,
        "Name": product.name,
        "Pricebook2Id": PRICEBOOK,
        "Product2Id": product.id,
        "ProductCode": product.code,
        "UnitPrice": float(price.unit_price),
        "CurrencyIsoCode": price.currency,
        "IsActive": int(product.active),
        **clerk.since(None),
    }


def contract(clerk: Clerk, contract: book.CrmContract) -> dict[str, Any]:
    """A contract, made on the morning it starts."""
    status, code = terms.CONTRACT_STATUSES[contract.status]
    active = contract.status in ("activated", "terminated", "expired")
    return {
        "Id": contract.id,
        "ContractNumber": contract.number,
        "AccountId": contract.account_id,
        "OwnerId": clerk.owner(contract.account_id),
        "Status": status,
        "StatusCode": code,
        "StartDate": day(contract.start_on),
        "EndDate": day(contract.end_on),
        "ContractTerm": contract.term_months,
        "ActivatedDate": instant(datetime.combine(contract.start_on, time(9), UTC)) if active else None,
        "Subscription_Id__c": contract.subscription_id,
        **clerk.since(contract.start_on),
    }


def opportunity(clerk: Clerk, opportunity: book.CrmOpportunity) -> dict[str, Any]:
    """An opportunity, made a quarter before it closes."""
    stage, closed, won, forecast = terms.STAGES[opportunity.stage]
    return {
        "Id": opportunity.id,
        "AccountId": opportunity.account_id,
        "OwnerId": opportunity.owner_id,
        "Name": opportunity.name,
        "Type": terms.OPPORTUNITY_TYPES[opportunity.kind],
        "StageName": stage,
        "IsClosed": int(closed),
        "IsWon": int(won),
        "ForecastCategory": forecast,
        "ForecastCategoryName": terms.FORECAST_NAMES[forecast],
        "Amount": float(opportunity.amount),
        "CurrencyIsoCode": opportunity.currency,
        "CloseDate": day(opportunity.close_on),
        "Probability": float(opportunity.probability),
        "FiscalYear": opportunity.close_on.year,
        "FiscalQuarter": (opportunity.close_on.month + 2) // 3,
        "Fiscal": f"{opportunity.close_on.year} {(opportunity.close_on.month + 2) // 3}",
        "Pricebook2Id": PRICEBOOK,
        "ContractId": opportunity.contract_id,
        "Subscription_Id__c": opportunity.subscription_id,
        **clerk.since(opportunity.close_on - timedelta(days=90)),
    }


def order(clerk: Clerk, order: book.CrmOrder) -> dict[str, Any]:
    """An order; its total is that of its lines."""
    status = terms.ORDER_STATUSES[order.status]
    return {
        "Id": order.id,
        "OrderNumber": order.number,
        "AccountId": order.account_id,
        "OwnerId": clerk.owner(order.account_id),
        "ContractId": order.contract_id,
        "Pricebook2Id": PRICEBOOK,
        "Status": status,
        "StatusCode": status,
        "ActivatedDate": instant(order.updated_at) if order.status == "activated" else None,
        "EffectiveDate": day(order.effective_on),
        "EndDate": day(order.end_on),
        "CurrencyIsoCode": order.currency,
        "TotalAmount": float(sum((line.quantity * line.unit_price for line in order.lines), Decimal(0))),
        "IsReductionOrder": int(order.reduction),
        "OriginalOrderId": order.original_order_id,
        "Legal_Entity__c": order.entity,
        "Bill_To__c": order.bill_to_id,
        "Ship_To__c": order.ship_to_id,
        "End_Customer__c": order.end_customer_id,
        "Reseller__c": order.reseller_id,
        "PoNumber": order.purchase_order,
        **clerk.stamps(order.created_at, order.updated_at),
    }


def line(clerk: Clerk, placed: tuple[book.CrmOrder, book.CrmOrderLine, int]) -> dict[str, Any]:
    """A line of an order, with its number in it."""
    order, line, number = placed
    price = clerk.price(line.product_id, order.currency)
    return {
        "Id": line.id,
        "OrderItemNumber": f"{order.number}-{number:03}",
        "OrderId": order.id,
        "Product2Id": line.product_id,
        "PricebookEntryId": price.id if price else None,
        "OriginalOrderItemId": clerk.original(order, line),
        "Quantity": float(line.quantity),
        "AvailableQuantity": float(clerk.available(order, line)),
        "UnitPrice": float(line.unit_price),
        "ListPrice": float(price.unit_price) if price else None,
        "TotalPrice": float(line.quantity * line.unit_price),
        "ServiceDate": day(line.service_on),
        "EndDate": day(line.end_on),
        "CurrencyIsoCode": order.currency,
        **clerk.stamps(order.created_at, order.updated_at),
    }
