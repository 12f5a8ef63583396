"""Governed writes as people ask for them, and the records of the company that these are about."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from resolvers.sagas.grounds import Asker
from resolvers.sagas.writes.accounts import SetCredit, UpdateAccount
from resolvers.sagas.writes.cases import EscalateCase
from resolvers.sagas.writes.invoices import RecordPayment, WriteOff
from resolvers.sagas.writes.onboard_account import OnboardAccount
from resolvers.sagas.writes.refund_payment import RefundPayment
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reverse_order import ReverseOrder
from resolvers.sagas.writes.rights import GrantEntitlement, RevokeEntitlement
from resolvers.sagas.writes.subscriptions import CancelSubscription, ResumeSubscription, SuspendSubscription
from sources import canonical as c
from sources.canonical.commands import Ending
from tests.fakes.ledger import NOW
from tests.resolvers.sagas.conftest import AGENT


def role(*roles: str) -> Asker:
    return Asker(subject=f"{roles[0]} person", roles=frozenset(roles))


FINANCE, REVOPS, CREDIT = role("finance"), role("revops"), role("credit_manager")
USD = "USD"


def usd(minor: int) -> c.Money:
    return c.Money(minor, USD)


def record(kind: type[Any], key: str, **given: Any) -> Any:
    return kind(key=key, source="books", source_id=key, as_of=NOW, **given)


PAYMENT = record(
    c.Payment, "pay_1", account_key="A-1", status=c.PaymentStatus.SUCCEEDED, legal_entity="US", amount=usd(50_000),
    reference="BANK-1",
)  # fmt: skip
GATEWAY = record(c.GatewayPayment, "pay_1", account_key="A-1", status=c.PaymentStatus.SUCCEEDED, refunded=usd(10_000))
PLANS = [record(c.SupportPlan, key, name=key, position=place) for place, key in enumerate(("standard", "premium"), 1)]
RIGHT = record(
    c.Entitlement, "550A", account_key="A-1", name="premium", support_tier="standard",
    status=c.EntitlementStatus.ACTIVE, ends_on=date(2026, 12, 31),
)  # fmt: skip

PRODUCT = record(c.Product, "prod_1", name="Seat", code="SEAT")
SEATS = c.SubscriptionItem(
    key="si_1", product_key="prod_1", quantity=10,
    price=record(
        c.Price, "price_1", product_key="prod_1", currency=USD, unit_price=c.UnitPrice(Decimal("100.00"), USD),
        interval=c.Interval.MONTH,
    ),
)  # fmt: skip
TERM = record(
    c.SubscriptionContract, "800A", account_key="A-1", subscription_key="sub_1", status="ACTIVE",
    start_on=date(2025, 12, 1), end_on=date(2026, 11, 30), term_months=12,
)  # fmt: skip
ORDERED = record(
    c.Order, "801A", account_key="A-1", number="00001", status=c.OrderStatus.APPROVED, legal_entity="US", currency=USD,
    lines=(c.OrderLine(key="802A", product_code="SEAT", product_name="Seat", quantity=Decimal(10), unit_price=None, total=None),),
)  # fmt: skip
SALE = record(
    c.SalesOrder, "7001", account_key="A-1", order_key="801A", status=c.OrderStatus.PENDING_BILLING, currency=USD
)

DONE = [
    ("escalateCase", EscalateCase(case="T-1", note="the customer called"), AGENT, ["EscalateCase"]),
    (
        "recordPayment",
        RecordPayment(
            invoice="in_1", amount=Decimal("10.00"), currency=USD, received_on=NOW.date(), reference="BANK-2"
        ),
        FINANCE,
        ["ReceivePayment"],
    ),
    (
        "writeOff",
        WriteOff(invoice="in_1", amount=Decimal("25.00"), currency=USD, explanation="small balance"),
        FINANCE,
        ["WriteOffBalance"],
    ),
    ("setCredit", SetCredit(account="A-1", legal_entity="US", limit=Decimal("105000.00")), CREDIT, ["SetCredit"]),
    ("setCredit", SetCredit(account="A-1", legal_entity="US", hold=True), CREDIT, ["SetCredit"]),
    ("updateAccount", UpdateAccount(account="A-1", fields={"industry": "Mining"}), REVOPS, ["PutAccount"]),
    ("cancelSubscription", CancelSubscription(subscription="sub_1"), REVOPS, ["CancelSubscription"]),
    ("resumeSubscription", ResumeSubscription(subscription="sub_1"), REVOPS, ["ResumeSubscription"]),
    (
        "grantEntitlement",
        GrantEntitlement(
            account="A-1", name="trial", tier="premium", start_on=date(2026, 12, 1), end_on=date(2026, 12, 30)
        ),
        REVOPS,
        ["GrantRight"],
    ),
    ("revokeEntitlement", RevokeEntitlement(entitlement="550A", end_on=date(2026, 12, 31)), REVOPS, ["EndRight"]),
    (
        "onboardAccount",
        OnboardAccount(legal_entity="US", currency=USD, account="A-1"),
        REVOPS,
        ["PutDebtor", "PutCustomer", "PutAccount"],
    ),
    (
        "onboardAccount",
        OnboardAccount(legal_entity="US", currency=USD, name="Zenith", fields={"domain": "zenith.example"}),
        REVOPS,
        ["PutAccount", "PutDebtor", "PutCustomer", "PutOrganization", "PutAccount"],
    ),
]
ASKED = [
    ("onboardAccount", OnboardAccount(legal_entity="US", currency=USD, account="A-1", tax_number="1"), REVOPS),
    ("onboardAccount", OnboardAccount(legal_entity="US", currency=USD, account="A-1", terms="Net 60"), REVOPS),
    (
        "onboardAccount",
        OnboardAccount(legal_entity="US", currency=USD, account="A-1", billing_email="a@b.example"),
        REVOPS,
    ),
    ("reverseOrder", ReverseOrder(order="801A", explanation="It was ordered twice."), REVOPS),
    ("renewSubscription", RenewSubscription(subscription="sub_1", due_days=60), REVOPS),
    ("writeOff", WriteOff(invoice="in_1", amount=Decimal("25.01"), currency=USD, explanation="x"), FINANCE),
    ("refundPayment", RefundPayment(payment="pay_1", amount=Decimal("1.00"), currency=USD), FINANCE),
    ("setCredit", SetCredit(account="A-1", legal_entity="US", limit=Decimal("110000.01")), CREDIT),
    ("setCredit", SetCredit(account="A-1", legal_entity="US", hold=False), CREDIT),
    ("cancelSubscription", CancelSubscription(subscription="sub_1", ending=Ending.NOW, credit=True), REVOPS),
    ("suspendSubscription", SuspendSubscription(subscription="sub_1", notice_sent_at=NOW - timedelta(days=3)), REVOPS),
    (
        "grantEntitlement",
        GrantEntitlement(
            account="A-1", name="trial", tier="premium", start_on=date(2026, 12, 1), end_on=date(2026, 12, 31)
        ),
        REVOPS,
    ),
    ("revokeEntitlement", RevokeEntitlement(entitlement="550A", end_on=date(2026, 11, 30)), REVOPS),
]
REJECTED = [
    ("recordPayment", "AMOUNT_EXCEEDS_INVOICE", RecordPayment(invoice="in_1", amount=Decimal("1000.01"), currency=USD, received_on=NOW.date(), reference="B"), FINANCE),
    ("refundPayment", "AMOUNT_EXCEEDS_PAYMENT", RefundPayment(payment="pay_1", amount=Decimal("400.01"), currency=USD), FINANCE),
    ("writeOff", "CURRENCY_CONFLICT", WriteOff(invoice="in_1", amount=Decimal("1.00"), currency="EUR", explanation="x"), FINANCE),
    ("grantEntitlement", "TIER_UNKNOWN", GrantEntitlement(account="A-1", name="t", tier="gold", start_on=date(2026, 12, 1), end_on=date(2026, 12, 2)), REVOPS),
    ("onboardAccount", "ENTITY_NOT_ALLOWED", OnboardAccount(legal_entity="FR", currency="EUR", account="A-1"), REVOPS),
    ("renewSubscription", "TERM_INVALID", RenewSubscription(subscription="sub_1", term_months=0), REVOPS),
    ("setCredit", "NOTHING_CHANGES", SetCredit(account="A-1", legal_entity="US", limit=Decimal("100000.00")), CREDIT),
]  # fmt: skip
