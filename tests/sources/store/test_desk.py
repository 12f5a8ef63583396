"""Steps, approvals, exceptions and switches: what people see and decide."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from sources.store import approvals, exceptions, operations, steps, switches, worklist
from sources.store.approvals import Decision, Question
from sources.store.errors import ApprovalExpired, NoSuchRecord, NotApprovable, StaleRecord, WrongState
from sources.store.exceptions import Finding, Resolution, Status
from sources.store.operations import State
from sources.store.steps import Attempt, Direction, StepOutcome
from sources.store.store import Store
from sources.store.switches import Scope
from tests.sources.store.conftest import NOW, Accepted

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def operation(accepted: Accepted) -> str:
    operation_id = uuid.uuid4().hex
    await accepted(operation_id)
    return operation_id


def question(operation: str, **values: Any) -> Question:
    standing: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "rule": "credit",
        "role": "finance",
        "asked_by": "ada",
        "expires_at": NOW + timedelta(hours=24),
        "evidence": {"amount": "10.00", "account": "A-1"},
    }
    return Question(operation_id=operation, **(standing | values))


class TestSteps:
    async def test_attempts_are_counted_and_the_last_end_stands(self, store: Store, operation: str) -> None:
        attempt = Attempt(operation_id=operation, number=4, name="crm_order", key=f"{operation}:4", source="crm")

        def tried(connection: Any) -> Any:
            steps.begin(connection, attempt, NOW)
            steps.finish(connection, operation, 4, StepOutcome.TRANSIENT, NOW, message="the source is busy")
            steps.begin(connection, attempt, LATER)
            return steps.finish(connection, operation, 4, StepOutcome.OK, LATER, request_id="req_1")

        step = await store.transact(tried)
        assert (step.attempts, step.outcome, step.key) == (2, StepOutcome.OK, f"{operation}:4")
        assert (step.started_at, step.finished_at, step.request_id, step.message) == (NOW, LATER, "req_1", None)

    async def test_a_step_that_could_not_be_sent_at_first_says_who_was_asked_once_it_is(
        self, store: Store, operation: str
    ) -> None:
        never = Attempt(operation_id=operation, number=4, name="crm_order", key=f"{operation}:4")
        sent = msgspec.structs.replace(never, source="crm", owner="revops")

        def tried(connection: Any) -> list[Any]:
            return [steps.begin(connection, each, NOW) for each in (never, sent, never)]

        asked = await store.transact(tried)
        assert [(each.source, each.owner) for each in asked] == [(None, None), ("crm", "revops"), ("crm", "revops")]

    async def test_undoing_is_a_step_beside_doing(self, store: Store, operation: str) -> None:
        def work(connection: Any) -> Any:
            for direction, at in ((Direction.DO, NOW), (Direction.UNDO, LATER)):
                attempt = Attempt(operation_id=operation, number=1, name="reserve", key="k", direction=direction)
                steps.begin(connection, attempt, at)
            return steps.of_operation(connection, operation)

        assert [step.direction for step in await store.transact(work)] == [Direction.DO, Direction.UNDO]

    async def test_a_step_that_never_began_does_not_end(self, store: Store, operation: str) -> None:
        with pytest.raises(NoSuchRecord):
            await store.transact(steps.finish, operation, 9, StepOutcome.OK, NOW)


class TestApprovals:
    async def test_asking_twice_is_asking_once(self, store: Store, operation: str) -> None:
        first = await store.transact(approvals.ask, question(operation), NOW)
        again = await store.transact(approvals.ask, question(operation), LATER)
        assert again == first
        waiting = await store.read(approvals.pending, ["finance"], first=1000)
        assert first in waiting

    async def test_other_evidence_takes_the_question_back(self, store: Store, operation: str) -> None:
        first = await store.transact(approvals.ask, question(operation), NOW)
        other = question(operation, evidence={"amount": "11.00"})
        await store.transact(approvals.ask, other, LATER)
        with pytest.raises(NotApprovable, match="WITHDRAWN"):
            await decided(store, first.id, "bob", first.evidence_hash)

    async def test_an_answer_is_given_once(self, store: Store, operation: str) -> None:
        asked = await store.transact(approvals.ask, question(operation), NOW)
        approved = await decided(store, asked.id, "bob", asked.evidence_hash)
        assert (approved.decision, approved.decided_by) == (Decision.APPROVED, "bob")
        assert await decided(store, asked.id, "bob", asked.evidence_hash) == approved
        with pytest.raises(NotApprovable, match="APPROVED already"):
            await decided(store, asked.id, "eve", asked.evidence_hash, Decision.REJECTED)

    @pytest.mark.parametrize("by", ["ada", "grace"])
    async def test_neither_who_asks_nor_who_stands_behind_them_decides(
        self, store: Store, operation: str, by: str
    ) -> None:
        asked = question(operation, human="grace")
        known = await store.transact(approvals.ask, asked, NOW)
        with pytest.raises(NotApprovable, match="somebody else"):
            await decided(store, known.id, by, known.evidence_hash)
        change = update(approvals.approvals).where(approvals.approvals.c.id == known.id)
        with pytest.raises(IntegrityError):
            await store.transact(lambda connection: connection.execute(change.values(decided_by=by)))

    async def test_two_tiers_take_two_people(self, store: Store, operation: str) -> None:
        first, second = question(operation), question(operation, tier=2, role="finance_controller")
        hashes = [(await store.transact(approvals.ask, asked, NOW)).evidence_hash for asked in (first, second)]
        await decided(store, first.id, "bob", hashes[0])
        with pytest.raises(NotApprovable, match="approved this operation before"):
            await decided(store, second.id, "bob", hashes[1])
        await decided(store, second.id, "eve", hashes[1])
        both = await store.read(approvals.of_operation, operation)
        assert [one.decided_by for one in both] == ["bob", "eve"]

    async def test_the_approver_names_the_evidence_they_saw(self, store: Store, operation: str) -> None:
        asked = await store.transact(approvals.ask, question(operation), NOW)
        with pytest.raises(NotApprovable, match="evidence"):
            await decided(store, asked.id, "bob", "0" * 64)

    async def test_nobody_approves_after_the_time_is_over(self, store: Store, operation: str) -> None:
        soon = question(operation, expires_at=LATER)
        asked = await store.transact(approvals.ask, soon, NOW)
        with pytest.raises(ApprovalExpired):
            await store.transact(
                lambda connection: approvals.decide(
                    connection, asked.id, Decision.APPROVED, "bob", asked.evidence_hash, LATER
                )
            )
        expired = await store.transact(approvals.expire, LATER)
        assert asked.id in {one.id for one in expired}
        assert await store.transact(approvals.withdraw, operation, LATER) == 0

    async def test_of_many_answers_at_once_one_counts(self, store: Store, operation: str) -> None:
        asked = await store.transact(approvals.ask, question(operation), NOW)
        answers = [(f"p{number}", [Decision.APPROVED, Decision.REJECTED][number % 2]) for number in range(16)]
        results = await asyncio.gather(
            *(decided(store, asked.id, by, asked.evidence_hash, decision) for by, decision in answers),
            return_exceptions=True,
        )
        given = [result for result in results if not isinstance(result, BaseException)]
        assert len(given) == 1
        assert all(isinstance(result, NotApprovable | StaleRecord) for result in results if result not in given)


async def decided(
    store: Store, approval_id: str, by: str, evidence_hash: str, decision: Decision = Decision.APPROVED
) -> approvals.Approval:
    return await store.transact(approvals.decide, approval_id, decision, by, evidence_hash, NOW)


class TestExceptions:
    def finding(self, operation: str | None, **values: Any) -> Finding:
        standing: dict[str, Any] = {
            "id": f"{operation or uuid.uuid4().hex}:7:1",
            "kind": "PERIOD_LOCKED",
            "owner": "finance",
            "reason": "the period is closed",
            "answer_due_at": LATER,
            "due_at": LATER + timedelta(hours=3),
            "details": {"period": "2026-10"},
        }
        return Finding(operation_id=operation, **(standing | values))

    async def test_raising_it_twice_is_once(self, store: Store, operation: str) -> None:
        for _ in range(2):
            item = await store.transact(exceptions.open_exception, self.finding(operation), NOW)
        assert (item.status, item.version, item.details) == (Status.OPEN, 1, '{"period":"2026-10"}')
        assert await store.read(exceptions.of_operation, operation) == [item]

    async def test_it_is_assigned_then_resolved_and_then_it_stays(self, store: Store, operation: str) -> None:
        finding = self.finding(operation)

        def work(connection: Any) -> Any:
            exceptions.open_exception(connection, finding, NOW)
            exceptions.assign(connection, finding.id, "bob", NOW, 1)
            return exceptions.resolve(connection, finding.id, Resolution.SKIPPED, "bob", "paid by hand", LATER, 2)

        item = await store.transact(work)
        assert (item.status, item.resolution, item.resolved_by) == (Status.RESOLVED, Resolution.SKIPPED, "bob")
        assert (item.answered_at, item.resolved_at, item.assignee) == (NOW, LATER, "bob")
        same = await store.transact(exceptions.resolve, finding.id, Resolution.SKIPPED, "eve", "", LATER)
        assert same == item
        for change in (
            lambda connection: exceptions.resolve(connection, finding.id, Resolution.HEALED, "eve", "", LATER),
            lambda connection: exceptions.assign(connection, finding.id, "eve", LATER, 3),
        ):
            with pytest.raises(WrongState):
                await store.transact(change)

    async def test_of_two_who_take_it_one_is_told(self, store: Store, operation: str) -> None:
        finding = self.finding(operation)
        await store.transact(exceptions.open_exception, finding, NOW)
        results = await asyncio.gather(
            *(store.transact(exceptions.assign, finding.id, by, NOW, 1) for by in ("bob", "eve")),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == ["ExceptionItem", "StaleRecord"]

    async def test_a_queue_shows_what_is_late_first(self, store: Store) -> None:
        owner = uuid.uuid4().hex
        due = {"late": NOW, "soon": NOW + timedelta(hours=2), "answered": NOW + timedelta(hours=3)}
        for label, at in due.items():
            finding = self.finding(None, id=f"{owner}:{label}", owner=owner, answer_due_at=NOW, due_at=at)
            await store.transact(exceptions.open_exception, finding, NOW)
        await store.transact(exceptions.assign, f"{owner}:answered", "bob", NOW, 1)

        async def ids(**filters: Any) -> list[str]:
            found = await store.read(exceptions.queue, [owner], **filters)
            return [item.id.removeprefix(f"{owner}:") for item in found]

        assert await ids() == ["late", "soon", "answered"]
        assert await ids(late_at=LATER) == ["late", "soon"]  # `soon` is not cleared late, but nobody answered in time
        assert await ids(assignee="bob") == ["answered"]

    async def test_handing_it_over_leaves_it_to_the_new_owner(self, store: Store, operation: str) -> None:
        finding = self.finding(operation)

        def work(connection: Any) -> Any:
            exceptions.open_exception(connection, finding, NOW)
            exceptions.assign(connection, finding.id, "bob", NOW, 1)
            return exceptions.hand_over(connection, finding.id, "controller", LATER, "not answered", 2, NOW)

        item = await store.transact(work)
        assert (item.owner, item.assignee, item.status, item.due_at) == ("controller", None, Status.OPEN, LATER)


class TestSwitches:
    async def test_one_person_pauses_and_two_resume(self, store: Store) -> None:
        name = uuid.uuid4().hex
        await store.transact(switches.pause, Scope.MUTATION, name, "pat", "storm", NOW)

        async def resume(by: str) -> Any:
            return await store.transact(switches.resume, Scope.MUTATION, name, by, NOW)

        asked = await resume("pat")
        assert asked.resume_asked_by == "pat"
        with pytest.raises(NotApprovable):
            await resume("pat")
        assert await resume("fin") is None
        with pytest.raises(NoSuchRecord):
            await resume("fin")

    async def test_pausing_again_voids_a_request_to_resume(self, store: Store) -> None:
        name = uuid.uuid4().hex

        def work(connection: Any) -> Any:
            switches.pause(connection, Scope.SOURCE, name, "pat", "storm", NOW)
            switches.resume(connection, Scope.SOURCE, name, "pat", NOW)
            return switches.pause(connection, Scope.SOURCE, name, "eve", "still", LATER)

        pause = await store.transact(work)
        assert (pause.resume_asked_by, pause.paused_by, pause.reason) == (None, "pat", "storm")
        everything = await store.read(switches.paused)
        assert switches.holding(everything, "submitOrder", frozenset({name})) == pause
        assert switches.holding([pause], "submitOrder", frozenset({"billing"})) is None


async def test_what_waits_is_counted_and_what_has_ended_is_not(
    store: Store, operation: str, accepted: Accepted
) -> None:
    role = uuid.uuid4().hex
    before = await store.read(worklist.waiting, LATER)
    await accepted(over := uuid.uuid4().hex)

    def work(connection: Any) -> None:
        operations.move(connection, over, State.REJECTED, NOW)
        for each in (operation, over):
            approvals.ask(connection, question(each, role=role), NOW)
        approvals.withdraw(connection, over, NOW)
        for number, due in enumerate((NOW, NOW, LATER + timedelta(hours=1))):
            finding = TestExceptions().finding(None, id=f"{role}:{number}", owner=role, due_at=due)
            exceptions.open_exception(connection, finding, NOW)
        exceptions.resolve(connection, f"{role}:1", Resolution.HEALED, "bob", "it was a hiccup", NOW)

    await store.transact(work)
    found = await store.read(worklist.waiting, LATER)
    assert found.operations == before.operations
    assert found.approvals[role] == 1
    assert {late: found.exceptions[role, late] for late in (True, False)} == {True: 1, False: 1}
