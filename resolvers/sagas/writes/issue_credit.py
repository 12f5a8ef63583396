"""issueCredit: a credit note on an issued invoice, and its credit memo in the ledger."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.concerns import LEDGER
from resolvers.sagas.reading import entity, money, one, periods, recurring, some, today
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical import Money
from sources.canonical.commands import CreditInvoice, CreditPosted, Return, VoidCredit


class IssueCredit(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` in major units of the invoice's currency. `case`: the support case that caused it."""

    invoice: str
    amount: Decimal
    currency: str
    reason: c.CreditReason
    to: Return = Return.BALANCE
    case: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`posted`: what the ERP calls the invoice, None where it does not have it; `today`: the day in its entity."""

    amount: Money
    posted: str | None
    today: date


async def gather(read: Read, asked: IssueCredit, now: datetime) -> Facts:
    """The invoice as issued and as posted, and what may still be credited of it. Raises BadAsk, SourceError."""
    amount = money(asked.amount, asked.currency)
    invoice = await one(read, c.Invoice, asked.invoice)
    posted = await some(read, c.PostedInvoice, invoice.key, "invoice")
    seller = await entity(read, invoice.legal_entity)
    day = today(seller, now)
    since, shut = await periods(read, day)
    functional = seller.currency if seller is not None else ""
    return Facts(
        account=invoice.account_key or None,
        entity=invoice.legal_entity,
        functional=functional,
        amount=amount,
        arr=await recurring(read, invoice.account_key, functional) if invoice.account_key else None,
        period_start=since,
        documents=tuple(
            f"{kind}:{key}"
            for kind, key in (
                ("invoice", invoice.key),
                ("accountsubscription", invoice.subscription_key),
                ("case", asked.case),
            )
            if key
        ),
        findings=(*_refusals(invoice, amount), *(shut if posted is not None else ())),
        known=msgspec.to_builtins(Known(amount=amount, posted=posted.key if posted else None, today=day)),
    )


def _refusals(invoice: c.Invoice, amount: Money) -> list[Finding]:
    if invoice.currency != amount.currency:
        message = f"the invoice is in {invoice.currency}, not in {amount.currency}"
        return [Finding(code="CURRENCY_CONFLICT", message=message, path="currency")]
    if invoice.status in (c.InvoiceStatus.DRAFT, c.InvoiceStatus.VOID):
        message = f"the invoice is {invoice.status}: only an issued one is credited"
        return [Finding(code="INVOICE_NOT_ISSUED", message=message, path="invoice")]
    left = invoice.total - invoice.settlement.credit
    if amount.minor > left.minor:
        message = f"{amount.amount} is more than the {left.amount} that is not credited yet"
        return [Finding(code="CREDIT_EXCEEDS_INVOICE", message=message, path="amount")]
    return []


def _credit_note(state: State[IssueCredit, Known]) -> CreditInvoice:
    return CreditInvoice(
        operation=state.operation,
        correlation=state.correlation,
        invoice_key=state.input.invoice,
        amount=state.known.amount,
        to=state.input.to,
        reason=state.input.reason,
    )


def _void(state: State[IssueCredit, Known]) -> VoidCredit:
    return VoidCredit(operation=state.operation, correlation=state.correlation, credit_key=state.key_of("credit_note"))


def _credit_memo(state: State[IssueCredit, Known]) -> CreditPosted | None:
    """Nothing for an invoice that is not posted: the credit goes into the ledger after the invoice."""
    if state.known.posted is None:
        return None
    return CreditPosted(
        operation=state.operation,
        correlation=state.correlation,
        invoice_key=state.known.posted,
        amount=state.known.amount,
        posted_on=state.known.today,
        number=state.written["credit_note"].number,
        issued_key=state.key_of("credit_note"),
        reason=state.input.reason,
    )


SAGA = Saga(
    mutation="issueCredit",
    input=IssueCredit,
    known=Known,
    gather=gather,
    needs=(
        (c.Invoice, "key"),
        (c.PostedInvoice, "invoice"),
        (c.LegalEntity, "key"),
        (c.AccountingPeriod, "list"),
        (c.AccountSubscription, "account"),
    ),
    steps=(
        Step("credit_note", CreditInvoice, _credit_note, _void, concern=LEDGER, money=True),
        Step("credit_memo", CreditPosted, _credit_memo, concern=LEDGER, money=True, changeable=("posted_on",)),
    ),
    prompt=True,
)
