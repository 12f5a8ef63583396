"""Runs a plan: every link and every computation once for all its parents, as soon as they are there.

Dependencies decide, not levels: a slow link delays only what hangs below it. What a link may not do (raise) becomes the
value of its parents; showing values is the builders' work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType
from graphql.execution.values import VariableValues
from graphql.pyutils import is_iterable

from gateway.engine.careful import CarefulBuilder
from gateway.engine.computing import Computations
from gateway.engine.cursors import Cursors
from gateway.engine.decoys import Decoys
from gateway.engine.early import Early
from gateway.engine.frames import Frame, Partial, descend
from gateway.engine.graph import Graph
from gateway.engine.introspect import introspect
from gateway.engine.ledger import Ledger
from gateway.engine.links import Links
from gateway.engine.loads import Loads
from gateway.engine.paging import ConnectionPage
from gateway.engine.plan import BATCHED, DERIVED, EVENT, LINK, META, Field, Plan, Roles
from gateway.engine.seen import Seen
from resolvers.context import Context

_LISTS = (list, tuple)


class Asked(msgspec.Struct, frozen=True):
    """A question, planned, with its variables coerced and as they were sent; of a subscription, one event."""

    plan: Plan
    variables: VariableValues
    raw: Mapping[str, Any]
    event: Any = None


class Run:
    """One operation under way. `ledger` is what its answer tells of the sources; `deadline` is on the loop's clock."""

    def __init__(
        self,
        graph: Graph,
        asked: Asked,
        context: Context,
        loads: Loads,
        cursors: Cursors,
        decoys: Decoys,
        deadline: float | None = None,
    ) -> None:
        plan = asked.plan
        self.graph, self.plan, self.context = graph, plan, context
        self._asked = asked
        self.ledger = Ledger()
        self.loads = loads
        loads.deadline = deadline
        self.seen = Seen(graph, plan, context.principal, loads, decoys)
        self.links = Links(plan, loads.catalog, loads, self.seen, cursors, context.principal)
        self.types = graph.types
        self._deadline = deadline
        self._computing: Computations | None = None
        self._arguments: dict[Field, Mapping[str, Any]] = {}
        self.untold = False  # whether a subscription's event is about a row that may not be seen

    async def fetch(self) -> Frame:
        """Reads everything the plan needs."""
        root = Frame(self.plan.root, [None])
        try:
            if self.plan.serial:
                await self._one_by_one(root)
            else:
                await self._fill([root])
        finally:
            self.loads.end_waiting()
            if self._computing is None:
                self.loads.close()
            else:
                self._computing.afterwards(self.loads.close)
        return root

    @property
    def _computations(self) -> Computations:
        """Those of this operation; most have none."""
        if self._computing is None:
            types, loads, deadline = self.types, self.loads, self._deadline
            self._computing = Computations(self.plan, types, self.context, loads, self.seen, self.ledger, deadline)
        return self._computing

    async def _one_by_one(self, root: Frame) -> None:
        """Mutations, each with all that is below it. After one that leaves nothing of the answer none is begun."""
        for field in root.selection.fields:
            if field.active:
                await self._resolve(root, field)
            if field.nonnull and CarefulBuilder(self.context, _unnoticed, self.classify).spreads(root, field):
                root.odd = True
                return

    def classify(self, value: Any, roles: Roles) -> tuple[str, Roles] | None:
        """Type and roles of a value that the schema alone does not tell."""
        name = self.types.get(value.__class__)
        return (name or "", self.seen.roles_for(value, roles))

    # ------------------------------------------------------------ the walk

    async def _fill(self, frames: Sequence[Frame]) -> None:
        """Reads for frames: first what is at hand, as deep as it goes, then side by side what has to be waited for."""
        work, waits, links, given, ledger = list(frames), [], self.links, self._given, self.ledger
        while work:
            frame = work.pop()
            for field in frame.selection.active:
                plain = field.kind == LINK and field not in frame.early
                values = links.recalled(field, frame.rows, given, ledger) if plain else None
                if values is not None:
                    work += self._placed(frame, field, values, odd=False)
                elif self._is_at_hand(frame, field):
                    work += await self._advance(frame, field)
                else:
                    waits.append(self._resolve(frame, field))
        if waits:
            await _together(waits)

    def _is_at_hand(self, frame: Frame, field: Field) -> bool:
        """Whether a field's values are known without waiting for anybody."""
        if field.kind == LINK:
            return field not in frame.early and self.links.is_at_hand(field, frame.rows, self._given, self.ledger)
        return field.kind not in (BATCHED, EVENT)

    async def _resolve(self, frame: Frame, field: Field) -> None:
        """One field that has to be waited for, and everything below it."""
        early = self._early(frame, field) if field.early else None
        try:
            kids = await self._advance(frame, field)
        except BaseException:
            if early is not None:
                early.give_up()
            raise
        if early is not None:
            await early.settle(list(frame.kids[field.slot].values()), self.ledger)
        if kids:
            await self._fill(kids)

    async def _advance(self, frame: Frame, field: Field) -> list[Frame]:
        """A field's values, and the frames below it that have something to read."""
        try:
            values = await self._values(frame, field)
        except Exception as error:
            values = [error] * len(frame.rows)
        if field.kind == LINK:
            return self._placed(frame, field, values, odd=_is_odd_link(values))
        if field.listed:
            values = [_listed(field.type, value) for value in values]
        return self._placed(frame, field, values, odd=_is_odd(values))

    def _placed(self, frame: Frame, field: Field, values: list[Any], *, odd: bool) -> list[Frame]:
        """Puts a field's values where they belong; the frames below it that have something to read."""
        frame.columns[field.slot] = values
        frame.odd = frame.odd or odd
        if field.flat or field.branch is None:
            return []
        kids = descend(frame, field, values, self.classify, clean=field.kind == LINK and not odd)
        if field.branch.only is not None:
            return kids if field.branch.only.active else []
        return [kid for kid in kids if kid.selection.active]

    async def _values(self, frame: Frame, field: Field) -> list[Any]:
        if frame.early and field in frame.early:
            found: list[Any] = await frame.early[field]
            return found
        if field.kind == LINK:
            return await self.links.values(field, frame.rows, self._given(field), self.ledger)
        if field.kind == BATCHED:
            given, writes = self._given(field), self.plan.serial and frame.selection is self.plan.root
            return await self._computations.answers(field, frame.rows, given, writes=writes)
        if field.kind == EVENT:
            event, self.untold = await self._computations.event(field, self._asked.event)
            return [event]
        if field.kind == META:
            return [introspect(self.plan, field, self._asked.raw)]
        if field.kind == DERIVED:
            derive, context = field.declared.derive, self.context  # type: ignore[union-attr]
            return [_attempt(derive, row, context) for row in frame.rows]
        return [_attempt(getattr, row, field.attribute) for row in frame.rows]

    def _given(self, field: Field) -> Mapping[str, Any]:
        if field.arguments is None:
            return {}
        given = self._arguments.get(field)
        if given is None:
            given = self._arguments[field] = field.arguments.given(self._asked.variables)
        return given

    def _early(self, frame: Frame, field: Field) -> Early | None:
        return Early.of(field, self._given, self.links, self.seen, self.plan.grants) if len(frame.rows) == 1 else None


