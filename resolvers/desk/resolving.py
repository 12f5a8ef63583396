"""Resolving: how an operation goes on that got stuck, and how one is called back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from policies.writes.ask import ALLOWED, WriteDecision
from resolvers.desk.counter import DESK_TIER, Counter
from resolvers.sagas.grounds import Asker, Grounds
from resolvers.sagas.instruction import Action, Instruction
from resolvers.sagas.refused import Refused
from sources.store import approvals, exceptions, operations, steps
from sources.store import grounds as kept
from sources.store.approvals import Approval, Question
from sources.store.columns import canonical
from sources.store.exceptions import ExceptionItem, Status
from sources.store.operations import ENDED, Operation
from sources.store.steps import StepOutcome

_MUTATION = {
    Action.RESUME: "resumeOperation",
    Action.SKIP: "resolveException",
    Action.COMPENSATE: "cancelOperation",
}
_OPEN = frozenset({None, StepOutcome.UNKNOWN})


class Resolutions(Counter):
    """Says how things go on. Every refusal is a `Refused` with the rule's reasons, and on the audit."""

    async def resolve(
        self, who: Asker, exception_id: str, action: Action, reason: str, changes: Mapping[str, Any] | None = None
    ) -> tuple[ExceptionItem, tuple[Approval, ...]]:
        """Says how an operation goes on from an exception.

        Where the rules want a second person for it, that one is asked, and the approvals are returned: the operation
        goes on once they are given.
        """
        raised = await self._reading(exceptions.find, exception_id)
        if raised.operation_id is None or raised.status is Status.RESOLVED:
            raise Refused("VERSION_CONFLICT", f"exception `{exception_id}` waits for nobody: read it again")
        operation_id = raised.operation_id
        told = Instruction(action=action, by=who.person, reason=reason, exception=raised.id, changes=changes or {})
        self._check(await self._reading(operations.find, operation_id), raised, told)

        def work(connection: Any) -> tuple[Approval, ...]:
            flags = self._flags(connection, raised, told, who)
            mutation = "resolveException" if told.changes else _MUTATION[action]
            decision = self._allowed(connection, mutation, who, operation_id, flags)
            return self._ask(connection, operation_id, told, decision, who)

        asked = await self._done(who, operation_id, "resolveException", work)
        if not asked:
            await self._tell(operation_id, told)
        return raised, asked

    def _check(self, operation: Operation, raised: ExceptionItem, told: Instruction) -> None:
        if not told.changes:
            return
        saga = self._writes.sagas[operation.mutation]
        step = saga.steps[raised.step - 1] if raised.step else None
        allowed = step.changeable if step is not None and raised.kind != "OUTCOME_UNKNOWN" else ()
        wrong = sorted(set(told.changes) - set(allowed))
        if wrong or told.action is not Action.RESUME:
            may = ", ".join(f"`{name}`" for name in allowed) or "nothing"
            raise Refused(
                "BAD_INPUT", f"{', '.join(wrong) or told.action} cannot be changed here: {may} can, to resume"
            )

    def _flags(self, connection: Any, raised: ExceptionItem, told: Instruction, who: Asker) -> dict[str, bool]:
        operation = operations.find(connection, str(raised.operation_id))
        saga = self._writes.sagas[operation.mutation]
        step = saga.steps[raised.step - 1] if raised.step else None
        other_way = told.action is Action.SKIP or bool(told.changes)
        return {
            "owner": raised.belongs_to(who.roles),
            "money_step": other_way and step is not None and step.money,
            "above_approved": "amount" in told.changes,
            **self._moved(connection, operation),
        }

    def _moved(self, connection: Any, operation: Operation) -> dict[str, bool]:
        """Whether money moved, as a flag; not stated while nobody knows what came of a step that moves it."""
        money = {step.name for step in self._writes.sagas[operation.mutation].steps if step.money}
        done = steps.of_operation(connection, operation.id)
        outcomes = {each.outcome for each in done if each.name in money}
        moved = StepOutcome.OK in outcomes
        return {"money_moved": moved} if moved or not outcomes & _OPEN else {}

    def _ask(
        self, connection: Any, operation_id: str, told: Instruction, decision: WriteDecision, who: Asker
    ) -> tuple[Approval, ...]:
        """The second person's questions; none where it is allowed alone."""
        if decision.outcome == ALLOWED:
            return ()
        now = self._room.clock()
        approvers = [[each.role, each.persons, list(each.evidence)] for each in decision.approvers]
        shown = {"instruction": told, "approvers": approvers, "reasons": [each.code for each in decision.reasons]}
        mark = hashlib.sha256(canonical(shown).encode()).hexdigest()[:12]
        return tuple(
            approvals.ask(
                connection,
                Question(
                    id=f"{operation_id}.{DESK_TIER + number}.{mark}",
                    operation_id=operation_id,
                    rule=decision.rule,
                    role=decision.approvers[0].role,
                    asked_by=who.subject.strip().casefold(),
                    human=who.person,
                    expires_at=now + (decision.lapses or timedelta(hours=24)),
                    evidence=shown,
                    tier=DESK_TIER + number,
                ),
                now,
            )
            for number in range(decision.persons)
        )

    async def cancel(self, who: Asker, operation_id: str, reason: str) -> tuple[Operation, tuple[Approval, ...]]:
        """Calls an operation back: one that waits for approval ends at once, one that waits for a system is taken back
        as far as it went. What is past its point of no return goes on.

        Whoever asked for it does so alone until money moved. Where the rules want a second person for it, that one is
        asked, and the approvals are returned: it is called back once they are given.
        """
        operation = await self._reading(operations.find, operation_id)
        if operation.state in ENDED:
            raise Refused("VERSION_CONFLICT", f"operation `{operation_id}` is {operation.state}: nothing to call back")
        grounds = msgspec.json.decode(await self._reading(kept.of_operation, operation_id), type=Grounds)
        told = Instruction(action=Action.COMPENSATE, by=who.person, reason=reason)

        def work(connection: Any) -> tuple[Operation, tuple[Approval, ...]]:
            flags = {"owner": who.person == grounds.asker.person, **self._moved(connection, operation)}
            if flags != {"owner": True, "money_moved": False}:
                decision = self._allowed(connection, "cancelOperation", who, operation_id, flags)
                asked = self._ask(connection, operation_id, told, decision, who)
                if asked:
                    return operations.find(connection, operation_id), asked
            return self._call_back(connection, operation_id, told), ()

        found, asked = await self._done(who, operation_id, "cancelOperation", work)
        if not asked:
            await self._tell_back(found, told)
        return found, asked
