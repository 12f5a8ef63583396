"""What a write did, in the words of the ledger of effects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sources.vendors.salesforce.simulator.change import exact

_AMOUNTS = {"Order": "TotalAmount", "OrderItem": "TotalPrice", "Opportunity": "Amount"}
_NUMBERS = {"Order": "OrderNumber", "Contract": "ContractNumber", "Case": "CaseNumber"}
_STATUSES = {
    "Activated": "activate",
    "Canceled": "cancel",
    "Terminated": "terminate",
    "Expired": "expire",
    "InApproval": "submit",
}
_STAMPS = frozenset({"LastModifiedDate", "LastModifiedById", "SystemModstamp"})


def created(sobject: str) -> str:
    """`order_item.create`."""
    return f"{_snake(sobject)}.create"


def deleted(sobject: str) -> str:
    """`order.delete`."""
    return f"{_snake(sobject)}.delete"


def changed(sobject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """`order.activate`, `contract.terminate`, `account.update` ...; None where nothing became different, as when an
    upsert is repeated: only the record's stamps move then."""
    if all(old.get(name) == value for name, value in new.items() if name not in _STAMPS):
        return None
    code = new.get("StatusCode")
    moved = code is not None and code != old.get("StatusCode")
    return f"{_snake(sobject)}.{_STATUSES.get(str(code), 'update') if moved else 'update'}"


def described(sobject: str, row: Mapping[str, Any]) -> dict[str, str | None]:
    """What the ledger keeps of a record besides its id."""
    amount = row.get(_AMOUNTS.get(sobject, ""))
    return {
        "external_id": row.get("Gateway_Op_Id__c"),
        "operation": row.get("Gateway_Operation__c"),
        "correlation": row.get("Gateway_Correlation__c"),
        "number": row.get(_NUMBERS.get(sobject, "")),
        "amount": None if amount is None else f"{exact(amount).normalize():f}",
        "currency": None if amount is None else row.get("CurrencyIsoCode"),
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
