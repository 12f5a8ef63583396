"""Calling an operation back: who does it alone, who asks first, and what comes of it once that is agreed to."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from sources.store import audit
from sources.store.approvals import Approval, Decision
from sources.store.operations import Operation, Outcome, State
from sources.store.steps import StepOutcome
from tests.resolvers.desk.people import CARL, CORA, FAY, FINN, LEA, PAT, asked, both, one, refused
from tests.resolvers.sagas.conftest import AGENT, QUICK, House, Open
from tests.resolvers.sagas.orders import credit

AWAY = ["away"] * QUICK.tries
PATIENT = replace(QUICK, pauses=(300.0,), patience=86_400.0, settling=(300.0,))


async def under_way(house: House, step: str, outcome: StepOutcome, asker: Asker = AGENT) -> Answer:
    """A credit of 50.00 that waits for a system: its last step came to this so far."""
    house.writes._patience = 0.1
    answer = await house.send("issueCredit", credit(), asker)
    assert answer.member is Outcome.ACCEPTED
    async with asyncio.timeout(10):
        while not [each for each in await house.steps(answer) if (each.name, each.outcome) == (step, outcome)]:  # noqa: ASYNC110 - the test's own
            await asyncio.sleep(0.005)
    return answer


async def in_the_middle(opened: Open, asker: Asker = AGENT) -> tuple[House, Answer]:
    """Billing has credited, and the ERP is away."""
    house = await opened({"CreditPosted": AWAY}, pace=PATIENT)
    return house, await under_way(house, "credit_memo", StepOutcome.TRANSIENT, asker)


async def cancel(house: House, who: Asker, answer: Answer) -> tuple[Operation, tuple[Approval, ...]]:
    assert answer.operation
    return await Desk(house.writes).cancel(who, answer.operation.id, "a mistake")


async def refusals(house: House, answer: Answer) -> list[tuple[str, str | None]]:
    assert answer.operation
    entries = await house.store.read(audit.of_subject, answer.operation.id)
    return [(each.event.actor, each.event.decision) for each in entries if each.event.action == "cancelOperation"]


class TestWhatWaitsForApproval:
    @both
    async def test_its_asker_calls_it_back_alone(self, house: House) -> None:
        answer, _ = await asked(house)
        found, questions = await cancel(house, FINN, answer)
        assert (found.state, questions) == (State.CANCELED, ())
        assert (await house.ended(answer)).reason == "by finn: a mistake"

    @both
    async def test_a_stranger_asks_and_it_ends_once_that_is_agreed_to(self, house: House) -> None:
        answer, (own,) = await asked(house)
        found, (question,) = await cancel(house, FAY, answer)
        assert (found.state, question.role, question.asked_by) == (State.AWAITING_APPROVAL, "finance_controller", "fay")
        assert msgspec.json.decode(question.evidence)["reasons"] == ["FLAG_MISSING"]
        for nobody in (FAY, FINN, LEA):
            error = await refused(Desk(house.writes).approve(nobody, question.id, question.evidence_hash))
            assert error.code == "FORBIDDEN"
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        ended = await house.ended(answer)
        assert (ended.state, ended.reason, house.sent()) == (State.CANCELED, "by fay: a mistake", [])
        decisions = {each.id: each.decision for each in await house.approvals(answer)}
        assert decisions == {own.id: Decision.WITHDRAWN, question.id: Decision.APPROVED}
        await Desk(house.writes).approve(
            CARL, question.id, question.evidence_hash
        )  # once more, and nothing comes of it
        assert await house.audit_breaks() == []

    @both
    async def test_what_was_not_agreed_to_goes_on_as_if_nobody_had_asked(self, house: House) -> None:
        answer, (own,) = await asked(house)
        _, (question,) = await cancel(house, FAY, answer)
        await Desk(house.writes).reject(CARL, question.id, question.evidence_hash, "it is right")
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
        await Desk(house.writes).approve(CORA, own.id, own.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_whoever_is_not_to_ask_is_refused(self, house: House) -> None:
        answer, questions = await asked(house)
        for who in (PAT, CARL, one("abe", "support_agent")):
            error = await refused(cancel(house, who, answer))
            assert error.code == "FORBIDDEN"
            assert any(each.startswith("ROLE_MAY_NOT_ASK") for each in error.reasons)
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
        assert await house.approvals(answer) == questions
        assert await refusals(house, answer) == [(each, "FORBIDDEN") for each in ("pat", "carl", "abe")]

    async def test_what_has_ended_meanwhile_is_not_agreed_to(self, house: House) -> None:
        answer, (own,) = await asked(house)
        _, (question,) = await cancel(house, FAY, answer)
        await Desk(house.writes).approve(CORA, own.id, own.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED
        error = await refused(Desk(house.writes).approve(CARL, question.id, question.evidence_hash))
        assert error.code == "VERSION_CONFLICT"

    async def test_it_is_taken_back_where_it_has_begun_meanwhile(self, opened: Open) -> None:
        house = await opened({"CreditPosted": AWAY}, pace=PATIENT)
        answer, (own,) = await asked(house)
        _, (question,) = await cancel(house, FAY, answer)
        await Desk(house.writes).approve(CORA, own.id, own.evidence_hash)
        async with asyncio.timeout(10):
            while house.sent() != ["CreditInvoice"]:  # noqa: ASYNC110 - the test's own
                await asyncio.sleep(0.005)
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPENSATED
        assert house.sent() == ["CreditInvoice", "VoidCredit"]


class TestWhatIsUnderWay:
    @both
    async def test_its_asker_calls_it_back_alone_before_money_moved(self, opened: Open) -> None:
        house = await opened({"CreditInvoice": AWAY}, pace=PATIENT)
        answer = await under_way(house, "credit_note", StepOutcome.TRANSIENT)
        _, questions = await cancel(house, AGENT, answer)
        assert questions == ()
        assert (await house.ended(answer)).state is State.CANCELED
        assert house.sent() == []

    @both
    async def test_its_asker_asks_once_money_moved(self, opened: Open) -> None:
        house, answer = await in_the_middle(opened, LEA)
        _, (question,) = await cancel(house, LEA, answer)
        assert msgspec.json.decode(question.evidence)["reasons"] == ["FLAG_SET"]
        assert house.sent() == ["CreditInvoice"]
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPENSATED
        assert house.sent() == ["CreditInvoice", "VoidCredit"]

    @both
    async def test_a_stranger_asks_once_money_moved(self, opened: Open) -> None:
        house, answer = await in_the_middle(opened)
        found, (question,) = await cancel(house, FAY, answer)
        assert (found.state, question.role) == (State.RUNNING, "finance_controller")
        assert msgspec.json.decode(question.evidence)["reasons"] == ["FLAG_MISSING", "FLAG_SET"]
        assert house.sent() == ["CreditInvoice"]
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPENSATED
        assert house.sent() == ["CreditInvoice", "VoidCredit"]

    async def test_a_stranger_asks_before_money_moved_too(self, opened: Open) -> None:
        house = await opened({"CreditInvoice": AWAY}, pace=PATIENT)
        answer = await under_way(house, "credit_note", StepOutcome.TRANSIENT)
        _, (question,) = await cancel(house, FAY, answer)
        assert msgspec.json.decode(question.evidence)["reasons"] == ["FLAG_MISSING"]
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.CANCELED
        assert house.sent() == []

    @pytest.mark.parametrize("who", [AGENT, PAT, one("abe", "support_agent")], ids=["asker", "platform", "agent"])
    async def test_whoever_is_not_to_ask_is_refused_once_money_moved(self, opened: Open, who: Asker) -> None:
        house, answer = await in_the_middle(opened)
        error = await refused(cancel(house, who, answer))
        assert error.code == "FORBIDDEN"
        assert any(each.startswith("ROLE_MAY_NOT_ASK") for each in error.reasons)
        assert await house.approvals(answer) == []
        assert await refusals(house, answer) == [(who.subject, "FORBIDDEN")]
        assert house.sent() == ["CreditInvoice"]

    async def test_money_that_nobody_knows_about_may_have_moved(self, opened: Open) -> None:
        house = await opened({"CreditInvoice": ["lose"], "find CreditInvoice": ["away"] * 9}, pace=PATIENT)
        answer = await under_way(house, "credit_note", StepOutcome.UNKNOWN, LEA)
        _, (question,) = await cancel(house, LEA, answer)
        assert msgspec.json.decode(question.evidence)["reasons"] == ["FLAG_NOT_STATED"]
        assert (await house.operation(answer)).state is State.RUNNING
        house.systems.books.faults.clear()
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPENSATED
        assert house.sent() == ["CreditInvoice", "VoidCredit"]

    async def test_what_needs_somebody_by_the_time_it_is_agreed_to_is_taken_back(self, opened: Open) -> None:
        house = await opened({"CreditPosted": ["away"] * 100}, pace=replace(QUICK, pauses=(0.5,), patience=0.5))
        answer = await under_way(house, "credit_memo", StepOutcome.TRANSIENT)
        _, (question,) = await cancel(house, FAY, answer)
        await house.until(answer, State.NEEDS_ATTENTION)
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPENSATED
        (raised,) = await house.exceptions(answer)
        assert (raised.resolution, raised.resolved_by) == ("COMPENSATED", "fay")
        assert house.sent() == ["CreditInvoice", "VoidCredit"]
