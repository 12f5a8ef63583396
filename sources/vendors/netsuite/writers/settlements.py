"""What settles posted invoices: credit memos, write-offs (credit memos that say so), receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sources.canonical import Money
from sources.canonical.commands import Application, CreditPosted, ReceivePayment, WriteOffBalance, Written
from sources.errors import Duplicate, Rejected, UnknownValue
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.client import Row
from sources.vendors.netsuite.mapping import VENDOR
from sources.vendors.netsuite.wire import Document, Line
from sources.vendors.netsuite.writers import bodies
from sources.vendors.netsuite.writers.amounts import allocate, in_major, in_minor
from sources.vendors.netsuite.writers.bodies import Body, present, ref
from sources.vendors.netsuite.writers.documents import Documents, Wanted
from sources.vendors.netsuite.writers.identity import demand_id, demand_positive
from sources.vendors.netsuite.writers.invoices import KIND as INVOICE
from sources.vendors.netsuite.writers.names import external_id

CREDIT, PAYMENT = "creditMemo", "customerPayment"
Credit = CreditPosted | WriteOffBalance


class Settlements:
    """The credits and receipts of one account."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    # ------------------------------------------------------------ credits and write-offs

    async def credit(self, command: Credit, key: str) -> Written:
        """A credit memo from the invoice, with its items and tax codes, applied to what is left of it. Raises Locked
        for a closed period, Rejected for another currency than the invoice's, and for more than it has, or (of a
        write-off) than is left."""
        wanted, invoice = await self._wanted_credit(command, key)

        async def prepared() -> tuple[str, Mapping[str, Any]]:
            _, closed = await asyncio.gather(
                self._documents.demand_currency(invoice, wanted.currency),
                self._documents.lookups.closed(command.posted_on),
            )
            if closed is not None:
                raise closed
            return f"{INVOICE}/{invoice.id}/!transform/{CREDIT}?replace=item", self._memo(command, wanted, invoice)

        return await self._documents.make(wanted, prepared, "credit_memos.post")

    async def find_credit(self, command: Credit, key: str) -> Written | None:
        """The credit memo under its external id."""
        wanted, _ = await self._wanted_credit(command, key)
        return await self._documents.find(wanted)

    async def _wanted_credit(self, command: Credit, key: str) -> tuple[Wanted, Document]:
        source = self._documents.source
        demand_id(command.invoice_key, source)
        demand_positive(command.amount, source)
        invoice = await self._documents.read(INVOICE, command.invoice_key)
        wanted = Wanted(
            kind=CREDIT,
            external=external_id(command, key),
            party=invoice.party,
            currency=command.amount.currency,
            gross=command.amount,
        )
        return wanted, invoice

    def _memo(self, command: Credit, wanted: Wanted, invoice: Document) -> Body:
        amount = command.amount
        left = self._documents.money(invoice, "amountRemaining", amount.currency)
        off = isinstance(command, WriteOffBalance)
        if off and amount.minor > left.minor:
            raise self._too_much(amount, left, f"is left of invoice {invoice.id}")
        taken = Money(min(amount.minor, left.minor), amount.currency)
        settled = [Application(invoice_key=invoice.id, amount=taken)] if taken else []
        return {
            **bodies.header(command, wanted.external, command.posted_on),
            "toBeEmailed": False,
            "item": {"items": self._shares(amount, invoice)},
            "apply": bodies.applied(settled),
            **({facts.WRITTEN_OFF: True} if off else {}),
            **present(memo=command.reason, tranId=command.number if isinstance(command, CreditPosted) else None),
        }

    def _shares(self, amount: Money, invoice: Document) -> list[Body]:
        """The amount over the invoice's lines, so that each carries its own tax code: gross, to the last unit."""
        currency = amount.currency
        lines = [line for line in invoice.item.items if line.item is not None]
        sizes = [self._size(line, currency) for line in lines]
        whole = sum(size for size in sizes if size > 0)
        if amount.minor > whole:
            raise self._too_much(amount, Money(whole, currency), f"was sold by invoice {invoice.id}")
        parts = allocate(amount.minor, [max(size, 0) for size in sizes])
        return [
            {"line": line.place, "grossAmt": in_major(part, currency)}
            for line, part in zip(lines, parts, strict=True)
            if part
        ]

    def _size(self, line: Line, currency: str) -> int:
        """What a line comes to, in minor units; raises UnknownValue for more digits than the currency has."""
        amount = line.amount if line.grossAmt is None else line.grossAmt
        try:
            return in_minor(amount, currency)
        except ValueError:
            raise UnknownValue(VENDOR, "grossAmt", amount) from None

    def _too_much(self, amount: Money, bound: Money, words: str) -> Rejected:
        shown = f"{amount.amount} {amount.currency} is more than the {bound.amount} that {words}"
        return Rejected(f"`{self._documents.source}`: {shown}", source=self._documents.source)

    # ------------------------------------------------------------ receipts

    async def receive(self, command: ReceivePayment, key: str) -> Written:
        """A receipt with what it settles; the rest stays on account. Raises Duplicate for a reference that was used."""
        wanted = self._wanted_payment(command, key)

        async def prepared() -> tuple[str, Mapping[str, Any]]:
            lookups = self._documents.lookups
            closed, used, subsidiary, currency = await asyncio.gather(
                lookups.closed(command.received_on),
                lookups.received(command.reference),
                lookups.subsidiary(command.legal_entity),
                lookups.currency(command.amount.currency),
            )
            self._demand_unused(command, wanted, used)
            if closed is not None:
                raise closed
            return PAYMENT, {
                **bodies.header(command, wanted.external, command.received_on),
                "customer": ref(command.party),
                "subsidiary": ref(subsidiary),
                "currency": ref(currency),
                "payment": command.amount.amount,
                "otherRefNum": command.reference,
                "undepFunds": True,
                "toBeEmailed": False,
                "apply": bodies.applied(command.applications),
            }

        written = await self._documents.make(wanted, prepared, "payments.receive")
        return await self._ours(command, written)

    async def find_receipt(self, command: ReceivePayment, key: str) -> Written | None:
        """The receipt under its external id."""
        found = await self._documents.find(self._wanted_payment(command, key))
        return None if found is None else await self._ours(command, found)

    def _wanted_payment(self, command: ReceivePayment, key: str) -> Wanted:
        source, amount = self._documents.source, command.amount
        demand_id(command.party, source)
        demand_positive(amount, source)
        for each in command.applications:
            demand_id(each.invoice_key, source)
            demand_positive(each.amount, source)
            if each.amount.currency != amount.currency:
                words = f"an application in {each.amount.currency} of a receipt in {amount.currency}"
                raise Rejected(f"`{source}` takes one currency a document, not {words}", source=source)
        settled = sum((each.amount for each in command.applications), Money.zero(amount.currency))
        if settled.minor > amount.minor:
            raise self._too_much(settled, amount, "was received")
        return Wanted(
            kind=PAYMENT,
            external=external_id(command, key),
            party=command.party,
            currency=amount.currency,
            gross=amount,
        )

    def _demand_unused(self, command: ReceivePayment, wanted: Wanted, used: list[Row]) -> None:
        if any(row.get("externalid") != wanted.external for row in used):
            raise self._used(command)

    async def _ours(self, command: ReceivePayment, written: Written) -> Written:
        """A receipt that is there under the bank's reference has to be this operation's."""
        if written.replayed and command.issued_key is None:
            document = await self._documents.read(PAYMENT, written.key)
            if document.custbody_gateway_op_id not in (None, command.operation):
                raise self._used(command)
        return written

    def _used(self, command: ReceivePayment) -> Duplicate:
        source = self._documents.source
        message = f"`{source}` has a receipt with the reference `{command.reference[:60]}` already: it is used once"
        return Duplicate(message, source=source)
