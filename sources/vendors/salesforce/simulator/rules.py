"""What the organisation fills in by itself when a record is written: numbers, codes, totals, closed flags.

Vendor facts (vendors.md 1.2, 1.7): an order is created as Draft, then activated, and frozen after that; codes follow
statuses. The error codes of these refusals are general knowledge.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from sources.vendors.salesforce.simulator import terms
from sources.vendors.salesforce.simulator.errors import Refusal
from sources.vendors.salesforce.simulator.store import Store

_CONTRACT_CODES = dict(terms.CONTRACT_STATUSES.values())
_STAGES = {stage: (closed, won, forecast) for stage, closed, won, forecast in terms.STAGES.values()}
_FREE_AFTER_ACTIVATION = frozenset({"Status", "Description", "OwnerId"})


class Change(msgspec.Struct, frozen=True):
    """A record about to be written. `old` is None when it is new; `new` holds only what was asked for."""

    store: Store
    old: Mapping[str, Any] | None
    new: Mapping[str, Any]
    now: str
    number: int

    def value(self, name: str) -> Any:
        """What a field will hold."""
        if name in self.new:
            return self.new[name]
        return self.old.get(name) if self.old else None


def derived(sobject: str, change: Change) -> dict[str, Any]:
    """The further values of a change. Raises Refusal where the organisation forbids it."""
    return _RULES[sobject](change) if sobject in _RULES else {}


def _contact(change: Change) -> dict[str, Any]:
    return {"Name": " ".join(filter(None, (change.value("FirstName"), change.value("LastName"))))}


def _user(change: Change) -> dict[str, Any]:
    return _contact(change)


def _opportunity(change: Change) -> dict[str, Any]:
    closed, won, forecast = _STAGES.get(change.value("StageName"), (False, False, "Pipeline"))
    on = date.fromisoformat(change.value("CloseDate"))
    quarter = (on.month + 2) // 3
    return {
        "IsClosed": int(closed),
        "IsWon": int(won),
        "ForecastCategory": forecast,
        "ForecastCategoryName": terms.FORECAST_NAMES[forecast],
        "FiscalYear": on.year,
        "FiscalQuarter": quarter,
        "Fiscal": f"{on.year} {quarter}",
    }


def _contract(change: Change) -> dict[str, Any]:
    status = change.value("Status") or "Draft"
    code = _CONTRACT_CODES.get(status, "Draft")
    found: dict[str, Any] = {"Status": status, "StatusCode": code}
    start, months = change.value("StartDate"), change.value("ContractTerm")
    if start and months:
        found["EndDate"] = _ended(date.fromisoformat(start), months).isoformat()
    if code == "Activated" and not change.value("ActivatedDate"):
        found["ActivatedDate"] = change.now
    if change.old is None:
        found["ContractNumber"] = f"{80_000_000 + change.number:08}"
    return found


def _order(change: Change) -> dict[str, Any]:
    status = change.value("Status")
    if status not in terms.ORDER_STATUSES.values():
        raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"Status: bad value: {status}", ["Status"])
    found: dict[str, Any] = {"StatusCode": status}
    if change.old is None:
        if status != "Draft":
            raise Refusal(
                400, "FAILED_ACTIVATION", "Choose a valid order status: an order starts as Draft.", ["Status"]
            )
        return {**found, "OrderNumber": f"{80_000_000 + change.number:08}", "TotalAmount": 0.0}
    if change.old["StatusCode"] != "Draft":
        frozen = [name for name in change.new if name not in _FREE_AFTER_ACTIVATION and not name.endswith("__c")]
        if frozen:
            raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", "an activated order cannot be edited", frozen)
    elif status == "Activated":
        _activate(change, found)
    return found


def _activate(change: Change, found: dict[str, Any]) -> None:
    lines = change.store.rows(
        'SELECT COUNT(*) FROM "OrderItem" WHERE OrderId = ? AND IsDeleted = 0', (change.value("Id"),)
    )
    if not lines[0][0]:
        raise Refusal(400, "FAILED_ACTIVATION", "An order must have at least one product.", [])
    found["ActivatedDate"] = change.now


def _order_item(change: Change) -> dict[str, Any]:
    schema = change.store.schema.objects
    order = change.store.record(schema["Order"], change.value("OrderId")) or {}
    price = change.store.record(schema["PricebookEntry"], change.value("PricebookEntryId")) or {}
    if order.get("StatusCode") != "Draft":
        raise Refusal(
            400, "FIELD_INTEGRITY_EXCEPTION", "the products of an activated order cannot be changed", ["OrderId"]
        )
    each = change.value("UnitPrice")
    each = price.get("UnitPrice") if each is None else each
    found: dict[str, Any] = {
        "Product2Id": price.get("Product2Id"),
        "UnitPrice": each,
        "ListPrice": price.get("UnitPrice"),
        "TotalPrice": change.value("Quantity") * each,
        "AvailableQuantity": change.value("Quantity"),
        "CurrencyIsoCode": order.get("CurrencyIsoCode"),
    }
    if change.old is None:
        found["OrderItemNumber"] = f"{change.number:010}"
    return found


def _case(change: Change) -> dict[str, Any]:
    status = change.value("Status") or "New"
    closed = status == "Closed"
    found: dict[str, Any] = {"Status": status, "IsClosed": int(closed)}
    if closed != bool(change.value("ClosedDate")):
        found["ClosedDate"] = change.now if closed else None
    if change.old is None:
        found["CaseNumber"] = f"{80_000_000 + change.number:08}"
        found["Priority"] = change.value("Priority") or "Medium"
    return found


def _entitlement(change: Change) -> dict[str, Any]:
    today, start, end = change.now[:10], change.value("StartDate"), change.value("EndDate")
    spent = change.value("IsPerIncident") and change.value("RemainingCases") == 0
    if (end and end < today) or spent:
        return {"Status": "Expired"}
    return {"Status": "Inactive" if start and start > today else "Active"}


def _price(change: Change) -> dict[str, Any]:
    product = change.store.record(change.store.schema.objects["Product2"], change.value("Product2Id")) or {}
    return {"Name": product.get("Name"), "ProductCode": product.get("ProductCode")}


_RULES: dict[str, Callable[[Change], dict[str, Any]]] = {
    "Case": _case,
    "Contact": _contact,
    "Contract": _contract,
    "Entitlement": _entitlement,
    "Opportunity": _opportunity,
    "Order": _order,
    "OrderItem": _order_item,
    "PricebookEntry": _price,
    "User": _user,
}


def settle(store: Store, sobject: str, values: Mapping[str, Any]) -> None:
    """What other records owe to this one: an order's total."""
    if sobject == "OrderItem":
        total = 'SELECT ifnull(SUM(TotalPrice), 0.0) FROM "OrderItem" WHERE OrderId = ? AND IsDeleted = 0'
        amount = store.rows(total, (values["OrderId"],))[0][0]
        store.update("Order", values["OrderId"], {"TotalAmount": round(amount, 8)})


def _ended(start: date, months: int) -> date:
    """The last day of a term."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])) - timedelta(days=1)
