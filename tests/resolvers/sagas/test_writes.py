"""Each governed write: what it tells which system, who may do it alone, and what it refuses."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import ANY
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
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reverse_order import ReverseOrder
from resolvers.sagas.writes.subscriptions import CancelSubscription, ResumeSubscription
from sources import canonical as c
from sources.canonical.commands import CancelSubscription as Canceling
from sources.canonical.commands import Ending
from sources.canonical.commands import PauseSubscription as Pausing
from sources.errors import BadAsk
from sources.store.operations import Outcome, State
from tests.fakes.ledger import NOW
from tests.resolvers.sagas.asked import (
    ASKED,
    CREDIT,
    DONE,
    FINANCE,
    GATEWAY,
    LONG,
    ORDERED,
    PAYMENT,
    PLANS,
    PRODUCT,
    REJECTED,
    REVOPS,
    RIGHT,
    SALE,
    SEATS,
    SUSPENDED,
    TERM,
    USD,
    record,
    right,
    usd,
)
from tests.resolvers.sagas.conftest import AGENT, CPQ, RULES, House, Open
from tests.resolvers.sagas.orders import case, credit, order


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
        (
            "suspendSubscription",
            msgspec.structs.replace(SUSPENDED, notice_sent_at=None),
            REVOPS,
            "REFUSED not notice_sent",
        ),
        (
            "suspendSubscription",
            msgspec.structs.replace(SUSPENDED, notice_sent_at=NOW + timedelta(days=1)),
            REVOPS,
            "REFUSED not notice_sent",
        ),
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
        *[
            ("suspendSubscription", msgspec.structs.replace(SUSPENDED, reason=reason), REVOPS)
            for reason in (c.SuspensionReason.DUNNING_EXHAUSTED, c.SuspensionReason.TRIAL_NO_PAYMENT)
        ],
        ("setCredit", SetCredit(account="A-1", legal_entity="US"), CREDIT),
        ("setCredit", SetCredit(account="A-1", legal_entity="DE", hold=True), CREDIT),
        ("escalateCase", EscalateCase(case="T-404"), AGENT),
        ("issueCredit", credit(invoice="in_404"), AGENT),
        ("submitOrder", order(lines=()), CPQ),
        ("submitOrder", order(co_term="sub_404"), CPQ),
        ("submitOrder", order(end_on=date(2026, 11, 20)), CPQ),
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
        "PutOrder", "PlaceSalesOrder", "ChangeSubscription", "ApproveSalesOrder", "GrantRight", "SetSupportPlan",
        "TouchCases", "ActivateOrder",
    ]  # fmt: skip
    told = {each.command: each.fields for each in full.ledger.effects()}
    assert told["TouchCases"]["case_keys"] == ["T-1"]
    assert (told["PutOrder"]["contract_key"], told["PutOrder"]["end_on"]) == ("800A", None)
    assert told["PutOrder"]["lines"] == told["PlaceSalesOrder"]["lines"], "CRM and ERP have the same"
    assert told["PlaceSalesOrder"]["order_key"] == told["ActivateOrder"]["order_key"] == "order-1"
    assert told["GrantRight"]["end_on"] == "2026-11-30", "with the contract"


@pytest.mark.parametrize(
    ("mutation", "given", "told"),
    [
        ("recordPayment", RecordPayment(invoice="in_1", amount=Decimal("1000.00"), currency=USD, received_on=NOW.date(), reference="BANK-3"), ["ReceivePayment", "SettleInvoice"]),
        ("recordPayment", RecordPayment(invoice="in_1", amount=Decimal("999.99"), currency=USD, received_on=NOW.date(), reference="BANK-3"), ["ReceivePayment"]),
        ("writeOff", WriteOff(invoice="in_1", amount=Decimal("25.00"), currency=USD, explanation="all that is left"), ["WriteOffBalance", "GiveUpInvoice"]),
    ],
)  # fmt: skip
async def test_billing_asks_for_nothing_that_the_ledger_has_settled(
    full: House, mutation: str, given: Any, told: list[str]
) -> None:
    if mutation == "writeOff":
        full.systems.records = [
            msgspec.structs.replace(each, remaining=usd(2_500)) if isinstance(each, c.PostedInvoice) else each
            for each in full.systems.records
        ]
    answer = await full.send(mutation, given, FINANCE)
    assert (answer.member, full.sent()) == (Outcome.COMPLETED, told)


@pytest.mark.parametrize(
    ("ending", "on", "end_on", "active"),
    [
        (Ending.PERIOD_END, None, "2026-12-31", None),  # thirteen whole months
        (Ending.ON_DATE, date(2027, 1, 31), "2027-01-31", None),
        (Ending.NOW, None, None, False),
    ],
)
async def test_the_contract_ends_with_its_subscription(
    full: House, ending: Ending, on: date | None, end_on: str | None, active: bool | None
) -> None:
    period_end = datetime(2027, 1, 1, 5, tzinfo=UTC)  # midnight in New York
    full.systems.records = [
        msgspec.structs.replace(each, period_end=period_end) if isinstance(each, c.AccountSubscription) else each
        for each in full.systems.records
    ]
    answer = await full.send(
        "cancelSubscription", CancelSubscription(subscription="sub_1", ending=ending, on=on), REVOPS
    )
    if answer.member is Outcome.NEEDS_APPROVAL:
        await full.until(answer, State.AWAITING_APPROVAL)
        [asked] = await full.approvals(answer)
        other = Asker(subject="another", roles=frozenset({"revops"}))
        await Desk(full.writes).approve(other, asked.id, asked.evidence_hash)
    assert (await full.ended(answer)).state is State.COMPLETED
    assert full.sent() == ["CancelSubscription", "SetContract"]
    contract = full.ledger.effects()[-1].fields
    assert (contract["contract_key"], contract["end_on"], contract["active"]) == ("800A", end_on, active)


async def test_billing_is_told_why_it_suspends_and_when_the_customer_was_told(full: House) -> None:
    answer = await full.send("suspendSubscription", SUSPENDED, REVOPS)
    await full.until(answer, State.AWAITING_APPROVAL)
    [asked] = await full.approvals(answer)
    assert msgspec.json.decode(asked.evidence)["input"]["reason"] == "HOLD", "whoever approves sees why"
    await Desk(full.writes).approve(CREDIT, asked.id, asked.evidence_hash)
    assert (await full.ended(answer)).state is State.COMPLETED
    [told] = full.ledger.effects()
    assert told.command == "PauseSubscription"
    assert msgspec.convert(told.fields, Pausing) == Pausing(
        operation=told.operation,
        correlation="c-1",
        subscription_key="sub_1",
        until=SUSPENDED.until,
        reason=SUSPENDED.reason,
        notice_sent_at=SUSPENDED.notice_sent_at,
    )


def stopped(reason: c.SuspensionReason) -> dict[str, Any]:
    return {"status": c.SubscriptionStatus.SUSPENDED, "suspension": c.Suspension(reason)}


@pytest.mark.parametrize(
    ("state", "approver"),
    [
        (stopped(c.SuspensionReason.HOLD), "credit_manager"),
        (stopped(c.SuspensionReason.DUNNING_EXHAUSTED), "credit_manager"),
        (stopped(c.SuspensionReason.CUSTOMER_REQUEST), None),
        (stopped(c.SuspensionReason.TRIAL_NO_PAYMENT), None),
        ({"status": c.SubscriptionStatus.SUSPENDED}, "credit_manager"),
        ({"overlays": (c.SubscriptionOverlay.COLLECTION_PAUSED,)}, "credit_manager"),
        ({"overlays": (c.SubscriptionOverlay.CANCEL_SCHEDULED,)}, None),
    ],
    ids=lambda value: str(value) if not isinstance(value, dict) else "",
)
async def test_what_was_stopped_for_credit_or_for_no_known_reason_goes_on_with_the_credit_manager(
    full: House, state: dict[str, Any], approver: str | None
) -> None:
    full.systems.records = [
        msgspec.structs.replace(each, **state) if isinstance(each, c.AccountSubscription) else each
        for each in full.systems.records
    ]
    answer = await full.send("resumeSubscription", ResumeSubscription(subscription="sub_1"), REVOPS)
    assert answer.member is (Outcome.NEEDS_APPROVAL if approver else Outcome.COMPLETED)
    assert (answer.approvals[0].role if answer.approvals else None) == approver
    assert full.sent() == ([] if approver else ["ResumeSubscription"])


async def test_what_billing_does_not_settle_is_not_taken_back_from_the_ledger(full: House) -> None:
    full.systems.books.faults["SettleInvoice"] = ["refuse"]
    full.writes._patience = 0.1
    given = RecordPayment(
        invoice="in_1", amount=Decimal("1000.00"), currency=USD, received_on=NOW.date(), reference="BANK-3"
    )
    answer = await full.send("recordPayment", given, FINANCE)
    await full.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await full.exceptions(answer)
    assert raised.owner == "finance"
    await full.tell(answer, Action.RESUME)
    assert (await full.ended(answer)).state is State.COMPLETED
    assert full.sent() == ["ReceivePayment", "SettleInvoice"]


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


@pytest.mark.parametrize(
    ("status", "left"), [(c.EntitlementStatus.ACTIVE, "platinum"), (c.EntitlementStatus.PENDING, None)]
)
async def test_a_reversal_leaves_the_desk_a_plan_that_serves_already(
    full: House, status: c.EntitlementStatus, left: str | None
) -> None:
    other = record(c.Entitlement, "550B", account_key="A-1", name="other", support_tier="platinum", status=status)
    mine = right("premium", date(2027, 11, 30))
    full.systems.records = [
        msgspec.structs.replace(each, support_plan="premium") if isinstance(each, c.SupportOrganization) else each
        for each in full.systems.records
        if not isinstance(each, c.Entitlement)
    ] + [other, mine]
    answer = await full.send("reverseOrder", ReverseOrder(order="801A", explanation="It was ordered twice."), REVOPS)
    await full.until(answer, State.AWAITING_APPROVAL)
    [asked] = await full.approvals(answer)
    await Desk(full.writes).approve(FINANCE, asked.id, asked.evidence_hash)
    assert (await full.ended(answer)).state is State.COMPLETED
    told = next(each for each in full.ledger.effects() if each.command == "SetSupportPlan")
    assert told.fields["plan"] == left


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


@pytest.mark.parametrize("mutation", ["updateAccount", "setCredit", "reverseOrder", "escalateCase"])
async def test_what_has_changed_since_the_caller_saw_it_is_a_conflict(full: House, mutation: str) -> None:
    every: list[tuple[Any, ...]] = [*DONE, *ASKED]
    _, given, asker, *_ = next(each for each in every if each[0] == mutation)
    dated = (c.Account, c.BillingProfile, c.Order, c.Case)
    full.systems.records = [
        msgspec.structs.replace(each, updated_at=NOW) if isinstance(each, dated) else each
        for each in full.systems.records
    ]
    old = {ANY: (NOW - timedelta(seconds=1)).isoformat()}
    answer = await full.send(mutation, given, asker, expected=old)
    assert (answer.member, [each.code for each in answer.findings]) == (Outcome.CONFLICT, ["VERSION_CONFLICT"])
    assert full.sent() == []
    seen = await full.send(mutation, given, asker, expected={ANY: NOW.isoformat().replace("+00:00", "Z")})
    assert seen.member in (Outcome.COMPLETED, Outcome.ACCEPTED, Outcome.NEEDS_APPROVAL)


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
    business = {name for name, rule in RULES.mutations.items() if not (rule.desk or rule.planned)}
    assert {saga.mutation for saga in WRITES} == business


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("submitOrder", order()),
        ("submitOrder", order(co_term="sub_1")),
        ("issueCredit", credit()),
        ("openCase", case()),
        *[(walk.mutation, walk.given) for walk in LONG if walk.mutation == "amendSubscription"],
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
