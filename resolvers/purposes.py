"""Acting with a purpose: asking for it, agreeing to it, ending it, and every use of it; all of it is audited.

The rules say what a purpose opens, for whom, how long and with how many people (`policies.purposes`); the store keeps
what people said. A request acts with a purpose only if it names it, and only while that is in force.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from policies.principal import Principal
from policies.purposes import Purpose, PurposeGrant, PurposeRefused, acting, in_force, may_agree
from policies.store import PolicyStore
from sources.store import audit
from sources.store import purposes as kept
from sources.store.errors import NoSuchRecord, NotApprovable
from sources.store.purposes import PurposeRequest
from sources.store.store import Store, Transaction

PATIENCE = timedelta(hours=1)  # how long a request waits for others to agree
MOST_WORDS = 1_000  # characters of a reason


class Purposes:
    """What people ask for, agree to and use. `chain` is this process's chain in the audit; `clock` gives the present.

    Refusals are PurposeRefused, or the store's own errors.
    """

    def __init__(self, store: Store, policies: PolicyStore, chain: str, clock: Callable[[], datetime]) -> None:
        self._store, self._policies, self._chain, self._clock = store, policies, chain, clock

    async def ask(self, principal: Principal, name: str, reason: str, correlation_id: str) -> PurposeRequest:
        """Ask to act with a purpose. It is in force at once where nobody else has to agree. Who has asked before is
        answered with that, as long as it is in force or waits."""
        self._person(principal)
        purpose, words = self._open_to(principal, name), _reason(reason)
        now = self._clock()
        wanted = kept.Wanted(
            id=secrets.token_hex(16),
            purpose=name,
            subject=principal.subject,
            human=principal.human,
            reason=words,
            lapses_at=now + PATIENCE,
        )

        def work(connection: Transaction) -> PurposeRequest:
            known = kept.open_request(connection, name, principal.subject, principal.human, now)
            if known is not None:
                return known
            request = kept.ask(connection, wanted, now, now + purpose.lasts if purpose.persons == 1 else None)
            self._write(connection, principal, "purpose.ask", request, now, correlation_id, reason=words)
            return request

        return await self._store.transact(work)

    async def agree(self, principal: Principal, request_id: str, correlation_id: str) -> PurposeRequest:
        """Agree to what somebody else asked; with enough people it is in force from now on."""
        now, person = self._clock(), self._person(principal)

        def work(connection: Transaction) -> PurposeRequest:
            request = kept.find(connection, request_id)
            purpose = self._policies.rules.purposes.get(request.purpose)
            if purpose is None or not purpose.agrees or principal.roles.isdisjoint(purpose.agrees):
                raise NoSuchRecord(f"nobody asked for a purpose as `{request_id}`")  # none that this person may know of
            if not may_agree(purpose, [request.subject, request.asker], principal):
                raise NotApprovable("who asked, or stands behind who asked, does not agree: somebody else must")
            request = kept.agree(connection, request_id, person, now)
            if len({request.asker, *request.agreed_by}) >= purpose.persons:
                request = kept.begin(connection, request_id, now, now + purpose.lasts)
            self._write(connection, principal, "purpose.agree", request, now, correlation_id)
            return request

        return await self._store.transact(work)

    async def end(self, principal: Principal, request_id: str, correlation_id: str) -> PurposeRequest:
        """End it, or take it back: whoever asked, and whoever may agree."""
        now = self._clock()

        def work(connection: Transaction) -> PurposeRequest:
            request = kept.find(connection, request_id)
            purpose = self._policies.rules.purposes.get(request.purpose)
            mine = (request.subject, request.human) == (principal.subject, principal.human)
            if not mine and (purpose is None or principal.roles.isdisjoint(purpose.agrees)):
                raise NoSuchRecord(f"nobody asked for a purpose as `{request_id}`")
            request = kept.end(connection, request_id, principal.human or principal.subject, now)
            self._write(connection, principal, "purpose.end", request, now, correlation_id)
            return request

        return await self._store.transact(work)

    async def mine(self, principal: Principal) -> list[PurposeRequest]:
        """What is in force for a caller."""
        return await self._store.read(kept.counting, principal.subject, principal.human, self._clock())

    async def waiting(self, principal: Principal, first: int = 50) -> list[PurposeRequest]:
        """What waits for this person to agree."""
        known = self._policies.rules.purposes
        names = [name for name, each in known.items() if not principal.roles.isdisjoint(each.agrees)]
        found = await self._store.read(kept.waiting, names, self._clock(), first)
        return [each for each in found if may_agree(known[each.purpose], [each.subject, each.asker], principal)]

    async def acting(
        self, principal: Principal, names: Sequence[str], correlation_id: str, what: str | None
    ) -> Principal:
        """The same caller acting with these purposes, each of them in force; the use is in the audit before this
        returns. `what` says what is asked, such as the operation's name."""
        for name in names:
            self._open_to(principal, name)
        now = self._clock()

        def work(connection: Transaction) -> None:
            requests = kept.counting(connection, principal.subject, principal.human, now)
            counting = in_force([_grant(each) for each in requests], self._policies.rules.purposes, now)
            for name in names:
                if name not in counting:
                    raise PurposeRefused(f"the purpose `{name}` is not in force for you: ask for it, with a reason")
            for each in requests:
                if each.purpose in names:
                    self._write(connection, principal, "purpose.use", each, now, correlation_id, after={"asks": what})

        await self._store.transact(work)
        return replace(principal, purposes=tuple(names))

    def _person(self, principal: Principal) -> str:
        """The person behind a caller; a service that acts for nobody is none."""
        if principal.human is None and not principal.roles.isdisjoint(self._policies.rules.writes.services):
            raise PurposeRefused("a service acts with a purpose only for a person: its token names none")
        return principal.human or principal.subject

    def _open_to(self, principal: Principal, name: str) -> Purpose:
        """The purpose of a name, if it opens anything to one of the caller's roles."""
        purpose = self._policies.rules.purposes.get(name)
        tables = self._policies.policies.tables
        if purpose is None or not any(acting(role, name) in tables for role in principal.roles):
            raise PurposeRefused(f"no role of yours has the purpose `{name}`")
        return purpose

    def _write(
        self,
        connection: Transaction,
        principal: Principal,
        action: str,
        request: PurposeRequest,
        now: datetime,
        correlation_id: str,
        *,
        reason: str | None = None,
        after: object = None,
    ) -> None:
        event = audit.Event(
            actor=principal.subject,
            human=principal.human,
            action=action,
            subject=request.id,
            rule=f"purposes/{request.purpose}",
            reason=reason,
            correlation_id=correlation_id,
            after=after or {"since": request.since, "endsAt": request.ends_at, "agreedBy": request.agreed_by},
        )
        audit.append(connection, self._chain, event, now)


def _reason(given: str) -> str:
    words = given.strip()
    if not words:
        raise PurposeRefused("a purpose is asked for with a reason: write `reason`", "BAD_INPUT")
    if len(words) > MOST_WORDS:
        raise PurposeRefused(f"`reason` has {len(words)} characters: at most {MOST_WORDS}", "BAD_INPUT")
    return words


def _grant(request: PurposeRequest) -> PurposeGrant:
    since = request.since
    assert since is not None  # noqa: S101 - only what counts is asked for
    return PurposeGrant(request.purpose, request.reason, request.asker, since, request.agreed_by)
