"""Invoices: from a sale or of their own, given their dates and posted; credit notes of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from sources.canonical import Money
from sources.canonical.commands import CreditPosted, PostInvoice, Written
from sources.errors import Duplicate, Rejected
from sources.vendors.tryton import facts
from sources.vendors.tryton.mapping import POSTED, code_of, money
from sources.vendors.tryton.values import encoded, made
from sources.vendors.tryton.wire import Named
from sources.vendors.tryton.writers.desk import Desk, reference
from sources.vendors.tryton.writers.orders import sold
from sources.vendors.tryton.writers.rows import Document

_DRAFT = ("draft", "validated")


class Invoices:
    """The invoices of one company."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ------------------------------------------------------------ posted

    async def post(self, command: PostInvoice, key: str) -> Written:
        """Posts it. A draft that an earlier attempt left under the same reference is taken up again, with the days of
        this one: its own may be what it was refused for. Raises Locked for a closed period."""
        desk, name = self._desk, reference(facts.INVOICE, command.issued_key, key)
        found = await self._under(name, command.party, command.currency)
        if found is not None and found.state in POSTED:
            return desk.told(found, replayed=True, expected=command.expected_total)
        await desk.demand_open(command.posted_on)
        if found is not None:
            number = await self._changed(found.id, _dates(command))
        elif command.sales_order_key is not None:
            number = await self._from_sale(command, name)
        else:
            number = await self._made(command, name)
        return await self._posted(number, command.posted_on, command.expected_total)

    async def find(self, command: PostInvoice, key: str) -> Written | None:
        """The posted invoice under its reference; a draft is none yet."""
        found = await self._under(reference(facts.INVOICE, command.issued_key, key), command.party, command.currency)
        if found is None or found.state not in POSTED:
            return None
        return self._desk.told(found, replayed=True, expected=command.expected_total)

    async def _under(self, name: str, party: str, currency: str) -> Document | None:
        desk = self._desk
        found = await desk.document(facts.BILL, [["reference", "=", name], ["type", "=", "out"]])
        if found is None:
            return None
        mine = found.party == desk.number(party) and code_of(found.currency, "currency") == currency
        if not mine or found.state == "cancelled":
            message = f"has another document under `{name}` already, or a cancelled one (its id is {found.id})"
            raise Duplicate(f"`{desk.source}` {message}", source=desk.source)
        return found

    async def _from_sale(self, command: PostInvoice, name: str) -> int:
        """The draft that Tryton made of a sale, named and dated. Lines have to be all of it: it is not split."""
        desk = self._desk
        sale = await desk.demand(facts.SALE, desk.number(command.sales_order_key or ""))
        drafts = [each.id for each in sale.invoices if each.state in _DRAFT]
        if len(drafts) != 1:
            message = f"sale {sale.id} has {len(drafts)} invoices to post: approve it first, or look at it there"
            raise Rejected(f"`{desk.source}`: {message}", source=desk.source)
        draft = await desk.demand(facts.BILL, drafts[0])
        if sale.party != desk.number(command.party) or draft.reference not in (None, "", sale.reference):
            message = f"the invoice of sale {sale.id} is another party's, or was named by somebody else"
            raise Duplicate(f"`{desk.source}`: {message}", source=desk.source)
        wanted = {line.key for line in command.lines}
        if wanted and wanted != set(desk.told(sale, replayed=False).parts):
            message = f"sale {sale.id} is billed as a whole: name all of its lines, or none"
            raise Rejected(f"`{desk.source}`: {message}", source=desk.source)
        return await self._changed(draft.id, {"reference": name, **_dates(command)})

    async def _changed(self, draft: int, values: dict[str, Any]) -> int:
        await self._desk.client.write(facts.BILL, draft, encoded(values))
        return draft

    async def _made(self, command: PostInvoice, name: str) -> int:
        desk, party = self._desk, self._desk.number(command.party)
        company = await desk.company(command.legal_entity)
        debtor = await desk.debtor(command.party)
        address = await desk.demand_taxable(debtor)
        products = await desk.products(command.lines, command.currency)
        currency = await desk.currency(command.currency)
        lines = []
        for line in command.lines:
            product = products[line.product_code]
            category = product.template.account_category
            if category is None or category.account_revenue is None:
                message = f"product `{line.product_code}` has no revenue account: give its category one"
                raise Rejected(f"`{desk.source}`: {message}", source=desk.source)
            more: dict[str, Any] = {"company": company.id, "currency": currency, "account": category.account_revenue}
            lines.append(sold(line, product, **more))
        invoice = {
            "type": "out",
            "company": company.id,
            "party": party,
            "invoice_address": address,
            "currency": currency,
            "account": await desk.receivable(debtor),
            "journal": await self._journal("revenue"),
            "reference": name,
            "description": command.number,
            "comment": f"operation {command.operation}\nrequest {command.correlation}",
            "lines": made(*lines),
            **_dates(command),
        }
        return await desk.client.create(facts.BILL, encoded(invoice))

    async def _journal(self, kind: str) -> int:
        found: Named = await self._desk.only(
            Named, "account.journal", [["type", "=", kind]], ("code",), f"journal of the kind `{kind}`"
        )
        return found.id

    async def _posted(self, number: int, day: date, expected: Money | None) -> Written:
        desk = self._desk
        async with desk.posting(day, "revenue"):
            await desk.client.press(facts.BILL, number, "post", **facts.POSTING)
        document = await desk.demand(facts.BILL, number)
        return desk.told(document, replayed=False, expected=expected)

    # ------------------------------------------------------------ credited

    async def credit(self, command: CreditPosted, key: str) -> Written:
        """A credit note over the whole invoice, its lines turned round, so that taxes agree to the last unit; a draft
        of an earlier attempt is taken up again as an invoice's is. Raises Rejected for a part of the invoice: Tryton
        gives no tax that is certain to fit."""
        desk, name = self._desk, reference(facts.CREDIT, command.issued_key, key)
        invoice = await desk.demand(facts.BILL, desk.number(command.invoice_key))
        currency = command.amount.currency
        found = await self._under(name, str(invoice.party), currency)
        if found is not None and found.state in POSTED:
            return _given(desk.told(found, replayed=True))
        await desk.demand_open(command.posted_on)
        if found is None:
            whole = money(invoice.total_amount, "total_amount", currency)
            if invoice.state not in POSTED or whole != command.amount:
                message = f"credits posted invoices as a whole: {whole.amount} {currency}, not {command.amount.amount}"
                raise Rejected(f"`{desk.source}` {message}", source=desk.source)
            number = await self._turned(command, name, invoice)
        else:
            number = await self._changed(found.id, {"invoice_date": command.posted_on})
        return _given(await self._posted(number, command.posted_on, None))

    async def find_credit(self, command: CreditPosted, key: str) -> Written | None:
        """The posted credit note under its reference."""
        desk = self._desk
        invoice = await desk.demand(facts.BILL, desk.number(command.invoice_key))
        name = reference(facts.CREDIT, command.issued_key, key)
        found = await self._under(name, str(invoice.party), command.amount.currency)
        return _given(desk.told(found, replayed=True)) if found is not None and found.state in POSTED else None

    async def _turned(self, command: CreditPosted, name: str, invoice: Document) -> int:
        """A draft of the invoice's lines with their quantities below nothing, each naming the line it takes back."""
        desk = self._desk
        copied = await desk.copied(invoice.id)
        lines = [each.turned() for each in copied.lines]
        note = {
            **copied.header(),
            "reference": name,
            "invoice_date": command.posted_on,
            "description": command.reason,
            "comment": f"operation {command.operation}\nrequest {command.correlation}",
            "lines": made(*lines),
        }
        return await desk.client.create(facts.BILL, encoded(note))


def _given(written: Written) -> Written:
    """A credit is told above nothing, though its document is below it."""
    amounts = {name: -amount for name, amount in written.amounts.items()}
    return msgspec.structs.replace(written, amounts=amounts)


def _dates(command: PostInvoice) -> dict[str, Any]:
    """Days of an invoice. One that says when it is due has no payment term, which would say otherwise."""
    if command.due_on is None:
        return {"invoice_date": command.posted_on}
    return {"invoice_date": command.posted_on, "payment_term": None, "payment_term_date": command.due_on}
