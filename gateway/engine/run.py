"""Runs a plan: every link and every computation once for all its parents, as soon as they are there.

Dependencies decide, not levels: a slow link delays only what hangs below it. What a link may not do (raise) becomes the
value of its parents; showing values is the builders' work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType
from graphql.execution.values import VariableValues
from graphql.pyutils import is_iterable

from gateway.engine.careful import CarefulBuilder
from gateway.engine.cursors import Cursors
from gateway.engine.deadlines import Writes, in_time
from gateway.engine.early import Early
from gateway.engine.frames import Frame, Partial, descend
from gateway.engine.graph import Graph
from gateway.engine.introspect import introspect
from gateway.engine.links import Links
from gateway.engine.loads import Found, Ledger, Loads, along_of
from gateway.engine.lookups import check_lookups
from gateway.engine.paging import ConnectionPage
from gateway.engine.plan import BATCHED, DERIVED, EVENT, LINK, META, Field, Plan, Roles
from gateway.engine.seen import Seen
from resolvers.batch import MAX_AGE, Batched, Event, Read
from resolvers.context import Context
from sources.canonical import Account, Record
from sources.errors import BadAsk, SourceError
from sources.ports import Page, Reading, Report, Rows

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
        deadline: float | None = None,
    ) -> None:
        plan = asked.plan
        self.graph, self.plan, self.context = graph, plan, context
        self._asked = asked
        self.ledger = Ledger()
        self.loads = loads
        loads.deadline = deadline
        self._deadline = deadline
        self._writes = Writes()
        self.seen = Seen(graph, plan.grants, context.principal, loads)
        self.links = Links(plan, loads.catalog, loads, self.seen, cursors, context.principal)
        self.types = graph.types
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
            self._writes.afterwards(self.loads.close)
        return root

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
        work, waits = list(frames), []
        while work:
            frame = work.pop()
            for field in frame.selection.active:
                values = self._recalled(frame, field)
                if values is not None:
                    work += self._placed(frame, field, values)
                elif self._is_at_hand(frame, field):
                    work += await self._advance(frame, field)
                else:
                    waits.append(self._resolve(frame, field))
        await _together(waits)

    def _recalled(self, frame: Frame, field: Field) -> list[Any] | None:
        """A link's values where there is nothing to it but to look them up."""
        if field.kind != LINK or field in frame.early:
            return None
        return self.links.recalled(field, frame.rows, self._given, self.ledger)

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
        return self._placed(frame, field, values)

    def _placed(self, frame: Frame, field: Field, values: list[Any]) -> list[Frame]:
        """Puts a field's values where they belong; the frames below it that have something to read."""
        if field.kind == LINK:
            odd = _is_odd_link(values)
        else:
            if field.listed:
                values = [_listed(field.type, value) for value in values]
            odd = _is_odd(values)
        frame.columns[field.slot] = values
        frame.odd = frame.odd or odd
        if field.flat or field.branch is None:
            return []
        kids = descend(frame, field, values, self.classify, clean=field.kind == LINK and not odd)
        return [kid for kid in kids if kid.selection.active]

    async def _values(self, frame: Frame, field: Field) -> list[Any]:
        if frame.early and field in frame.early:
            found: list[Any] = await frame.early[field]
            return found
        if field.kind == LINK:
            return await self.links.values(field, frame.rows, self._given(field), self.ledger)
        if field.kind == BATCHED:
            return await self._computed(frame, field)
        if field.kind == EVENT:
            return await self._visible_events()
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
        return Early.of(field, self._given, self.links, self.seen) if len(frame.rows) == 1 else None

    # ------------------------------------------------------------ computations

    async def _computed(self, frame: Frame, field: Field) -> list[Any]:
        declared = field.declared
        assert isinstance(declared, Batched)
        given = self._given(field)
        check_lookups(given, self.plan.grants)
        own = {name: list(value) if isinstance(value, list) else value for name, value in given.items()}
        read = self._bound(declared, _max_age(own.pop(MAX_AGE, None)) if declared.dated else None)
        writes = self.plan.serial and frame.selection is self.plan.root
        computation = declared.compute(frame.rows, read, self.context, **own)
        waiting = self._writes.run(field.coordinate, computation) if writes else in_time(computation, self._deadline)
        answers = list(await waiting)
        if len(answers) != len(frame.rows):
            raise RuntimeError(f"`{field.coordinate}` gave {len(answers)} answers for {len(frame.rows)} parents")
        if writes:  # it may have changed whatever was read before
            self.loads.forget()
            self.seen.forget()
        await self._judge(answers)
        return answers

    async def _judge(self, answers: list[Any]) -> None:
        """Judges the records among a computation's answers, in lists however deep, all of them together."""
        records = [self._known(each) for each in _records(answers)]
        if records:
            judged = iter(await self.seen.visible(records))
            answers[:] = [_exchanged(each, judged) for each in answers]

    def _known(self, record: Record) -> Record | None:
        """The record; None where this audience does not know its type: only an abstract type could lead there."""
        name = self.types.get(type(record))
        return record if name is None or name in self.plan.shown.type_map else None

    async def _visible_events(self) -> list[Any]:
        """The event of a subscription; one that is a record, or about one, is judged like any other."""
        event = self._asked.event
        if isinstance(event, Record):
            return await self.seen.visible([self._known(event)])
        if not isinstance(event, Event) or event.subject is None:
            return [event]
        (subject,) = await self.seen.visible([self._known(event.subject)])
        if isinstance(subject, Exception):
            return [subject]
        self.untold = subject is None
        return [msgspec.structs.replace(event, subject=subject)]

    async def _found(
        self, record: type[Record], by: str, keys: list[str], page: Page, max_age: float | None
    ) -> list[Found]:
        """What is known by each key; where the memory of the sources has all of it, without a question."""
        if not keys:
            return []
        if max_age is None and self.loads.catalog.recalls and page.after is None:
            self.loads.recall(record, by, keys, page, self.ledger)
        alone = self.plan.alone(record, by)
        return await self.loads.get(record, by, keys, page, self.ledger, alone=alone, max_age=max_age)

    def _bound(self, declared: Batched, max_age: float | None) -> Read:
        """A reader for one computation: only what it declared, no older than it says, and only rows this principal may
        see."""
        allowed = declared.needs

        async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
            if (record, by) not in allowed:
                raise RuntimeError(f"`{record.__name__}` by `{by}` is read but not declared in `needs`")
            unique = list(dict.fromkeys(keys))
            found = await self._found(record, by, unique, page, max_age)
            judged = await self.seen.visible(
                [row for each in found if each.rows is not None for row in each.rows.records]
            )
            if record is Account and by != "key":
                self.loads.prime(judged)
            self.loads.take_along(along_of(found), judged, whole=None not in judged)
            reading, at = Reading({}, Report("")), 0
            for key, each in zip(unique, found, strict=True):
                if each.error is not None:
                    reading.errors[key] = each.error
                if each.rows is None:
                    continue
                mine = judged[at : at + len(each.rows.records)]
                at += len(mine)
                failed = next((row for row in mine if isinstance(row, SourceError)), None)
                if failed is not None:
                    reading.errors.setdefault(key, failed)
                visible = [row for row in mine if isinstance(row, Record)]
                hidden = sum(row is None for row in mine)
                reading.rows[key] = Rows(
                    visible, each.rows.more, each.rows.next, served=each.rows.served, hidden=hidden
                )
            return reading

        return read


