"""Approving: who may give an approval, and what follows from it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from policies.writes.approvals import Approving, Asked, approvable
from policies.writes.ask import NEEDS_APPROVAL, Approver, WriteDecision
from resolvers.desk.counter import DESK_TIER, Counter
from resolvers.desk.directory import standing
from resolvers.sagas import notes
from resolvers.sagas.asking import asking
from resolvers.sagas.grounds import Asker, Grounds, Place, alone, decided, history, linking
from resolvers.sagas.instruction import Action, Instruction
from resolvers.sagas.judge import whose
from resolvers.sagas.refused import Refused
from resolvers.sagas.run import APPROVAL
from sources.durable import NoSuchRun
from sources.store import approvals, exceptions, operations
from sources.store import grounds as kept
from sources.store.approvals import Approval, Decision
from sources.store.exceptions import Status
from sources.store.operations import ENDED, Operation


class Approvals(Counter):
    """Gives and refuses approvals. Every refusal is a `Refused` with the rule's reasons, and on the audit."""

    async def approve(
        self,
        who: Asker,
        approval_id: str,
        evidence_hash: str,
        *,
        attached: frozenset[str] = frozenset(),
        reason: str = "",
    ) -> Approval:
        """Approves what was shown under `evidence_hash`. Once everybody whom it takes has, the operation goes on."""
        found = await self._reading(approvals.find, approval_id)
        operation = await self._reading(operations.find, found.operation_id)
        grounds = msgspec.json.decode(await self._reading(kept.of_operation, operation.id), type=Grounds)
        again = await self._again(found, operation, grounds)
        stands = await standing(self._directory, who, found.asked_at, self._room.clock())
        approving = Approving(
            who.subject, stands.own, evidence_hash, True, human=who.human, attached=attached, givers=stands.givers
        )

        def work(connection: Any) -> Approval:
            alone(connection, who.person)
            now, rules = self._room.clock(), self._room.rules()
            others = approvals.of_operation(connection, operation.id)
            before = [each for each in others if each.decision is Decision.APPROVED and each.decided_by != who.person]
            same = [each.decided_by for each in before if each.evidence_hash == found.evidence_hash]
            touched = kept.documents_of(connection, [operation.id]).get(operation.id, frozenset())
            asked = Asked(
                subject=found.asked_by,
                at=found.asked_at,
                digest=found.evidence_hash,
                human=found.human,
                documents=touched,
                operations=frozenset({operation.id}) | kept.linked(connection, linking(touched), operation.id),
                approved_by=frozenset(filter(None, same)),
                delegations=stands.delegations,
            )
            deeds = history(connection, rules, who.person, now)
            verdict = approvable(rules, _decision(found, operation), again, approving, asked, deeds, now)
            if not verdict.counts and found.decision is Decision.PENDING:
                raise Refused(
                    "FORBIDDEN",
                    f"this approval does not count: {', '.join(verdict.reasons)}",
                    rule=found.rule,
                    reasons=verdict.reasons,
                )
            _still_going(operations.find(connection, operation.id), found)
            return self._decide(connection, found, Decision.APPROVED, who, evidence_hash, reason)

        return await self._decided(who, found, "approve", work)

    async def reject(self, who: Asker, approval_id: str, evidence_hash: str, reason: str) -> Approval:
        """Rejects: the operation ends without effect."""
        found = await self._reading(approvals.find, approval_id)
        now = self._room.clock()
        stands = await standing(self._directory, who, found.asked_at, now)
        acting = msgspec.structs.replace(who, roles=stands.roles(who.person, now))

        def work(connection: Any) -> Approval:
            self._allowed(connection, "reject", acting, found.operation_id, {})
            if not acting.roles & {found.role, *_roles(found)}:
                raise Refused("FORBIDDEN", f"`{found.role}` is asked: this is for somebody else to answer")
            return self._decide(connection, found, Decision.REJECTED, who, evidence_hash, reason)

        return await self._decided(who, found, "reject", work)

    async def _again(self, found: Approval, operation: Operation, grounds: Grounds) -> WriteDecision:
        """What the rules of now say to the same question about the facts of now."""
        if found.tier >= DESK_TIER:
            return _decision(found, operation)
        saga = self._writes.sagas[operation.mutation]
        given = msgspec.json.decode(operation.payload, type=saga.input)
        with asking(await whose(self._room, operation)):
            facts = await saga.gather(self._room.read, given, self._room.clock())

        def look(connection: Any) -> WriteDecision:
            place = Place(operation.id, operation.accepted_at)
            return decided(connection, self._room.rules(), operation.mutation, grounds.asker, facts, place)

        return await self._room.store.read(look)

    def _decide(
        self, connection: Any, found: Approval, decision: Decision, who: Asker, evidence_hash: str, reason: str
    ) -> Approval:
        now = self._room.clock()
        answered = approvals.decide(connection, found.id, decision, who.person, evidence_hash, now, reason or None)
        operation = operations.find(connection, found.operation_id)
        said = {"actor": who.subject, "human": who.human, "rule": found.rule, "reason": reason or None}
        shown = {"approval": found.id, "evidence": found.evidence_hash}
        action = "approve" if decision is Decision.APPROVED else "reject"
        notes.record(
            connection, self._room.chain, operation, now, action=action, decision=decision, after=shown, **said
        )
        return answered

    async def _decided(self, who: Asker, found: Approval, action: str, work: Callable[..., Approval]) -> Approval:
        answered = await self._done(who, found.operation_id, action, work)
        if found.tier >= DESK_TIER:
            await self._instruct_if_all(found)
        else:
            with contextlib.suppress(NoSuchRun):  # once it is started it sees what was answered
                key = f"{found.id}:{answered.decision}"
                await self._writes.durable.signal(found.operation_id, APPROVAL, {}, key=key)
        return answered

    async def _instruct_if_all(self, found: Approval) -> None:
        """Once a question of the desk has all its approvals, what was asked for is told to the saga."""
        every = await self._room.store.read(approvals.of_operation, found.operation_id)
        same = [each for each in every if each.tier >= DESK_TIER and each.evidence_hash == found.evidence_hash]
        if all(each.decision is Decision.APPROVED for each in same):
            wanted = msgspec.json.decode(found.evidence)["instruction"]
            instruction = msgspec.convert(wanted, Instruction)
            if instruction.action is Action.COMPENSATE:
                await self._taken_back(found.operation_id, instruction)
            else:
                await self._tell(found.operation_id, instruction)

    async def _taken_back(self, operation_id: str, told: Instruction) -> None:
        """Calls an operation back from where it is by now, be it an exception that came since it was asked."""

        def work(connection: Any) -> tuple[Operation, list[str]]:
            raised = exceptions.of_operation(connection, operation_id)
            waiting = [each.id for each in raised if each.status is not Status.RESOLVED]
            return self._call_back(connection, operation_id, told), waiting

        found, waiting = await self._room.write(work)
        exception = waiting[-1] if waiting else None
        await self._tell_back(found, msgspec.structs.replace(told, exception=exception))


def _still_going(operation: Operation, found: Approval) -> None:
    """Raises Refused where the operation of a question of the desk has ended, so that its answer would do nothing."""
    if found.tier >= DESK_TIER and found.decision is Decision.PENDING and operation.state in ENDED:
        raise Refused("VERSION_CONFLICT", f"operation `{operation.id}` is {operation.state}: nothing to approve")


def _decision(found: Approval, operation: Operation) -> WriteDecision:
    """The decision of a question, as it was frozen with it."""
    approvers = tuple(
        Approver(role, persons, None, tuple(evidence), "", 0)
        for role, persons, evidence in msgspec.json.decode(found.evidence)["approvers"]
    )
    lapses = found.expires_at - found.asked_at
    return WriteDecision(NEEDS_APPROVAL, found.rule, operation.mutation, "", 0, (), approvers, None, lapses)


def _roles(found: Approval) -> frozenset[str]:
    return frozenset(role for role, _, _ in msgspec.json.decode(found.evidence)["approvers"])
