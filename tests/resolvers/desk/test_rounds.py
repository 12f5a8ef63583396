"""The rounds, with a clock that is turned: each does what is due, once, however often and in how many processes."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from resolvers.desk import Desk
from resolvers.desk.notice import Notice
from resolvers.desk.rounds import Rounds
from resolvers.sagas.answer import Answer
from resolvers.sagas.instruction import Action
from sources import canonical as c
from sources.durable import NoSuchRun
from sources.store import audit, exceptions, handovers, operations, reservations, rounds, steps
from sources.store.approvals import Decision
from sources.store.errors import NoSuchRecord, StoreAway
from sources.store.exceptions import Resolution, Status
from sources.store.operations import Outcome, State
from sources.store.reservations import Held
from sources.store.retention import Retention
from sources.store.rota import Rota
from tests.resolvers.desk.people import CARL, CORA, FINN, asked, both, invoice, one, refused, stuck
from tests.resolvers.sagas.conftest import AGENT, House, Open
from tests.resolvers.sagas.orders import case, credit, order

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOCKED: Mapping[str, list[str]] = {"CreditPosted": ["lock"]}


async def turn(house: House, by: timedelta, **given: Any) -> list[Notice]:
    """Turns the clock on, and makes the rounds that are due; the notices."""
    house.clock.jump(by)
    told: list[Notice] = []
    await Rounds(house.writes, tell=told.append, **given).due()
    return told


def of(told: list[Notice], what: str) -> list[str]:
    return [each.role for each in told if each.what == what]


async def decisions(house: House, answer: Answer) -> list[Decision]:
    return [each.decision for each in await house.approvals(answer)]


def held(house: House, on: bool) -> None:
    """Puts the customer on hold, or takes it off."""
    state = c.CreditHoldOverride.ON if on else c.CreditHoldOverride.OFF
    house.systems.records = [
        msgspec.structs.replace(each, credit_hold_override=state) if isinstance(each, c.BillingProfile) else each
        for each in house.systems.records
    ]


class TestExpiry:
    @both
    async def test_an_approval_that_nobody_gives_ends_its_operation_without_effect(self, house: House) -> None:
        answer, (question,) = await asked(house)
        await turn(house, 24 * HOUR - timedelta(seconds=60))
        assert await decisions(house, answer) == [Decision.PENDING]
        told = await turn(house, timedelta(seconds=60))
        assert of(told, "EXPIRED") == ["finance"]
        operation = await house.ended(answer)
        assert (operation.state, operation.reason) == (State.EXPIRED, "APPROVAL_EXPIRED")
        assert await decisions(house, answer) == [Decision.EXPIRED]
        assert house.sent() == []
        assert await turn(house, DAY) == []
        error = await refused(Desk(house.writes).approve(CARL, question.id, question.evidence_hash))
        assert error.code == "APPROVAL_EXPIRED"
        assert await house.audit_breaks() == []

    async def test_one_of_two_approvals_is_not_enough(self, house: House) -> None:
        invoice(house, c.Money(100_000, "EUR"))
        answer, questions = await asked(house, "100.00", currency="EUR")
        assert len(questions) == 2
        await Desk(house.writes).approve(CARL, questions[0].id, questions[0].evidence_hash)
        await turn(house, 24 * HOUR)
        assert (await house.ended(answer)).state is State.EXPIRED
        assert await decisions(house, answer) == [Decision.APPROVED, Decision.EXPIRED]
        assert house.sent() == []

    async def test_an_operation_whose_run_never_began_expires_too(self, house: House) -> None:
        async def lost(workflow: str, run_id: str, payload: Any) -> Any:
            raise ConnectionError("the process dies here")

        start, house.durable.start = house.durable.start, lost  # type: ignore[method-assign]
        asked = await house.send("issueCredit", credit("600.00"), FINN, key="k")
        await house.writes.starting.close()
        assert (asked.member, (await house.operation(asked)).state) == (Outcome.NEEDS_APPROVAL, State.RECEIVED)
        house.durable.start = start  # type: ignore[method-assign]
        assert of(await turn(house, 24 * HOUR), "EXPIRED") == ["finance"]
        answer = await house.send("issueCredit", credit("600.00"), FINN, key="k")
        assert (answer.replayed, (await house.operation(answer)).state) == (True, State.EXPIRED)

    async def test_a_question_about_an_exception_closes_and_the_exception_stays(self, opened: Open) -> None:
        house = await opened(LOCKED)
        answer, raised = await stuck(house)
        desk = Desk(house.writes)
        await desk.resolve(FINN, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"})
        assert of(await turn(house, 24 * HOUR), "EXPIRED") == ["finance_controller"]
        assert (await house.operation(answer)).state is State.NEEDS_ATTENTION
        assert (await house.store.read(exceptions.find, raised.id)).status is Status.OPEN
        _, (again,) = await desk.resolve(FINN, raised.id, Action.RESUME, "still open", {"posted_on": "2026-12-01"})
        await desk.approve(CORA, again.id, again.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_a_question_of_before_that_nobody_needs_any_more_ends_nothing(self, house: House) -> None:
        """Two persons were asked; by now one is enough, and has approved: the other question only closes."""
        invoice(house, c.Money(100_000, "EUR"))
        answer, questions = await asked(house, "100.00", currency="EUR")
        await house.store.transact(_running, questions[0].operation_id, house.clock())
        await turn(house, 24 * HOUR)
        assert (await house.operation(answer)).state is State.RUNNING


def _running(connection: Connection, operation_id: str, now: datetime) -> None:
    operations.move(connection, operation_id, State.RUNNING, now)


class TestHeld:
    async def test_an_order_that_stays_held_expires_after_the_owners_time(self, house: House) -> None:
        held(house, True)
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        await turn(house, raised.due_at - house.clock() - timedelta(seconds=30))
        assert (await house.operation(answer)).state is State.NEEDS_ATTENTION
        await turn(house, timedelta(seconds=30))
        operation = await house.ended(answer)
        assert (operation.state, operation.reason) == (State.EXPIRED, "not cleared by `credit_manager` in its time")
        (raised,) = await house.exceptions(answer)
        assert (raised.resolution, raised.resolved_by) == (Resolution.COMPENSATED, "opsgraph")
        assert house.sent() == []
        await turn(house, DAY)

    async def test_who_escalates_does_not_get_it_more_time(self, house: House) -> None:
        held(house, True)
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        assert of(await turn(house, raised.answer_due_at - house.clock()), "ESCALATED") == ["finance_controller"]
        (escalated,) = await house.exceptions(answer)
        assert escalated.due_at > raised.due_at
        await turn(house, raised.due_at - house.clock())
        assert (await house.ended(answer)).state is State.EXPIRED

    async def test_past_the_point_of_no_return_nothing_expires(self, opened: Open) -> None:
        house = await opened({"GrantRight": ["held"]})
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        assert raised.kind == "CREDIT_HOLD"
        house.clock.jump(30 * DAY)
        assert (await Rounds(house.writes).due())["held.expire"] == 0
        assert (await house.operation(answer)).state is State.NEEDS_ATTENTION
        await house.tell(answer, Action.RESUME)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_what_went_half_the_way_is_taken_back(self, opened: Open) -> None:
        house = await opened({"PlaceSalesOrder": ["held"]})
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        assert (await house.exceptions(answer))[0].step
        await turn(house, 7 * DAY)
        assert answer.operation
        assert (await house.ended(answer)).state is State.COMPENSATED
        assert house.ledger.open_records(answer.operation.id) == set()


class TestReminders:
    async def test_the_next_approvers_are_told_after_a_third_and_all_at_half(self, house: House) -> None:
        answer, _ = await asked(house)
        assert await turn(house, timedelta(hours=7, minutes=59)) == []
        assert of(await turn(house, timedelta(minutes=2)), "ESCALATED") == ["finance_controller"]
        (question,) = await house.approvals(answer)
        assert (question.role, question.escalated_to, question.reminded_at) == ("finance", "finance_controller", None)
        told = await turn(house, 4 * HOUR)
        assert of(told, "REMINDED") == ["finance", "finance_controller"]
        assert await turn(house, HOUR) == []
        assert await decisions(house, answer) == [Decision.PENDING], "nothing is approved by waiting"
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED
        entries = await house.store.read(audit.of_subject, question.operation_id)
        said = [(each.event.actor, each.event.action) for each in entries if each.event.actor == "opsgraph"]
        assert said == [("opsgraph", "escalated"), ("opsgraph", "reminded"), ("opsgraph", "reminded")]

    async def test_where_there_is_no_next_level_only_those_asked_are_reminded(self, house: House) -> None:
        await house.send("submitOrder", order(due_days=60, start_on=date(2026, 12, 1), end_on=date(2027, 11, 30)))
        told = await turn(house, 24 * HOUR)
        assert (of(told, "ESCALATED"), of(told, "REMINDED")) == ([], ["finance_controller"])


class TestEscalation:
    @both
    async def test_what_is_not_answered_in_time_is_the_next_owners_too(self, opened: Open) -> None:
        house = await opened(LOCKED)
        answer, raised = await stuck(house)
        assert (raised.owner, raised.escalated_to) == ("finance", None)
        assert await turn(house, raised.answer_due_at - house.clock() - timedelta(seconds=60)) == []
        (notice,) = await turn(house, timedelta(seconds=60))
        assert (notice.what, notice.role) == ("ESCALATED", "finance_controller")
        (item,) = await house.exceptions(answer)
        assert (item.owner, item.escalated_to, item.status) == ("finance", "finance_controller", Status.OPEN)
        assert item.answer_due_at > raised.answer_due_at
        assert await turn(house, timedelta(seconds=60)) == []
        queues = [await house.store.read(exceptions.queue, [role]) for role in ("finance", "finance_controller")]
        assert [[each.id for each in queue] for queue in queues] == [[raised.id], [raised.id]]
        (noted,) = await house.store.read(handovers.of_exception, raised.id)
        assert (noted.by, noted.to, noted.kind) == ("opsgraph", "finance_controller", "ESCALATED")
        _, asked_ = await Desk(house.writes).resolve(FINN, raised.id, Action.RESUME, "late, but here")
        assert asked_ == ()
        assert (await house.ended(answer)).state is State.COMPLETED
        assert await house.audit_breaks() == []

    async def test_an_answered_one_has_until_it_should_be_cleared(self, opened: Open) -> None:
        house = await opened(LOCKED)
        _, raised = await stuck(house)
        await Desk(house.writes).assign(FINN, raised.id, "finn", "mine")
        assert await turn(house, raised.answer_due_at - house.clock()) == []
        (notice,) = await turn(house, raised.due_at - house.clock())
        assert "has not cleared PERIOD_LOCKED" in notice.message
        (item,) = await house.store.read(exceptions.queue, ["finance_controller"])
        assert (item.assignee, item.status) == ("finn", Status.ASSIGNED)

    async def test_the_second_owner_may_clear_it_where_the_rules_let_it(self, opened: Open) -> None:
        house = await opened({"GrantRight": ["refuse"]})
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        assert raised.owner == "revops"
        desk, pat = Desk(house.writes), one("pat", "platform")
        error = await refused(desk.resolve(pat, raised.id, Action.SKIP, "granted by hand"))
        assert error.reasons == ("REFUSED not owner",)
        (notice,) = await turn(house, raised.answer_due_at - house.clock())
        assert notice.role == "platform"
        _, questions = await desk.resolve(pat, raised.id, Action.SKIP, "granted by hand")
        assert questions == ()
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_what_somebody_changes_in_between_is_left_to_them(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house = await opened(LOCKED)
        _, raised = await stuck(house)
        house.clock.jump(30 * DAY)
        late = await house.store.read(exceptions.late, house.clock())
        await Desk(house.writes).assign(FINN, raised.id, "finn", "mine")
        monkeypatch.setattr(exceptions, "late", lambda *_: late)
        assert of(await turn(house, timedelta(0)), "ESCALATED") == []
        monkeypatch.undo()
        assert of(await turn(house, timedelta(minutes=1)), "ESCALATED") == ["finance_controller"]


class TestKeeping:
    async def test_what_was_left_lying_is_started(self, house: House) -> None:
        async def lost(workflow: str, run_id: str, payload: Any) -> Any:
            raise ConnectionError("the process dies here")

        start, house.durable.start = house.durable.start, lost  # type: ignore[method-assign]
        with pytest.raises(ConnectionError):
            await house.send("openCase", case(), AGENT, key="k")
        house.durable.start = start  # type: ignore[method-assign]
        await turn(house, timedelta(seconds=29))
        assert house.sent() == []
        await turn(house, timedelta(seconds=31))
        answer = await house.send("openCase", case(), AGENT, key="k")
        assert (await house.ended(answer)).state is State.COMPLETED
        assert house.sent() == ["OpenCase"]

    async def test_the_audit_is_sealed_once_a_day(self, house: House) -> None:
        await house.send("openCase", case(), AGENT)
        for _ in range(3):
            await turn(house, HOUR)
        assert await _count(house, audit.seals) == 1
        await turn(house, DAY)
        assert await _count(house, audit.seals) == 2
        assert await house.audit_breaks() == []

    @both
    async def test_what_is_old_is_deleted_and_the_audit_stays(self, house: House) -> None:
        old = await house.send("openCase", case(), AGENT)
        await house.ended(old)
        kept = await house.send("submitOrder", order(), key="young")
        await house.ended(kept)
        had = await _count(house, audit.entries)
        by_its_engine = datetime.now(UTC) - house.clock()  # which dates its runs by the machine's clock
        await turn(house, by_its_engine + 46 * DAY)
        assert old.operation
        with pytest.raises(NoSuchRun):
            await house.durable.result(old.operation.id, 0)
        assert await house.steps(old), "the operation is kept for longer than its run"
        await turn(house, 400 * DAY)
        with pytest.raises(NoSuchRecord):
            await house.operation(old)
        assert await _count(house, steps.steps) == 0
        assert await _count(house, audit.entries) >= had
        assert await house.audit_breaks() == []
        again = await house.send("openCase", case(), AGENT)
        assert (await house.ended(again)).state is State.COMPLETED

    async def test_what_is_under_way_or_used_up_is_never_too_old(self, opened: Open) -> None:
        house = await opened(LOCKED)
        waiting, _ = await stuck(house)
        pack = c.Entitlement(
            key="550A", source="crm", source_id="550A", as_of=house.clock(), account_key="A-1", name="pack",
            support_tier="premium", status=c.EntitlementStatus.ACTIVE, pack=c.Pack(total=10, remaining=1),
        )  # fmt: skip
        house.systems.records.append(pack)
        used = await house.send("openCase", case(), AGENT)
        await house.ended(used)
        await turn(house, 500 * DAY)
        assert (await house.operation(waiting)).state is State.NEEDS_ATTENTION
        query = select(func.count()).where(reservations.reservations.c.state == Held.CONSUMED)
        assert await house.store.read(lambda connection: connection.execute(query).scalar_one()) == 1
        assert (await house.operation(used)).state is State.COMPLETED

    @pytest.mark.parametrize("hours", [0, 24, 365 * 24])
    def test_no_year_is_cut_short(self, hours: int) -> None:
        with pytest.raises(ValueError, match="`operations`"):
            Retention(operations=hours)


class TestWho:
    @both
    async def test_of_many_processes_one_makes_each_round(self, house: House) -> None:
        await asked(house)
        house.clock.jump(24 * HOUR)
        told: list[Notice] = []
        others = [Rounds(house.writes, tell=told.append) for _ in range(8)]
        made = await asyncio.gather(*(each.due() for each in others))
        names = [name for each in made for name in each]
        assert len(names) == len(set(names)) == 8
        assert of(told, "EXPIRED") == ["finance"]
        last = {each.name: each for each in await house.store.read(rounds.last)}
        assert last["approvals.expire"].done == 1
        assert {each.begun_by for each in last.values()} == {house.writes.room.chain}

    @both
    async def test_who_looks_while_nothing_is_due_writes_nothing(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await Rounds(house.writes).due()

        async def written(*_: Any, **__: Any) -> Any:
            raise AssertionError("nothing was due")

        monkeypatch.setattr(house.store, "transact", written)
        assert await Rounds(house.writes).due() == {}

    async def test_a_round_that_fails_is_made_again_soon_and_keeps_no_other_from_it(
        self, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(*_: Any) -> str:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(audit, "seal", broken)
        made = await Rounds(house.writes).due()
        assert "audit.seal" not in made
        assert "old.forget" in made
        assert "the round `audit.seal` failed" in caplog.text
        monkeypatch.undo()
        assert "audit.seal" not in await Rounds(house.writes).due()
        house.clock.jump(timedelta(minutes=5))
        assert (await Rounds(house.writes).due())["audit.seal"] == 1

    async def test_a_database_that_is_away_is_waited_for(
        self, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def away(*_: Any, **__: Any) -> Any:
            raise StoreAway("our own tables cannot be reached")

        with monkeypatch.context() as patched:
            patched.setattr(house.store, "transact", away)
            assert await Rounds(house.writes).due() == {}
        assert "the rounds wait" in caplog.text
        assert len(await Rounds(house.writes).due()) == 8

    async def test_it_goes_round_until_it_is_cancelled(self, house: House) -> None:
        told = asyncio.Event()
        await asked(house)
        house.clock.jump(24 * HOUR)
        going = asyncio.create_task(Rounds(house.writes, rota=Rota(look=0.01), tell=lambda _: told.set()).run())
        async with asyncio.timeout(10):
            await told.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going

    def test_a_rota_that_never_comes_round_is_refused(self) -> None:
        with pytest.raises(ValueError, match="`expire`"):
            Rota(expire=0)


async def _count(house: House, table: Any) -> int:
    query = select(func.count()).select_from(table)
    return int(await house.store.read(lambda connection: connection.execute(query).scalar_one()))
