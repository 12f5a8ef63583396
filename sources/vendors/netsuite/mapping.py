"""NetSuite rows into canonical records: pure and total; an unknown word is an error with its field and value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from sources import canonical as c
from sources.canonical import CreditMemoStatus as Credit
from sources.canonical import Evidence, Money, OrderStatus, PostedStatus
from sources.canonical import PaymentStatus as Paid
from sources.errors import UnknownValue
from sources.vendors.netsuite.facts import CREDIT, INVOICE, ORDER, PAYMENT

VENDOR = "netsuite"
Row = Mapping[str, str]
T = TypeVar("T")

INVOICE_STATUS = {
    "A": PostedStatus.OPEN,
    "B": PostedStatus.PAID,
    "D": PostedStatus.PENDING_APPROVAL,
    "E": PostedStatus.REJECTED,
    "V": PostedStatus.VOID,
}
ORDER_STATUS = {
    "A": OrderStatus.SUBMITTED,
    "B": OrderStatus.APPROVED,
    "C": OrderStatus.CANCELED,
    "D": OrderStatus.PARTIALLY_FULFILLED,
    "E": OrderStatus.PARTIALLY_FULFILLED,
    "F": OrderStatus.PENDING_BILLING,
    "G": OrderStatus.BILLED,
    "H": OrderStatus.CLOSED,
}
PAYMENT_STATUS = {"A": Paid.PENDING, "B": Paid.SUCCEEDED, "C": Paid.SUCCEEDED, "V": Paid.CANCELED}
CREDIT_STATUS = {"A": Credit.OPEN, "B": Credit.APPLIED, "V": Credit.VOID}
HOLD = {"AUTO": c.CreditHoldOverride.AUTO, "ON": c.CreditHoldOverride.ON, "OFF": c.CreditHoldOverride.OFF}
REVENUE_STATE = {  # [K]
    "NOTSTARTED": c.RevenueState.PLANNED,
    "INPROGRESS": c.RevenueState.IN_PROGRESS,
    "COMPLETED": c.RevenueState.COMPLETED,
    "ONHOLD": c.RevenueState.ON_HOLD,
}


class Origin(msgspec.Struct, frozen=True):
    """Where and when rows were read, and the preferences that no query shows."""

    source: str
    as_of: datetime
    hold_preference: c.HoldPreference = c.HoldPreference.ENFORCE
    hold_overdue_days: int | None = None


# ---------------------------------------------------------------- values


def word(table: Mapping[str, T], field: str, raw: str | None) -> T:
    """A vocabulary's entry; raises UnknownValue."""
    try:
        return table[raw or ""]
    except KeyError:
        raise UnknownValue(VENDOR, field, raw) from None


def number(row: Row, name: str) -> Decimal | None:
    """A decimal, digit for digit."""
    raw = row.get(name)
    if raw is None or raw == "":
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise UnknownValue(VENDOR, name, raw) from None
    if not c.sensible(value):
        raise UnknownValue(VENDOR, name, raw)
    return value


def money(row: Row, name: str, currency: str) -> Money | None:
    """An amount in a currency; raises UnknownValue for one with more digits than the currency has."""
    value = number(row, name)
    if value is None:
        return None
    try:
        return Money.of(value, currency)
    except ValueError:
        raise UnknownValue(VENDOR, name, row[name]) from None


def size(row: Row, name: str, currency: str) -> Money:
    """An amount without its sign: headers of credits are negative."""
    found = money(row, name, currency) or Money.zero(currency)
    return -found if found.minor < 0 else found


def day(row: Row, name: str) -> date | None:
    """An ISO day."""
    raw = row.get(name)
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise UnknownValue(VENDOR, name, raw) from None


def moment(row: Row, name: str) -> datetime | None:
    """An ISO moment, UTC."""
    raw = row.get(name)
    try:
        return datetime.fromisoformat(raw).replace(tzinfo=UTC) if raw else None
    except ValueError:
        raise UnknownValue(VENDOR, name, raw) from None


def flag(row: Row, name: str) -> bool:
    """T or F; absent is F."""
    raw = row.get(name, "F")
    if raw not in ("T", "F"):
        raise UnknownValue(VENDOR, name, raw)
    return raw == "T"


def currency_of(row: Row, name: str = "currency") -> str:
    """The currency code; a row without one has no amounts that mean anything."""
    found = row.get(name)
    if found is None or len(found) != 3:
        raise UnknownValue(VENDOR, name, found)
    return found


def external(raw: str | None, prefix: str) -> str | None:
    """What stands behind our prefix of an external id."""
    return raw.removeprefix(prefix) if raw is not None and raw.startswith(prefix) else None


def evidence(origin: Origin, field: str, raw: str | None) -> tuple[Evidence, ...]:
    """The untranslated word."""
    return (Evidence(origin.source, field, raw or ""),)


def _owned(row: Row, origin: Origin, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "source": origin.source,
        "source_id": row["id"],
        "as_of": origin.as_of,
        "account_key": row.get("account_key", ""),
        "source_account_id": row.get("customer", ""),
    }


