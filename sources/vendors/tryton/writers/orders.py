"""Sales: placed as drafts, made financial, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sources.canonical.commands import ApproveSalesOrder, CloseSalesOrder, PlaceSalesOrder, SoldLine, Written
from sources.errors import Contended, Duplicate, Locked, Rejected
from sources.vendors.tryton import facts
from sources.vendors.tryton.mapping import code_of
from sources.vendors.tryton.values import added, encoded, made, present
from sources.vendors.tryton.writers.desk import Desk, reference
from sources.vendors.tryton.writers.rows import Document, Product

_NEXT = {"draft": "quote", "quotation": "confirm", "confirmed": "process"}
_BACK = {"confirmed": "draft", "draft": "cancel", "quotation": "cancel"}
_FINANCIAL = ("processing", "done")


class Orders:
    """The sales of one company."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ------------------------------------------------------------ placed

    async def place(self, command: PlaceSalesOrder, key: str) -> Written:
        """A draft with its lines, under the order's own reference. Raises Rejected for what Tryton would not take."""
        found = await self.find_placed(command, key)
        if found is not None:
            return found
        desk, party = self._desk, self._desk.number(command.party)
        company = await desk.company(command.legal_entity)
        currency = await desk.currency(command.currency)
        address = await desk.demand_taxable(await desk.debtor(command.party))
        products = await desk.products(command.lines, command.currency)
        sale = {
            "company": company.id,
            "party": party,
            "invoice_address": address,
            "shipment_address": address,
            "currency": currency,
            "reference": reference(facts.ORDER, command.order_key, key),
            "sale_date": command.ordered_on,
            "comment": _trace(command),
            "lines": made(*(sold(line, products[line.product_code]) for line in command.lines)),
            **present(description=_subscription(command)),
        }
        number = await desk.client.create(facts.SALE, encoded(sale))
        return desk.told(await desk.demand(facts.SALE, number), replayed=False)

    async def find_placed(self, command: PlaceSalesOrder, key: str) -> Written | None:
        """The sale under the order's reference; raises Duplicate for somebody else's."""
        name = reference(facts.ORDER, command.order_key, key)
        found = await self._desk.document(facts.SALE, [["reference", "=", name]])
        if found is None:
            return None
        if found.party != self._desk.number(command.party) or code_of(found.currency, "currency") != command.currency:
            message = f"`{self._desk.source}` has another sale under `{name}` already (its id is {found.id})"
            raise Duplicate(message, source=self._desk.source)
        return self._desk.told(found, replayed=True)

    # ------------------------------------------------------------ approved

    async def approve(self, command: ApproveSalesOrder, _key: str) -> Written:
        """Quotes, confirms and processes, from wherever it stands. Where the sale's invoice method is `order`, as
        Tryton has it unless somebody changes that, Tryton then makes the invoice by itself, as a draft: it is told as
        `invoice_key`, because a draft is in nobody's ledger until `PostInvoice` posts it."""
        sale = await self._sale(command.sales_order_key)
        if sale.state in _FINANCIAL:
            return self._approved(sale, replayed=True)
        for _ in _NEXT:
            if sale.state not in _NEXT:
                break
            await self._desk.client.press(facts.SALE, sale.id, _NEXT[sale.state])
            sale = await self._desk.demand(facts.SALE, sale.id)
        if sale.state not in _FINANCIAL:
            raise self._stuck(sale, "approved")
        return self._approved(sale, replayed=False)

    async def find_approved(self, command: ApproveSalesOrder, _key: str) -> Written | None:
        """Whether it is financial."""
        sale = await self._sale(command.sales_order_key)
        return self._approved(sale, replayed=True) if sale.state in _FINANCIAL else None

    def _approved(self, sale: Document, *, replayed: bool) -> Written:
        """The sale, with the invoice that was made of it; one that somebody has posted meanwhile is told too, so that
        posting it again finds that out."""
        invoice = next((str(each.id) for each in sale.invoices if each.state != "cancelled"), None)
        return msgspec.structs.replace(self._desk.told(sale, replayed=replayed), invoice_key=invoice)

    # ------------------------------------------------------------ closed

    async def close(self, command: CloseSalesOrder, _key: str) -> Written:
        """Cancels a sale that is not financial yet; raises Locked for one that is."""
        sale = await self._sale(command.sales_order_key)
        if sale.state == "cancelled":
            return self._desk.told(sale, replayed=True)
        for _ in _BACK:
            if sale.state in _FINANCIAL:
                raise Locked(
                    f"`{self._desk.source}`: sale {sale.id} is being billed: credit it", source=self._desk.source
                )
            if sale.state not in _BACK:
                break
            await self._desk.client.press(facts.SALE, sale.id, _BACK[sale.state])
            sale = await self._desk.demand(facts.SALE, sale.id)
        if sale.state != "cancelled":
            raise self._stuck(sale, "cancelled")
        return self._desk.told(sale, replayed=False)

    async def find_closed(self, command: CloseSalesOrder, _key: str) -> Written | None:
        """Whether it is cancelled."""
        sale = await self._sale(command.sales_order_key)
        return self._desk.told(sale, replayed=True) if sale.state == "cancelled" else None

    async def _sale(self, key: str) -> Document:
        return await self._desk.demand(facts.SALE, self._desk.number(key))

    def _stuck(self, sale: Document, wanted: str) -> Rejected | Contended:
        words = f"sale {sale.id} is `{sale.state}` and cannot be {wanted}"
        kind = Rejected if sale.state in ("cancelled", "draft") else Contended
        return kind(f"`{self._desk.source}`: {words}", source=self._desk.source)


def sold(line: SoldLine, product: Product, **more: Any) -> Mapping[str, Any]:
    """A new line; the taxes are those of the product, because REST runs none of the screens' rules."""
    return {
        "type": "line",
        "product": product.id,
        "quantity": float(line.quantity),
        "unit": product.default_uom.id,
        "unit_price": line.unit_price.amount,
        "description": line.description or product.name or line.product_code,
        "note": f"{facts.OURS}{line.key}",
        "taxes": added(*product.taxes),
        **more,
    }


def _subscription(command: PlaceSalesOrder) -> str | None:
    return f"{facts.SUBSCRIPTION}{command.subscription_key}" if command.subscription_key else None


def _trace(command: PlaceSalesOrder) -> str:
    order = f"\npurchase order {command.purchase_order}" if command.purchase_order else ""
    return f"operation {command.operation}\nrequest {command.correlation}{order}"
