"""What the organisation fills in by itself when a record is written, and what it refuses.

Vendor facts (vendors.md 1.2; the object reference): codes follow statuses, a contract's end is reckoned from start and
term and cannot be written, an entitlement's status from its days and cases. The codes of the refusals, and which
statuses of a contract follow each other, are general knowledge. Orders have a file of their own.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sources.vendors.salesforce.simulator import facts, orders, terms
from sources.vendors.salesforce.simulator.change import Change, failed_activation, integrity, picked
from sources.vendors.salesforce.simulator.errors import Refusal, too_long
from sources.vendors.salesforce.simulator.store import Store

_CONTRACT_CODES = dict(terms.CONTRACT_STATUSES.values())
_CONTRACT_STEPS = {
    "Draft": ("Draft", "InApproval", "Activated"),
    "InApproval": ("Draft", "InApproval", "Activated"),
    "Activated": ("Activated", "Terminated", "Expired"),
}
_STAGES = {stage: (closed, won, forecast) for stage, closed, won, forecast in terms.STAGES.values()}


def derived(sobject: str, change: Change) -> dict[str, Any]:
    """The further values of a change. Raises Refusal where the organisation forbids it."""
    return _RULES[sobject](change) if sobject in _RULES else {}


def _account(change: Change) -> dict[str, Any]:
    if change.old is None:
        _unduplicated(change)
    key, above = change.value("Id"), change.value("ParentId")
    while above and change.says("ParentId"):
        if above == key:
            raise Refusal(400, "CIRCULAR_DEPENDENCY", "the account would be its own parent", ["ParentId"])
        row = change.store.record(change.store.schema.objects["Account"], above) or {}
        above = row.get("ParentId")
    return {}


def _unduplicated(change: Change) -> None:
    """The organisation's duplicate rule, which blocks: the same name and the same website."""
    name, website = change.value("Name"), change.value("Website")
    found = change.store.rows('SELECT Website FROM "Account" WHERE Name = ? AND IsDeleted = 0', (name,))
    if website and any(_host(other or "") == _host(website) for (other,) in found):
        raise Refusal(400, "DUPLICATES_DETECTED", "Use one of these records?", [])


def _host(website: str) -> str:
    return website.lower().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


def _contact(change: Change) -> dict[str, Any]:
    return {"Name": " ".join(filter(None, (change.value("FirstName"), change.value("LastName"))))}


def _user(change: Change) -> dict[str, Any]:
    return _contact(change)


def _opportunity(change: Change) -> dict[str, Any]:
    stage = change.value("StageName")
    closed, won, forecast = _STAGES.get(stage, (False, False, "Pipeline"))
    on = date.fromisoformat(change.value("CloseDate"))
    quarter = (on.month + 2) // 3
    found = {
        "IsClosed": int(closed),
        "IsWon": int(won),
        "ForecastCategory": forecast,
        "ForecastCategoryName": terms.FORECAST_NAMES[forecast],
        "FiscalYear": on.year,
        "FiscalQuarter": quarter,
        "Fiscal": f"{on.year} {quarter}",
    }
    if "Probability" not in change.new and (change.old is None or change.old["StageName"] != stage):
        found["Probability"] = terms.PROBABILITIES.get(stage)
    return found


def _contract(change: Change) -> dict[str, Any]:
    status = picked("Contract", "Status", change.value("Status") or "Draft", _CONTRACT_CODES)
    code, before = _CONTRACT_CODES[status], change.old["StatusCode"] if change.old else None
    if before is None and code not in ("Draft", "InApproval"):
        raise failed_activation("Choose a valid contract status and save your changes.", "Status")
    if before is not None and code != before and code not in _CONTRACT_STEPS.get(before, ()):
        raise integrity(f"a contract that is {before} cannot become {code}", "Status")
    start, months = change.value("StartDate"), change.value("ContractTerm")
    if months is not None and months <= 0:
        raise integrity("Contract Term (months) must be positive.", "ContractTerm")
    found: dict[str, Any] = {"Status": status, "StatusCode": code, "EndDate": None}
    if start and months:
        found["EndDate"] = _ended(date.fromisoformat(start), months).isoformat()
    if code == "Activated" and not change.value("ActivatedDate"):
        found["ActivatedDate"] = change.now
    if before is None:
        found["ContractNumber"] = f"{80_000_000 + change.number:08}"
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


def _comment(change: Change) -> dict[str, Any]:
    if len(change.value("CommentBody") or "") > facts.COMMENT_LENGTH:
        raise too_long("CommentBody", facts.COMMENT_LENGTH)
    return {}


def _entitlement(change: Change) -> dict[str, Any]:
    today, start, end = change.now[:10], change.value("StartDate"), change.value("EndDate")
    if start and end and end < start and change.says("StartDate", "EndDate"):
        raise integrity("End Date must be later than Start Date.: End Date", "EndDate")
    found: dict[str, Any] = {}
    remaining = change.value("RemainingCases")
    if change.value("IsPerIncident") and remaining is None:
        remaining = found["RemainingCases"] = change.value("CasesPerEntitlement")
    if (end and end < today) or (change.value("IsPerIncident") and remaining == 0):
        return {**found, "Status": "Expired"}
    return {**found, "Status": "Inactive" if start and start > today else "Active"}


def turned(store: Store, before: str, today: str) -> None:
    """What a new day does to entitlements whose first day has come or whose last has passed since `before`."""
    sql = 'UPDATE "Entitlement" SET Status = ? WHERE IsDeleted = 0 AND '
    store.rows(f"{sql} StartDate > ? AND StartDate <= ? AND Status = 'Inactive'", ("Active", before, today))
    store.rows(f"{sql} EndDate >= ? AND EndDate < ?", ("Expired", before, today))


def _price(change: Change) -> dict[str, Any]:
    product = change.parent("Product2Id", "Product2")
    return {"Name": product.get("Name"), "ProductCode": product.get("ProductCode")}


_RULES: dict[str, Callable[[Change], dict[str, Any]]] = {
    "Account": _account,
    "Case": _case,
    "CaseComment": _comment,
    "Contact": _contact,
    "Contract": _contract,
    "Entitlement": _entitlement,
    "Opportunity": _opportunity,
    "Order": orders.order,
    "OrderItem": orders.order_item,
    "PricebookEntry": _price,
    "User": _user,
}


def _ended(start: date, months: int) -> date:
    """The last day of a term."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])) - timedelta(days=1)
