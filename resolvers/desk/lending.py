"""Lending: a person's own right to approve, given to somebody else for a time."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from policies.principal import person
from policies.writes.approvals import LONGEST_DELEGATION
from policies.writes.records import APPROVE
from policies.writes.separation import conflicts
from resolvers.desk.counter import Counter, reason_of
from resolvers.sagas.grounds import Asker
from resolvers.sagas.refused import Refused
from sources.store import lendings
from sources.store.lendings import Lending

LEND = "lendRoles"


class Lendings(Counter):
    """Lends and ends lendings. What a lent role counts for is judged where somebody approves with it."""

    async def lend(
        self, who: Asker, to: str, roles: Collection[str], until: datetime, reason: str, since: datetime | None = None
    ) -> Lending:
        """Lends own roles that approve to another person, from `since` (None: now) until just before `until`, 30 days
        at most. Raises Refused: BAD_INPUT for what cannot be lent so, FORBIDDEN for what is not one's own to lend, or
        would bring duties into one hand that are forbidden together."""
        why, receiver, now = reason_of(reason), person(to, None), self._room.clock()
        begins = since or now
        self._lendable(who, receiver, roles, begins, until, now)
        known = await self._directory.roles(receiver, now)
        wanted = Lending(
            id=uuid.uuid4().hex,
            giver=who.person,
            receiver=receiver,
            roles=tuple(sorted(set(roles))),
            since=begins,
            until=until,
            reason=why,
            lent_at=now,
        )

        def work(connection: Any) -> Lending:
            decision = self._allowed(connection, LEND, who, "", {})
            foreign = sorted(set(roles) - who.roles)
            if foreign:
                raise Refused("FORBIDDEN", "`roles` has one that is not yours to lend: it is no role of your own")
            pairs = conflicts(self._room.rules(), frozenset(roles) | (known or frozenset()))
            if pairs:
                together = ", ".join(map(str, pairs))
                raise Refused("FORBIDDEN", f"`to` would hold what is forbidden together: {together}")
            self._note(
                connection,
                who,
                wanted.id,
                LEND,
                decision=decision.outcome,
                rule=decision.rule,
                reason=why,
                after={"to": receiver, "roles": wanted.roles, "since": begins, "until": until},
            )
            return lendings.lend(connection, wanted)

        return await self._done(who, who.person, LEND, work)

    async def end_lending(self, who: Asker, lending_id: str, reason: str) -> Lending:
        """Ends a lending now: its giver or its receiver may. One that is over stays as it is."""
        why = reason_of(reason)

        def work(connection: Any) -> Lending:
            known = lendings.find(connection, lending_id)
            if who.person not in (known.giver, known.receiver):
                raise Refused("FORBIDDEN", "who lent it ends it, or who it was lent to: nobody else")
            ended = lendings.end(connection, lending_id, who.person, self._room.clock())
            if ended != known:
                before, after = {"until": known.until}, {"until": ended.until}
                self._note(connection, who, lending_id, "endLending", reason=why, before=before, after=after)
            return ended

        return await self._done(who, lending_id, "endLending", work)

    async def lendings(self, who: Asker) -> list[Lending]:
        """What a person has lent, or was lent, and is not over, in the order in which it begins. Raises StoreAway."""
        known = await self._room.store.read(lendings.since, self._room.clock())
        return [each for each in known if who.person in (each.giver, each.receiver)]

    def _lendable(
        self, who: Asker, receiver: str, roles: Collection[str], begins: datetime, until: datetime, now: datetime
    ) -> None:
        if not receiver or receiver == who.person:
            raise Refused("BAD_INPUT", "`to` names another person, as tokens name them")
        approving = self._room.rules().mutations.get(APPROVE)
        possible = frozenset(approving.asks) if approving is not None else frozenset()
        wrong = sorted(set(roles) - possible)
        if wrong or not roles:
            may = ", ".join(f"`{role}`" for role in sorted(possible))
            raise Refused("BAD_INPUT", f"{f'`{wrong[0]}`' if wrong else 'no role'} cannot be lent: {may} can")
        if begins < now:
            raise Refused("BAD_INPUT", "`since` is over: nothing is lent for the past")
        if not begins < until <= begins + LONGEST_DELEGATION:
            days = LONGEST_DELEGATION.days
            raise Refused("BAD_INPUT", f"`until` is after `since`, and at most {days} days after it")
