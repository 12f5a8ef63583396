"""Commands as the ERP's records: what is sent, in NetSuite's words (contract 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sources.canonical.commands import Application, Command, PutDebtor, SoldLine
from sources.errors import Rejected
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.writers.amounts import line_amount

Body = dict[str, Any]
_ADDRESS = {"line1": "addr1", "line2": "addr2", "city": "city", "postal_code": "zip", "state": "state"}


def ref(key: str) -> Body:
    """A reference."""
    return {"id": key}


def header(command: Command, external: str, day: date) -> Body:
    """What every transaction of ours carries: its name, its day, and the way back to the operation."""
    return {"externalId": external, "tranDate": day.isoformat(), **trace(command)}


def trace(command: Command) -> Body:
    """The operation and the request behind a change."""
    found = {facts.OPERATION: command.operation, facts.CORRELATION: command.correlation}
    return {name: value for name, value in found.items() if value}


def present(**values: Any) -> Body:
    """What there is of some properties."""
    return {name: value for name, value in values.items() if value is not None}


def item_lines(lines: Sequence[SoldLine], items: Mapping[str, str]) -> Body:
    """The `item` sublist; `items`: the ERP's item of each product code."""
    return {"items": [{"item": ref(items[line.product_code]), **sold(line)} for line in lines]}


def sold(line: SoldLine) -> Body:
    """What one line sells. The amount is ours, so that the ERP does not round a price of many digits its own way."""
    return {
        "quantity": line.quantity,
        "rate": line.unit_price.amount,
        "amount": line_amount(line).amount,
        facts.LINE: line.key,
        **present(
            description=line.description,
            custcol_service_start=line.service_on.isoformat() if line.service_on else None,
            custcol_service_end=line.end_on.isoformat() if line.end_on else None,
        ),
    }


def applied(applications: Sequence[Application]) -> Body:
    """The `apply` sublist: `doc` is what it is found by."""
    return {"items": [settled(each.invoice_key, each.amount.amount) for each in applications]}


def settled(invoice: str, amount: Decimal) -> Body:
    """One line of `apply`."""
    return {"doc": ref(invoice), "apply": True, "amount": amount}


def debtor(command: PutDebtor, external: str, subsidiary: str, currency: str, terms: str | None) -> Body:
    """A new customer record; `terms` is the ERP's id of them."""
    body: Body = {
        "externalId": external,
        "companyName": command.name,
        "isPerson": False,
        "subsidiary": ref(subsidiary),
        "currency": ref(currency),
        facts.CUSTOMER_OPERATION: command.operation,
        **present(email=command.email, vatRegNumber=command.tax_number, terms=ref(terms) if terms else None),
    }
    if command.address:
        body["addressBook"] = {"items": [_address(command.address)]}
    return body


def _address(given: Mapping[str, str]) -> Body:
    unknown = sorted(set(given) - {*_ADDRESS, "country"})
    if unknown:
        known = "`, `".join((*_ADDRESS, "country"))
        raise Rejected(f"an address has no `{unknown[0]}`: `{known}` are known")
    book: Body = {theirs: given[ours] for ours, theirs in _ADDRESS.items() if given.get(ours)}
    if given.get("country"):
        book["country"] = ref(given["country"])
    return {"defaultBilling": True, "defaultShipping": True, "addressBookAddress": book}
