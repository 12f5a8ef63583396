"""The mutations of the desk: what people do to operations, approvals, exceptions and switches.

What is not for the caller to see is answered like what is not there, before the rules are asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from resolvers.batch import Need, Read, batched
from resolvers.budget import OperationClass
from resolvers.changes.inputs import Shape
from resolvers.context import Context
from resolvers.facts.operations import office
from resolvers.facts.reading import rows
from resolvers.registry import value
from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.types import references as ref
from resolvers.types.operation import WritePause
from sources import canonical as c
from sources.store.errors import StoreError

_NEEDS: tuple[Need, ...] = ((c.Operation, "key"), (c.OperationApproval, "key"), (c.OperationException, "key"))
Change = Callable[[Any, Any, Any, Context], Awaitable[Any]]
"""`async (office, record of the input, what it is about, context) -> what is shown`."""


class Approve(msgspec.Struct, frozen=True, kw_only=True):
    """Approves what was seen: `evidence_hash` is the approval's own. `attached` names evidence that the rule wants."""

    approval: str
    evidence_hash: str
    attached: tuple[str, ...] = ()
    reason: str | None = None


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """Rejects: the operation ends without effect."""

    approval: str
    evidence_hash: str
    reason: str


class ResumeOperation(msgspec.Struct, frozen=True, kw_only=True):
    """Tries the step again, unchanged, that an operation stands still at."""

    operation: str
    reason: str


class CancelOperation(msgspec.Struct, frozen=True, kw_only=True):
    """Calls an operation back: what it did is taken back, unless it is past its point of no return."""

    operation: str
    reason: str


class ResolveException(msgspec.Struct, frozen=True, kw_only=True):
    """Says how an operation goes on from an exception. `changes` are fields of the step's command with another value,
    to resume with."""

    exception: str
    action: Action
    reason: str
    changes: Mapping[str, str | None] = msgspec.field(default_factory=dict)


class AssignException(msgspec.Struct, frozen=True, kw_only=True):
    """Gives an exception to a person, named as tokens name people."""

    exception: str
    to: str
    reason: str


class PauseWrites(msgspec.Struct, frozen=True, kw_only=True):
    """Turns writes off at once: all of them (`name` left out), one mutation, or those to one source."""

    scope: c.PauseScope
    name: str = ""
    reason: str


class UnpauseWrites(msgspec.Struct, frozen=True, kw_only=True):
    """Turns writes on again, which takes two people: the first asks, the second agrees."""

    scope: c.PauseScope
    name: str = ""
    reason: str


@value
class Instructed:
    """What was told to an operation; it goes on in a moment. With `approvals` a second person has to agree first."""

    operation: ref.OperationRef | None
    exception: ref.OperationExceptionRef | None
    approvals: list[ref.OperationApprovalRef | None] | None


class Instruction(msgspec.Struct, frozen=True):
    """What an Instructed shows."""

    operation: c.Operation | None
    exception: c.OperationException | None = None
    approvals: tuple[c.OperationApproval, ...] = ()


async def _approve(place: Any, asked: Approve, about: c.OperationApproval, context: Context) -> Any:
    who = place.asker(context.principal)
    attached = frozenset(asked.attached)
    await place.desk.approve(who, about.key, asked.evidence_hash, attached=attached, reason=asked.reason or "")
    return await place.fact(c.OperationApproval, about.key)


async def _reject(place: Any, asked: Reject, about: c.OperationApproval, context: Context) -> Any:
    await place.desk.reject(place.asker(context.principal), about.key, asked.evidence_hash, asked.reason)
    return await place.fact(c.OperationApproval, about.key)


async def _resume(place: Any, asked: ResumeOperation, about: c.Operation, context: Context) -> Any:
    raised = await place.open_exception(about.key)
    if raised is None:
        raise Refused("VERSION_CONFLICT", f"operation `{about.key}` is {about.state} and waits for nobody's word")
    return await _resolved(place, raised, Action.RESUME, asked.reason, {}, context)


async def _cancel(place: Any, asked: CancelOperation, about: c.Operation, context: Context) -> Any:
    raised = await place.open_exception(about.key)
    if raised is not None:
        return await _resolved(place, raised, Action.COMPENSATE, asked.reason, {}, context)
    _, waiting = await place.desk.cancel(place.asker(context.principal), about.key, asked.reason)
    return Instruction(await place.fact(c.Operation, about.key), approvals=await _shown(place, waiting))


