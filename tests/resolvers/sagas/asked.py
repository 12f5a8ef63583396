"""Governed writes as people ask for them, and the records of the company that these are about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from resolvers.sagas.grounds import Asker
from resolvers.sagas.writes.accounts import SetCredit, UpdateAccount
from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.amendment_records import MOST_ORDERS
from resolvers.sagas.writes.cases import EscalateCase
from resolvers.sagas.writes.invoices import RecordPayment, WriteOff
from resolvers.sagas.writes.onboard_account import OnboardAccount
from resolvers.sagas.writes.refund_payment import RefundPayment
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reversal_terms import MOST_INVOICES
from resolvers.sagas.writes.reverse_order import ReverseOrder
from resolvers.sagas.writes.rights import GrantEntitlement, RevokeEntitlement
from resolvers.sagas.writes.subscriptions import CancelSubscription, ResumeSubscription, SuspendSubscription
from sources import canonical as c
from sources.canonical import Record
from sources.canonical.commands import Ending
from tests.fakes.ledger import NOW, company
from tests.resolvers.sagas.conftest import AGENT, CPQ
from tests.resolvers.sagas.orders import case, credit, order

T = TypeVar("T")


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
PLANS = [
    record(c.SupportPlan, key, name=key, position=place)
    for place, key in enumerate(("platinum", "premium", "standard"), 1)
]
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

SUSPENDED = SuspendSubscription(
    subscription="sub_1",
    reason=c.SuspensionReason.HOLD,
    notice_sent_at=NOW - timedelta(days=3),
    until=date(2027, 1, 31),
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
    ("suspendSubscription", SUSPENDED, REVOPS),
    (
        "grantEntitlement",
        GrantEntitlement(
            account="A-1", name="trial", tier="premium", start_on=date(2026, 12, 1), end_on=date(2026, 12, 31)
        ),
        REVOPS,
    ),
    (
        "grantEntitlement",
        GrantEntitlement(
            account="A-1", name="two tiers up", tier="platinum", start_on=date(2026, 12, 1), end_on=date(2026, 12, 30)
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


class Walk(NamedTuple):
    """A write asked for so that each of its steps has something to do, but those `without`.

    `changed` are fields of the company's records by their class, None: there is none of that class; `more` are records
    that it has besides.
    """

    mutation: str
    given: Any
    asker: Asker
    changed: Mapping[type[Any], Mapping[str, Any] | None] = {}
    more: Sequence[Record] = ()
    without: frozenset[str] = frozenset()


def right(tier: str, ends_on: date, **given: Any) -> c.Entitlement:
    found: c.Entitlement = record(
        c.Entitlement, "550A", account_key="A-1", name=tier, support_tier=tier, subscription_key="sub_1",
        status=c.EntitlementStatus.ACTIVE, ends_on=ends_on, **given,
    )  # fmt: skip
    return found


OVER = datetime(2026, 11, 12, tzinfo=UTC)  # nine days before
DEAL = record(c.Renewal, "006A", account_key="A-1", name="x", subscription_key="sub_1", stage="x", open=True, won=False)
DRAFTED = record(c.SubscriptionContract, "800A", account_key="A-1", status="ACTIVE")
LONG = [
    Walk(
        "submitOrder", order(contract="800A"), CPQ,
        {c.SupportOrganization: None, c.SubscriptionContract: None, c.AccountSubscription: None}, [DRAFTED],
        frozenset({"right_ahead"}),  # of an order that starts later: `test_starting_later.py`
    ),
    Walk(
        "amendSubscription",
        AmendSubscription(
            subscription="sub_1", support_tier="premium",
            lines=(
                AmendedLine(price="price_1", quantity=Decimal(2), product="SEAT"),
                AmendedLine(price="price_1", quantity=Decimal(9), item="si_1"),
            ),
        ),
        REVOPS,
        {c.Entitlement: None},
        [right("standard", date(2026, 12, 31))],
        frozenset(f"reduce_order_{number}" for number in range(2, MOST_ORDERS + 1)),
    ),
    Walk(
        "renewSubscription", RenewSubscription(subscription="sub_1"), REVOPS,
        {
            c.AccountSubscription: {"status": c.SubscriptionStatus.EXPIRED, "ended_at": OVER},
            c.SubscriptionContract: {"status": "EXPIRED", "start_on": date(2025, 11, 12), "end_on": date(2026, 11, 11)},
            c.Entitlement: None,
        },
        [DEAL, right("premium", date(2026, 11, 11))],
    ),
    Walk(
        "reverseOrder", ReverseOrder(order="801A", explanation="It was ordered twice."), REVOPS,
        {c.SupportOrganization: {"support_plan": "premium"}, c.Entitlement: None},
        [right("premium", date(2027, 11, 30))],
        frozenset(f"credit_{kind}_{number}" for kind in ("note", "memo") for number in range(2, MOST_INVOICES + 1)),
    ),
    Walk(
        "cancelSubscription", CancelSubscription(subscription="sub_1"), REVOPS,
        {c.AccountSubscription: {"period_end": datetime(2026, 12, 1, tzinfo=UTC)}},
    ),
    Walk("issueCredit", credit("1.00"), AGENT),
    Walk(
        "recordPayment",
        RecordPayment(
            invoice="in_1", amount=Decimal("1000.00"), currency=USD, received_on=NOW.date(), reference="BANK-2"
        ),
        FINANCE,
    ),
    Walk(
        "writeOff", WriteOff(invoice="in_1", amount=Decimal("0.10"), currency=USD, explanation="small balance"), FINANCE,
        {c.Invoice: {"remaining": usd(10)}, c.PostedInvoice: {"remaining": usd(10)}},
    ),
    Walk(
        "onboardAccount", OnboardAccount(legal_entity="US", currency=USD, name="Zenith"), REVOPS,
    ),
    Walk(
        "openCase", case(), AGENT, {c.SupportOrganization: None, c.Entitlement: None},
        [right("premium", date(2027, 11, 30), pack=c.Pack(total=5, remaining=1))],
    ),
]  # fmt: skip


def walks(mutations: Iterable[str]) -> list[Walk]:
    """One of each write: the long way of those that have one, else as it is asked for here first."""
    rows: list[Any] = [*DONE, *ASKED]
    asked = [Walk(*row[:3]) for row in rows]
    found = {walk.mutation: walk for walk in reversed([*LONG, *asked])}
    return [found[mutation] for mutation in mutations]


SHARED = (c.LegalEntity, c.AccountingPeriod, c.Price, c.Product, c.SupportPlan)
FULL = [*company(), PAYMENT, GATEWAY, *PLANS, RIGHT, PRODUCT, TERM, ORDERED, SALE]
OWN = {each.key for each in FULL if not isinstance(each, SHARED)} | {"006A"}


def arranged(walk: Walk, account: str) -> list[Record]:
    """What a walk needs of an account of its own: every record has a name of its own."""
    changed = {c.AccountSubscription: {"items": (SEATS,), "order_key": "801A", "source_account_id": "cus_1"}}
    found: list[Record] = []
    for each in FULL:
        change = walk.changed.get(type(each), {})
        if change is not None and not isinstance(each, SHARED):
            found.append(msgspec.structs.replace(each, **changed.get(type(each), {}), **change))
    return [own(each, account) for each in (*found, *walk.more)]


def own(told: T, account: str) -> T:
    """The same of another account: whatever it names that is the account's has another name."""
    plain = _renamed(msgspec.to_builtins(told), account)
    return msgspec.convert(plain, type(told))


def _renamed(plain: Any, account: str) -> Any:
    if isinstance(plain, dict):
        return {name: _renamed(each, account) for name, each in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [_renamed(each, account) for each in plain]
    return f"{plain}.{account}" if isinstance(plain, str) and plain in OWN else plain
