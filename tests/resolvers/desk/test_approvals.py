"""The paths of an approval: over and under every threshold, by whom, on what, until when, and with which roles."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.writes.order_terms import OrderedLine
from sources import canonical as c
from sources.store import audit
from sources.store.approvals import Decision
from sources.store.operations import Outcome, State
from tests.resolvers.desk.people import CARL, CORA, FAY, FINN, LEA, PAT, REVA, asked, desk_of, invoice, one, refused
from tests.resolvers.sagas.conftest import AGENT, CPQ, House
from tests.resolvers.sagas.orders import credit, order

HOUR = timedelta(hours=1)


def ordered(quantity: int, price: str = "100.00") -> OrderedLine:
    """Seats at 100.00 a month at list, for a year."""
    return OrderedLine(product="SEAT", price="price_1", quantity=Decimal(quantity), unit_price=Decimal(price))


class TestThresholds:
    @pytest.mark.parametrize(
        ("asker", "amount", "currency", "asks"),
        [
            (AGENT, "100.00", "USD", None),
            (AGENT, "100.01", "USD", "support_lead"),
            (AGENT, "500.01", "USD", "finance"),
            (LEA, "500.00", "USD", None),
            (LEA, "500.01", "USD", "finance"),
            (FINN, "0.01", "USD", "support_lead"),
            (FINN, "5000.00", "USD", "finance"),
            (FINN, "5000.01", "USD", "finance_controller"),
            (FINN, "50000.00", "USD", "finance_controller"),
            (FINN, "50000.01", "USD", "finance_controller twice"),
            (AGENT, "100", "JPY", "finance_controller twice"),  # no rate: whoever reaches any amount
            (AGENT, "1.00", "EUR", "finance_controller twice"),
        ],
    )
    async def test_whom_a_credit_takes(
        self, house: House, asker: Asker, amount: str, currency: str, asks: str | None
    ) -> None:
        invoice(house, c.Money(10_000_000, currency))
        answer = await house.send("issueCredit", credit(amount, currency=currency), asker)
        expected = [] if asks is None else [asks.split()[0]] * (2 if asks.endswith("twice") else 1)
        assert [each.role for each in answer.approvals] == expected
        assert answer.member is (Outcome.COMPLETED if asks is None else Outcome.NEEDS_APPROVAL)
        assert house.sent() == (["CreditInvoice", "CreditPosted"] if asks is None else [])

    @pytest.mark.parametrize(
        ("given", "asks"),
        [
            ({"lines": (ordered(41),)}, None),  # 49,200.00
            ({"lines": (ordered(42),)}, "revops"),
            ({"lines": (ordered(208),)}, "revops"),  # 249,600.00
            ({"lines": (ordered(209),)}, "finance_controller"),
            ({"lines": (ordered(1, "90.00"),)}, None),
            ({"lines": (ordered(1, "89.99"),)}, "revops"),
            ({"lines": (ordered(1, "75.00"),)}, "revops"),
            ({"lines": (ordered(1, "74.99"),)}, "finance_controller"),
            ({"due_days": 60}, "finance_controller"),
        ],
    )
    async def test_whom_an_order_takes(self, house: House, given: dict[str, Any], asks: str | None) -> None:
        answer = await house.send("submitOrder", order(**given), dry_run=True)
        assert answer.decision
        found = [each.role for each in answer.decision.approvers]
        assert found[:1] == ([] if asks is None else [asks])
        assert answer.member is (Outcome.ACCEPTED if asks is None else Outcome.NEEDS_APPROVAL)


class TestWho:
    async def test_the_human_behind_a_service_does_not_approve_his_order(self, house: House) -> None:
        answer = await house.send("submitOrder", order(lines=(ordered(50),)), CPQ)
        (question,) = answer.approvals
        await house.until(answer, State.AWAITING_APPROVAL)
        hana = one("Hana", "revops")
        error = await refused(Desk(house.writes).approve(hana, question.id, question.evidence_hash))
        assert "REQUESTER" in error.reasons
        await Desk(house.writes).approve(REVA, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_a_higher_step_approves_instead_and_a_lower_one_does_not(self, house: House) -> None:
        answer, (question,) = await asked(house)
        assert question.role == "finance"
        error = await refused(Desk(house.writes).approve(LEA, question.id, question.evidence_hash))
        assert "NO_AUTHORITY_NOW" in error.reasons
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_an_approver_who_lost_the_role_meanwhile_does_not_count(self, house: House) -> None:
        answer, (question,) = await asked(house)
        since = house.clock() - HOUR
        moved = desk_of(house, fay={since: {"finance"}, house.clock(): {"revops"}})
        error = await refused(moved.approve(FAY, question.id, question.evidence_hash))
        assert error.reasons == ("NO_AUTHORITY_NOW",), "whatever an older token still says"
        token = await refused(desk_of(house).approve(one("fay", "revops"), question.id, question.evidence_hash))
        assert "NO_AUTHORITY_NOW" in token.reasons
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
        assert house.sent() == []

    async def test_an_approver_who_got_the_role_since_does_not_count(self, house: House) -> None:
        _, (question,) = await asked(house)
        new = desk_of(house, fay={house.clock(): {"finance"}})
        error = await refused(new.approve(FAY, question.id, question.evidence_hash))
        assert error.reasons == ("NO_AUTHORITY_WHEN_ASKED",)

    async def test_whoever_is_asked_or_a_step_above_rejects_and_nobody_else(self, house: House) -> None:
        answer, (question,) = await asked(house)
        desk = Desk(house.writes)
        for stranger in (REVA, LEA, PAT):
            error = await refused(desk.reject(stranger, question.id, question.evidence_hash, "no"))
            assert error.code == "FORBIDDEN"
        await desk.reject(CORA, question.id, question.evidence_hash, "not this quarter")
        ended = await house.ended(answer)
        assert (ended.state, ended.reason) == (State.REJECTED, "rejected by cora: not this quarter")
        assert house.sent() == []


class TestWhat:
    async def test_the_evidence_is_frozen_as_it_was_shown(self, house: House) -> None:
        _, (question,) = await asked(house, "600.00")
        frozen = msgspec.json.decode(question.evidence)
        assert (frozen["input"]["amount"], frozen["rule"], frozen["entity"]) == ("600.00", "credit", "US")
        assert [each[0] for each in frozen["approvers"]] == ["finance", "finance_controller", "finance_controller"]
        (again,) = await house.approvals(await house.send("issueCredit", credit("600.00"), FINN, key="key-0"))
        assert (again.evidence, again.evidence_hash) == (question.evidence, question.evidence_hash)

    async def test_every_answer_is_on_the_audit_with_its_evidence(self, house: House) -> None:
        answer, (question,) = await asked(house)
        await refused(Desk(house.writes).approve(FINN, question.id, question.evidence_hash))
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash, reason="agreed with sales")
        await house.ended(answer)
        entries = await house.store.read(audit.of_subject, question.operation_id)
        said = [(each.event.actor, each.event.decision) for each in entries if each.event.action == "approve"]
        assert said == [("finn", "FORBIDDEN"), ("carl", "APPROVED")]
        approved = next(each.event for each in entries if each.event.decision == "APPROVED")
        assert (approved.reason, approved.after["evidence"]) == ("agreed with sales", question.evidence_hash)


class TestBeforeItBegan:
    """Whoever accepted it is answered before the run is started, and may be gone by then."""

    async def test_what_is_approved_goes_on_when_it_is_started(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = await self._accepted(house, monkeypatch)
        (question,) = answer.approvals
        await Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        assert await house.writes.starting.sweep() == 1
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_what_is_called_back_never_begins(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = await self._accepted(house, monkeypatch)
        assert answer.operation
        called_back, questions = await Desk(house.writes).cancel(FINN, answer.operation.id, "a mistake")
        assert (called_back.state, questions) == (State.CANCELED, ())
        assert await house.writes.starting.sweep() == 0
        assert house.sent() == []

    async def _accepted(self, house: House, monkeypatch: pytest.MonkeyPatch) -> Answer:
        async def away(workflow: str, run_id: str, payload: Any) -> Any:
            raise ConnectionError("durable work is away")

        with monkeypatch.context() as patched:
            patched.setattr(house.durable, "start", away)
            answer = await house.send("issueCredit", credit("600.00"), FINN)
            await house.writes.starting.close()
        assert answer.member is Outcome.NEEDS_APPROVAL
        return answer


class TestUntilWhen:
    @pytest.mark.parametrize(
        ("after", "counts"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)]
    )
    async def test_it_counts_until_its_time_is_over(self, house: House, after: timedelta, counts: bool) -> None:
        answer, (question,) = await asked(house)
        house.clock.jump(after)
        approving = Desk(house.writes).approve(CARL, question.id, question.evidence_hash)
        if counts:
            await approving
            assert (await house.ended(answer)).state is State.COMPLETED
            return
        assert "EXPIRED" in (await refused(approving)).reasons
        assert [each.decision for each in await house.approvals(answer)] == [Decision.PENDING]
        assert house.sent() == []
