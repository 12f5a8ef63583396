"""The counter that everybody at the desk stands at: reads, asks the rules, notes what was refused, tells the saga."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from policies.writes import ask as asking
from policies.writes.ask import FORBIDDEN, WriteDecision
from policies.writes.decide import decide
from resolvers.sagas import notes
from resolvers.sagas.accept import Writes
from resolvers.sagas.grounds import Asker, history
from resolvers.sagas.instruction import ATTENTION, Instruction
from resolvers.sagas.refused import Refused
from sources.store import grounds as kept
from sources.store import operations
from sources.store.columns import canonical
from sources.store.errors import StoreError

DESK_TIER = 50  # questions about exceptions count apart from those about the operation itself


class Counter:
    """What approving and resolving share."""

    def __init__(self, writes: Writes) -> None:
        self._writes, self._room = writes, writes.room

    def _allowed(
        self, connection: Any, mutation: str, who: Asker, operation_id: str, flags: Mapping[str, bool]
    ) -> WriteDecision:
        """What the rules say to something done at the desk. Raises Refused for what is forbidden."""
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
        decision = decide(rules, mutation, ask)
        if decision.outcome == FORBIDDEN:
            raise Refused.by_rule(decision)
        return decision

    async def _refused(self, who: Asker, operation_id: str, action: str, why: str) -> None:
        def work(connection: Any) -> None:
            operation = operations.find(connection, operation_id)
            said = {"actor": who.subject, "human": who.human, "decision": FORBIDDEN, "reason": why}
            notes.record(connection, self._room.chain, operation, self._room.clock(), action=action, **said)

        await self._room.write(work)

    async def _reading(self, find: Any, record_id: str) -> Any:
        try:
            return await self._room.store.read(find, record_id)
        except StoreError as error:
            raise Refused.by_store(error) from None

    async def _tell(self, operation_id: str, told: Instruction) -> None:
        key = f"{told.exception}:{told.action}:{hashlib.sha256(canonical(told).encode()).hexdigest()[:12]}"
        await self._writes.durable.signal(operation_id, ATTENTION, told, key=key)