def _max_age(given: Any) -> float | None:
    if given is not None and given < 0:
        raise BadAsk(f"`maxAge` is {given}: give whole seconds, 0 to read now")
    return None if given is None else float(given)


def _unnoticed(_mark: int) -> None:
    """What is met on the way is told when the answer is shown."""


def _records(answer: Any) -> list[Record]:
    """The records of an answer, in lists however deep."""
    if isinstance(answer, Record):
        return [answer]
    return [record for each in answer for record in _records(each)] if isinstance(answer, _LISTS) else []


def _exchanged(answer: Any, judged: Iterator[Any]) -> Any:
    """An answer with what judging made of its records. In a tuple places matter, so that a hidden one leaves a gap; of
    a list it is left out."""
    if isinstance(answer, Record):
        return next(judged)
    if not isinstance(answer, _LISTS) or not any(isinstance(each, (Record, *_LISTS)) for each in answer):
        return answer
    shown = [_exchanged(each, judged) for each in answer]
    places_matter = isinstance(answer, tuple) or not any(isinstance(each, Record) for each in answer)
    return shown if places_matter else [each for each in shown if each is not None]


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
        if isinstance(value, _LISTS) and any(isinstance(each, Exception) for each in value):
            return True
        if value.__class__ is ConnectionPage and value.error is not None:
            return True
    return False


async def _together(waits: list[Coroutine[Any, Any, None]]) -> None:
    """Side by side; one alone needs no task of its own. Whoever is cancelled cancels all."""
    if len(waits) == 1:
        await waits[0]
    elif waits:
        await asyncio.gather(*waits)
