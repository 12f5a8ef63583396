"""The organisation's rules of orders and their products.

Vendor facts (vendors.md 1.2, 1.7; the object reference and help pages on orders): an order is created as Draft, then
activated, and frozen after that; it starts within its contract's term and belongs to its contract's account. A
reduction order lowers one activated order, each of its products one product of that order, by no more than what is
available of it; `AvailableQuantity` is always 0 in a reduction order. What nobody confirmed: the codes and texts of
the refusals, and that a reduction holds its quantity from its first line on, not only when it is activated.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sources.vendors.salesforce.simulator import terms
from sources.vendors.salesforce.simulator.change import Change, exact, failed_activation, integrity, picked
from sources.vendors.salesforce.simulator.errors import Refusal
from sources.vendors.salesforce.simulator.facts import Assumed
from sources.vendors.salesforce.simulator.store import Store

_FREE_AFTER_ACTIVATION = frozenset({"Status", "Description", "OwnerId"})
_CORPORATE_CURRENCY = "USD"
_WITHOUT_CENTS = frozenset({"JPY", "KRW", "VND", "CLP"})  # the organisation's currencies with no decimal places


def order(change: Change) -> dict[str, Any]:
    """Status code, number, total and activation of an order."""
    status = picked("Order", "Status", change.value("Status"), terms.ORDER_STATUSES.values())
    found: dict[str, Any] = {"StatusCode": status}
    if change.old is None:
        return found | _born(change, status)
    before = change.old["StatusCode"]
    if before != "Draft":
        _frozen(change, before, status)
        return found
    _dated(change)
    _settled(change)
    if status == "Activated":
        _activable(change)
        found["ActivatedDate"] = change.now
    return found


def _born(change: Change, status: str) -> dict[str, Any]:
    if status != "Draft":
        raise failed_activation("Choose a valid order status: an order starts as Draft.", "Status")
    _dated(change)
    _reducing(change)
    return {
        "OrderNumber": f"{80_000_000 + change.number:08}",
        "TotalAmount": 0.0,
        "CurrencyIsoCode": change.value("CurrencyIsoCode") or _CORPORATE_CURRENCY,
    }


def _frozen(change: Change, before: str, status: str) -> None:
    """An activated order may only expire; canceled and expired ones stay so."""
    fixed = [name for name in change.new if name not in _FREE_AFTER_ACTIVATION and not name.endswith("__c")]
    if status != before and (before, status) != ("Activated", "Expired"):
        fixed.append("Status")
    if fixed:
        code, message = Assumed.ACTIVATED
        raise Refusal(400, code, message, fixed)


def _dated(change: Change) -> None:
    start, end = change.value("EffectiveDate"), change.value("EndDate")
    if not change.says("EffectiveDate", "EndDate", "ContractId", "AccountId"):
        return
    if end and end < start:
        raise integrity("Order End Date can't be earlier than its start date.: Order End Date", "EndDate")
    contract = change.parent("ContractId", "Contract")
    if not contract:
        return
    if contract["AccountId"] != change.value("AccountId"):
        raise integrity("The contract belongs to another account than the order.: Contract ID", "ContractId")
    if contract["StartDate"] and start < contract["StartDate"]:
        message = "Order Start Date can't be earlier than its contract's start date.: Order Start Date"
        raise integrity(message, "EffectiveDate")
    if contract["EndDate"] and start > contract["EndDate"]:
        message = "Order Start Date can't be later than its contract's end date.: Order Start Date"
        raise integrity(message, "EffectiveDate")


def _settled(change: Change) -> None:
    """What stays once it has been said: the price book, and with products the currency."""
    before = change.old or {}
    if before.get("Pricebook2Id") and change.value("Pricebook2Id") != before["Pricebook2Id"]:
        raise integrity("The price book of an order can't be changed.: Price Book ID", "Pricebook2Id")
    if change.value("CurrencyIsoCode") != before.get("CurrencyIsoCode") and _lines(change.store, before["Id"]):
        raise integrity("The currency of an order with products can't be changed.", "CurrencyIsoCode")


def _reducing(change: Change) -> None:
    original = change.parent("OriginalOrderId", "Order")
    if not change.value("IsReductionOrder"):
        if original:
            raise integrity("Only a reduction order has an original order.", "OriginalOrderId")
        return
    if not original:
        raise Refusal(
            400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [OriginalOrderId]", ["OriginalOrderId"]
        )
    if original["StatusCode"] != "Activated" or original["IsReductionOrder"]:
        raise integrity("Only an activated order can be reduced.", "OriginalOrderId")
    if original["AccountId"] != change.value("AccountId"):
        raise integrity("A reduction order has its original order's account.", "AccountId")
    if change.value("EffectiveDate") < original["EffectiveDate"]:
        raise integrity("A reduction order can't start before its original order.", "EffectiveDate")
    if (change.value("CurrencyIsoCode") or _CORPORATE_CURRENCY) != original["CurrencyIsoCode"]:
        raise integrity("A reduction order has its original order's currency.", "CurrencyIsoCode")


def _activable(change: Change) -> None:
    if not _lines(change.store, change.value("Id")):
        raise failed_activation("An order must have at least one product.")
    restriction = change.parent("AccountId", "Account").get("Restriction__c")
    if restriction in (terms.RESTRICTIONS["sanctions"], terms.RESTRICTIONS["legal_hold"]):
        message = f"Orders of this account cannot be activated: {restriction}"  # the organisation's own validation rule
        raise Refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, [])


def _lines(store: Store, order_id: str) -> int:
    found = store.rows('SELECT COUNT(*) FROM "OrderItem" WHERE OrderId = ? AND IsDeleted = 0', (order_id,))
    return int(found[0][0])


def erasable(sobject: str, row: Mapping[str, Any]) -> None:
    """Raises Refusal for what is binding: activated orders and contracts."""
    if sobject in ("Order", "Contract") and row["StatusCode"] in ("Activated", "Terminated", "Expired"):
        raise integrity(f"an activated {sobject.lower()} cannot be deleted")


# ---------------------------------------------------------------- products


def order_item(change: Change) -> dict[str, Any]:
    """Product, prices and quantities of an order's product."""
    order, price = change.parent("OrderId", "Order"), change.parent("PricebookEntryId", "PricebookEntry")
    if order.get("StatusCode") != "Draft":
        code, message = Assumed.ACTIVATED
        raise Refusal(400, code, message, ["OrderId"])
    original = _original(change, order)
    if change.old is None and not original:
        _priced(order, price)
    each = change.value("UnitPrice")
    if each is None:
        each = original["UnitPrice"] if original else price.get("UnitPrice")
    quantity = change.value("Quantity")
    if not original and exact(quantity) <= 0:
        raise integrity("Quantity must be positive.: Quantity", "Quantity")
    found: dict[str, Any] = {
        "Product2Id": price.get("Product2Id"),
        "UnitPrice": each,
        "ListPrice": price.get("UnitPrice"),
        "TotalPrice": float(_total(exact(quantity) * exact(each), order["CurrencyIsoCode"])),
        "AvailableQuantity": 0.0 if original else quantity,
        "CurrencyIsoCode": order.get("CurrencyIsoCode"),
    }
    if change.old is None:
        found["OrderItemNumber"] = f"{change.number:010}"
    return found


