"""The counter that everybody at the desk stands at: reads, asks the rules, notes what was refused, tells the saga."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from policies.writes import ask as asking
from policies.writes.ask import FORBIDDEN, WriteDecision
from policies.writes.decide import decide
from resolvers.desk.directory import Directory
from resolvers.sagas import notes
from resolvers.sagas.accept import Writes
from resolvers.sagas.grounds import Asker, history
from resolvers.sagas.instruction import ATTENTION, Instruction
from resolvers.sagas.refused import Refused
from resolvers.sagas.run import APPROVAL
from sources.durable import NoSuchRun
from sources.store import approvals, audit, operations
from sources.store import grounds as kept
from sources.store.columns import canonical
from sources.store.errors import NoSuchRecord, StoreError
from sources.store.operations import ENDED, Operation, State

DESK_TIER = 50  # questions about exceptions and calling back count apart from those about the operation itself
MOST_WORDS = 1_000  # characters of a reason
T = TypeVar("T")


class Counter:
    """What everything at the desk shares. Every refusal is a `Refused`; those of the rules are on the audit."""

    def __init__(self, writes: Writes, directory: Directory) -> None:
        self._writes, self._room, self._directory = writes, writes.room, directory

    def _asked(
        self, connection: Any, mutation: str, who: Asker, operation_id: str, flags: Mapping[str, bool]
    ) -> WriteDecision:
        """What the rules say to something done at the desk."""
        now, rules = self._room.clock(), self._room.rules()
        touched = kept.documents_of(connection, [operation_id]).get(operation_id, frozenset())
        ask = asking.Ask(
            subject=who.subject,
            roles=who.roles,
            at=now,
            human=who.human,
            flags=flags,
            documents=touched,
            operations=frozenset({operation_id} if operation_id else ()),
            history=history(connection, rules, who.person, now),
        )
        return decide(rules, mutation, ask)

    def _allowed(
        self, connection: Any, mutation: str, who: Asker, operation_id: str, flags: Mapping[str, bool]
    ) -> WriteDecision:
        """What the rules say to something done at the desk. Raises Refused for what is forbidden."""
        decision = self._asked(connection, mutation, who, operation_id, flags)
        if decision.outcome == FORBIDDEN:
            raise Refused.by_rule(decision)
        return decision

    async def _done(self, who: Asker, subject: str, action: str, work: Callable[..., T]) -> T:
        """Does `work(connection)` in one transaction. What is refused is on the audit before it is told."""
        try:
            return await self._room.write(work)
        except StoreError as error:
            await self._refused(who, subject, action, str(error))
            raise Refused.by_store(error) from None
        except Refused as refused:
            await self._refused(who, subject, action, refused.message, refused.rule)
            raise

    async def _refused(self, who: Asker, subject: str, action: str, why: str, rule: str | None = None) -> None:
        def work(connection: Any) -> None:
            self._note(connection, who, subject, action, decision=FORBIDDEN, reason=why, rule=rule)

        await self._room.write(work)

    def _note(self, connection: Any, who: Asker, subject: str, action: str, **said: Any) -> None:
        """One audit record of something that a person did at the desk to an operation, or to something else."""
        try:
            correlation = operations.find(connection, subject).correlation_id
        except NoSuchRecord:
            correlation = None
        event = audit.Event(
            actor=who.subject, human=who.human, subject=subject, action=action, correlation_id=correlation, **said
        )
        audit.append(connection, self._room.chain, event, self._room.clock())

    async def _reading(self, find: Any, *key: Any) -> Any:
        try:
            return await self._room.store.read(find, *key)
        except StoreError as error:
            raise Refused.by_store(error) from None

    async def _tell(self, operation_id: str, told: Instruction) -> None:
        key = f"{told.exception}:{told.action}:{hashlib.sha256(canonical(told).encode()).hexdigest()[:12]}"
        await self._writes.durable.signal(operation_id, ATTENTION, told, key=key)

    def _call_back(self, connection: Any, operation_id: str, told: Instruction) -> Operation:
        """Ends an operation that has not begun; any other stays as it is, and is told by `_tell_back`."""
        known = operations.find(connection, operation_id)
        if known.state not in (State.AWAITING_APPROVAL, State.RECEIVED):
            return known
        now = self._room.clock()
        approvals.withdraw(connection, operation_id, now)
        why = f"by {told.by}: {told.reason}"
        notes.end(connection, self._room.chain, operation_id, State.CANCELED, why, now)
        return operations.find(connection, operation_id)

    async def _tell_back(self, found: Operation, told: Instruction) -> None:
        if found.state is State.CANCELED:
            with contextlib.suppress(NoSuchRun):  # it was called back before it began, and never will
                await self._writes.durable.signal(found.id, APPROVAL, {}, key=f"{found.id}:canceled")
        elif found.state not in ENDED:
            await self._writes.durable.signal(found.id, ATTENTION, told)


def reason_of(given: str) -> str:
    """A reason as it is kept. Raises Refused for none, or for a book."""
    words = given.strip()
    if not words:
        raise Refused("BAD_INPUT", "`reason` is empty: say why, for whoever reads the audit")
    if len(words) > MOST_WORDS:
        raise Refused("BAD_INPUT", f"`reason` has {len(words)} characters: {MOST_WORDS} at most")
    return words
