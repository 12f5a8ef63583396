"""Amendments and renewals are judged as orders are: by hold, credit, period, what was paid and what is broken."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.amendment_terms import after
from resolvers.sagas.writes.changing import tier_kept
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from sources import canonical as c
from sources.canonical.commands import Proration
from sources.errors import BadAsk
from sources.ports import Page, Reading, Report, Rows
from sources.store import reservations
from sources.store.operations import Outcome, State
from tests.resolvers.sagas.asked import ORDERED, PLANS, PRODUCT, REVOPS, SEATS, TERM, record, usd
from tests.resolvers.sagas.conftest import House, Open

CONTROLLER = Asker(subject="cora", roles=frozenset({"finance_controller"}))
Changes = Mapping[type[Any], Mapping[str, Any]]
HELD: Changes = {c.BillingProfile: {"credit_hold_override": c.CreditHoldOverride.ON}}
AUTO: Changes = {c.BillingProfile: {"balance": usd(10_000_000)}}
LATE: Changes = {c.BillingProfile: {"overdue_balance": usd(1), "days_overdue": 31, "hold_overdue_days": 30}}
SHUT: Changes = {c.AccountingPeriod: {"receivables_locked": True, "end_on": date(2026, 12, 31)}}
TIGHT: Changes = {c.BillingProfile: {"balance": usd(9_999_999)}}
URGENT: Changes = {c.Case: {"priority": c.Priority.URGENT}, c.SupportOrganization: {"support_plan": "premium"}}
OPEN: Changes = {c.AccountSubscription: {"latest_invoice_key": "in_1"}}
PAID: Changes = {**OPEN, c.Invoice: {"status": c.InvoiceStatus.PAID}}


def amendment(quantity: int = 12, item: str | None = "si_1", **given: Any) -> AmendSubscription:
    """Two more seats, at 100.00 a month each, on top of ten."""
    line = AmendedLine(price="price_1", quantity=Decimal(quantity), item=item, product="SEAT")
    return AmendSubscription(**{"subscription": "sub_1", "lines": (line,)} | given)


RENEWAL = RenewSubscription(subscription="sub_1")
CHANGES: list[tuple[str, Any]] = [("amendSubscription", amendment()), ("renewSubscription", RENEWAL)]


def remade(house: House, changes: Changes) -> None:
    house.systems.records = [
        msgspec.structs.replace(each, **changes.get(type(each), {})) for each in house.systems.records
    ]


@pytest.fixture
async def home(opened: Open) -> House:
    house = await opened()
    house.systems.records += [*PLANS, PRODUCT, TERM, ORDERED]
    remade(house, {c.AccountSubscription: {"items": (SEATS,), "order_key": "801A", "mrr": usd(100_000)}})
    return house


def codes(answer: Answer) -> list[str]:
    return [each.code for each in answer.findings]


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
@pytest.mark.parametrize(
    ("changes", "kind", "owner"),
    [
        (HELD, "CREDIT_HOLD", "credit_manager"),
        (AUTO, "CREDIT_HOLD", "credit_manager"),
        (LATE, "CREDIT_HOLD", "credit_manager"),
        (TIGHT, "CREDIT_EXCEEDED", "credit_manager"),
        (SHUT, "PERIOD_LOCKED", "finance"),
    ],
)
async def test_what_somebody_has_to_decide_waits_with_its_owner_and_nothing_is_written(
    home: House, mutation: str, given: Any, changes: Changes, kind: str, owner: str
) -> None:
    before = list(home.systems.records)
    remade(home, changes)
    answer = await home.send(mutation, given, REVOPS)
    assert kind in codes(await home.send(mutation, given, REVOPS, dry_run=True))
    await home.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await home.exceptions(answer)
    assert (raised.kind, raised.owner) == (kind, owner)
    assert home.sent() == []
    home.systems.records = before
    await home.tell(answer, Action.RESUME)
    assert (await home.ended(answer)).state is State.COMPLETED


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
async def test_the_hold_of_whoever_pays_counts(home: House, mutation: str, given: Any) -> None:
    payer = record(
        c.BillingProfile, "C-2", account_key="A-2", name="Parent", legal_entity="US", currency="USD",
        credit_hold_override=c.CreditHoldOverride.ON,
    )  # fmt: skip
    home.systems.records.append(payer)
    remade(home, {c.Order: {"parties": c.Parties(payer_key="A-2")}})
    assert codes(await home.send(mutation, given, REVOPS, dry_run=True)) == ["CREDIT_HOLD"]


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
async def test_what_changes_while_somebody_approves_is_seen_before_anything_is_written(
    home: House, mutation: str, given: Any
) -> None:
    """A fall of revenue, and a renewal on longer terms: both wait for somebody."""
    waits = amendment(9) if mutation == "amendSubscription" else msgspec.structs.replace(RENEWAL, due_days=60)
    answer = await home.send(mutation, waits, REVOPS)
    assert (answer.member, codes(answer)) == (Outcome.NEEDS_APPROVAL, [])
    await home.until(answer, State.AWAITING_APPROVAL)
    [asked] = await home.approvals(answer)
    remade(home, HELD)
    await Desk(home.writes).approve(CONTROLLER, asked.id, asked.evidence_hash)
    await home.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await home.exceptions(answer)
    assert (raised.kind, home.sent()) == ("CREDIT_HOLD", [])


@pytest.mark.parametrize(
    ("given", "changes", "said"),
    [
        (amendment(12), OPEN, ["UNPAID_PRORATION"]),
        (amendment(0), OPEN, ["UNPAID_PRORATION"]),
        (amendment(12), PAID, []),
        (amendment(10), OPEN, []),
        (amendment(2, None), OPEN, []),
        (amendment(12, proration=Proration.NONE), OPEN, []),
        (amendment(12, proration=Proration.NEXT_INVOICE), OPEN, ["UNPAID_PRORATION"]),
        (amendment(12), {c.AccountSubscription: {"latest_invoice_key": "in_404"}}, ["UNPAID_PRORATION"]),
    ],
)
async def test_nothing_is_credited_that_was_never_paid(
    home: House, given: AmendSubscription, changes: Changes, said: list[str]
) -> None:
    remade(home, changes)
    assert codes(await home.send("amendSubscription", given, REVOPS, dry_run=True)) == said


async def test_what_was_paid_when_it_was_accepted_and_is_not_any_more_is_rejected(home: House) -> None:
    remade(home, PAID)
    answer = await home.send("amendSubscription", amendment(9), REVOPS)
    await home.until(answer, State.AWAITING_APPROVAL)
    [asked] = await home.approvals(answer)
    remade(home, {c.Invoice: {"status": c.InvoiceStatus.OPEN}})
    await Desk(home.writes).approve(CONTROLLER, asked.id, asked.evidence_hash)
    ended = await home.ended(answer)
    assert (ended.state, (ended.reason or "").partition(":")[0]) == (State.REJECTED, "UNPAID_PRORATION")


async def test_what_cannot_be_seen_is_looked_at_by_revops(home: House) -> None:
    remade(home, {c.AccountSubscription: {"latest_invoice_key": "in_404"}})
    answer = await home.send("amendSubscription", amendment(), REVOPS)
    await home.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await home.exceptions(answer)
    assert (raised.kind, raised.owner) == ("UNPAID_PRORATION", "revops")


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("amendSubscription", amendment(support_tier="standard")),
        ("renewSubscription", msgspec.structs.replace(RENEWAL, support_tier="standard")),
    ],
)
async def test_support_does_not_fall_while_something_is_broken(home: House, mutation: str, given: Any) -> None:
    remade(home, URGENT)
    answer = await home.send(mutation, given, REVOPS)
    assert (answer.member, codes(answer)) == (Outcome.REJECTED, ["ENTITLEMENT_CONFLICT"])
    assert "T-1" in answer.findings[0].message
    better = msgspec.structs.replace(given, support_tier="premium")
    assert codes(await home.send(mutation, better, REVOPS, dry_run=True)) == []
    remade(home, {c.Case: {"status": c.CaseStatus.CLOSED}})
    assert codes(await home.send(mutation, given, REVOPS, dry_run=True)) == []


async def test_what_adds_nothing_is_no_matter_of_credit(home: House) -> None:
    remade(home, {c.BillingProfile: {"balance": usd(20_000_000), "credit_hold_override": c.CreditHoldOverride.OFF}})
    assert codes(await home.send("amendSubscription", amendment(9), REVOPS, dry_run=True)) == []
    assert codes(await home.send("amendSubscription", amendment(11), REVOPS, dry_run=True)) == ["CREDIT_EXCEEDED"]


async def test_two_amendments_that_fit_only_alone_are_not_both_carried_out(opened: Open) -> None:
    """Each adds 2,400.00 in a year, and 3,000.00 are left: what one takes is held back from the other."""
    house = await opened({"ChangeSubscription": ["held"]})
    remade(house, {c.AccountSubscription: {"items": (SEATS,)}, c.BillingProfile: {"balance": usd(9_700_000)}})
    first = await house.send("amendSubscription", amendment(), REVOPS)
    await house.until(first, State.NEEDS_ATTENTION)
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 240_000
    second = await house.send("amendSubscription", amendment(), REVOPS)
    ended = await house.ended(second)
    assert (ended.state, "others have the rest" in (ended.reason or "")) == (State.REJECTED, True)
    await house.tell(first, Action.RESUME)
    assert (await house.ended(first)).state is State.COMPLETED
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0


async def test_one_item_becomes_one_thing(home: House) -> None:
    line = amendment().lines[0]
    with pytest.raises(BadAsk, match="`si_1` twice"):
        await home.send("amendSubscription", amendment(lines=(line, line)), REVOPS)


async def test_who_uses_it_gets_the_right_whoever_is_billed(home: House) -> None:
    desk = record(c.SupportOrganization, "O-9", account_key="A-9", name="User", support_plan="standard")
    home.systems.records.append(desk)
    remade(
        home, {c.AccountSubscription: {"end_customer_key": "A-9", "period_start": datetime(2026, 11, 1, tzinfo=UTC)}}
    )
    answer = await home.send("amendSubscription", amendment(support_tier="premium"), REVOPS)
    assert (await home.ended(answer)).state is State.COMPLETED
    fields = {effect.command: effect.fields for effect in home.ledger.effects()}
    assert (fields["GrantRight"]["account_key"], fields["SetSupportPlan"]["party"]) == ("A-9", "O-9")


@pytest.mark.parametrize("more", [False, True])
async def test_support_does_not_fall_unless_the_desk_tells_all_urgent_cases(more: bool) -> None:
    asked: list[Page] = []

    async def read(record: type[c.Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008
        asked.append(page)
        rows = Rows(list(PLANS)) if record is c.SupportPlan else Rows([], more=more)
        return Reading(dict.fromkeys(keys, rows), Report("desk"))

    found = await tier_kept(read, "A-1", "premium", "standard")
    assert [(each.code, each.owner) for each in found] == ([("ENTITLEMENT_CONFLICT", "support_lead")] if more else [])
    assert {each.field for page in asked for each in page.filters} == {"status", "priority"}


def test_of_what_is_metered_there_is_one_and_of_nothing_there_is_none() -> None:
    items = [msgspec.structs.replace(SEATS, key=f"si_{given}", quantity=given) for given in (None, 0, 3)]
    whole = after(
        record(c.AccountSubscription, "sub_2", status=c.SubscriptionStatus.ACTIVE, currency="USD", items=tuple(items)),
        (),
    )
    assert [each.quantity for each in whole] == [1, 3]


async def test_a_renewal_is_ordered_by_whoever_ordered_what_it_goes_on_with(home: House) -> None:
    """A parent ordered it for itself to pay, and a reseller was between them; the next renewal finds this one there."""
    known = c.Parties(sold_to_key="A-2", ship_to_key="A-4", payer_key="A-2", reseller_key="A-3")
    payer = record(
        c.BillingProfile, "C-2", account_key="A-2", name="Parent", legal_entity="US", currency="USD",
    )  # fmt: skip
    home.systems.records.append(payer)
    remade(home, {c.Order: {"account_key": "A-2", "parties": known}})
    assert (await home.ended(await home.send("renewSubscription", RENEWAL, REVOPS))).state is State.COMPLETED
    order = next(effect.fields for effect in home.ledger.effects() if effect.command == "PutOrder")
    whole = msgspec.structs.replace(known, bill_to_key="A-1", end_customer_key="A-1")
    assert (order["account_key"], msgspec.convert(order["parties"], c.Parties)) == ("A-2", whole)
    [contract] = [effect.fields for effect in home.ledger.effects() if effect.command == "SetContract"]
    assert (contract["contract_key"], contract["account_key"]) == ("800A", "A-1"), "whose it is"
    again = {"account_key": "A-2", "end_on": TERM.end_on, "created_at": home.clock()}
    home.systems.records.append(msgspec.structs.replace(ORDERED, key="801B", **again))
    assert codes(await home.send("renewSubscription", RENEWAL, REVOPS, dry_run=True)) == ["DUPLICATE_ORDER"]
    home.systems.records.pop()
    for user, found in (("A-1", ["DUPLICATE_ORDER"]), ("A-9", [])):  # which the buyer has ordered for another customer
        used = c.Parties(end_customer_key=user)
        home.systems.records.append(msgspec.structs.replace(ORDERED, key="801B", parties=used, **again))
        assert codes(await home.send("renewSubscription", RENEWAL, REVOPS, dry_run=True)) == found
        home.systems.records.pop()
    remade(home, {c.Order: {"account_key": "A-2", "parties": msgspec.structs.replace(known, end_customer_key="A-9")}})
    home.systems.records.append(msgspec.structs.replace(ORDERED, key="801B", parties=used, **again))
    assert codes(await home.send("renewSubscription", RENEWAL, REVOPS, dry_run=True)) == ["DUPLICATE_ORDER"], "its own"
