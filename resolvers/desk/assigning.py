"""Assigning: who works on an exception."""

from __future__ import annotations

from typing import Any

from policies.principal import person
from resolvers.desk.counter import Counter, reason_of
from resolvers.sagas.grounds import Asker, alone
from resolvers.sagas.refused import Refused
from sources.store import exceptions, handovers
from sources.store.exceptions import ExceptionItem
from sources.store.handovers import Kind

_LONGEST_NAME = 255


class Assignments(Counter):
    """Gives exceptions to persons; whose queue they are in stays as it is."""

    async def assign(self, who: Asker, exception_id: str, to: str, reason: str) -> ExceptionItem:
        """Gives an exception to a person, named as tokens name them. The first time is its owner's first answer.

        Whoever assigned an exception does not approve what its operation asks. Raises Refused: BAD_INPUT for somebody
        whom the directory knows in no role that it belongs to, VERSION_CONFLICT for what is resolved, FORBIDDEN,
        NOT_FOUND.
        """
        why, assignee = reason_of(reason), person(to, None)
        if not assignee or len(assignee) > _LONGEST_NAME:
            raise Refused("BAD_INPUT", f"`to` names a person in 1 to {_LONGEST_NAME} characters, as tokens name them")
        found: ExceptionItem = await self._reading(exceptions.find, exception_id)
        roles = await self._directory.roles(assignee, self._room.clock())
        if roles is not None and not found.belongs_to(roles):
            raise Refused("BAD_INPUT", f"`to` names somebody without the role `{found.owner}`, whose exception it is")
        subject = found.operation_id or found.id

        def work(connection: Any) -> ExceptionItem:
            alone(connection, who.person)
            now = self._room.clock()
            decision = self._allowed(connection, "assignException", who, found.operation_id or "", {})
            known = exceptions.find(connection, exception_id)
            item = exceptions.assign(connection, exception_id, assignee, now, known.version)
            if known.assignee == assignee:
                return item
            handovers.note(connection, exception_id, Kind.ASSIGNED, who.person, assignee, why, now)
            self._note(
                connection,
                who,
                subject,
                "assignException",
                decision=decision.outcome,
                rule=decision.rule,
                reason=why,
                before={"exception": exception_id, "owner": known.owner, "assignee": known.assignee},
                after={"assignee": assignee},
            )
            return item

        return await self._done(who, subject, "assignException", work)
