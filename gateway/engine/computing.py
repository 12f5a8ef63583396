"""Computations: a field's answers for all its parents at once, over readers that are bound to whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import is_
from typing import Any

import msgspec

from gateway.engine.deadlines import Writes, in_time
from gateway.engine.ledger import Ledger
from gateway.engine.loads import Found, Loads, along_of
from gateway.engine.lookups import check_lookups
from gateway.engine.missed import Sought, in_vain, looked_up
from gateway.engine.plan import Field, Plan, Roles
from gateway.engine.seen import Seen
from gateway.engine.told import texts
from resolvers.batch import MAX_AGE, Batched, Event, Read
from resolvers.context import Context
from sources.canonical import Account, Record
from sources.errors import BadAsk, SourceError
from sources.ports import Page, Reading, Report, Rows

_LISTS = (list, tuple)


class Computations:
    """Those of one operation. Records among the answers are judged like rows that were read; `types` names the type of
    a record's class, `deadline` is on the loop's clock."""

    def __init__(
        self,
        plan: Plan,
        types: Mapping[type, str],
        context: Context,
        loads: Loads,
        seen: Seen,
        ledger: Ledger,
        deadline: float | None,
    ) -> None:
        self._plan, self._types, self._context = plan, types, context
        self._loads, self._seen, self._ledger, self._deadline = loads, seen, ledger, deadline
        self._writes = Writes()

    async def answers(self, field: Field, rows: Sequence[Any], given: Mapping[str, Any], *, writes: bool) -> list[Any]:
        """One answer for each parent, judged; `writes`: it is not cut, and what was read before it counts no more."""
        declared = field.declared
        assert isinstance(declared, Batched)
        check_lookups(declared, given, self._plan.grants)
        own = {name: list(value) if isinstance(value, list) else value for name, value in given.items()}
        max_age = _max_age(own.pop(MAX_AGE, None)) if declared.dated else None
        read = self._bound(field, declared, max_age, of_root=len(rows) == 1 and rows[0] is None)
        computation = declared.compute(rows, read, self._context, **own)
        waiting = self._writes.run(field.coordinate, computation) if writes else in_time(computation, self._deadline)
        answers = list(await waiting)
        if len(answers) != len(rows):
            raise RuntimeError(f"`{field.coordinate}` gave {len(answers)} answers for {len(rows)} parents")
        if writes:  # it may have changed whatever was read before
            self._loads.forget()
            self._seen.forget()
        await self._judge(answers, field.roles)
        return answers

    async def _judge(self, answers: list[Any], granting: Roles) -> None:
        """Judges the records among a computation's answers, in lists however deep, all of them together."""
        records: list[Any] = _records(answers)
        if records:
            if not all(map(self._knows, set(map(type, records)))):
                records = [each if self._knows(type(each)) else None for each in records]
            judged = iter(await self._seen.visible(records, granting))
            answers[:] = [_exchanged(each, judged) for each in answers]

    def _known(self, record: Record) -> Record | None:
        """The record; None where this audience does not know its type: only an abstract type could lead there."""
        return record if self._knows(type(record)) else None

    def _knows(self, kind: type) -> bool:
        """Whether this audience knows the type of a class of records."""
        name = self._types.get(kind)
        return name is None or name in self._plan.shown.type_map

    async def event(self, field: Field, event: Any) -> tuple[Any, bool]:
        """The event of a subscription; one that is a record, or about one, is judged like any other. Second: whether it
        is about a row that may not be seen."""
        if isinstance(event, Record):
            (record,) = await self._seen.visible([self._known(event)], field.roles)
            return record, False
        if not isinstance(event, Event):
            return event, False
        before, about = self._seen.calls, event.subject
        (subject,) = (None,) if about is None else await self._seen.visible([self._known(about)], field.roles)
        if subject is None and event.first and event.alone and self._seen.calls == before:
            subject = await self._looked_for(field)
        if isinstance(subject, Exception):
            return subject, False
        return msgspec.structs.replace(event, subject=subject), subject is None and about is not None

    async def _looked_for(self, field: Field) -> SourceError | None:
        """Takes for what a stream looks for in vain the time that judging it would have taken."""
        record = getattr(field.declared, "record", None)
        if record is None or self._seen.rule(record) is None:
            return None
        return await in_vain(self._seen, Sought(record, "key", {"": Found(None, None, called=True)}), [""])

    def afterwards(self, then: Callable[[], None]) -> None:
        """Does something when no write is under way."""
        self._writes.afterwards(then)

    async def _found(
        self, record: type[Record], by: str, keys: list[str], page: Page, max_age: float | None
    ) -> Mapping[str, Found]:
        """What is known by each key; where the memory of the sources has all of it, without a question."""
        if not keys:
            return {}
        if max_age is None and self._loads.catalog.recalls and page.after is None:
            found = self._loads.recall(record, by, keys, page, self._ledger)
            if found is not None:
                return found
        alone = self._plan.alone(record, by)
        loaded = await self._loads.get(record, by, keys, page, self._ledger, alone=alone, max_age=max_age)
        return dict(zip(keys, loaded, strict=True))

    async def _judged(
        self,
        field: Field,
        record: type[Record],
        by: str,
        found: Mapping[str, Found],
        rows: Sequence[Record],
        shown: Sequence[Record] | None,
    ) -> tuple[list[Any], dict[str, SourceError]]:
        """The rows that were found, judged. Second: where a root looks for what is not there, why that cannot be said
        (`looked_up`). `shown`: what a root was shown before; None for whatever has parents."""
        if shown is None or self._seen.rule(record) is None:
            return await self._seen.visible(rows, field.roles), {}
        if shown:
            named = {text for row in shown for text in texts(row)}  # by these it looks as a link does
            found = {key: each for key, each in found.items() if key not in named}
        sought = Sought(record, by, found)
        judged, failed = await looked_up(self._seen, rows, field.roles, sought)
        return judged, dict.fromkeys(sought.missing, failed) if failed is not None else {}

    def _bound(self, field: Field, declared: Batched, max_age: float | None, *, of_root: bool) -> Read:
        """A reader for one computation: only what it declared, no older than it says, and only rows this principal may
        see."""
        allowed = declared.needs
        shown: list[Record] | None = [] if of_root else None

        async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
            if (record, by) not in allowed:
                raise RuntimeError(f"`{record.__name__}` by `{by}` is read but not declared in `needs`")
            found = await self._found(record, by, list(dict.fromkeys(keys)), page, max_age)
            rows = [row for each in found.values() if each.rows is not None for row in each.rows.records]
            judged, unknown = await self._judged(field, record, by, found, rows, shown)
            whole = all(map(is_, judged, rows))
            if shown is not None:
                shown.extend(judged if whole else _seen(judged))
            if record is Account and by != "key":
                self._loads.prime(judged)
            along = along_of(found.values())
            if along:
                self._loads.take_along(along, judged, whole=whole or None not in judged)
            reading, at = Reading({}, Report(""), unknown), 0
            for key, each in found.items():
                if each.error is not None:
                    reading.errors[key] = each.error
                if each.rows is None:
                    continue
                mine = judged[at : at + len(each.rows.records)]
                at += len(mine)
                told = reading.rows[key] = Rows(mine, each.rows.more, each.rows.next, served=each.rows.served)
                if not whole:
                    _leave_out(key, told, reading)
            return reading

        return read


