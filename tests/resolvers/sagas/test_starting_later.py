"""An order whose start is to come waits for it durably, and can be called back until then."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import ATTENTION, Action, Instruction
from resolvers.sagas.writes.order import SubmitOrder
from sources import canonical as c
from sources.errors import Unavailable
from sources.store import reservations
from sources.store.operations import State
from sources.store.steps import Direction, StepOutcome
from tests.fakes.ledger import NOW
from tests.resolvers.sagas.asked import REVOPS, record
from tests.resolvers.sagas.conftest import CPQ, House, Open
from tests.resolvers.sagas.orders import order

CORA = Asker(subject="cora", roles=frozenset({"finance_controller"}))
START = date(2027, 2, 1)
AHEAD = ["PutDebtor", "PutCustomer", "PutOrder", "PlaceSalesOrder", "GrantRight", "PrepareSubscription"]
AFTER = [
    "ReleaseSubscription", "ApproveSalesOrder", "LinkRight", "SetSupportPlan", "TouchCases", "ActivateOrder",
    "PostInvoice",
]  # fmt: skip
BACK = ["DropSubscription", "DropRight", "CloseSalesOrder", "CancelOrder"]


def later(**given: Any) -> SubmitOrder:
    return order(**{"start_on": START, "end_on": date(2028, 1, 31)} | given)


async def came(house: House, answer: Answer, at: datetime) -> None:
    """It is `at` now, and the run sees it."""
    house.clock.jump(at - house.clock())
    await house.look(answer)


def start(seconds: float = 0.0) -> datetime:
    return datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(seconds=seconds)


async def test_what_is_binding_happens_when_it_starts(house: House) -> None:
    answer = await house.send("submitOrder", later())
    operation = await house.waiting(answer)
    assert (operation.state, operation.reason) == (
        State.RUNNING,
        "STARTS_LATER: it begins at 2027-02-01T00:00:00+00:00 and can be called back until then",
    )
    assert house.sent() == AHEAD
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") > 0
    await came(house, answer, start(-60))
    await asyncio.sleep(0.2)
    assert house.sent() == AHEAD, "a minute is left"
    await came(house, answer, start(1))
    ended = await house.ended(answer)
    assert (ended.state, ended.reason) == (State.COMPLETED, None)
    assert house.sent() == AHEAD + AFTER
    made = {effect.command: effect for effect in house.ledger.effects()}
    assert made["LinkRight"].fields["entitlement_key"] == made["GrantRight"].made
    assert made["LinkRight"].fields["subscription_key"] == made["ReleaseSubscription"].made
    assert made["GrantRight"].fields["subscription_key"] is None
    assert made["PostInvoice"].fields["posted_on"] == "2027-02-01", "its invoice is of the day on which it starts"
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0
    assert await house.audit_breaks() == []


async def test_it_waits_by_itself_until_the_moment_has_come(house: House) -> None:
    house.clock.jump(start(-1.5) - house.clock())
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.clock() >= start()
    assert house.sent() == AHEAD + AFTER


async def test_what_is_called_back_before_it_starts_leaves_nothing_behind(house: House) -> None:
    answer = await house.send("submitOrder", later())
    assert answer.operation
    await house.waiting(answer)
    await Desk(house.writes).cancel(CPQ, answer.operation.id, "they changed their mind")
    ended = await house.ended(answer)
    assert (ended.state, ended.reason) == (State.COMPENSATED, "CANCELED: they changed their mind")
    assert house.sent() == AHEAD + BACK
    assert house.ledger.open_records(answer.operation.id) == set()
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0
    undone = [each for each in await house.steps(answer) if each.direction is Direction.UNDO]
    assert all(each.outcome is StepOutcome.OK for each in undone)


async def test_whoever_comes_too_late_calls_nothing_back(house: House) -> None:
    answer = await house.send("submitOrder", later())
    assert answer.operation
    await house.waiting(answer)
    house.clock.jump(start(1) - house.clock())
    told = Instruction(action=Action.COMPENSATE, by="ada", reason="too late")
    await house.durable.signal(answer.operation.id, ATTENTION, told)
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.sent() == AHEAD + AFTER


async def test_who_did_not_ask_for_it_calls_it_back_with_a_second_person(house: House) -> None:
    answer = await house.send("submitOrder", later())
    assert answer.operation
    await house.waiting(answer)
    desk = Desk(house.writes)
    _, (asked,) = await desk.cancel(REVOPS, answer.operation.id, "a mistake")
    assert (await house.operation(answer)).state is State.RUNNING
    await desk.approve(CORA, asked.id, asked.evidence_hash)
    assert (await house.ended(answer)).state is State.COMPENSATED
    assert house.sent() == AHEAD + BACK


async def test_the_wait_outlives_the_process(opened: Open) -> None:
    house = await opened()
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    await house.close()
    again = await opened()
    await came(again, answer, start(1))
    assert (await again.ended(answer)).state is State.COMPLETED
    assert again.sent() == AHEAD + AFTER


@pytest.mark.parametrize("fault", ["refuse", "half"])
async def test_a_right_that_is_refused_ahead_takes_the_order_back(opened: Open, fault: str) -> None:
    house = await opened({"GrantRight": [fault]})
    answer = await house.send("submitOrder", later())
    assert answer.operation
    assert (await house.ended(answer)).state is State.COMPENSATED
    assert house.ledger.open_records(answer.operation.id) == set()
    assert house.sent()[-2:] == BACK[2:], "nothing was planned in billing yet"


async def test_nothing_holds_up_what_stops_the_money(opened: Open) -> None:
    """Whatever is wrong with what else is taken back: billing's plan is gone before."""
    house = await opened({"DropRight": ["lock"]})
    answer = await house.send("submitOrder", later())
    assert answer.operation
    await house.waiting(answer)
    await Desk(house.writes).cancel(CPQ, answer.operation.id, "they changed their mind")
    await house.until(answer, State.NEEDS_ATTENTION)
    assert house.sent() == [*AHEAD, "DropSubscription"], "the rest waits"
    await house.tell(answer, Action.RESUME)
    assert (await house.ended(answer)).state is State.COMPENSATED
    assert house.sent() == AHEAD + BACK


