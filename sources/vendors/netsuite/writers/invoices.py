"""Invoices posted to the receivables ledger, on their own or from a sales order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from sources.canonical.commands import PostInvoice, SoldLine, Written
from sources.errors import Rejected
from sources.vendors.netsuite.wire import Document
from sources.vendors.netsuite.writers import bodies
from sources.vendors.netsuite.writers.bodies import Body, present
from sources.vendors.netsuite.writers.documents import Documents, Wanted
from sources.vendors.netsuite.writers.identity import demand_id
from sources.vendors.netsuite.writers.names import external_id
from sources.vendors.netsuite.writers.orders import KIND as ORDER
from sources.vendors.netsuite.writers.selling import sale, wanted_sale

KIND = "invoice"


class Invoices:
    """The posted invoices of one account."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def post(self, command: PostInvoice, key: str) -> Written:
        """Posts an invoice in the period of its day. Raises Locked where that is closed."""
        external = external_id(command, key)

        async def prepared() -> tuple[str, Mapping[str, Any]]:
            drawn = self._billed if command.sales_order_key else self._alone
            closed, made = await asyncio.gather(
                self._documents.lookups.closed(command.posted_on), drawn(command, external)
            )
            if closed is not None:
                raise closed
            return made

        written = await self._documents.make(self._wanted(command, external), prepared, "invoices.post")
        return _compared(command, written)

    async def find(self, command: PostInvoice, key: str) -> Written | None:
        """The invoice under its external id."""
        found = await self._documents.find(self._wanted(command, external_id(command, key)))
        return None if found is None else _compared(command, found)

    def _wanted(self, command: PostInvoice, external: str) -> Wanted:
        return wanted_sale(KIND, command, external, self._documents.source)

    async def _alone(self, command: PostInvoice, external: str) -> tuple[str, Body]:
        return KIND, {**_header(command, external), **await sale(command, self._documents.lookups)}

    async def _billed(self, command: PostInvoice, external: str) -> tuple[str, Body]:
        """From a sales order: what the lines say of it, or all that it has left. Raises Missing for no such order,
        Rejected for one in another currency."""
        key = command.sales_order_key or ""
        demand_id(key, self._documents.source)
        order = await self._documents.read(ORDER, key)
        await self._documents.demand_currency(order, command.currency)
        body = _header(command, external)
        if not command.lines:
            return f"{ORDER}/{key}/!transform/{KIND}", body
        lines = [self._of_order(line, order) for line in command.lines]
        return f"{ORDER}/{key}/!transform/{KIND}?replace=item", {**body, "item": {"items": lines}}

    def _of_order(self, line: SoldLine, order: Document) -> Body:
        own = next((each for each in order.item.items if each.custcol_gateway_line == line.key), None)
        if own is None:
            source = self._documents.source
            message = f"`{source}` has no line `{line.key}` in sales order {order.id}: bill what was ordered"
            raise Rejected(message, source=source, vendor_code="UNMAPPED_LINE")
        return {"orderLine": own.place, **bodies.sold(line)}


def _header(command: PostInvoice, external: str) -> Body:
    return {
        **bodies.header(command, external, command.posted_on),
        **present(
            dueDate=command.due_on.isoformat() if command.due_on else None,
            tranId=command.number,
            custbody_subscription_id=command.subscription_key,
        ),
    }


def _compared(command: PostInvoice, written: Written) -> Written:
    """With what the total differs by from what was expected, where it does."""
    expected = command.expected_total
    if expected is None or expected == written.amounts["total"]:
        return written
    difference = written.amounts["total"] - expected
    return msgspec.structs.replace(written, amounts={**written.amounts, "difference": difference})
