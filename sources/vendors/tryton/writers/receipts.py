"""Receipts: postings that take money in and what it settles off the customer."""

from __future__ import annotations

from typing import Any

from sources.canonical import Money
from sources.canonical.commands import ReceivePayment, Written
from sources.errors import Duplicate, Rejected
from sources.vendors.tryton import facts
from sources.vendors.tryton.mapping import code_of
from sources.vendors.tryton.values import encoded, made
from sources.vendors.tryton.wire import Row
from sources.vendors.tryton.writers.desk import Desk, reference
from sources.vendors.tryton.writers.rows import Method, Paid

_LINE = ("party", "description", "account", "invoice_payment")
_PAID = ("journal", "number", "description", "state", *(f"lines.{name}" for name in _LINE))


class Receipts:
    """The receipts of one company."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def receive(self, command: ReceivePayment, key: str) -> Written:
        """Posts what came in; the rest stays on account. Tryton closes what is paid in its own run: REST may not.
        A draft that an earlier attempt left under the same name is taken up again, with the day of this one: its own
        may be what it was refused for. Raises Duplicate for a bank's reference that was used, Locked for a closed
        period."""
        desk, name = self._desk, reference(facts.PAYMENT, command.issued_key, key)
        found = await self._under(name)
        if found is not None:
            told = self._told(found, command, replayed=True)
            if found.state == "posted":
                return told
        else:
            await self._demand_unused(command)
        period = await desk.demand_open(command.received_on)
        if found is None:
            found = await self._made(command, name, period)
        else:
            await self._dated(found, command, period)
        async with desk.posting(command.received_on, found.journal):
            await desk.client.press(facts.MOVE, found.id, "post")
        return self._told(await self._demand(name), command, replayed=False)

    async def find(self, command: ReceivePayment, key: str) -> Written | None:
        """The posted receipt under its name."""
        found = await self._under(reference(facts.PAYMENT, command.issued_key, key))
        return self._told(found, command, replayed=True) if found is not None and found.state == "posted" else None

    async def _under(self, name: str) -> Paid | None:
        company = ["company", "=", self._desk.client.settings.company]
        domain = [["description", "=", name], company]
        found = await self._desk.client.search(Paid, facts.MOVE, domain, _PAID, limit=2)
        if len(found) > 1:
            raise Duplicate(f"`{self._desk.source}` has several receipts under `{name}`", source=self._desk.source)
        return found[0] if found else None

    async def _demand(self, name: str) -> Paid:
        found = await self._under(name)
        if found is None:
            raise Rejected(f"`{self._desk.source}` does not show its receipt `{name}`", source=self._desk.source)
        return found

    async def _demand_unused(self, command: ReceivePayment) -> None:
        domain = [["lines.description", "=", command.reference], ["company", "=", self._desk.client.settings.company]]
        if await self._desk.client.search(Row, facts.MOVE, domain, (), limit=1):
            message = f"has a receipt with the reference `{command.reference[:60]}` already: it is used once"
            raise Duplicate(f"`{self._desk.source}` {message}", source=self._desk.source)

    async def _made(self, command: ReceivePayment, name: str, period: int) -> Paid:
        desk, amount, party = self._desk, command.amount, self._desk.number(command.party)
        company = await desk.company(command.legal_entity)
        if amount.currency != code_of(company.currency, "company.currency") or amount.minor <= 0:
            message = f"takes receipts above nothing in {company.currency.code}, not {amount.amount} {amount.currency}"
            raise Rejected(f"`{desk.source}` {message}", source=desk.source)
        settings, account = desk.client.settings, await desk.receivable(await desk.debtor(command.party))
        method: Method = await desk.only(
            Method,
            "account.invoice.payment.method",
            [["name", "=", settings.receipts], ["company", "=", company.id]],
            ("journal", "debit_account"),
            f"payment method `{settings.receipts}`",
        )
        rest, lines = amount, [_line(command, method.debit_account, debit=amount)]
        for each in command.applications:
            rest = rest - each.amount
            invoice = desk.number(each.invoice_key)
            lines.append(_line(command, account, credit=each.amount, party=party, invoice_payment=invoice))
        if rest.minor < 0:
            raise Rejected(f"`{desk.source}`: more is settled than was received", source=desk.source)
        if rest:
            lines.append(_line(command, account, credit=rest, party=party))
        move = {
            "company": company.id,
            "journal": method.journal,
            "period": period,
            "date": command.received_on,
            "description": name,
            "lines": made(*lines),
        }
        async with desk.posting(command.received_on, method.journal):
            await desk.client.create(facts.MOVE, encoded(move))
        return await self._demand(name)

    async def _dated(self, draft: Paid, command: ReceivePayment, period: int) -> None:
        """Gives a draft the day of this attempt. Tryton looks whether a journal is closed where lines are made or
        changed, and not here."""
        day = command.received_on
        await self._desk.demand_journal(day, draft.journal)
        async with self._desk.posting(day, draft.journal):
            await self._desk.client.write(facts.MOVE, draft.id, encoded({"period": period, "date": day}))

    def _told(self, receipt: Paid, command: ReceivePayment, *, replayed: bool) -> Written:
        desk = self._desk
        mine = {line.party for line in receipt.lines if line.party is not None} == {desk.number(command.party)}
        if not mine or {line.description for line in receipt.lines} != {command.reference}:
            message = f"has another receipt under the name of this one (its id is {receipt.id})"
            raise Duplicate(f"`{desk.source}` {message}", source=desk.source)
        return Written(
            source=desk.source,
            key=str(receipt.id),
            number=receipt.number,
            at=desk.client.now(),
            amounts={"total": command.amount},
            replayed=replayed,
        )


def _line(
    command: ReceivePayment, account: int, *, debit: Money | None = None, credit: Money | None = None, **more: Any
) -> dict[str, Any]:
    zero = Money.zero(command.amount.currency)
    return {
        "account": account,
        "debit": (debit or zero).amount,
        "credit": (credit or zero).amount,
        "description": command.reference,
        **more,
    }
