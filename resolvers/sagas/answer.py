"""Requests and answers: what a caller sends, and which member of the union it is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from policies.writes.ask import NEEDS_APPROVAL, WriteDecision
from resolvers.sagas.grounds import Asker
from resolvers.sagas.saga import Facts, Finding, Saga
from sources.store.approvals import Approval
from sources.store.operations import ENDED, Operation, Outcome, State

ANY = ""
"""Among expected versions: of whatever the write is about."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One governed command as it came in. `input` is the saga's own record; `expected` names versions that the caller
    has seen, as `Facts.versions` does, or ANY."""

    asker: Asker
    input: Any
    key: str
    correlation: str
    dry_run: bool = False
    expected: Mapping[str, str] = msgspec.field(default_factory=dict)
    reason: str | None = None


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A step that would be taken."""

    name: str
    writes: str
    source: str | None
    owner: str
    no_return: bool
    undoes: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller is told. Of a dry run there is no operation, but the plan and the approvers it would take."""

    member: Outcome
    operation: Operation | None = None
    replayed: bool = False
    findings: tuple[Finding, ...] = ()
    approvals: tuple[Approval, ...] = ()
    decision: WriteDecision | None = None
    plan: tuple[Planned, ...] = ()


def outcome_of(operation: Operation, *, unknown: bool) -> Outcome:
    """The member for a prompt operation that has come so far."""
    if operation.state is State.COMPLETED:
        return Outcome.COMPLETED
    if operation.state in ENDED:
        conflict = (operation.reason or "").startswith("VERSION_CONFLICT")
        return Outcome.CONFLICT if conflict else Outcome.REJECTED
    return Outcome.OUTCOME_UNKNOWN if unknown else Outcome.ACCEPTED


def member_of(saga: Saga, decision: WriteDecision, request: Request, facts: Facts) -> Outcome | None:
    """What a command is answered with at once; None: that is seen when it has ended."""
    if stale(request.expected, facts):
        return Outcome.CONFLICT
    if refusals(facts):
        return Outcome.REJECTED
    if decision.outcome == NEEDS_APPROVAL:
        return Outcome.NEEDS_APPROVAL
    return None if saga.prompt else Outcome.ACCEPTED


def refusals(facts: Facts) -> tuple[Finding, ...]:
    return tuple(finding for finding in facts.findings if finding.owner is None)


def stale(expected: Mapping[str, str], facts: Facts) -> tuple[Finding, ...]:
    """What has another version than the caller has seen: see `Request`."""
    return tuple(
        Finding(
            code="VERSION_CONFLICT",
            message=f"`{name}` has version `{facts.versions.get(name)}`, not `{seen}`: read it again",
            path="expectedVersion",
        )
        for name, seen in expected.items()
        if name != ANY and facts.versions.get(name) != seen
    ) + _unseen(expected.get(ANY), facts)


def _unseen(seen: str | None, facts: Facts) -> tuple[Finding, ...]:
    """The same where the caller names the version alone: it is that of whatever the write is about."""
    if seen is None or any(_same(seen, each) for each in facts.versions.values()):
        return ()
    known = ", ".join(f"`{each}`" for each in facts.versions.values())
    message = f"the version is {known}, not `{seen}`: read it again" if known else "nothing here has a version"
    return (Finding(code="VERSION_CONFLICT", message=message, path="expectedVersion"),)


def _same(seen: str, version: str) -> bool:
    """Whether two versions are one, in whatever form an instant is written."""
    try:
        return datetime.fromisoformat(seen) == datetime.fromisoformat(version)
    except (ValueError, TypeError):
        return seen == version


def told_of(operation: Operation) -> tuple[Finding, ...]:
    """Why an operation did not go through, from its own row: the same on every replay."""
    if operation.state not in ENDED or operation.state is State.COMPLETED or not operation.reason:
        return ()
    code, _, message = operation.reason.partition(": ")
    return (Finding(code=code if message else operation.state, message=message or operation.reason),)
