"""recordPayment and writeOff: what was paid outside the billing system, and what is given up, on posted invoices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.concerns import LEDGER
from resolvers.sagas.reading import entity, many, money, one, periods, today
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do

NEEDS = (
    (c.Invoice, "key"),
    (c.PostedInvoice, "invoice"),
    (c.LegalEntity, "key"),
    (c.AccountingPeriod, "list"),
    (c.BillingProfile, "account"),
    (c.Payment, "account"),
    (c.WriteOff, "invoice"),
)


class RecordPayment(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is the bank's own; `amount` in major units of the invoice's currency. What was written off may still
    be paid: then it stays on the customer's account until finance has reinstated what it is for."""

    invoice: str
    amount: Decimal
    currency: str
    received_on: date
    reference: str


class WriteOff(msgspec.Struct, frozen=True, kw_only=True):
    """Gives up `amount` of what is left of an invoice."""

    invoice: str
    amount: Decimal
    currency: str
    explanation: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`posted` is the invoice and `party` its customer as the ERP calls them; `settles` is how much of the amount goes
    to the invoice; `asked_for` is the invoice where billing still asks for it and nothing is left of it after this;
    `today` the day in its entity."""

    amount: Money
    settles: Money
    asked_for: str | None
    posted: str
    party: str
    entity: str
    today: date


async def _posted(
    read: Read, key: str, amount: Money, now: datetime, day: date | None, *, given_up: bool = False
) -> tuple[Facts, Known]:
    """What both writes are about: an invoice that the ledger has, and what is left of it; with `given_up` also what was
    written off of it."""
    invoice = await one(read, c.Invoice, key)
    posted = await one(read, c.PostedInvoice, key, "invoice")
    sells = posted.legal_entity or invoice.legal_entity or ""
    seller = await entity(read, sells)
    local = today(seller, now)
    since, shut = await periods(read, day or local)
    findings = [msgspec.structs.replace(each, path="receivedOn" if day is not None else None) for each in shut]
    left = posted.remaining
    if given_up:
        lost = await many(read, c.WriteOff, "invoice", key)
        left = sum((each.amount for each in lost if each.amount.currency == left.currency), left)
    if amount.currency != posted.currency:
        message = f"the invoice is in {posted.currency}, not in {amount.currency}"
        findings.append(Finding(code="CURRENCY_CONFLICT", message=message, path="currency"))
    elif amount.minor > left.minor:
        message = f"{amount.amount} is more than the {left.amount} that is left of it"
        findings.append(Finding(code="AMOUNT_EXCEEDS_INVOICE", message=message, path="amount"))
    profiles = await many(read, c.BillingProfile, "account", posted.account_key)
    party = next((each.key for each in profiles if each.legal_entity == sells), posted.source_account_id)
    settles = Money(min(amount.minor, posted.remaining.minor), amount.currency)
    asked_for = invoice.key if amount.minor == left.minor and invoice.remaining.minor > 0 else None
    known = Known(
        amount=amount, settles=settles, asked_for=asked_for, posted=posted.key, party=party, entity=sells, today=local
    )
    facts = Facts(
        account=posted.account_key or None,
        entity=sells or None,
        functional=seller.currency if seller else "",
        amount=amount,
        period_start=since,
        documents=(f"invoice:{invoice.key}",),
        findings=tuple(findings),
        known=msgspec.to_builtins(known),
    )
    return facts, known


async def gather_payment(read: Read, asked: RecordPayment, now: datetime) -> Facts:
    """As both, and whether the bank's reference is recorded already."""
    amount = money(asked.amount, asked.currency)
    facts, known = await _posted(read, asked.invoice, amount, now, asked.received_on, given_up=True)
    before = await many(read, c.Payment, "account", facts.account or "")
    reference = asked.reference.strip().casefold()
    duplicate = any((each.reference or "").strip().casefold() == reference for each in before)
    return msgspec.structs.replace(
        facts,
        figures={"backdated_days": Decimal(max((known.today - asked.received_on).days, 0))},
        flags={"bank_reference": bool(reference), "duplicate_reference": duplicate, "reversal": False},
    )


async def gather_write_off(read: Read, asked: WriteOff, now: datetime) -> Facts:
    """As both."""
    facts, _ = await _posted(read, asked.invoice, money(asked.amount, asked.currency), now, None)
    return facts


def _payment(state: State[RecordPayment, Known]) -> do.ReceivePayment:
    settles = state.known.settles
    applied = (do.Application(invoice_key=state.known.posted, amount=settles),) if settles.minor else ()
    return do.ReceivePayment(
        operation=state.operation,
        correlation=state.correlation,
        party=state.known.party,
        legal_entity=state.known.entity,
        amount=state.known.amount,
        received_on=state.input.received_on,
        reference=state.input.reference,
        applications=applied,
    )


def _write_off(state: State[WriteOff, Known]) -> do.WriteOffBalance:
    return do.WriteOffBalance(
        operation=state.operation,
        correlation=state.correlation,
        invoice_key=state.known.posted,
        amount=state.known.amount,
        posted_on=state.known.today,
        reason=state.input.explanation,
    )


def _settle(state: State[RecordPayment, Known]) -> do.SettleInvoice | None:
    """Nobody is asked for what was paid."""
    if state.known.asked_for is None:
        return None
    return do.SettleInvoice(operation=state.operation, correlation=state.correlation, invoice_key=state.known.asked_for)


def _give_up(state: State[WriteOff, Known]) -> do.GiveUpInvoice | None:
    """Nobody is asked for what is given up whole."""
    if state.known.asked_for is None:
        return None
    return do.GiveUpInvoice(operation=state.operation, correlation=state.correlation, invoice_key=state.known.asked_for)


RECORD_PAYMENT = Saga(
    mutation="recordPayment",
    input=RecordPayment,
    known=Known,
    gather=gather_payment,
    needs=NEEDS,
    steps=(
        Step(
            "payment",
            do.ReceivePayment,
            _payment,
            concern=LEDGER,
            pivot=True,
            money=True,
            changeable=("received_on",),
        ),
        Step("settle", do.SettleInvoice, _settle, concern=LEDGER),
    ),
    prompt=True,
)
WRITE_OFF = Saga(
    mutation="writeOff",
    input=WriteOff,
    known=Known,
    gather=gather_write_off,
    needs=NEEDS,
    steps=(
        Step(
            "write_off",
            do.WriteOffBalance,
            _write_off,
            concern=LEDGER,
            pivot=True,
            money=True,
            changeable=("posted_on",),
        ),
        Step("give_up", do.GiveUpInvoice, _give_up, concern=LEDGER),
    ),
    prompt=True,
)
