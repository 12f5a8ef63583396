"""Events: a subscription, answered by its plan for each event of its source, by the rules as they are then."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol, TypeAlias

import msgspec
from graphql import GraphQLError

from gateway.engine.answer import refused
from gateway.engine.lookups import check_lookups
from gateway.engine.measure import Refused
from gateway.engine.plan import Field, Plan
from gateway.engine.question import Question, Response
from gateway.engine.run import Asked
from policies.principal import Principal
from resolvers.batch import Event, Stream
from resolvers.context import Context
from sources.errors import SourceError

Again: TypeAlias = Callable[[], Awaitable[Principal]]
"""Who the caller is now; raises what ends the stream."""


_PLAIN = Event()  # what an event says of itself that is none of ours


class Engine(Protocol):
    """As much of the engine as an event needs."""

    def again(self, question: Question, principal: Principal, /) -> Asked: ...

    async def event(
        self, question: Question, asked: Asked, principal: Principal, correlation_id: str, /
    ) -> Response: ...


async def alone(response: Response) -> AsyncGenerator[Response, None]:
    """A stream of one answer that is known already."""
    yield response


async def events(
    engine: Engine, question: Question, asked: Asked, opening: Context, again: Again | None
) -> AsyncGenerator[Response, None]:
    """The answers of a subscription that was planned as `asked`; its source is told of the context of its `opening`.

    It ends with its source, where its root may not be seen any more by the rules of then, and where what it is about is
    not there for this caller, may not be looked up, or cannot be told at its beginning. What `again` raises comes out
    of it, and what the source does, unless that is a SourceError: a last answer tells of it.
    """
    principal, correlation_id = opening.principal, opening.correlation_id
    field = _streamed(asked.plan)
    if field is None:  # cut by the rules, or introspection: there is one answer and no event
        yield await engine.event(question, asked, principal, correlation_id)
        return
    assert isinstance(field.declared, Stream)
    try:
        given = field.arguments.given(asked.variables) if field.arguments is not None else {}
        check_lookups(field.declared, given, asked.plan.grants)
        async with aclosing(field.declared.source(opening, **given)) as source:
            async for event in source:
                principal = await again() if again is not None else principal
                now = msgspec.structs.replace(engine.again(question, principal), event=event)
                check_lookups(field.declared, given, now.plan.grants)
                answered = await engine.event(question, now, principal, correlation_id)
                known = event if isinstance(event, Event) else _PLAIN
                if answered.untold and known.first:
                    bare = msgspec.structs.replace(known, subject=None, first=False)  # it was looked for already
                    now = msgspec.structs.replace(now, event=bare)
                    yield await engine.event(question, now, principal, correlation_id)
                elif not answered.untold:
                    yield answered
                lost = answered.untold or known.subject is None or _failed(answered, field)
                if (known.first and known.alone and lost) or _streamed(now.plan) is None:
                    return
    except SourceError as error:  # of an argument, or of the source itself
        failed = GraphQLError(error.message, nodes=field.nodes, original_error=error)
        yield Response(refused([failed], correlation_id), started=False)
    except Refused as error:  # by rules or manifests that have changed meanwhile
        yield Response(refused(error.errors, correlation_id), started=False)


def _failed(answered: Response, field: Field) -> bool:
    """Whether an answer says of its event only what went wrong."""
    data = answered.body.get("data")
    return data is None or data.get(field.key) is None


def _streamed(plan: Plan) -> Field | None:
    """The root of a subscription; None where there are no events for it."""
    field = plan.root.fields[0] if plan.root.fields else None
    return field if field is not None and isinstance(field.declared, Stream) else None