def _seen(judged: Iterable[Any]) -> list[Record]:
    """The rows that are neither hidden nor an error."""
    return [row for row in judged if isinstance(row, Record)]


def _leave_out(key: str, rows: Rows, reading: Reading) -> None:
    """Takes from judged rows what is hidden, and what cannot be judged."""
    failed = next((row for row in rows.records if isinstance(row, SourceError)), None)
    if failed is not None:
        reading.errors.setdefault(key, failed)
    rows.hidden = sum(row is None for row in rows.records)
    rows.records = _seen(rows.records)


def _max_age(given: Any) -> float | None:
    if given is not None and given < 0:
        raise BadAsk(f"`maxAge` is {given}: give whole seconds, 0 to read now")
    return None if given is None else float(given)


def _records(answer: Any) -> list[Record]:
    """The records of an answer, in lists however deep."""
    if isinstance(answer, Record):
        return [answer]
    if _are_records(answer):
        return list(answer)
    return [record for each in answer for record in _records(each)] if isinstance(answer, _LISTS) else []


def _are_records(answer: Any) -> bool:
    """Whether an answer is a list of records and of nothing else, as most are: then they need no looking at."""
    return (
        isinstance(answer, _LISTS) and bool(answer) and all(issubclass(each, Record) for each in set(map(type, answer)))
    )


def _exchanged(answer: Any, judged: Iterator[Any]) -> Any:
    """An answer with what judging made of its records. In a tuple places matter, so that a hidden one leaves a gap; of
    a list it is left out."""
    if isinstance(answer, Record):
        return next(judged)
    if _are_records(answer):
        mine = list(islice(judged, len(answer)))
        return mine if isinstance(answer, tuple) else [each for each in mine if each is not None]
    if not isinstance(answer, _LISTS) or not any(isinstance(each, (Record, *_LISTS)) for each in answer):
        return answer
    shown = [_exchanged(each, judged) for each in answer]
    places_matter = isinstance(answer, tuple) or not any(isinstance(each, Record) for each in answer)
    return shown if places_matter else [each for each in shown if each is not None]