# ---------------------------------------------------------------- customers


def billing_profile(row: Row, origin: Origin) -> c.BillingProfile:
    """A customer record."""
    currency = currency_of(row)
    return c.BillingProfile(
        **{**_owned(row, origin, row["id"]), "source_account_id": row["id"]},
        name=row.get("name", ""),
        legal_entity=row.get("entity"),
        currency=currency,
        billing_parent_id=row.get("parent"),
        payer_id=row.get("payer"),
        inactive=flag(row, "inactive"),
        terms=row.get("terms"),
        credit_limit=money(row, "limit", currency),
        credit_hold_override=word(HOLD, "creditholdoverride", row.get("hold", "AUTO").upper()),
        hold_preference=origin.hold_preference,
        hold_overdue_days=origin.hold_overdue_days,
        balance=money(row, "balance", currency),
        overdue_balance=money(row, "overdue", currency),
        unbilled_orders=money(row, "unbilled", currency),
        days_overdue=int(number(row, "days_overdue") or 0),
        tax_number=row.get("tax_number"),
        email=row.get("email"),
        updated_at=moment(row, "updated"),
    )


def tax_profile(row: Row, origin: Origin) -> c.TaxProfile:
    """The same record's tax side."""
    return c.TaxProfile(
        **{**_owned(row, origin, row["id"]), "source_account_id": row["id"]},
        legal_entity=row.get("entity"),
        tax_number=row.get("tax_number"),
        nexus=row.get("nexus"),
        country=row.get("entity_country"),
        exempt=flag(row, "exempt"),
        exemption_reason=row.get("exemption_reason"),
        reverse_charge=flag(row, "reverse_charge"),
    )


# ---------------------------------------------------------------- transactions


def posted_invoice(row: Row, origin: Origin) -> c.PostedInvoice:
    """An invoice in the receivables ledger."""
    currency = currency_of(row)
    return c.PostedInvoice(
        **_owned(row, origin, row["id"]),
        invoice_key=external(row.get("externalid"), INVOICE),
        number=row.get("number"),
        status=word(INVOICE_STATUS, "transaction.status of an invoice", row.get("status")),
        status_evidence=evidence(origin, "transaction.status", row.get("status")),
        legal_entity=row.get("entity"),
        currency=currency,
        exchange_rate=number(row, "rate"),
        total=size(row, "total", currency),
        tax=money(row, "tax", currency),
        paid=size(row, "paid", currency),
        remaining=size(row, "unpaid", currency),
        posted_on=day(row, "on"),
        due_on=day(row, "due"),
        period=row.get("period"),
        disputed=flag(row, "disputed"),
        written_off=flag(row, "written_off"),
        updated_at=moment(row, "updated"),
    )


def sales_order(row: Row, origin: Origin) -> c.SalesOrder:
    """A sales order."""
    currency = currency_of(row)
    return c.SalesOrder(
        **_owned(row, origin, row["id"]),
        order_key=external(row.get("externalid"), ORDER),
        subscription_key=row.get("subscription"),
        number=row.get("number"),
        status=word(ORDER_STATUS, "transaction.status of a sales order", row.get("status")),
        status_evidence=evidence(origin, "transaction.status", row.get("status")),
        currency=currency,
        total=size(row, "total", currency),
        ordered_on=day(row, "on"),
        legal_entity=row.get("entity"),
        updated_at=moment(row, "updated"),
    )


def _applications(rows: Sequence[Row], currency: str) -> tuple[c.Application, ...]:
    return tuple(
        c.Application(
            invoice_key=external(row.get("applied_external"), INVOICE),
            source_document_id=row["applied_to"],
            amount=size(row, "applied_amount", currency),
        )
        for row in rows
        if "applied_to" in row
    )


def payment(rows: Sequence[Row], origin: Origin) -> c.Payment:
    """A customer payment from its rows, one for each invoice it was applied to."""
    row, currency = rows[0], currency_of(rows[0])
    amount, unused = size(row, "total", currency), size(row, "unused", currency)
    gateway = external(row.get("externalid"), PAYMENT)
    return c.Payment(
        **_owned(row, origin, gateway or row["id"]),
        status=word(PAYMENT_STATUS, "transaction.status of a payment", row.get("status")),
        status_evidence=evidence(origin, "transaction.status", row.get("status")),
        legal_entity=row.get("entity"),
        amount=amount,
        applied=amount - unused,
        unapplied=unused,
        applications=_applications(rows, currency),
        on_account=not any("applied_to" in each for each in rows),
        received_on=day(row, "on"),
        reference=row.get("reference"),
        posted=True,
    )