def _unnoticed(_mark: int) -> None:
    """What is met on the way is told when the answer is shown."""


def _attempt(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        return error


def _listed(type_: GraphQLOutputType, value: Any) -> Any:
    """Lists of whatever may stand for one, at every depth; an iterator is read once, and its failure is its value."""
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if not isinstance(inner, GraphQLList) or value is None or isinstance(value, (Exception, Partial)):
        return value
    item = inner.of_type.of_type if isinstance(inner.of_type, GraphQLNonNull) else inner.of_type
    if isinstance(item, GraphQLList) and is_iterable(value):
        return [_listed(item, each) for each in value]
    return value if isinstance(value, _LISTS) or not is_iterable(value) else _attempt(list, value)


def _is_odd_link(values: Sequence[Any]) -> bool:
    """As `_is_odd`, of what links give: a record, a list of records, a page, or what went wrong."""
    for value in values:
        kind = value.__class__
        if kind is Partial or (kind is ConnectionPage and value.error is not None) or isinstance(value, Exception):
            return True
    return False


def _is_odd(values: Sequence[Any]) -> bool:
    for value in values:
        if isinstance(value, (Exception, Partial)):
            return True
        if isinstance(value, _LISTS) and any(issubclass(kind, Exception) for kind in set(map(type, value))):
            return True
        if value.__class__ is ConnectionPage and value.error is not None:
            return True
    return False


async def _together(waits: list[Coroutine[Any, Any, None]]) -> None:
    """Side by side; one alone needs no task of its own. Whoever is cancelled cancels all."""
    if len(waits) == 1:
        await waits[0]
    else:
        await asyncio.gather(*waits)
