"""A command becomes an operation once; who may ask, and whom it takes, is decided before anything is kept."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.accounts import UpdateAccount
from sources import canonical as c
from sources.errors import Unavailable
from sources.store import audit, switches, worklist
from sources.store import grounds as kept
from sources.store.operations import Operation, Outcome, State
from sources.store.steps import StepOutcome
from sources.store.switches import Scope
from tests.fakes.ledger import NOW, company
from tests.resolvers.sagas.conftest import AGENT, CPQ, LEAD, House, Open
from tests.resolvers.sagas.orders import case, credit, order

FINN = Asker(subject="finn", roles=frozenset({"finance"}))
CARL = Asker(subject="carl", roles=frozenset({"finance_controller"}))
CORA = Asker(subject="cora", roles=frozenset({"finance_controller"}))
REVA = Asker(subject="reva", roles=frozenset({"revops"}))
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


async def refused(sending: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await sending
    return caught.value


class TestOnce:
    @both
    async def test_fifty_at_once_are_one_effect_and_one_answer(self, house: House) -> None:
        answers = await asyncio.gather(*(house.send("issueCredit", credit(), AGENT, key="the same") for _ in range(50)))
        assert len({answer.operation.id for answer in answers if answer.operation}) == 1
        assert {answer.member for answer in answers} == {Outcome.COMPLETED}
        assert [answer.replayed for answer in answers].count(False) == 1
        assert house.sent() == ["CreditInvoice", "CreditPosted"]

    async def test_a_replay_gets_the_same_member_with_the_state_of_now(self, house: House) -> None:
        first = await house.send("submitOrder", order(), key="k")
        await house.ended(first)
        again = await house.send("submitOrder", order(), key="k")
        assert first.operation
        assert again.operation
        assert (first.member, again.member, again.replayed) == (Outcome.ACCEPTED, Outcome.ACCEPTED, True)
        assert (first.operation.id, again.operation.state) == (again.operation.id, State.COMPLETED)

    @pytest.mark.parametrize("how", ["fails", "hangs"])
    async def test_a_key_that_is_known_is_answered_whatever_becomes_of_reading(self, house: House, how: str) -> None:
        """Facts are read beside the look for the key: what is known, paused or wrong does not wait for them."""
        first, gather = (
            await house.send("issueCredit", credit(), AGENT, key="k"),
            house.writes.sagas["issueCredit"].gather,
        )
        begun, given_up = list[int](), list[int]()

        async def read(*_: Any) -> Any:
            begun.append(1)
            if how == "fails":
                raise Unavailable("the ERP is away")
            try:
                await asyncio.Future()
            finally:
                given_up.append(1)

        saga = house.writes.sagas["issueCredit"]
        house.writes.sagas["issueCredit"] = replace(saga, gather=read)
        async with asyncio.timeout(20):
            again = await house.send("issueCredit", credit(), AGENT, key="k")
            mismatch = await refused(house.send("issueCredit", credit("2.00"), AGENT, key="k"))
            await house.store.transact(switches.pause, Scope.MUTATION, "issueCredit", "pat", "why", house.clock())
            paused = await refused(house.send("issueCredit", credit(), AGENT, key="new"))
        assert (again.replayed, again.operation and again.operation.id) == (
            True,
            first.operation and first.operation.id,
        )
        assert (mismatch.code, paused.code) == ("IDEMPOTENCY_MISMATCH", "WRITES_PAUSED")
        assert len(given_up) == (len(begun) if how == "hangs" else 0) == (3 if how == "hangs" else 0)
        await house.store.transact(switches.turn_on, Scope.MUTATION, "issueCredit")
        if how == "fails":
            with pytest.raises(Unavailable):
                await house.send("issueCredit", credit(), AGENT, key="new")
        house.writes.sagas["issueCredit"] = replace(saga, gather=gather)
        assert (await house.send("issueCredit", credit(), AGENT, key="new")).replayed is False

    async def test_who_has_ordered_often_is_not_judged_by_each_of_his_orders(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        weighed: list[str] = []

        def noting(*given: Any, weigh: Any = kept.weigh, **named: Any) -> Any:
            weight = weigh(*given, **named)
            if "without" not in named:  # it is being accepted; runs are judged again when they begin
                weighed.extend(each.mutation for each in weight.deeds)
            return weight

        monkeypatch.setattr(kept, "weigh", noting)
        for key in ("one", "two", "three"):
            await house.send("issueCredit", credit("1.00"), FINN, key=key)
        assert weighed == []
        await house.send("submitOrder", order(), msgspec.structs.replace(CPQ, human=FINN.subject))
        assert set(weighed) == {"issueCredit"}, "what could be forbidden together with an order"

    async def test_a_caller_that_leaves_takes_the_reading_with_it(self, house: House) -> None:
        begun, over = asyncio.Event(), asyncio.Event()

        async def read(*_: Any) -> Any:
            begun.set()
            try:
                await asyncio.Future()
            finally:
                over.set()

        house.writes.sagas["issueCredit"] = replace(house.writes.sagas["issueCredit"], gather=read)
        sending = asyncio.create_task(house.send("issueCredit", credit(), AGENT))
        await begun.wait()
        sending.cancel()
        async with asyncio.timeout(20):
            await over.wait()
            with pytest.raises(asyncio.CancelledError):
                await sending

    async def test_another_payload_under_the_same_key_is_refused(self, house: House) -> None:
        await house.send("issueCredit", credit("1.00"), AGENT, key="k")
        error = await refused(house.send("issueCredit", credit("2.00"), AGENT, key="k"))
        assert error.code == "IDEMPOTENCY_MISMATCH"
        assert house.sent() == ["CreditInvoice", "CreditPosted"]

    async def test_a_key_is_the_callers_and_the_mutations_own(self, house: House) -> None:
        answers = [
            await house.send("issueCredit", credit("1.00"), AGENT, key="k"),
            await house.send("issueCredit", credit("1.00"), LEAD, key="k"),
            await house.send("openCase", case(), AGENT, key="k"),
        ]
        assert [answer.replayed for answer in answers] == [False, False, False]
        assert len({answer.operation.id for answer in answers if answer.operation}) == 3

    @pytest.mark.parametrize(
        ("key", "code"), [("", "IDEMPOTENCY_KEY_REQUIRED"), (" ", "IDEMPOTENCY_KEY_REQUIRED"), ("x" * 256, "BAD_INPUT")]
    )
    async def test_a_key_is_required_and_short(self, house: House, key: str, code: str) -> None:
        assert (await refused(house.send("issueCredit", credit(), AGENT, key=key))).code == code

    async def test_a_row_whose_run_never_began_is_started_by_the_sweep_and_by_a_replay(self, house: House) -> None:
        started: list[str] = []
        start = house.durable.start

        async def lost(workflow: str, run_id: str, payload: Any) -> Any:
            started.append(run_id)
            raise ConnectionError("the process dies here")

        house.durable.start = lost  # type: ignore[method-assign]
        for key in ("swept", "replayed"):
            with pytest.raises(ConnectionError):
                await house.send("openCase", case(), AGENT, key=key)
        house.durable.start = start  # type: ignore[method-assign]
        assert len(await house.store.read(worklist.unstarted, house.clock() + timedelta(seconds=1))) == 2
        replayed = await house.send("openCase", case(), AGENT, key="replayed")
        assert (replayed.member, replayed.replayed) == (Outcome.COMPLETED, True)
        assert await house.writes.starting.sweep() == 1
        swept = await house.send("openCase", case(), AGENT, key="swept")
        assert (await house.ended(swept)).state is State.COMPLETED
        assert house.sent() == ["OpenCase", "OpenCase"]

    async def test_an_order_is_answered_whether_or_not_its_run_can_be_started_by_then(self, house: House) -> None:
        start = house.durable.start

        async def away(workflow: str, run_id: str, payload: Any) -> Any:
            raise ConnectionError("durable work is away")

        house.durable.start = away  # type: ignore[method-assign]
        answer = await house.send("submitOrder", order(), key="k")
        await house.writes.starting.close()
        assert (answer.member, (await house.operation(answer)).state) == (Outcome.ACCEPTED, State.RECEIVED)
        house.durable.start = start  # type: ignore[method-assign]
        assert await house.writes.starting.sweep() == 1
        assert (await house.ended(answer)).state is State.COMPLETED

    @pytest.mark.parametrize(
        ("mutation", "values", "hours"),
        [("submitOrder", order(), 25), ("submitOrder", order(), 24 * 6), ("openCase", case(), 23)],
        ids=["an order after a day", "an order after six", "a case after most of one"],
    )
    async def test_a_replay_gets_the_same_answer_as_long_as_its_key_counts(
        self, house: House, mutation: str, values: Any, hours: int
    ) -> None:
        asker = AGENT if mutation == "openCase" else CPQ
        first = await house.send(mutation, values, asker, key="k")
        done, sent = await house.ended(first), house.sent()
        house.clock.jump(timedelta(hours=hours))
        again = await house.send(mutation, values, asker, key="k")
        assert (again.member, again.findings, again.replayed) == (first.member, first.findings, True)
        assert again.operation == done
        assert house.sent() == sent

    async def test_a_key_is_free_again_when_its_time_is_over(self, house: House) -> None:
        first = await house.send("openCase", case(), AGENT, key="k")
        house.clock.jump(timedelta(hours=25))
        second = await house.send("openCase", case(subject="another"), AGENT, key="k")
        assert first.operation
        assert second.operation
        assert (second.replayed, first.operation.id == second.operation.id) == (False, False)


class TestRules:
    async def test_a_role_that_may_not_ask_keeps_nothing_but_an_audit_record(self, house: House) -> None:
        error = await refused(house.send("submitOrder", order(), AGENT))
        assert (error.code, error.reasons) == ("FORBIDDEN", ("ROLE_MAY_NOT_ASK support_agent",))
        assert error.rule
        assert error.rule.startswith("order rules/writes.yaml:")
        assert await house.store.read(worklist.page) == []
        (entry,) = await house.store.read(audit.of_subject, "ada")
        assert (entry.event.decision, entry.event.action) == ("FORBIDDEN", "submitOrder.accept")

    async def test_a_service_acts_for_a_human_or_not_at_all(self, house: House) -> None:
        nobody = Asker(subject="cpq", roles=frozenset({"cpq_service"}))
        error = await refused(house.send("submitOrder", order(), nobody))
        assert error.reasons == ("PERSON_MISSING cpq_service",)

    @both
    async def test_ten_credits_under_the_limit_add_up(self, house: House) -> None:
        answers = await asyncio.gather(*(house.send("issueCredit", credit("60.00"), LEAD) for _ in range(10)))
        members = [answer.member for answer in answers]
        assert members.count(Outcome.COMPLETED) == 8, "500.00 a day"
        assert members.count(Outcome.NEEDS_APPROVAL) == 2
        assert house.sent().count("CreditInvoice") == 8

    async def test_who_placed_an_order_gives_no_credit_on_it(self, house: House) -> None:
        await house.ended(await house.send("submitOrder", order(), CPQ))
        orders = [each.made for each in house.ledger.effects() if each.command == "PrepareSubscription"]
        house.systems.records = [
            msgspec.structs.replace(each, subscription_key=orders[0]) if isinstance(each, c.Invoice) else each
            for each in company()
        ]
        hana = Asker(subject="HANA ", roles=frozenset({"support_lead"}))
        error = await refused(house.send("issueCredit", credit("1.00"), hana))
        assert error.reasons == ("DUTIES_CONFLICT order + credit",)
        assert (await house.send("issueCredit", credit("1.00"), LEAD)).member is Outcome.COMPLETED

    async def test_what_the_invoice_does_not_allow_is_rejected_with_findings(self, house: House) -> None:
        answer = await house.send("issueCredit", credit("1000.01"), FINN, key="k")
        assert answer.member is Outcome.REJECTED
        assert [(each.code, each.message) for each in answer.findings] == [
            ("CREDIT_EXCEEDS_INVOICE", "1000.01 is more than the 1000.00 that is not credited yet")
        ]
        again = await house.send("issueCredit", credit("1000.01"), FINN, key="k")
        assert (again.member, again.findings, again.replayed) == (answer.member, answer.findings, True)

    @pytest.mark.parametrize("amount", ["0", "-1.00", "0.001", "NaN"])
    async def test_an_amount_that_is_none_is_refused_unkept(self, house: House, amount: str) -> None:
        with pytest.raises(Exception, match="`amount`"):
            await house.send("issueCredit", credit(amount), AGENT)
        assert await house.store.read(worklist.page) == []

    async def test_an_old_version_is_a_conflict(self, house: House) -> None:
        dated(house, NOW)
        asked = UpdateAccount(account="A-1", fields={"industry": "Mining"})
        before, now = (NOW - timedelta(days=1)).isoformat(), NOW.isoformat()
        answer = await house.send("updateAccount", asked, REVA, expected={"account": before})
        assert (answer.member, [each.code for each in answer.findings]) == (Outcome.CONFLICT, ["VERSION_CONFLICT"])
        assert house.sent() == []
        assert (await house.send("updateAccount", asked, REVA, expected={"account": now})).member is Outcome.COMPLETED

    async def test_what_changes_between_accepting_and_running_is_a_conflict_too(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dated(house, NOW)
        start = house.writes.starting.start

        async def late(operation: Operation) -> None:
            dated(house, NOW + timedelta(seconds=1))
            await start(operation)

        monkeypatch.setattr(house.writes.starting, "start", late)
        asked = UpdateAccount(account="A-1", fields={"industry": "Mining"})
        answer = await house.send("updateAccount", asked, REVA, expected={"account": NOW.isoformat()})
        assert answer.member is Outcome.CONFLICT
        assert [each.code for each in answer.findings] == ["VERSION_CONFLICT"]
        assert house.sent() == []
        assert (await house.send("updateAccount", asked, REVA)).member is Outcome.COMPLETED


def dated(house: House, at: datetime) -> None:
    """The account changed at an instant."""
    house.systems.records = [
        msgspec.structs.replace(each, updated_at=at) if isinstance(each, c.Account) and each.key == "A-1" else each
        for each in house.systems.records
    ]


class TestDryRun:
    async def test_a_dry_run_shows_plan_and_approvers_and_keeps_nothing(self, house: House) -> None:
        answer = await house.send("issueCredit", credit("60.00"), FINN, dry_run=True)
        assert (answer.member, answer.operation) == (Outcome.NEEDS_APPROVAL, None)
        assert answer.decision
        assert [each.role for each in answer.decision.approvers] == [
            "support_lead",
            "finance",
            "finance_controller",
            "finance_controller",
        ]
        assert [(step.name, step.source, step.undoes) for step in answer.plan] == [
            ("credit_note", "books", True),
            ("credit_memo", "books", False),
        ]
        assert (house.sent(), await house.store.read(worklist.page)) == ([], [])

    async def test_a_dry_run_is_refused_like_the_real_one(self, house: House) -> None:
        assert (await refused(house.send("submitOrder", order(), AGENT, dry_run=True))).code == "FORBIDDEN"


class TestSwitches:
    @pytest.mark.parametrize(
        ("scope", "name"), [(Scope.ALL, ""), (Scope.MUTATION, "openCase"), (Scope.SOURCE, "books")]
    )
    async def test_paused_writes_are_not_accepted(self, house: House, scope: Scope, name: str) -> None:
        await Desk(house.writes).pause(Asker(subject="pat", roles=frozenset({"platform"})), scope, name, "maintenance")
        error = await refused(house.send("openCase", case(), AGENT))
        assert (error.code, house.sent()) == ("WRITES_PAUSED", [])

    async def test_an_operation_under_way_waits_at_its_next_step(self, opened: Open) -> None:
        house = await opened({"PrepareSubscription": ["lock"]})
        answer = await house.send("submitOrder", order())
        await house.until(answer, State.NEEDS_ATTENTION)
        now = house.clock()
        await house.store.transact(switches.pause, Scope.SOURCE, "books", "pat", "maintenance", now)
        await house.tell(answer, Action.RESUME)
        await asyncio.sleep(0.2)
        assert house.sent()[-1] == "PlaceSalesOrder"
        await house.store.transact(switches.resume, Scope.SOURCE, "books", "pat", now)
        await house.store.transact(switches.resume, Scope.SOURCE, "books", "finn", now)
        assert (await house.ended(answer)).state is State.COMPLETED


class TestApprovals:
    async def asked(self, house: House, amount: str = "600.00", asker: Asker = FINN) -> tuple[Any, Any]:
        answer = await house.send("issueCredit", credit(amount), asker)
        assert answer.member is Outcome.NEEDS_APPROVAL
        await house.until(answer, State.AWAITING_APPROVAL)
        return answer, answer.approvals

    async def test_an_approved_credit_goes_on(self, house: House) -> None:
        answer, (asked,) = await self.asked(house)
        assert (asked.role, asked.rule) == ("finance", "credit")
        await Desk(house.writes).approve(CARL, asked.id, asked.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED
        assert house.sent() == ["CreditInvoice", "CreditPosted"]
        assert await house.audit_breaks() == []

    @pytest.mark.parametrize(
        ("who", "reason"),
        [
            (FINN, "REQUESTER"),
            (Asker(subject=" FINN", roles=frozenset({"finance_controller"})), "REQUESTER"),
            (Asker(subject="bot", roles=frozenset({"finance"}), human="Finn"), "REQUESTER"),
            (LEAD, "NO_AUTHORITY_NOW"),
            (Asker(subject="pat", roles=frozenset({"platform", "finance"})), "ROLES_CONFLICT"),
        ],
    )
    async def test_whose_approval_does_not_count(self, house: House, who: Asker, reason: str) -> None:
        answer, (asked,) = await self.asked(house)
        error = await refused(Desk(house.writes).approve(who, asked.id, asked.evidence_hash))
        assert reason in error.reasons
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
        assert house.sent() == []
        entries = await house.store.read(audit.of_subject, asked.operation_id)
        assert [entry.event.action for entry in entries][-1] == "approve"

    async def test_other_evidence_than_was_shown_does_not_count(self, house: House) -> None:
        _, (asked,) = await self.asked(house)
        error = await refused(Desk(house.writes).approve(CARL, asked.id, "0" * 64))
        assert "EVIDENCE_CHANGED" in error.reasons

    async def test_a_rejected_credit_ends_without_effect(self, house: House) -> None:
        answer, (asked,) = await self.asked(house)
        await Desk(house.writes).reject(CARL, asked.id, asked.evidence_hash, "not this time")
        operation = await house.ended(answer)
        assert (operation.state, operation.reason) == (State.REJECTED, "rejected by carl: not this time")
        assert house.sent() == []

    async def test_an_approval_that_nobody_gives_expires(self, house: House) -> None:
        answer, (asked,) = await self.asked(house)
        house.clock.jump(timedelta(hours=25))
        error = await refused(Desk(house.writes).approve(CARL, asked.id, asked.evidence_hash))
        assert "EXPIRED" in error.reasons
        await house.durable.signal(asked.operation_id, "approval", {})
        assert (await house.ended(answer)).state is State.EXPIRED

    async def test_an_asker_calls_it_back_while_it_waits(self, house: House) -> None:
        answer, (asked,) = await self.asked(house)
        await Desk(house.writes).cancel(FINN, asked.operation_id, "a mistake")
        assert (await house.ended(answer)).state is State.CANCELED
        assert {each.decision for each in await house.approvals(answer)} == {"WITHDRAWN"}

    async def test_above_the_last_limit_two_persons_have_to(self, house: House) -> None:
        house.systems.records = [
            msgspec.structs.replace(each, total=c.Money(9_000_000, "USD")) if isinstance(each, c.Invoice) else each
            for each in company()
        ]
        answer, asked = await self.asked(house, "60000.00")
        assert [(each.tier, each.role) for each in asked] == [(1, "finance_controller"), (2, "finance_controller")]
        desk = Desk(house.writes)
        await desk.approve(CARL, asked[0].id, asked[0].evidence_hash)
        error = await refused(desk.approve(CARL, asked[1].id, asked[1].evidence_hash))
        assert error.code == "FORBIDDEN"
        assert house.sent() == []
        await desk.approve(CORA, asked[1].id, asked[1].evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED

    async def test_what_changed_since_is_asked_again(self, house: House) -> None:
        given = order(due_days=60)
        answer = await house.send("submitOrder", given)
        await house.until(answer, State.AWAITING_APPROVAL)
        (asked,) = answer.approvals
        house.systems.records = [
            msgspec.structs.replace(each, unit_price=c.UnitPrice(c.Money(20_000, "USD").amount, "USD"))
            if isinstance(each, c.Price)
            else each
            for each in company()
        ]
        await Desk(house.writes).approve(CARL, asked.id, asked.evidence_hash)
        for _ in range(1000):
            if len(await house.approvals(answer)) == 2:
                break
            await asyncio.sleep(0.01)
        assert house.sent() == [], "the discount is 50 percent now"
        second = (await house.approvals(answer))[-1]
        assert second.evidence_hash != asked.evidence_hash
        await Desk(house.writes).approve(CORA, second.id, second.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED


class TestDesk:
    async def test_another_value_of_a_money_step_takes_a_second_person(self, opened: Open) -> None:
        house = await opened({"CreditPosted": ["lock"]})
        house.writes._patience = 0.2
        answer = await house.send("issueCredit", credit(), AGENT)
        assert answer.member is Outcome.ACCEPTED
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        desk = Desk(house.writes)
        error = await refused(desk.resolve(REVA, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"}))
        assert error.reasons == ("REFUSED not owner",)
        bad = await refused(desk.resolve(FINN, raised.id, Action.RESUME, "less", {"amount": "1.00"}))
        assert bad.code == "BAD_INPUT"
        _, (asked,) = await desk.resolve(FINN, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"})
        assert asked.role == "finance_controller"
        await desk.approve(CARL, asked.id, asked.evidence_hash)
        assert (await house.ended(answer)).state is State.COMPLETED
        memo = house.ledger.effects()[-1]
        assert (memo.command, memo.fields["posted_on"]) == ("CreditPosted", "2026-12-01")

    async def test_an_owner_resumes_unchanged_alone(self, opened: Open) -> None:
        house = await opened({"CreditPosted": ["lock"]})
        house.writes._patience = 0.2
        answer = await house.send("issueCredit", credit(), AGENT)
        await house.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await house.exceptions(answer)
        _, asked = await Desk(house.writes).resolve(FINN, raised.id, Action.RESUME, "the period is open again")
        assert asked == ()
        assert (await house.ended(answer)).state is State.COMPLETED


async def test_a_case_uses_up_one_incident_of_a_pack_and_no_more(house: House) -> None:
    pack = c.Entitlement(
        key="550A", source="crm", source_id="550A", as_of=house.clock(), account_key="A-1", name="pack",
        support_tier="premium", status=c.EntitlementStatus.ACTIVE, pack=c.Pack(total=10, remaining=1),
    )  # fmt: skip
    house.systems.records.append(pack)
    answers = await asyncio.gather(*(house.send("openCase", case(), AGENT) for _ in range(2)))
    assert sorted(answer.member for answer in answers) == [Outcome.COMPLETED, Outcome.REJECTED]
    assert house.sent() == ["OpenCase"]


async def test_a_case_that_nobody_knows_of_is_told_so(opened: Open) -> None:
    house = await opened({"OpenCase": ["lose_before"] * 9, "find OpenCase": ["unknown"] * 9})
    house.writes._patience = 1.0
    answer = await house.send("openCase", case(), AGENT, key="k")
    assert answer.member is Outcome.OUTCOME_UNKNOWN
    house.systems.books.faults.clear()
    await house.tell(answer, Action.RESUME)
    await house.ended(answer)
    again = await house.send("openCase", case(), AGENT, key="k")
    assert again.operation
    assert (again.member, again.operation.state) == (Outcome.OUTCOME_UNKNOWN, State.COMPLETED)
    steps = await house.steps(again)
    assert [step.outcome for step in steps if step.name == "case"] == [StepOutcome.OK]


async def test_what_must_be_known_and_cannot_be_read_keeps_nothing(house: House) -> None:
    house.systems.away = Unavailable("the CRM is away", source="crm")
    with pytest.raises(Unavailable):
        await house.send("openCase", case(), AGENT, key="k")
    assert await house.store.read(worklist.page) == []
    house.systems.away = None
    assert (await house.send("openCase", case(), AGENT, key="k")).replayed is False