def _total(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1) if currency in _WITHOUT_CENTS else Decimal("0.01"), ROUND_HALF_UP)


def _priced(order: Mapping[str, Any], price: Mapping[str, Any]) -> None:
    if price.get("IsDeleted") or not price.get("IsActive"):
        raise integrity("The price book entry is inactive.: Price Book Entry ID", "PricebookEntryId")
    if price["Pricebook2Id"] != order["Pricebook2Id"]:
        message = "pricebook entry is in a different pricebook than the one assigned to the order"
        raise integrity(message, "PricebookEntryId")
    if price["CurrencyIsoCode"] != order["CurrencyIsoCode"]:
        message = "The currency of the price book entry must be that of the order.: Price Book Entry ID"
        raise integrity(message, "PricebookEntryId")


def _original(change: Change, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The product that is reduced; empty in an ordinary order."""
    original = change.parent("OriginalOrderItemId", "OrderItem")
    if not order["IsReductionOrder"]:
        if original:
            raise integrity("Only a reduction order's product has an original.", "OriginalOrderItemId")
        return {}
    if not original:
        message = "Required fields are missing: [OriginalOrderItemId]"
        raise Refusal(400, "REQUIRED_FIELD_MISSING", message, ["OriginalOrderItemId"])
    fits = (original["OrderId"], original["PricebookEntryId"]) == (
        order["OriginalOrderId"],
        change.value("PricebookEntryId"),
    )
    if not fits or original["IsDeleted"]:
        raise integrity("The original product is not one of the original order.", "OriginalOrderItemId")
    held = exact(change.old["Quantity"]) if change.old else Decimal(0)
    asked = exact(change.value("Quantity"))
    if asked >= 0 or -asked > exact(original["AvailableQuantity"]) - held:
        raise integrity("You can't reduce more than the available quantity.: Quantity", "Quantity")
    return original


def settle(store: Store, sobject: str, row: Mapping[str, Any]) -> None:
    """What other records owe to this one: an order's total, and what is left of products that were reduced."""
    if sobject == "OrderItem":
        _totalled(store, row["OrderId"])
        _left(store, [row["OriginalOrderItemId"]])
    if sobject == "Order" and row["IsReductionOrder"]:
        _left(store, [one for (one,) in store.rows(_ORIGINALS, (row["Id"],))])


_ORIGINALS = 'SELECT OriginalOrderItemId FROM "OrderItem" WHERE OrderId = ?'
_REDUCED = (
    'SELECT l.Quantity FROM "OrderItem" l JOIN "Order" o ON o.Id = l.OrderId '
    "WHERE l.OriginalOrderItemId = ? AND l.IsDeleted = 0 AND o.IsDeleted = 0 AND o.StatusCode <> 'Canceled'"
)


def _totalled(store: Store, order_id: str) -> None:
    totals = store.rows('SELECT TotalPrice FROM "OrderItem" WHERE OrderId = ? AND IsDeleted = 0', (order_id,))
    store.update("Order", order_id, {"TotalAmount": float(sum((exact(one) for (one,) in totals), Decimal(0)))})


def _left(store: Store, originals: list[str | None]) -> None:
    for key in filter(None, originals):
        row = store.record(store.schema.objects["OrderItem"], key) or {}
        gone = sum((exact(one) for (one,) in store.rows(_REDUCED, (key,))), Decimal(0))
        store.update("OrderItem", key, {"AvailableQuantity": float(exact(row["Quantity"]) + gone)})
