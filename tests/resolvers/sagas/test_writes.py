"""Each governed write: what it tells which system, who may do it alone, and what it refuses."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.sagas.saga import Saga, Step
from resolvers.sagas.writes import WRITES
from resolvers.sagas.writes.accounts import SetCredit, UpdateAccount
from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.cases import EscalateCase
from resolvers.sagas.writes.invoices import RecordPayment, WriteOff
from resolvers.sagas.writes.onboard_account import OnboardAccount
from resolvers.sagas.writes.refund_payment import RefundPayment
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reverse_order import ReverseOrder
from resolvers.sagas.writes.rights import GrantEntitlement, RevokeEntitlement
from resolvers.sagas.writes.subscriptions import CancelSubscription, ResumeSubscription, SuspendSubscription
from sources import canonical as c
from sources.canonical.commands import CancelSubscription as Canceling
from sources.canonical.commands import Ending
from sources.errors import BadAsk
from sources.store.operations import Outcome, State
from tests.fakes.ledger import NOW
from tests.resolvers.sagas.conftest import AGENT, CPQ, RULES, House, Open
from tests.resolvers.sagas.orders import case, credit, order


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


@pytest.fixture
async def full(opened: Open) -> House:
    house = await opened()
    house.systems.records = [
        msgspec.structs.replace(each, items=(SEATS,), order_key="801A")
        if isinstance(each, c.AccountSubscription)
        else each
        for each in house.systems.records
    ]
    house.systems.records += [PAYMENT, GATEWAY, *PLANS, RIGHT, PRODUCT, TERM, ORDERED, SALE]
    return house


@pytest.mark.parametrize(("mutation", "given", "asker", "told"), DONE)
async def test_what_is_done_alone(full: House, mutation: str, given: Any, asker: Asker, told: list[str]) -> None:
    answer = await full.send(mutation, given, asker)
    assert (answer.member, answer.findings) == (Outcome.COMPLETED, ())
    assert full.sent() == told


@pytest.mark.parametrize(("mutation", "given", "asker"), ASKED)
async def test_what_takes_somebody_else(full: House, mutation: str, given: Any, asker: Asker) -> None:
    answer = await full.send(mutation, given, asker)
    assert answer.member is Outcome.NEEDS_APPROVAL
    await full.until(answer, State.AWAITING_APPROVAL)
    assert full.sent() == []


@pytest.mark.parametrize(("mutation", "code", "given", "asker"), REJECTED)
async def test_what_does_not_fit_is_rejected(full: House, mutation: str, code: str, given: Any, asker: Asker) -> None:
    answer = await full.send(mutation, given, asker)
    assert (answer.member, [each.code for each in answer.findings]) == (Outcome.REJECTED, [code])
    assert full.sent() == []


@pytest.mark.parametrize(
    ("mutation", "given", "asker", "reason"),
    [
        ("suspendSubscription", SuspendSubscription(subscription="sub_1"), REVOPS, "REFUSED not notice_sent"),
        (
            "recordPayment",
            RecordPayment(
                invoice="in_1", amount=Decimal(1), currency=USD, received_on=NOW.date(), reference=" bank-1 "
            ),
            FINANCE,
            "REFUSED duplicate_reference",
        ),
    ],
)
async def test_what_is_not_done_whoever_approves(
    full: House, mutation: str, given: Any, asker: Asker, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        await full.send(mutation, given, asker)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    ("mutation", "given", "asker"),
    [
        ("updateAccount", UpdateAccount(account="A-1", fields={"tax_number": "1"}), REVOPS),
        ("updateAccount", UpdateAccount(account="A-1", fields={}), REVOPS),
        ("onboardAccount", OnboardAccount(legal_entity="US", currency=USD), REVOPS),
        ("onboardAccount", OnboardAccount(legal_entity="US", currency=USD, name=" "), REVOPS),
        ("onboardAccount", OnboardAccount(legal_entity="US", currency="usd", name="Zenith"), REVOPS),
        (
            "onboardAccount",
            OnboardAccount(legal_entity="US", currency=USD, name="Z", fields={"lifecycle": "ACTIVE"}),
            REVOPS,
        ),
        (
            "onboardAccount",
            OnboardAccount(legal_entity="US", currency=USD, account="A-1", fields={"domain": "x"}),
            REVOPS,
        ),
        ("reverseOrder", ReverseOrder(order="801Z", explanation="x"), REVOPS),
        ("renewSubscription", RenewSubscription(subscription="sub_404"), REVOPS),
        ("setCredit", SetCredit(account="A-1", legal_entity="US"), CREDIT),
        ("setCredit", SetCredit(account="A-1", legal_entity="DE", hold=True), CREDIT),
        ("escalateCase", EscalateCase(case="T-404"), AGENT),
        ("issueCredit", credit(invoice="in_404"), AGENT),
        ("submitOrder", order(lines=()), CPQ),
        ("submitOrder", order(co_term="sub_404"), CPQ),
        ("submitOrder", order(end_on=date(2026, 11, 30)), CPQ),
        ("submitOrder", order(currency="usd"), CPQ),
    ],
)
async def test_what_makes_no_sense_is_bad_input_and_kept_nowhere(
    full: House, mutation: str, given: Any, asker: Asker
) -> None:
    with pytest.raises(BadAsk):
        await full.send(mutation, given, asker)


async def test_an_upgrade_with_a_case_open_reaches_ledger_support_and_the_case(full: House) -> None:
    line = AmendedLine(price="price_1", quantity=Decimal(5), product="SEAT")
    upgrade = AmendSubscription(subscription="sub_1", lines=(line,), support_tier="premium")
    answer = await full.send("amendSubscription", upgrade, REVOPS)
    operation = await full.ended(answer)
    assert (answer.member, operation.state) == (Outcome.ACCEPTED, State.COMPLETED)
    assert operation.amount == usd(600_000), "five more seats at 100.00 a month, for a year"
    assert full.sent() == [
        "PlaceSalesOrder", "ChangeSubscription", "ApproveSalesOrder", "GrantRight", "SetSupportPlan", "TouchCases",
    ]  # fmt: skip
    assert full.ledger.effects()[-1].fields["case_keys"] == ["T-1"]


async def test_a_renewal_of_what_runs_reaches_every_system_and_bills_nothing(full: House) -> None:
    answer = await full.send("renewSubscription", RenewSubscription(subscription="sub_1"), REVOPS)
    operation = await full.ended(answer)
    assert (operation.state, operation.amount) == (State.COMPLETED, usd(1_200_000)), "ten seats for a year"
    assert full.sent() == [
        "PutOrder", "PlaceSalesOrder", "ResumeSubscription", "ApproveSalesOrder", "ActivateOrder", "SetContract",
    ]  # fmt: skip
    [placed, contract] = [each for each in full.ledger.effects() if each.command in ("PlaceSalesOrder", "SetContract")]
    assert placed.fields["lines"][0]["service_on"] == "2026-12-01"
    assert (contract.fields["contract_key"], contract.fields["end_on"]) == ("800A", "2027-11-30")


async def test_a_renewal_that_the_erp_refuses_leaves_the_subscription_as_it_was(full: House) -> None:
    full.systems.books.faults["PlaceSalesOrder"] = ["refuse"]
    answer = await full.send("renewSubscription", RenewSubscription(subscription="sub_1"), REVOPS)
    assert (await full.ended(answer)).state is State.COMPENSATED
    assert full.sent() == ["PutOrder", "CancelOrder"]
    again = await full.send("renewSubscription", RenewSubscription(subscription="sub_1"), REVOPS)
    assert (await full.ended(again)).state is State.COMPLETED, "what was taken back may be asked for again"


async def test_a_reversal_that_is_refused_on_the_way_goes_on_with_its_owner(full: House) -> None:
    """From the end of the subscription on there is only forward."""
    full.systems.books.faults["CreditInvoice"] = ["refuse"]
    answer = await full.send("reverseOrder", ReverseOrder(order="801A", explanation="It was ordered twice."), REVOPS)
    await full.until(answer, State.AWAITING_APPROVAL)
    [asked] = await full.approvals(answer)
    await Desk(full.writes).approve(FINANCE, asked.id, asked.evidence_hash)
    await full.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await full.exceptions(answer)
    assert raised.owner == "finance"
    assert full.sent() == ["CancelSubscription"]
    await full.tell(answer, Action.RESUME)
    assert (await full.ended(answer)).state is State.COMPLETED
    assert full.sent() == [
        "CancelSubscription", "CreditInvoice", "CreditPosted", "CloseSalesOrder", "ReduceOrder", "SetContract",
        "OpenCase",
    ]  # fmt: skip
    memo = next(each for each in full.ledger.effects() if each.command == "CreditPosted")
    assert (memo.fields["amount"], memo.fields["invoice_key"]) == (msgspec.to_builtins(usd(100_000)), "9001")


async def test_a_fall_of_revenue_takes_somebody_else(full: House) -> None:
    item = c.SubscriptionItem(
        key="si_1", price=next(each for each in full.systems.records if isinstance(each, c.Price)),
        product_key="prod_1", quantity=100,
    )  # fmt: skip
    full.systems.records = [
        msgspec.structs.replace(each, items=(item,)) if isinstance(each, c.AccountSubscription) else each
        for each in full.systems.records
    ]
    fewer = AmendSubscription(
        subscription="sub_1", lines=(AmendedLine(price="price_1", quantity=Decimal(99), item="si_1"),)
    )
    answer = await full.send("amendSubscription", fewer, REVOPS)
    assert answer.member is Outcome.NEEDS_APPROVAL
    assert [each.role for each in answer.approvals] == ["finance_controller"], "what it credits is not known yet"


async def test_grants_of_a_year_add_up(full: House) -> None:
    [grant] = [given for name, given, *_ in DONE if name == "grantEntitlement"]
    members = [(await full.send("grantEntitlement", grant, REVOPS)).member for _ in range(3)]
    assert members == [Outcome.COMPLETED, Outcome.COMPLETED, Outcome.NEEDS_APPROVAL]


async def test_a_closed_period_waits_for_finance(full: House) -> None:
    full.systems.records = [
        msgspec.structs.replace(each, receivables_locked=True) if isinstance(each, c.AccountingPeriod) else each
        for each in full.systems.records
    ]
    full.writes._patience = 0.1
    answer = await full.send("issueCredit", credit(), AGENT)
    await full.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await full.exceptions(answer)
    assert (raised.kind, raised.owner) == ("PERIOD_LOCKED", "finance")
    assert full.sent() == []


async def test_a_credit_in_a_currency_without_a_rate_needs_approval(full: House) -> None:
    full.systems.records = [
        msgspec.structs.replace(each, currency="JPY") if isinstance(each, c.LegalEntity) else each
        for each in full.systems.records
    ]
    answer = await full.send("issueCredit", credit("1.00"), AGENT)
    assert answer.member is Outcome.NEEDS_APPROVAL


def test_every_write_has_a_rule_and_every_rule_of_the_business_its_write() -> None:
    business = {name for name, rule in RULES.mutations.items() if not rule.desk}
    assert {saga.mutation for saga in WRITES} == business - {"linkAccounts", "unlinkAccounts"}


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("submitOrder", order()),
        ("submitOrder", order(co_term="sub_1")),
        ("issueCredit", credit()),
        ("openCase", case()),
        *[(name, given) for name, given, *_ in (*DONE, *ASKED)],
    ],
)
async def test_a_write_reads_only_what_it_declares(full: House, mutation: str, given: Any) -> None:
    saga = full.writes.sagas[mutation]
    asked: set[Any] = set()

    async def read(record: Any, by: str, keys: Any, page: Any = None) -> Any:
        asked.add((record, by))
        return await full.writes.room.read(record, by, keys)

    await saga.gather(read, given, NOW)
    assert asked <= set(saga.needs)


def test_a_saga_has_one_point_of_no_return_and_no_two_steps_of_one_name() -> None:
    step = Step("a", Canceling, _nothing)
    for steps in ((step, step), (pivot("a"), pivot("b"))):
        with pytest.raises(ValueError, match="two"):
            Saga("x", dict, dict, None, (), steps)  # type: ignore[arg-type]


def _nothing(_state: Any) -> None:
    return None


def pivot(name: str) -> Step:
    return Step(name, Canceling, _nothing, pivot=True)
