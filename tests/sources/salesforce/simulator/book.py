"""A small CRM book by hand: umlauts and kanji, yen, a reduction order, a deleted and a merged account, an outdated right."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sources.simulation.enterprise import (
    BillingBook,
    CrmAccount,
    CrmBook,
    CrmCase,
    CrmContact,
    CrmContract,
    CrmEntitlement,
    CrmOpportunity,
    CrmOrder,
    CrmOrderLine,
    CrmProduct,
    CrmSlaProcess,
    Enterprise,
    ErpBook,
    SupportBook,
    User,
)
from sources.vendors.salesforce.simulator.identifiers import lengthened


def key(prefix: str, number: int) -> str:
    return lengthened(f"{prefix}Tt{number:010}")


NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OWNER, OTHER = key("005", 1), key("005", 2)
ACME, UMLAUT, KANJI, GONE, MERGED, PLAIN = (key("001", number) for number in range(1, 7))
ALICE, MULLER, SATO, LEFT = (key("003", number) for number in range(1, 5))
SEAT, SEAT_PRICE = key("01t", 1), key("01u", 1)
CONTRACT, RENEWAL = key("800", 1), key("006", 1)
ORDER, REDUCTION, YEN = (key("801", number) for number in range(1, 4))
PREMIUM, ENTITLEMENT, CASE = key("552", 1), key("550", 1), key("500", 1)


def account(account_id: str, name: str, **changes: Any) -> CrmAccount:
    one = CrmAccount(
        id=account_id,
        name=name,
        kind="customer",
        status="active",
        parent_id=None,
        owner_id=OWNER,
        notes=None,
        industry="Software",
        region="AMER",
        country="US",
        city="Boston",
        street="1 Main St",
        postal_code="02110",
        website=None,
        phone=None,
        restriction=None,
        billing_id=None,
        erp_id=None,
        merged_into_id=None,
        deleted=False,
        created_at=datetime(2024, 1, 1, 12, tzinfo=UTC),
        updated_at=datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC),
    )
    return msgspec.structs.replace(one, **changes)


def contact(contact_id: str, account_id: str, last_name: str, **changes: Any) -> CrmContact:
    one = CrmContact(
        id=contact_id,
        account_id=account_id,
        first_name=None,
        last_name=last_name,
        email=None,
        phone=None,
        title=None,
        role="business",
        support_authority="none",
        authorised_by=None,
        authorised_until=None,
        reports_to_id=None,
        deleted=False,
        created_at=datetime(2024, 1, 2, tzinfo=UTC),
        updated_at=datetime(2024, 1, 2, tzinfo=UTC),
    )
    return msgspec.structs.replace(one, **changes)


def order(order_id: str, account_id: str, number: str, *lines: CrmOrderLine, **changes: Any) -> CrmOrder:
    one = CrmOrder(
        id=order_id,
        number=number,
        account_id=account_id,
        contract_id=None,
        status="activated",
        effective_on=date(2026, 2, 1),
        end_on=None,
        currency="USD",
        lines=lines,
        reduction=False,
        original_order_id=None,
        entity="US",
        bill_to_id=account_id,
        ship_to_id=None,
        end_customer_id=None,
        reseller_id=None,
        created_at=datetime(2026, 1, 20, tzinfo=UTC),
        updated_at=datetime(2026, 1, 31, tzinfo=UTC),
    )
    return msgspec.structs.replace(one, **changes)


def line(number: int, quantity: str, price: str) -> CrmOrderLine:
    return CrmOrderLine(
        id=key("802", number),
        product_id=SEAT,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        service_on=date(2026, 2, 1),
        end_on=date(2027, 1, 31),
    )


def empty(book: type[Any]) -> Any:
    return book(**dict.fromkeys((field.name for field in msgspec.structs.fields(book)), ()))


def crm(*more: CrmAccount, contacts: tuple[CrmContact, ...] = ()) -> CrmBook:
    return CrmBook(
        users=(User(id=OWNER, name="Zoë Quinn", email="zoe@opsgraph.example"), User(id=OTHER, name="Bo", email="bo@opsgraph.example")),
        accounts=(
            account(ACME, "Acme, Inc.", notes="it's \"big\"", billing_id="cus_1", erp_id="10", website="https://acme.example"),
            account(UMLAUT, "Über Größe GmbH", parent_id=ACME, owner_id=OTHER, region="EMEA", country="DE", billing_id="cus_2"),
            account(KANJI, "株式会社サクラ", kind="prospect", status="prospect", region="APAC", country="JP", industry=None),
            account(GONE, "Gone Ltd", status="inactive", deleted=True),
            account(MERGED, "Acme (old)", merged_into_id=ACME, deleted=True, billing_id="cus_2"),
            account(PLAIN, "100% Under_score", kind="partner", restriction="legal_hold", billing_id="cus_2", industry="Retail"),
            *more,
        ),
        contacts=(
            contact(ALICE, ACME, "Archer", first_name="Alice", email="Alice@Acme.example", role="billing", support_authority="admin"),
            contact(MULLER, UMLAUT, "Müller", email="m@uber.example", authorised_by="Alice", authorised_until=NOW - timedelta(days=1)),
            contact(SATO, KANJI, "佐藤", reports_to_id=ALICE),
            contact(LEFT, ACME, "Left", deleted=True),
            *contacts,
        ),
        products=(
            CrmProduct(id=SEAT, price_id=SEAT_PRICE, name="Seat", code="SEAT", family="Core", active=True, list_price=Decimal("49.90"), currency="USD"),
        ),
        contracts=(
            CrmContract(id=CONTRACT, number="00000100", account_id=ACME, status="in_approval", start_on=date(2026, 2, 1), end_on=date(2027, 1, 31), term_months=12, subscription_id="sub_1"),
        ),
        opportunities=(
            CrmOpportunity(id=RENEWAL, account_id=ACME, owner_id=OWNER, name="Renewal", kind="renewal", stage="negotiation", amount=Decimal("1234.56"), currency="USD", close_on=date(2027, 1, 31), probability=70, contract_id=CONTRACT, subscription_id="sub_1"),
        ),
        orders=(
            order(ORDER, ACME, "00000200", line(1, "10", "49.90"), line(2, "1", "0.10"), contract_id=CONTRACT, end_customer_id=UMLAUT),
            order(REDUCTION, ACME, "00000201", line(3, "-2", "49.90"), reduction=True, original_order_id=ORDER, status="draft"),
            order(YEN, KANJI, "00000202", line(4, "3", "5000"), currency="JPY", entity="JP"),
        ),
        sla_processes=(CrmSlaProcess(id=PREMIUM, plan="premium", name="Premium Support", active=True),),
        entitlements=(
            CrmEntitlement(id=ENTITLEMENT, account_id=ACME, name="Premium", kind="phone", plan="premium", status="active", start_on=date(2026, 2, 1), end_on=None, sla_process_id=PREMIUM, per_incident=True, cases_total=10, cases_remaining=3, coverage="listed", covers=(ACME, UMLAUT), contract_id=CONTRACT, subscription_id="sub_1", time_zone="America/New_York"),
        ),
        cases=(
            CrmCase(id=CASE, number="00001001", account_id=ACME, contact_id=ALICE, entitlement_id=ENTITLEMENT, ticket_id="5001", subject="Down", status="working", priority="high", escalated=True, closed=False, stopped=False, milestone="open_violation", sla_start_at=NOW - timedelta(days=3), sla_exit_at=None, created_at=NOW - timedelta(days=3), updated_at=NOW - timedelta(hours=1)),
        ),
    )  # fmt: skip


def enterprise(book: CrmBook | None = None) -> Enterprise:
    empty_books = {"billing": empty(BillingBook), "erp": empty(ErpBook), "support": empty(SupportBook)}
    return Enterprise(seed=1, now=NOW, crm=book or crm(), **empty_books)