async def test_who_skips_what_comes_before_the_wait_leaves_an_order_that_waits_and_nothing_to_do(opened: Open) -> None:
    house = await opened({"PrepareSubscription": ["lock"]})
    answer = await house.send("submitOrder", later())
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.SKIP)
    operation = await house.waiting(answer)
    assert operation.state is State.RUNNING


async def test_what_a_second_person_agrees_to_is_heard_though_it_went_on_meanwhile(opened: Open) -> None:
    house = await opened({"PrepareSubscription": ["lock"]})
    answer = await house.send("submitOrder", later())
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    desk = Desk(house.writes)
    _, (asked,) = await desk.resolve(REVOPS, raised.id, Action.COMPENSATE, "a mistake")
    await house.tell(answer, Action.RESUME)
    await house.waiting(answer)
    await desk.approve(CORA, asked.id, asked.evidence_hash)
    assert (await house.ended(answer)).state is State.COMPENSATED
    assert house.sent() == AHEAD + BACK


async def test_the_reason_is_gone_once_the_start_has_come(opened: Open) -> None:
    house = await opened({"ReleaseSubscription": ["away"] * 100})
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    await came(house, answer, start(1))
    await house.until(answer, State.NEEDS_ATTENTION)
    assert "STARTS_LATER" not in ((await house.operation(answer)).reason or "")


# ---------------------------------------------------------------- what came since it was judged


def on_hold(house: House, *, on: bool) -> None:
    """Somebody sets or lifts the payer's hold in the ERP."""
    override = c.CreditHoldOverride.ON if on else c.CreditHoldOverride.OFF
    house.systems.records = [
        msgspec.structs.replace(each, credit_hold_override=override) if isinstance(each, c.BillingProfile) else each
        for each in house.systems.records
    ]


async def held_at(house: House, seconds: float) -> Answer:
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    on_hold(house, on=True)
    await came(house, answer, start(seconds))
    return answer