async def _resolve(place: Any, asked: ResolveException, about: c.OperationException, context: Context) -> Any:
    return await _resolved(place, about.key, asked.action, asked.reason, asked.changes, context)


async def _resolved(
    place: Any, raised: str, action: Action, reason: str, changes: Mapping[str, Any], context: Context
) -> Instruction:
    item, waiting = await place.desk.resolve(place.asker(context.principal), raised, action, reason, changes or None)
    operation = await place.fact(c.Operation, item.operation_id)
    exception = await place.fact(c.OperationException, raised)
    return Instruction(operation, exception, await _shown(place, waiting))


async def _shown(place: Any, waiting: Sequence[Any]) -> tuple[c.OperationApproval, ...]:
    return tuple([await place.fact(c.OperationApproval, each.id) for each in waiting])


async def _assign(place: Any, asked: AssignException, about: c.OperationException, context: Context) -> Any:
    await place.desk.assign(place.asker(context.principal), about.key, asked.to, asked.reason)
    return await place.fact(c.OperationException, about.key)


async def _pause(place: Any, asked: PauseWrites, _about: None, context: Context) -> Any:
    _named(asked.scope, asked.name)
    return await place.desk.pause(place.asker(context.principal), asked.scope, asked.name, asked.reason)


async def _unpause(place: Any, asked: UnpauseWrites, _about: None, context: Context) -> Any:
    _named(asked.scope, asked.name)
    return await place.desk.unpause(place.asker(context.principal), asked.scope, asked.name, asked.reason)


def _named(scope: c.PauseScope, name: str) -> None:
    """Whether a switch names what it is for: everything has no name, the others have one."""
    if (scope is c.PauseScope.ALL) == bool(name):
        said = "`ALL` is everything: leave `name` out" if name else f"`name` says which {scope.lower()} is meant"
        raise Refused("BAD_INPUT", said, path="name")


def fields() -> dict[str, Any]:
    """The mutations of the desk."""
    return {
        "approve": _field("approve", Approve, _approve, c.OperationApproval),
        "reject": _field("reject", Reject, _reject, c.OperationApproval),
        "resume_operation": _field("resumeOperation", ResumeOperation, _resume, c.Operation),
        "cancel_operation": _field("cancelOperation", CancelOperation, _cancel, c.Operation),
        "resolve_exception": _field("resolveException", ResolveException, _resolve, c.OperationException),
        "assign_exception": _field("assignException", AssignException, _assign, c.OperationException),
        "pause_writes": _field("pauseWrites", PauseWrites, _pause, None),
        "unpause_writes": _field("unpauseWrites", UnpauseWrites, _unpause, None),
    }


TYPES: dict[str, Any] = {
    "approve": ref.OperationApprovalRef,
    "reject": ref.OperationApprovalRef,
    "resume_operation": Instructed,
    "cancel_operation": Instructed,
    "resolve_exception": Instructed,
    "assign_exception": ref.OperationExceptionRef,
    "pause_writes": WritePause,
    "unpause_writes": WritePause,
}
_ABOUT: Mapping[type[c.Record], str] = {
    c.Operation: "operation",
    c.OperationApproval: "approval",
    c.OperationException: "exception",
}


def _field(name: str, asked: type[msgspec.Struct], change: Change, about: type[c.Record] | None) -> Any:
    shape = Shape(asked, f"{asked.__name__}Input")

    async def compute(_parents: Sequence[None], read: Read, context: Context, *, input: Any) -> list[Any]:
        place, given = office(context), shape.record(input)
        found = await _seen(read, about, given) if about is not None else None
        try:
            return [await change(place, given, found, context)]
        except StoreError as error:
            raise Refused.by_store(error) from None

    return batched(compute, needs=_NEEDS, arguments={"input": shape.type}, budget=OperationClass.SUBMIT)


async def _seen(read: Read, record: type[c.Record], given: Any) -> Any:
    """What is to be changed, as far as the caller may see it. Raises Refused for what is not there, or not for him."""
    name = _ABOUT[record]
    key = getattr(given, name)
    reading = await read(record, "key", [key])
    if key in reading.errors:
        raise reading.errors[key]
    found = rows(reading, key)
    if not found:
        raise Refused("NOT_FOUND", f"there is no such {name}, or it is not for you", path=name)
    return found[0]
