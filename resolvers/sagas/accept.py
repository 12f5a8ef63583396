"""Accepting: a command becomes an operation once, whoever sends it how often; only then is anything done."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from math import isinf
from typing import Any

import msgspec

from policies.writes.ask import FORBIDDEN, WriteDecision
from resolvers.sagas import judge, notes
from resolvers.sagas.answer import Answer, Planned, Request, member_of, outcome_of, refusals, stale, told_of
from resolvers.sagas.asking import Asking, asking
from resolvers.sagas.grounds import Grounds, Place, decided, decided_first
from resolvers.sagas.rates import rated
from resolvers.sagas.refused import Refused
from resolvers.sagas.room import Room
from resolvers.sagas.saga import Facts, Read, Saga
from resolvers.sagas.starting import Starting
from sources.abreast import meanwhile
from sources.durable import Durable
from sources.errand import current
from sources.errors import SourceError
from sources.store import approvals, audit, entrance, exceptions, operations, switches
from sources.store import grounds as kept
from sources.store.columns import canonical
from sources.store.errors import IdempotencyMismatch, StoreError
from sources.store.operations import ENDED, Acceptance, Operation, Outcome, State
from sources.store.retention import Retention, kept_until

_LONGEST_KEY = 255
_ANSWERING = 0.3  # seconds that the answer itself may take


class _Forbidden(Exception):
    """Undoes the acceptance of what the rules forbid."""

    def __init__(self, decision: WriteDecision) -> None:
        super().__init__(decision.rule)
        self.decision = decision


class Writes:
    """All governed writes of one process. `patience`: seconds that a caller waits for the end of a prompt one."""

    def __init__(
        self,
        room: Room,
        durable: Durable,
        sagas: Sequence[Saga],
        *,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        patience: float = 2.0,
    ) -> None:
        self.room, self.durable = room, durable
        self.sagas = {saga.mutation: rated(saga, room) for saga in sagas}
        self._retention, self._patience = retention, patience
        self.starting = Starting(room, durable, self.sagas)

    async def accept(self, mutation: str, request: Request, read: Read | None = None) -> Answer:
        """Accepts a command, or answers what it was answered before.

        `read` reads facts as the caller may see them. Raises Refused for what never becomes an operation, SourceError
        where what has to be known cannot be read: nothing was kept then, and the same key may come again.
        """
        saga = self.sagas[mutation]
        payload = canonical(request.input)
        _demand_key(request)
        with nullcontext() if request.dry_run else self.durable.ahead():
            accepted = await self._accepted(saga, request, payload, read or self.room.read)
        if isinstance(accepted, Answer):
            return accepted
        return await self._answered(saga, accepted.operation, replayed=accepted.replayed)

    async def _accepted(self, saga: Saga, request: Request, payload: str, read: Read) -> Acceptance | Answer:
        """The operation that a command is; of a dry run, what would happen."""
        key = None if request.dry_run else request.key
        gathering = saga.gather(read, request.input, self.room.clock())
        with asking(_whose(request)):
            async with meanwhile(gathering) as gathered:  # most keys are new: facts do not wait for them
                store, caller = self.room.store, request.asker.subject
                before, pauses = await store.glance(entrance.before, caller, saga.mutation, key)
                known = self._replayed(before, payload)
                if known is not None:
                    return Acceptance(known, replayed=True)
                self._demand_running(saga, pauses)
                facts = await gathered
        if request.dry_run:
            return await self._tried(saga, request, facts)
        try:
            return await self.room.write(self._accept, saga, request, payload, facts)
        except _Forbidden as refused:
            await self.room.write(self._refusal, saga, request, payload, refused.decision)
            raise Refused.by_rule(refused.decision) from None
        except StoreError as error:
            raise Refused.by_store(error) from None

    # ------------------------------------------------------------ before

    def _replayed(self, known: Operation | None, payload: str) -> Operation | None:
        """The operation that a key answers with already."""
        if known is None or (known.kept_until <= self.room.clock() and known.state in ENDED):
            return None
        try:
            operations.same(known, payload)
        except IdempotencyMismatch as error:
            raise Refused.by_store(error) from None
        return known

    def _demand_running(self, saga: Saga, pauses: list[switches.Pause]) -> None:
        """Nothing is accepted that a switch would hold."""
        if not pauses:
            return
        pause = switches.holding(pauses, saga.mutation, frozenset(filter(None, map(self._source, saga.steps))))
        if pause is not None:
            what = f"`{pause.name}`" if pause.name else "all writes"
            raise Refused("WRITES_PAUSED", f"{what} paused by `{pause.paused_by}`: {pause.reason}; try again later")

    def _source(self, step: Any) -> str | None:
        try:
            return str(getattr(self.room.systems.writer(step.writes), "name", "")) or None
        except SourceError:
            return None

    async def _tried(self, saga: Saga, request: Request, facts: Facts) -> Answer:
        """What would happen; nothing is kept."""

        def look(connection: Any) -> WriteDecision:
            place = Place("", self.room.clock())
            return decided(connection, self.room.rules(), saga.mutation, request.asker, facts, place)

        decision = await self.room.store.read(look)
        if decision.outcome == FORBIDDEN:
            raise Refused.by_rule(decision)
        plan = tuple(
            Planned(
                name=step.name,
                writes=step.writes.target.__name__,
                source=self._source(step),
                owner=step.concern.owner,
                no_return=step.pivot,
                undoes=step.undo is not None,
            )
            for step in saga.steps
        )
        findings = (*stale(request.expected, facts), *facts.findings)
        member = member_of(saga, decision, request, facts) or Outcome.COMPLETED
        return Answer(member=member, findings=findings, decision=decision, plan=plan)

    # ------------------------------------------------------------ the acceptance

    def _accept(self, connection: Any, saga: Saga, request: Request, payload: str, facts: Facts) -> Acceptance:
        """The row, what it was judged on, whom it waits for and the audit record: all or nothing."""
        new, rules = uuid.uuid4().hex, self.room.rules()
        decision, now = decided_first(connection, rules, saga.mutation, request.asker, facts, new, self.room.clock)
        member = member_of(saga, decision, request, facts)
        command = self._command(new, saga, request, payload, facts, member, now)
        audit.foresee(connection, self.room.chain)
        accepted = operations.accept(connection, command, now)
        if accepted.replayed:
            return accepted
        if decision.outcome == FORBIDDEN:
            raise _Forbidden(decision)
        operation = accepted.operation
        body = Grounds(
            asker=request.asker, facts=facts, decision=decision, reason=request.reason, expected=request.expected
        )
        kept.keep(connection, operation.id, request.asker.person, body, facts.documents)
        if member is Outcome.NEEDS_APPROVAL:
            judge.ask(connection, operation, request.asker, facts, decision, now)
        said = {"action": f"{saga.mutation}.accept", "decision": member or Outcome.ACCEPTED, "rule": decision.rule}
        asked = {"input": msgspec.json.decode(payload), "reason": request.reason}
        notes.record(connection, self.room.chain, operation, now, reason=request.reason, before=asked, **said)
        if member in (Outcome.REJECTED, Outcome.CONFLICT):
            why = judge.said((*stale(request.expected, facts), *refusals(facts)))
            notes.end(connection, self.room.chain, operation.id, State.REJECTED, why, now)
        if member not in (None, Outcome.ACCEPTED):
            operation = operations.find(connection, operation.id)  # it has gone on from there
        return Acceptance(operation, replayed=False)

    def _command(
        self,
        new: str,
        saga: Saga,
        request: Request,
        payload: str,
        facts: Facts,
        member: Outcome | None,
        now: datetime,
    ) -> operations.Command:
        return operations.Command(
            id=new,
            mutation=saga.mutation,
            caller=request.asker.subject,
            human=request.asker.human,
            idempotency_key=request.key,
            payload=payload,
            kept_until=kept_until(saga.mutation, now, self._retention),
            correlation_id=request.correlation,
            account=facts.account,
            entity=facts.entity,
            amount=facts.amount,
            outcome=member,
        )

    def _refusal(self, connection: Any, saga: Saga, request: Request, payload: str, decision: WriteDecision) -> None:
        """The audit record of what was forbidden: there is no operation to hang it on."""
        event = audit.Event(
            actor=request.asker.subject,
            human=request.asker.human,
            action=f"{saga.mutation}.accept",
            subject=request.asker.person,
            decision=FORBIDDEN,
            rule=f"{decision.rule} {decision.file}:{decision.line}",
            reason=", ".join(f"{reason.code} {reason.about}" for reason in decision.reasons),
            correlation_id=request.correlation,
            before=msgspec.json.decode(payload),
        )
        audit.append(connection, self.room.chain, event, self.room.clock())

    # ------------------------------------------------------------ afterwards

    async def _answered(self, saga: Saga, operation: Operation, *, replayed: bool) -> Answer:
        """The answer, the same one for everybody who comes with this key; the state is read now."""
        if operation.outcome is None:
            await self.starting.start(operation)
            operation = await self._waited(saga, operation)
        else:
            self.starting.start_soon(operation)
        member = operation.outcome or Outcome.ACCEPTED
        asked: list[approvals.Approval] = []
        if replayed or member is not Outcome.ACCEPTED:  # what was just accepted to go on by itself asked nobody
            asked = await self.room.store.read(approvals.of_operation, operation.id)
        return Answer(
            member=member,
            operation=operation,
            replayed=replayed,
            findings=told_of(operation),
            approvals=tuple(asked),
        )

    async def _waited(self, saga: Saga, operation: Operation) -> Operation:
        """Waits for the end of a prompt operation, and keeps what was answered."""
        await self.durable.result(operation.id, _patience(self._patience))

        def settle(connection: Any) -> Operation:
            now = self.room.clock()
            known = operations.find(connection, operation.id)
            raised = exceptions.of_operation(connection, operation.id)
            unknown = any(each.kind == "OUTCOME_UNKNOWN" for each in raised)
            return operations.answer(connection, known, outcome_of(known, unknown=unknown), now)

        return await self.room.write(settle)


def _demand_key(request: Request) -> None:
    """Raises Refused for a key that names nothing."""
    if not request.key.strip():
        raise Refused(
            "IDEMPOTENCY_KEY_REQUIRED",
            "`idempotencyKey` is empty: send a new one with every new command",
            path="idempotencyKey",
        )
    if len(request.key) > _LONGEST_KEY:
        raise Refused(
            "BAD_INPUT",
            f"`idempotencyKey` has {len(request.key)} characters: {_LONGEST_KEY} at most",
            path="idempotencyKey",
        )


def _whose(request: Request) -> Asking:
    who = request.asker
    return Asking(subject=who.subject, roles=who.roles, human=who.human, correlation=request.correlation)


def _patience(most: float) -> float:
    """How long a caller waits: so that what is left of its time is enough to be answered."""
    until = current().until
    left = until - asyncio.get_running_loop().time() - _ANSWERING if not isinf(until) else most
    return max(0.0, min(most, left))
