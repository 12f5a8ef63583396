"""submitOrder over systems that fail in particular ways, and people who say how it goes on.

Every command with every fault is `test_fault_matrix.py`'s."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.sagas.instruction import Action
from resolvers.sagas.saga import Facts
from resolvers.sagas.saga import State as Known
from resolvers.sagas.writes.fulfilment import Made, invoice_posted
from resolvers.sagas.writes.order_steps import STEPS, _sales_order
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do
from sources.store import reservations
from sources.store.operations import Outcome, State
from sources.store.steps import Direction, StepOutcome
from tests.fakes.ledger import NOW, company
from tests.resolvers.sagas.conftest import House, Open
from tests.resolvers.sagas.orders import order

FORWARD = [
    "PutDebtor", "PutCustomer", "PutOrder", "PlaceSalesOrder", "PrepareSubscription", "ReleaseSubscription",
    "ApproveSalesOrder", "GrantRight", "SetSupportPlan", "TouchCases", "ActivateOrder",
    "PostInvoice",
]  # fmt: skip
BACK = {"PrepareSubscription": "DropSubscription", "PlaceSalesOrder": "CloseSalesOrder", "PutOrder": "CancelOrder"}


async def test_an_order_goes_through_every_system_in_order(house: House) -> None:
    answer = await house.send("submitOrder", order())
    assert (answer.member, answer.replayed) == (Outcome.ACCEPTED, False)
    operation = await house.ended(answer)
    assert (operation.state, operation.reason) == (State.COMPLETED, None)
    assert operation.amount
    assert operation.amount.amount == Decimal("12000.00")
    assert house.sent() == FORWARD
    done = await house.steps(answer)
    assert [step.name for step in done if step.outcome is StepOutcome.OK] == [
        step.name for step in STEPS if step.name not in ("organization", "contract", "right_ahead")
    ]
    assert all(step.attempts == 1 and step.key == f"{operation.id}:{step.name}" for step in done)
    assert await house.audit_breaks() == []
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0
    assert len(await house.durable.checkpoints(operation.id)) == len(STEPS) + 2, "one a step, one to judge, one to end"
    assert "account:A-1" in house.systems.forgotten


async def test_the_erps_own_invoice_of_an_order_is_posted_as_the_one_that_was_issued(house: House) -> None:
    operation = await house.ended(await house.send("submitOrder", order()))
    made = {effect.command: effect for effect in house.ledger.effects(operation.id)}
    posted, released = made["PostInvoice"].fields, made["ReleaseSubscription"].made
    assert (posted["issued_key"], posted["number"]) == (f"invoice-of-{released}", f"N-{released}")
    assert (posted["sales_order_key"], posted["subscription_key"]) == (made["PlaceSalesOrder"].made, released)
    assert (posted["party"], posted["legal_entity"], posted["currency"]) == (made["PutDebtor"].made, "US", "USD")
    assert (posted["posted_on"], posted["due_on"]) == ("2026-11-21", "2026-12-21")
    assert posted["expected_total"] == {"minor": 7_000, "currency": "USD"}


WHOLE = {"total": Money(7_000, "USD"), "tax": Money(1_000, "USD")}
SHARE = {"total": Money(4_000, "USD"), "tax": Money(1_000, "USD")}


@pytest.mark.parametrize(
    ("ordered", "issued", "approved", "why"),
    [
        (WHOLE, ("in_1", WHOLE), None, "this ERP's invoices are posted as billing issues them"),
        (WHOLE, (None, {}), "7", "a start to come has billed nothing yet"),
        (WHOLE, ("in_1", SHARE), "7", "billing has billed a part of the period"),
        ({}, ("in_1", WHOLE), "7", "this ERP does not say what an order comes to"),
    ],
)
def test_what_was_not_issued_as_it_was_ordered_is_not_posted_by_the_order(
    ordered: Any, issued: Any, approved: Any, why: str
) -> None:
    assert _posted(ordered, issued, approved) is None, why


def test_who_is_charged_at_once_has_no_day_to_pay_by() -> None:
    posted = _posted(WHOLE, ("in_1", WHOLE), "7")
    assert posted
    assert (posted.issued_key, posted.due_on) == ("in_1", None)


def _posted(ordered: Any, issued: tuple[str | None, Any], approved: str | None) -> do.PostInvoice | None:
    def told(key: str, **more: Any) -> do.Written:
        return do.Written(source="books", key=key, at=NOW, **more)

    written = {
        "sales_order": told("8", amounts=ordered),
        "release": told("sub_1", invoice_key=issued[0], amounts=issued[1]),
        "approve_sales_order": told("8", invoice_key=approved),
    }  # fmt: skip
    state: Made = Known("op", "c", order(), None, Facts(), NOW, written)
    return invoice_posted(
        state, party="9", released="release", legal_entity="US", currency="USD", posted_on=NOW.date(), due_days=None
    )


async def test_a_closed_period_holds_up_the_posting_and_nothing_that_was_bought(opened: Open) -> None:
    house = await opened({"PostInvoice": ["lock"]})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("PERIOD_LOCKED", "finance")
    assert house.sent() == FORWARD[:-1], "what the customer waits for is there"
    await house.tell(answer, Action.RESUME, changes={"posted_on": "2026-12-01"})
    operation = await house.ended(answer)
    assert operation.state is State.COMPLETED
    assert house.ledger.effects(operation.id)[-1].fields["posted_on"] == "2026-12-01"


@pytest.mark.parametrize("fault", ["away", "lose_before"])
async def test_an_outage_is_waited_for_durably_and_then_somebody_is_asked(opened: Open, fault: str) -> None:
    house = await opened({"PlaceSalesOrder": [fault] * 100, "find PlaceSalesOrder": ["unknown"] * 100})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert raised.owner == "platform"
    house.systems.books.faults.clear()
    await house.tell(answer, Action.RESUME)
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.sent() == FORWARD
    step = next(each for each in await house.steps(answer) if each.name == "sales_order")
    assert step.attempts > 2


async def test_what_may_have_happened_is_found_out_before_it_is_taken_back(opened: Open) -> None:
    house = await opened({"PrepareSubscription": ["lose"], "find PrepareSubscription": ["unknown"] * 3})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.COMPENSATE)
    operation = await house.ended(answer)
    assert operation.state is State.COMPENSATED
    assert house.sent()[-3:] == ["DropSubscription", "CloseSalesOrder", "CancelOrder"]
    assert house.ledger.open_records(operation.id) == set()


async def test_what_was_refused_by_half_is_taken_back_too(opened: Open) -> None:
    house = await opened({"PrepareSubscription": ["half"]})
    operation = await house.ended(await house.send("submitOrder", order()))
    assert operation.state is State.COMPENSATED
    assert house.sent()[-3:] == ["DropSubscription", "CloseSalesOrder", "CancelOrder"]
    assert house.ledger.open_records(operation.id) == set()


async def test_what_a_person_takes_back_may_be_there_by_half(opened: Open) -> None:
    house = await opened({"PrepareSubscription": ["half_locked"]})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.COMPENSATE)
    operation = await house.ended(answer)
    assert operation.state is State.COMPENSATED
    assert house.ledger.open_records(operation.id) == set()


async def test_what_was_refused_and_left_nothing_stays_on_record_as_refused(opened: Open) -> None:
    house = await opened({"PlaceSalesOrder": ["refuse"]})
    answer = await house.send("submitOrder", order())
    await house.ended(answer)
    step = next(each for each in await house.steps(answer) if each.name == "sales_order")
    assert (step.outcome, step.message) == (StepOutcome.PERMANENT, "`PlaceSalesOrder` is refused")
    assert house.systems.books.looked == ["PlaceSalesOrder"]


async def test_what_was_never_sent_is_not_looked_for(opened: Open) -> None:
    house = await opened({"PlaceSalesOrder": ["away"] * 100})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    house.systems.books.looked.clear()
    await house.tell(answer, Action.COMPENSATE)
    assert (await house.ended(answer)).state is State.COMPENSATED
    assert "PlaceSalesOrder" not in house.systems.books.looked


async def test_a_refusal_after_a_lost_answer_tells_nothing_of_what_was_lost(opened: Open) -> None:
    house = await opened({"PlaceSalesOrder": ["lose_before", "refuse"]})
    answer = await house.send("submitOrder", order())
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.sent() == FORWARD


async def test_an_undo_that_fails_waits_for_its_owner_and_then_goes_on(opened: Open) -> None:
    house = await opened({"ReleaseSubscription": ["refuse"], "CloseSalesOrder": ["lock"]})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("PERIOD_LOCKED", "finance")
    assert house.sent()[-1] == "DropSubscription", "nothing before it is taken back yet"
    await house.tell(answer, Action.RESUME)
    operation = await house.ended(answer)
    assert operation.state is State.COMPENSATED
    assert house.ledger.open_records(operation.id) == set()


async def test_a_skipped_undo_is_on_record_and_the_rest_is_taken_back(opened: Open) -> None:
    house = await opened({"ReleaseSubscription": ["refuse"], "CloseSalesOrder": ["refuse"]})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.SKIP)
    operation = await house.ended(answer)
    assert operation.state is State.COMPENSATED
    assert house.sent()[-1] == "CancelOrder"
    undone = [step for step in await house.steps(answer) if step.direction is Direction.UNDO]
    skipped = [step for step in undone if step.outcome is StepOutcome.SKIPPED]
    assert [(step.name, step.message) for step in skipped] == [("sales_order", "looked into it")]


async def test_a_locked_period_goes_on_with_another_day(opened: Open) -> None:
    house = await opened({"PlaceSalesOrder": ["lock"]})
    answer = await house.send("submitOrder", order())
    operation = await house.until(answer, State.NEEDS_ATTENTION)
    assert operation.reason == "PERIOD_LOCKED"
    await house.tell(answer, Action.RESUME, changes={"ordered_on": "2026-12-02", "party": "somebody else"})
    assert (await house.ended(answer)).state is State.COMPLETED
    placed = next(each for each in house.ledger.effects() if each.command == "PlaceSalesOrder")
    assert placed.fields["ordered_on"] == "2026-12-02"
    assert placed.fields["party"].startswith("putdebtor"), "only what may be changed is"
    assert placed.key.endswith(":sales_order:1"), "another value is another key"


async def test_a_word_about_another_exception_is_not_heard(opened: Open) -> None:
    house = await opened({"PlaceSalesOrder": ["lock", "lock"]})
    answer = await house.send("submitOrder", order())
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.RESUME)
    await house.tell(answer, Action.COMPENSATE)  # says the same person, about what is settled by now
    await house.until(answer, State.NEEDS_ATTENTION)
    while len(await house.exceptions(answer)) < 2:
        pass
    await house.tell(answer, Action.RESUME)
    assert (await house.ended(answer)).state is State.COMPLETED


async def test_a_hold_stops_an_order_before_anything_is_written(house: House) -> None:
    house.systems.records = [
        msgspec.structs.replace(each, credit_hold_override=c.CreditHoldOverride.ON)
        if isinstance(each, c.BillingProfile)
        else each
        for each in house.systems.records
    ]
    answer = await house.send("submitOrder", order())
    operation = await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner, operation.reason) == ("CREDIT_HOLD", "credit_manager", "CREDIT_HOLD")
    assert house.sent() == []
    await house.tell(answer, Action.COMPENSATE)
    assert (await house.ended(answer)).state is State.CANCELED


async def test_orders_at_once_do_not_share_one_headroom(opened: Open) -> None:
    records = [
        msgspec.structs.replace(each, credit_limit=c.Money(2_500_000, "USD"))
        if isinstance(each, c.BillingProfile)
        else each
        for each in company()
    ]
    house = await opened({"ReleaseSubscription": ["lock", "lock"]}, records=records)
    under_way = [await house.send("submitOrder", order()) for _ in range(2)]
    for each in under_way:
        await house.until(each, State.NEEDS_ATTENTION)
    third = await house.send("submitOrder", order())
    assert (await house.ended(third)).state is State.REJECTED
    for each in under_way:
        await house.tell(each, Action.RESUME)
        assert (await house.ended(each)).state is State.COMPLETED
    assert (await house.ended(await house.send("submitOrder", order()))).state is State.COMPLETED


async def test_an_order_without_end_is_worth_a_year(house: House) -> None:
    answer = await house.send("submitOrder", order(end_on=None, start_on=date(2027, 1, 1)))
    assert answer.operation
    assert answer.operation.amount
    assert answer.operation.amount.minor == 1_200_000


async def test_who_is_billed_is_named_and_written_to_not_who_buys(house: House) -> None:
    parent = [each for each in company("A-2") if isinstance(each, (c.Account, c.BillingProfile))]
    house.systems.records += [
        msgspec.structs.replace(each, name="Acme Holding")
        if isinstance(each, c.Account)
        else msgspec.structs.replace(each, key="C-2", email="invoices@acme.example")
        for each in parent
    ]
    answer = await house.send("submitOrder", order(parties=c.Parties(bill_to_key="A-2")))
    assert (await house.ended(answer)).state is State.COMPLETED
    debtor, customer, draft = (effect.fields for effect in house.ledger.effects()[:3])
    for billed in (debtor, customer):
        assert (billed["account_key"], billed["name"]) == ("A-2", "Acme Holding")
        assert billed["email"] == "invoices@acme.example"
    assert draft["account_key"] == "A-1"


async def test_a_mistake_in_a_step_is_put_before_a_person(house: House) -> None:
    saga = house.writes.sagas["submitOrder"]

    def wrong(_state: object) -> None:
        raise KeyError("nobody wrote this")

    step = next(each for each in saga.steps if each.name == "sales_order")
    object.__setattr__(step, "do", wrong)  # steps are frozen; this one is put back below
    try:
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
    finally:
        object.__setattr__(step, "do", _sales_order)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("INTERNAL", "platform")
    await house.tell(answer, Action.RESUME)
    assert (await house.ended(answer)).state is State.COMPLETED