async def test_a_hold_that_came_since_waits_with_the_credit_manager_before_it_starts(house: House) -> None:
    answer = await held_at(house, -4 * 86_400 + 60)
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("CREDIT_HOLD", "credit_manager")
    assert house.sent() == AHEAD
    on_hold(house, on=False)
    await house.tell(answer, Action.RESUME)
    await house.waiting(answer)
    await came(house, answer, start(1))
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.sent() == AHEAD + AFTER


@pytest.mark.parametrize(("action", "state"), [(Action.COMPENSATE, State.COMPENSATED), (Action.SKIP, State.COMPLETED)])
async def test_whoever_decides_about_it_has_it_taken_back_or_goes_on(
    house: House, action: Action, state: State
) -> None:
    answer = await held_at(house, -86_400)
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, action)
    if action is Action.SKIP:
        await house.waiting(answer)
        await came(house, answer, start(1))
    assert (await house.ended(answer)).state is state
    assert house.sent() == AHEAD + (BACK if state is State.COMPENSATED else AFTER)


async def test_nothing_is_looked_at_long_before(house: House) -> None:
    answer = await held_at(house, -5 * 86_400)
    await asyncio.sleep(0.2)
    assert (await house.operation(answer)).state is State.RUNNING


async def test_a_restriction_that_came_since_is_not_told_its_cause(house: House) -> None:
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    house.systems.records = [
        msgspec.structs.replace(each, restrictions=(c.Restriction.SANCTIONS,)) if isinstance(each, c.Account) else each
        for each in house.systems.records
    ]
    await came(house, answer, start(1))
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("ACCOUNT_RESTRICTED", "revops")
    assert "anction" not in raised.reason
    assert house.sent() == AHEAD


async def test_what_cannot_be_read_is_waited_for_and_then_put_before_somebody(house: House) -> None:
    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    house.systems.away = Unavailable("it does not answer", source="books")
    await came(house, answer, start(-60))
    await house.until(answer, State.NEEDS_ATTENTION)
    house.systems.away = None
    await house.tell(answer, Action.RESUME)
    await house.waiting(answer)
    await came(house, answer, start(1))
    assert (await house.ended(answer)).state is State.COMPLETED


async def test_a_mistake_in_looking_is_put_before_a_person(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(ask: Any) -> Any:
        raise ValueError("nobody thought of that")

    answer = await house.send("submitOrder", later())
    await house.waiting(answer)
    with monkeypatch.context() as patched:
        patched.setattr(house.systems, "read", broken)
        await came(house, answer, start(-60))
        await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    assert (raised.kind, raised.owner) == ("INTERNAL", "platform")
    await house.tell(answer, Action.RESUME)
    await house.waiting(answer)
    await came(house, answer, start(1))
    assert (await house.ended(answer)).state is State.COMPLETED


async def test_a_contract_that_got_another_subscription_meanwhile_keeps_it(house: House) -> None:
    drafted = record(c.SubscriptionContract, "800A", account_key="A-1", status="ACTIVE")
    house.systems.records.append(drafted)
    answer = await house.send("submitOrder", later(contract="800A"))
    await house.waiting(answer)
    house.systems.records.remove(drafted)
    house.systems.records.append(msgspec.structs.replace(drafted, subscription_key="sub_7"))
    await came(house, answer, start(1))
    assert (await house.ended(answer)).state is State.COMPLETED
    told = {effect.command: effect.fields for effect in house.ledger.effects()}
    assert told["SetContract"]["subscription_key"] is None


async def test_an_order_without_support_has_no_right_ahead(house: House) -> None:
    answer = await house.send("submitOrder", later(support_tier=None))
    await house.waiting(answer)
    assert house.sent() == [each for each in AHEAD if each != "GrantRight"]
    await came(house, answer, start(1))
    assert (await house.ended(answer)).state is State.COMPLETED
    assert "LinkRight" not in house.sent()


async def test_a_start_on_the_day_itself_waits_for_nothing(house: House) -> None:
    answer = await house.send("submitOrder", order(start_on=NOW.date()))
    assert (await house.ended(answer)).state is State.COMPLETED
    assert "GrantRight" in house.sent()[6:]