def credit_memo(rows: Sequence[Row], origin: Origin) -> c.CreditMemo:
    """A credit memo from its rows."""
    row, currency = rows[0], currency_of(rows[0])
    applications = _applications(rows, currency)
    note = external(row.get("externalid"), CREDIT)
    return c.CreditMemo(
        **_owned(row, origin, note or row["id"]),
        number=row.get("number"),
        status=word(CREDIT_STATUS, "transaction.status of a credit memo", row.get("status")),
        status_evidence=evidence(origin, "transaction.status", row.get("status")),
        legal_entity=row.get("entity"),
        total=size(row, "total", currency),
        unapplied=size(row, "unused", currency),
        applications=applications,
        invoice_key=applications[0].invoice_key if applications else None,
        issued_on=day(row, "on"),
        memo=row.get("memo"),
        posted=True,
    )


def write_off(rows: Sequence[Row], origin: Origin) -> c.WriteOff:
    """A credit memo that our company marks as a write-off."""
    row, currency = rows[0], currency_of(rows[0])
    applications = _applications(rows, currency)
    return c.WriteOff(
        **_owned(row, origin, row["id"]),
        invoice_key=applications[0].invoice_key if applications else None,
        amount=size(row, "total", currency),
        legal_entity=row.get("entity"),
        written_off_on=day(row, "on"),
        memo=row.get("memo"),
    )


# ---------------------------------------------------------------- ledger


def revenue_schedule(row: Row, origin: Origin) -> c.RevenueSchedule:
    """A revenue element; read, never computed."""
    currency = currency_of(row)
    state = (
        c.RevenueState.ON_HOLD if flag(row, "hold") else word(REVENUE_STATE, "revenueelement.status", row.get("status"))
    )
    return c.RevenueSchedule(
        **_owned(row, origin, row["id"]),
        obligation=row.get("obligation", ""),
        method=row.get("method"),
        state=state,
        legal_entity=row.get("entity"),
        start_on=day(row, "start"),
        end_on=day(row, "end"),
        allocated=size(row, "allocated", currency),
        recognised=size(row, "recognised", currency),
        deferred=size(row, "deferred", currency),
        block_reason=row.get("comments") if state is c.RevenueState.ON_HOLD else None,
        invoice_key=external(row.get("invoice"), INVOICE),
        subscription_key=row.get("subscription"),
    )


def ledger_posting(row: Row, origin: Origin) -> c.LedgerPosting:
    """One line of a posted document."""
    currency = currency_of(row)
    return c.LedgerPosting(
        **_owned(row, origin, f"{row['document']}:{row.get('line', '0')}"),
        invoice_key=external(row.get("invoice"), INVOICE),
        document_id=row["document"],
        ledger_account=row.get("ledger_account", ""),
        debit=size(row, "debit", currency),
        credit=size(row, "credit", currency),
        period=row.get("period"),
        posted_on=day(row, "on"),
        legal_entity=row.get("entity"),
        exchange_rate=number(row, "rate"),
    )


def _plain(row: Row, origin: Origin, key: str) -> dict[str, Any]:
    return {"key": key, "source": origin.source, "source_id": row["id"], "as_of": origin.as_of}


def legal_entity(row: Row, origin: Origin) -> c.LegalEntity:
    """A subsidiary; one without a code goes by its id."""
    return c.LegalEntity(
        **_plain(row, origin, row.get("code", row["id"])),
        name=row.get("name", ""),
        country=row.get("country"),
        currency=currency_of(row),
        time_zone=row.get("time_zone", "UTC"),
        parent_key=row.get("parent"),
        inactive=flag(row, "inactive"),
        tax_number=row.get("tax_number"),
    )


def period(row: Row, origin: Origin) -> c.AccountingPeriod:
    """A posting period."""
    start, end = day(row, "start"), day(row, "end")
    if start is None or end is None:
        raise UnknownValue(VENDOR, "accountingperiod.startdate", None)
    return c.AccountingPeriod(
        **_plain(row, origin, row["id"]),
        name=row.get("name", ""),
        start_on=start,
        end_on=end,
        closed=flag(row, "closed"),
        receivables_locked=flag(row, "receivables"),
        all_locked=flag(row, "all"),
    )


def exchange_rate(row: Row, origin: Origin) -> c.ExchangeRate:
    """What a unit of a currency is worth: units of the base for one of the other."""
    on, rate = day(row, "on"), number(row, "rate")
    if on is None:
        raise UnknownValue(VENDOR, "currencyrate.effectivedate", None)
    if rate is None or rate <= 0:
        raise UnknownValue(VENDOR, "currencyrate.exchangerate", row.get("rate"))
    return c.ExchangeRate(
        **_plain(row, origin, row["id"]),
        base=currency_of(row, "base"),
        currency=currency_of(row),
        effective_on=on,
        rate=rate,
    )


def item(row: Row, origin: Origin) -> c.ErpItem:
    """An item."""
    return c.ErpItem(
        **_plain(row, origin, row["id"]),
        product_code=row.get("code", ""),
        name=row.get("name", row.get("code", "")),
        item_type=row.get("type"),
        inactive=flag(row, "inactive"),
        tax_schedule=row.get("tax_schedule"),
        revenue_rule=row.get("revenue_rule"),
    )
