"""One mutation for each governed write there is: its input is made from the write's own record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from resolvers.batch import Need, Read, batched
from resolvers.budget import OperationClass
from resolvers.changes.answers import MEMBERS, Told
from resolvers.changes.inputs import Shape
from resolvers.changes.places import located
from resolvers.context import Context
from resolvers.entitlement import gather as entitlement
from resolvers.facts.operations import office
from resolvers.sagas.saga import Saga
from resolvers.sagas.writes import WRITES
from resolvers.types.descriptions import FIELDS
from resolvers.validation import gather as validation
from sources import canonical as c
from sources.errors import BadAsk

_LONGEST_REASON = 1_000
_COMMAND: dict[str, tuple[Any, Any]] = {
    "idempotency_key": (str, msgspec.NODEFAULT),
    "expected_version": (str | None, None),
    "reason": (str | None, None),
    "dry_run": (bool, False),
}
"""What every command says besides its own: name -> (type, default)."""
_JUDGED: dict[str, tuple[Need, ...]] = {
    **dict.fromkeys(("submitOrder", "amendSubscription", "renewSubscription"), validation.NEEDS),
    "openCase": entitlement.NEEDS,
}
"""What a whole gateway also reads to judge some of them."""


def fields() -> dict[str, Any]:
    """The mutations, by the names of their writes."""
    return {saga.mutation: _field(saga) for saga in WRITES}


def _field(saga: Saga) -> Any:
    name = f"{saga.mutation[0].upper()}{saga.mutation[1:]}Input"
    shape = Shape(saga.input, name, _COMMAND)

    async def compute(_parents: Sequence[None], read: Read, context: Context, *, input: Any) -> list[Told]:
        return [await _told(saga.mutation, shape, read, context, input)]

    return batched(
        compute,
        needs=(*dict.fromkeys((*saga.needs, *_JUDGED.get(saga.mutation, ()))),),
        arguments={"input": shape.type},
        budget=OperationClass.SUBMIT,
        description=FIELDS.get(f"Mutation.{saga.mutation}", f"Asks for the governed write `{saga.mutation}`."),
    )


async def _told(mutation: str, shape: Shape, read: Read, context: Context, given: Any) -> Told:
    """The member, with what it shows. Raises Refused, SourceError."""
    place = office(context)
    if given.reason and len(given.reason) > _LONGEST_REASON:
        raise BadAsk(f"`reason` has {len(given.reason)} characters: {_LONGEST_REASON} at most", path="reason")
    asked = shape.record(given)
    try:
        answer = await place.accept(
            mutation,
            context,
            asked,
            key=given.idempotency_key,
            dry_run=given.dry_run,
            expected=given.expected_version or None,
            reason=given.reason or None,
            read=read,
        )
    except BadAsk as error:
        raise located(error, asked) from None
    operation: c.Operation | None = answer.operation
    return MEMBERS[answer.outcome](
        operation=operation,
        operation_key=operation.key if operation is not None else "",
        replayed=answer.replayed,
        dry_run=given.dry_run,
        findings=answer.findings,
        plan=answer.plan,
        approvers=answer.approvers,
    )
