"""The office: governed writes, the desk, and the purposes people act with, over one set of tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from policies.principal import Principal
from policies.store import PolicyStore
from policies.yaml import RuleError
from resolvers.context import Context
from resolvers.desk import Desk
from resolvers.desk.listed import Listed
from resolvers.desk.rounds import Rounds
from resolvers.purposes import Purposes
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import ANY, Answer, Planned, Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.opening import Opening, open_writes
from resolvers.sagas.refused import Refused
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.settings import WritesSettings
from resolvers.submitting import Judges
from sources import canonical as c
from sources.catalog import Catalog
from sources.database import DatabaseInUse
from sources.durable import DurableError, Role
from sources.ports import Ask
from sources.settings import Secret
from sources.store import audit, exceptions, rounds, steps, switches, worklist
from sources.store.approvals import Decision
from sources.store.chain import Said
from sources.store.errors import StoreError
from sources.store.exceptions import Status
from sources.store.facts import Facts, approvers
from sources.store.rounds import Round
from sources.store.steps import Step
from sources.store.store import Transaction
from sources.store.switches import Pause
from sources.store.worklist import Waiting

_READS = "/reads"
_LONGEST = 64 - len(_READS)  # characters of a chain's name
R = TypeVar("R", bound=c.Record)


class OfficeClosed(Exception):
    """The office cannot be opened; the message says why and what to do."""


class Accepted(msgspec.Struct, frozen=True):
    """What came of a command: the member it is answered with and what that shows; of a dry run no operation."""

    outcome: c.OperationOutcome
    operation: c.Operation | None
    replayed: bool
    findings: tuple[Finding, ...]
    plan: tuple[Planned, ...]
    approvers: tuple[c.ApproverRole, ...]


class Happened(msgspec.Struct, frozen=True):
    """One entry of the audit about an operation."""

    at: datetime
    actor: str
    human: str | None
    action: str
    decision: str | None
    rule: str | None
    reason: str | None


class Office(msgspec.Struct, frozen=True):
    """What governed writes are to a process. What it reads raises StoreAway where our own tables do not answer."""

    writes: Writes
    desk: Desk
    purposes: Purposes
    facts: Facts

    def asker(self, principal: Principal) -> Asker:
        """A caller as the write rules know it."""
        return Asker(subject=principal.subject, roles=principal.roles, human=principal.human)

    async def accept(
        self,
        mutation: str,
        context: Context,
        given: Any,
        *,
        key: str,
        dry_run: bool,
        expected: str | None,
        reason: str | None,
        read: Read,
    ) -> Accepted:
        """Accepts a command or answers what it was answered before; `given` is the write's own record, `expected` the
        version that the caller has seen. Raises Refused, SourceError."""
        request = Request(
            asker=self.asker(context.principal),
            input=given,
            key=key,
            correlation=context.correlation_id,
            dry_run=dry_run,
            expected={ANY: expected} if expected is not None else {},
            reason=reason,
        )
        try:
            answer = await self.writes.accept(mutation, request, read)
            found = await self.fact(c.Operation, answer.operation.id) if answer.operation is not None else None
        except StoreError as error:
            raise Refused.by_store(error) from None
        return Accepted(answer.member, found, answer.replayed, answer.findings, answer.plan, approvers_of(answer))

    async def fact(self, record: type[R], key: str | None) -> R | None:
        """One of our own records as it is now, whoever may see it; None where there is none. Raises SourceError."""
        if key is None:
            return None
        reading = await self.facts.read(Ask(record, "key", (key,)))
        rows = reading.rows.get(key)
        return rows.records[0] if rows is not None else None  # type: ignore[return-value] # of the class that was asked

    async def open_exception(self, operation: str) -> str | None:
        """The exception that an operation stands still at; None where it does not."""
        raised = await self.writes.room.store.read(exceptions.of_operation, operation)
        left = [each for each in raised if each.status is not Status.RESOLVED]
        return left[-1].id if left else None

    async def audit(self, telling: Callable[[], list[Said]]) -> None:
        """Appends what `telling` gives, asked in a thread, to a chain of this process that no write waits for. Raises
        StoreAway."""
        room = self.writes.room

        def work(connection: Transaction) -> None:
            audit.append_all(connection, f"{room.chain[:_LONGEST]}{_READS}", telling())

        await room.store.transact(work)

    async def pauses(self) -> list[Pause]:
        """What is turned off."""
        return await self.writes.room.store.read(switches.paused)

    async def waiting(self) -> Waiting:
        """How much is under way, and waits."""
        return await self.writes.room.store.read(worklist.waiting, self.writes.room.clock())

    async def rounds(self) -> list[Round]:
        """The last round of every kind, whoever made it."""
        return await self.writes.room.store.read(rounds.last)

    async def steps(self, operations: Sequence[str]) -> dict[str, list[Step]]:
        """The steps of operations, in the order in which they were begun."""
        return await self.writes.room.store.read(_steps, operations)

    async def history(self, operations: Sequence[str]) -> dict[str, list[Happened]]:
        """What was done to operations, by whom, in order."""
        return await self.writes.room.store.read(_history, operations)


def approvers_of(answer: Answer) -> tuple[c.ApproverRole, ...]:
    """The roles that may approve what was answered: by the decision of a dry run, else as they were asked."""
    if answer.decision is not None:
        return tuple(c.ApproverRole(each.role, each.persons, each.evidence) for each in answer.decision.approvers)
    asked = [each for each in answer.approvals if each.decision is Decision.PENDING]
    return approvers(asked[0].evidence) if asked else ()


def _steps(connection: Transaction, operations: Sequence[str]) -> dict[str, list[Step]]:
    return {each: steps.of_operation(connection, each) for each in operations}


def _history(connection: Transaction, operations: Sequence[str]) -> dict[str, list[Happened]]:
    return {each: [_happened(entry) for entry in audit.of_subject(connection, each)] for each in operations}


def _happened(entry: audit.Entry) -> Happened:
    event = entry.event
    return Happened(entry.at, event.actor, event.human, event.action, event.decision, event.rule, event.reason)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_office(
    settings: WritesSettings,
    catalog: Catalog,
    policies: PolicyStore,
    *,
    signing: Secret | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> AsyncIterator[Office]:
    """The office for as long as the block lasts. `signing` is the key of validation tokens. Raises OfficeClosed where a
    database or the file of people cannot be used."""
    judges, people = Judges(policies, signing), _people(settings)
    opening = open_writes(
        Opening.of(settings),
        catalog,
        lambda: policies.rules.writes,
        judges.sagas(catalog),
        clock=clock,
        opened=judges.opened,
    )
    try:
        writes = await opening.__aenter__()
    except (DatabaseInUse, StoreError, DurableError, ValueError) as error:
        raise OfficeClosed(str(error)) from None
    except OSError as error:
        raise OfficeClosed(f"`{error.filename}`: {error.strerror}") from None
    try:
        room = writes.room
        facts = catalog.ours.reader = Facts(room.store, clock)
        async with _rounds(settings, writes):
            yield Office(writes, Desk(writes, people), Purposes(room.store, policies, room.chain, clock), facts)
    finally:
        catalog.ours.reader = None
        await opening.__aexit__(None, None, None)


def _people(settings: WritesSettings) -> Listed | None:
    try:
        return Listed(Path(settings.people)) if settings.people is not None else None
    except RuleError as error:
        raise OfficeClosed(f"[writes] `people`: {error}") from None


@asynccontextmanager
async def _rounds(settings: WritesSettings, writes: Writes) -> AsyncIterator[None]:
    """The rounds go on in every process that runs sagas."""
    if settings.role is Role.GATEWAY:
        yield
        return
    going = asyncio.create_task(Rounds(writes, rota=settings.rounds, retention=settings.retention).run())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.wait([going])
