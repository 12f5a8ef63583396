"""Sales orders: placed pending approval, approved, closed before they are billed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources.canonical.commands import ApproveSalesOrder, CloseSalesOrder, PlaceSalesOrder, Written
from sources.errors import Locked
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.client import Saved
from sources.vendors.netsuite.wire import Document
from sources.vendors.netsuite.writers import bodies
from sources.vendors.netsuite.writers.bodies import present, ref
from sources.vendors.netsuite.writers.documents import Documents, Wanted
from sources.vendors.netsuite.writers.identity import demand_id
from sources.vendors.netsuite.writers.names import external_id
from sources.vendors.netsuite.writers.selling import sale, wanted_sale

KIND = "salesOrder"


class Orders:
    """The orders of one account."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    # ------------------------------------------------------------ placing

    async def place(self, command: PlaceSalesOrder, key: str) -> Written:
        """A sales order pending approval: it moves nothing in the ledger."""
        external = external_id(command, key)

        async def prepared() -> tuple[str, Mapping[str, Any]]:
            body = {
                **bodies.header(command, external, command.ordered_on),
                **await sale(command, self._documents.lookups),
                "orderStatus": ref(facts.PENDING),
                **present(otherRefNum=command.purchase_order, custbody_subscription_id=command.subscription_key),
            }
            return KIND, body

        return await self._documents.make(self._wanted(command, external), prepared, "sales_orders.place")

    async def find_placed(self, command: PlaceSalesOrder, key: str) -> Written | None:
        """The order under its external id."""
        return await self._documents.find(self._wanted(command, external_id(command, key)))

    def _wanted(self, command: PlaceSalesOrder, external: str) -> Wanted:
        return wanted_sale(KIND, command, external, self._documents.source)

    # ------------------------------------------------------------ approving

    async def approve(self, command: ApproveSalesOrder, _key: str) -> Written:
        """Makes it financial. Raises Locked for one that is canceled or closed, Held for a customer on credit hold."""
        order = await self._read(command.sales_order_key)
        if _status(order) in facts.APPROVED_STATUSES:
            return self._shown(order, replayed=True)
        self._demand_alive(order)
        body = {"orderStatus": ref(facts.APPROVED), **bodies.trace(command)}
        saved = await self._change(order, body, "sales_orders.approve")
        return self._shown(await self._read(saved.key), saved=saved)

    async def find_approved(self, command: ApproveSalesOrder, _key: str) -> Written | None:
        """The order, if it is approved, whoever did it."""
        order = await self._read(command.sales_order_key)
        return self._shown(order, replayed=True) if _status(order) in facts.APPROVED_STATUSES else None

    # ------------------------------------------------------------ closing

    async def close(self, command: CloseSalesOrder, _key: str) -> Written:
        """Closes every line, and thereby the order. Raises Locked for one of which something was billed."""
        order = await self._read(command.sales_order_key)
        if _status(order) in facts.OVER_STATUSES:
            return self._shown(order, replayed=True)
        if _status(order) == "G" or any(line.quantityBilled for line in order.item.items):
            raise Locked(
                f"`{self._documents.source}` has billed sales order {order.id}: credit the invoice instead",
                source=self._documents.source,
            )
        lines = [{"line": line.place, "isClosed": True} for line in order.item.items]
        saved = await self._change(order, {"item": {"items": lines}, **bodies.trace(command)}, "sales_orders.close")
        return self._shown(await self._read(saved.key), saved=saved)

    async def find_closed(self, command: CloseSalesOrder, _key: str) -> Written | None:
        """The order, if it is closed or canceled."""
        order = await self._read(command.sales_order_key)
        return self._shown(order, replayed=True) if _status(order) in facts.OVER_STATUSES else None

    # ------------------------------------------------------------ both

    async def _read(self, key: str) -> Document:
        demand_id(key, self._documents.source)
        return await self._documents.read(KIND, key)

    async def _change(self, order: Document, body: Mapping[str, Any], name: str) -> Saved:
        return await self._documents.client.save("PATCH", f"{KIND}/{order.id}", body, name)

    def _demand_alive(self, order: Document) -> None:
        if _status(order) in facts.OVER_STATUSES:
            message = f"`{self._documents.source}` has sales order {order.id} closed or canceled: place another one"
            raise Locked(message, source=self._documents.source)

    def _shown(self, order: Document, *, saved: Saved | None = None, replayed: bool = False) -> Written:
        return Written(
            source=self._documents.source,
            key=order.id,
            number=order.tranId,
            at=self._documents.client.now(),
            request_id=saved.request_id if saved else None,
            replayed=replayed,
        )


def _status(order: Document) -> str:
    return order.status.id if order.status else ""
