"""Switching: writes are turned off by one person at once, and on again by two."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

from policies.writes.approvals import Approving, Asked, approvable
from policies.writes.ask import ALLOWED, WriteDecision
from resolvers.desk.counter import Counter, reason_of
from resolvers.desk.directory import Standing, standing
from resolvers.sagas.grounds import Asker, history
from resolvers.sagas.refused import Refused
from sources.store import switches
from sources.store.columns import canonical
from sources.store.switches import Pause, Scope

PAUSE = "pauseWrites"
_UNPAUSE = "unpauseWrites"
_LAPSES = timedelta(hours=24)  # of a request whose rule says nothing


class GoOn(msgspec.Struct, frozen=True):
    """Who asked to go on and why, and what the rules said: frozen when it was asked."""

    asker: Asker
    reason: str
    decision: WriteDecision


class Switches(Counter):
    """Turns writes off and on."""

    async def pause(self, who: Asker, scope: Scope, name: str, reason: str) -> Pause:
        """Turns writes off, at once. A request to go on is void by it."""
        why = reason_of(reason)

        def work(connection: Any) -> Pause:
            decision = self._allowed(connection, PAUSE, who, "", {"unpause": False})
            found = switches.pause(connection, scope, name, who.person, why, self._room.clock())
            said = {"decision": decision.outcome, "rule": decision.rule, "reason": why}
            self._note(connection, who, _subject(scope, name), PAUSE, after={"scope": scope, "name": name}, **said)
            return found

        return await self._done(who, _subject(scope, name), PAUSE, work)

    async def unpause(self, who: Asker, scope: Scope, name: str, reason: str) -> Pause | None:
        """Turns writes on again. The first person, whom the rules let ask, asks (the pause is returned); the second,
        whom the rules let approve that, agrees within its time (None). Raises Refused: NOT_FOUND where nothing is
        paused, VERSION_CONFLICT where the pause was changed at the same time, FORBIDDEN."""
        why = reason_of(reason)
        known: Pause = await self._reading(switches.find, scope, name)
        waiting, now = _waiting(known), self._room.clock()
        asked_at = known.resume_asked_at or now
        stands = await standing(self._directory, who, asked_at, now)

        def work(connection: Any) -> Pause | None:
            if switches.find(connection, scope, name) != known:
                raise Refused("VERSION_CONFLICT", f"{scope} `{name}` was changed at the same time: read it again")
            if waiting is None or _lapses(waiting, asked_at) <= self._room.clock():
                return self._ask_to_go_on(connection, who, known, why)
            self._agrees(connection, who, waiting, known, stands)
            self._note(connection, who, _subject(scope, name), _UNPAUSE, decision="APPROVED", reason=why)
            return switches.resume(connection, scope, name, who.person, self._room.clock())

        return await self._done(who, _subject(scope, name), _UNPAUSE, work)

    def _ask_to_go_on(self, connection: Any, who: Asker, known: Pause, why: str) -> Pause | None:
        """The first of the two; where the rules let one person do it alone, it is done."""
        now = self._room.clock()
        decision = self._allowed(connection, PAUSE, who, "", {"unpause": True})
        said = {"decision": decision.outcome, "rule": decision.rule, "reason": why}
        self._note(connection, who, _subject(known.scope, known.name), _UNPAUSE, **said)
        if decision.outcome == ALLOWED:
            switches.turn_on(connection, known.scope, known.name)
            return None
        evidence = canonical(GoOn(who, why, decision))
        return switches.resume(connection, known.scope, known.name, who.person, now, evidence=evidence, asked_after=now)

    def _agrees(self, connection: Any, who: Asker, waiting: GoOn, known: Pause, stands: Standing) -> None:
        """Raises Refused where this person's word does not count."""
        now, rules, asker = self._room.clock(), self._room.rules(), waiting.asker
        digest = hashlib.sha256(str(known.resume_evidence).encode()).hexdigest()
        asked = Asked(
            subject=asker.subject,
            human=asker.human,
            at=known.resume_asked_at or now,
            digest=digest,
            delegations=stands.delegations,
        )
        approving = Approving(who.subject, stands.own, digest, signed_in=True, human=who.human, givers=stands.givers)
        again = self._asked(connection, PAUSE, asker, "", {"unpause": True})
        deeds = history(connection, rules, who.person, now)
        verdict = approvable(rules, waiting.decision, again, approving, asked, deeds, now)
        if not verdict.counts:
            raise Refused(
                "FORBIDDEN",
                f"going on takes a second person: {', '.join(verdict.reasons)}",
                rule=waiting.decision.rule,
                reasons=verdict.reasons,
            )


def _waiting(pause: Pause) -> GoOn | None:
    """What was asked; None where nobody has."""
    return None if pause.resume_evidence is None else msgspec.json.decode(pause.resume_evidence, type=GoOn)


def _lapses(waiting: GoOn, asked_at: datetime) -> datetime:
    return asked_at + (waiting.decision.lapses or _LAPSES)


def _subject(scope: Scope, name: str) -> str:
    return f"{scope}:{name}"
