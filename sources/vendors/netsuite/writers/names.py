"""The external id of what a command makes: one for each business document, so that it can exist only once."""

from __future__ import annotations

from functools import singledispatch

from sources.canonical.commands import (
    Command,
    CreditPosted,
    PlaceSalesOrder,
    PostInvoice,
    ReceivePayment,
)
from sources.vendors.netsuite import facts


@singledispatch
def external_id(_command: Command, key: str) -> str:
    """By the key of the write, where nobody else has a name for the document."""
    return f"{facts.OWN}{key}"


@external_id.register
def _order(command: PlaceSalesOrder, key: str) -> str:
    return f"{facts.ORDER}{command.order_key}" if command.order_key else f"{facts.OWN}{key}"


@external_id.register
def _invoice(command: PostInvoice, key: str) -> str:
    return f"{facts.INVOICE}{command.issued_key}" if command.issued_key else f"{facts.OWN}{key}"


@external_id.register
def _credit(command: CreditPosted, key: str) -> str:
    return f"{facts.CREDIT}{command.issued_key}" if command.issued_key else f"{facts.OWN}{key}"


@external_id.register
def _payment(command: ReceivePayment, _key: str) -> str:
    """By the bank's reference in the legal entity: two receipts of one reference cannot both be."""
    if command.issued_key:
        return f"{facts.PAYMENT}{command.issued_key}"
    return f"{facts.BANK}{command.legal_entity}:{command.reference}"
