"""A small ERP book by hand: two entities, yen, umlauts, a locked period, a write-off, a second customer of one account."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sources.simulation.enterprise import (
    BillingBook,
    CrmBook,
    Enterprise,
    ErpBook,
    ErpCatalogItem,
    ErpCustomer,
    ErpDocument,
    ErpDocumentLine,
    ErpEntity,
    ErpPeriod,
    ErpPosting,
    ErpRate,
    ErpRevenue,
    SupportBook,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ACME, SAKURA = "001A00000000001AAA", "001A00000000002AAA"


def empty(book: type[Any]) -> Any:
    return book(**dict.fromkeys((field.name for field in msgspec.structs.fields(book)), ()))


def customer(key: int, name: str, **changes: Any) -> ErpCustomer:
    one = ErpCustomer(
        id=str(key),
        external_id=None,
        number=f"C{key}",
        name=name,
        parent_id=None,
        payer_id=None,
        entity_id="1",
        currency="USD",
        inactive=False,
        terms="Net 30",
        credit_limit=Decimal(10_000),
        hold="auto",
        balance=Decimal(0),
        overdue_balance=Decimal(0),
        unbilled_orders=Decimal(0),
        days_overdue=0,
        tax_number=None,
        nexus=None,
        tax_exempt=False,
        exemption_reason=None,
        reverse_charge=False,
        country="US",
        email=None,
        updated_at=datetime(2026, 10, 1, 12, tzinfo=UTC),
    )
    return msgspec.structs.replace(one, **changes)


def document(key: int, kind: str, status: str, total: str, **changes: Any) -> ErpDocument:
    one = ErpDocument(
        id=str(key),
        kind=kind,
        external_id=None,
        number=f"{kind[:3].upper()}-{key}",
        customer_id="101",
        entity_id="1",
        currency="USD",
        exchange_rate=Decimal(1),
        status=status,
        on=date(2026, 11, 2),
        due_on=None,
        period_id="11",
        total=Decimal(total),
        tax=Decimal(0),
        paid=Decimal(0),
        remaining=Decimal(0),
        disputed=False,
        lines=(),
        applied_to=(),
        postings=(),
        subscription_id=None,
        memo=None,
        reference=None,
        created_at=datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC),
        updated_at=datetime(2026, 11, 3, 8, 15, 30, tzinfo=UTC),
    )
    return msgspec.structs.replace(one, **changes)


def entity(key: str, code: str, name: str, currency: str, zone: str, parent: str | None) -> ErpEntity:
    return ErpEntity(
        id=key,
        code=code,
        name=name,
        country=code,
        currency=currency,
        time_zone=zone,
        parent_id=parent,
        tax_number=f"{code}-TAX",
    )


def period(key: int, name: str, start: date, end: date, **changes: Any) -> ErpPeriod:
    one = ErpPeriod(
        id=str(key),
        name=name,
        start_on=start,
        end_on=end,
        closed=False,
        receivables_locked=False,
        all_locked=False,
        posting=True,
    )
    return msgspec.structs.replace(one, **changes)


def line(number: int, amount: str, tax: str = "0") -> ErpDocumentLine:
    return ErpDocumentLine(
        number=number,
        item_id="501",
        quantity=Decimal(2),
        rate=Decimal(amount) / 2,
        amount=Decimal(amount),
        tax=Decimal(tax),
    )


def postings(*sides: tuple[str, str, str]) -> tuple[ErpPosting, ...]:
    return tuple(
        ErpPosting(line=number, account=account, debit=Decimal(debit), credit=Decimal(credit))
        for number, (account, debit, credit) in enumerate(sides)
    )


def rate(key: int, base: str, currency: str, on: date, worth: str) -> ErpRate:
    return ErpRate(id=str(key), base=base, currency=currency, effective_on=on, rate=Decimal(worth))


DOCUMENTS = (
    document(
        1001,
        "invoice",
        "open",
        "119.50",
        external_id="stripe:in_1",
        due_on=date(2026, 11, 12),
        tax=Decimal("19.50"),
        paid=Decimal("19.20"),
        remaining=Decimal("100.30"),
        lines=(line(1, "60"), line(2, "40")),
        postings=postings(
            ("Accounts Receivable", "119.50", "0"), ("Revenue", "0", "100"), ("Tax Payable", "0", "19.50")
        ),
        subscription_id="sub_1",
        disputed=True,
    ),
    document(1002, "invoice", "paid", "0.1", external_id="stripe:in_2", paid=Decimal("0.1"), period_id="10", on=date(2026, 10, 5)),
    document(1003, "payment", "deposited", "19.20", external_id="stripe:pi_1", applied_to=(("1001", Decimal("19.20")),)),
    document(1004, "credit_memo", "open", "5.2", external_id="stripe:cn_1", remaining=Decimal("5.2")),
    document(1005, "write_off", "posted", "0.2", applied_to=(("1002", Decimal("0.2")),), memo="bad debt"),
    document(1006, "sales_order", "pending_billing_partial", "250", external_id="crm:801A", period_id=None, lines=(line(1, "250"),)),
    document(1007, "invoice", "open", "150000", customer_id="103", entity_id="3", currency="JPY", exchange_rate=Decimal("0.0067"), remaining=Decimal(150_000)),
    document(1008, "invoice", "voided", "1"),
)  # fmt: skip

ERP = ErpBook(
    entities=(
        entity("1", "US", "Opsgraph Inc.", "USD", "America/New_York", None),
        entity("2", "DE", "Opsgraph GmbH", "EUR", "Europe/Berlin", "1"),
        entity("3", "JP", "オプスグラフ株式会社", "JPY", "Asia/Tokyo", "1"),
    ),
    periods=(
        period(1, "FY 2026", date(2026, 1, 1), date(2026, 12, 31), posting=False),
        period(4, "Q4 2026", date(2026, 10, 1), date(2026, 12, 31), posting=False),
        period(9, "Sep 2026", date(2026, 9, 1), date(2026, 9, 30), closed=True, all_locked=True),
        period(10, "Oct 2026", date(2026, 10, 1), date(2026, 10, 31), receivables_locked=True),
        period(11, "Nov 2026", date(2026, 11, 1), date(2026, 11, 30)),
    ),
    customers=(
        customer(101, "Acme & Söhne 🏭", external_id=ACME, overdue_balance=Decimal("100.30"), days_overdue=8, balance=Decimal("95.10")),
        customer(102, "Acme & Söhne 🏭", external_id=f"{ACME}:DE", entity_id="2", currency="EUR", parent_id="101", payer_id="101", tax_number="DE123", nexus="DE", reverse_charge=True),
        customer(103, "株式会社さくら", external_id=SAKURA, entity_id="3", currency="JPY", hold="on", balance=Decimal("-1200.5"), country=None),
    ),
    items=(
        ErpCatalogItem(id="501", code="team-monthly", name="Team", kind="service", inactive=False, tax_schedule="SaaS", revenue_rule="Straight line"),
        ErpCatalogItem(id="502", code="old-kit", name="Old kit", kind="kit", inactive=True, tax_schedule=None, revenue_rule=None),
    ),
    documents=DOCUMENTS,
    revenue=(
        ErpRevenue(id="9001", customer_id="101", entity_id="1", document_id="1001", subscription_id="sub_1", obligation="Team seats", method="Straight line", state="in_progress", start_on=date(2026, 11, 1), end_on=date(2027, 10, 31), allocated=Decimal(100), recognised=Decimal("8.33"), deferred=Decimal("91.67"), currency="USD", block_reason=None),
    ),
    hold_preference="enforce",
    hold_overdue_days=60,
    rates=(
        rate(1, "USD", "EUR", date(2026, 11, 1), "1.08"),
        rate(2, "USD", "EUR", date(2026, 11, 20), "1.0815"),
        rate(3, "USD", "EUR", date(2026, 11, 21), "1.09"),
        rate(4, "USD", "GBP", date(2026, 1, 1), "1.27"),
        rate(5, "EUR", "USD", date(2026, 11, 1), "0.92"),
    ),
)  # fmt: skip


def enterprise(erp: ErpBook = ERP) -> Enterprise:
    return Enterprise(
        seed=1, now=NOW, crm=empty(CrmBook), billing=empty(BillingBook), erp=erp, support=empty(SupportBook)
    )
