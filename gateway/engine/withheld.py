"""What an answer withheld and the rules want on record: fields refused, values masked, rows hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from graphql import GraphQLError

from gateway.engine.frames import Frame, Partial
from gateway.engine.graph import Graph
from gateway.engine.lookups import Forbidden
from gateway.engine.plan import DERIVED, Field, Plan, Selection
from gateway.telemetry.accesses import DENIED, HIDDEN, MASKED, MOST_KEYS, Tell, Withheld
from sources.canonical import Record

Place: TypeAlias = tuple[Sequence[int], Sequence[Any], Sequence[Any]]
"""The marks of a selection, the values that it shows, and the records nearest around them (maybe the values)."""


def withheld(
    graph: Graph,
    plan: Plan,
    frame: Frame,
    hits: set[int],
    errors: Sequence[GraphQLError],
    hidden: Sequence[Record],
    read: Sequence[Withheld] = (),
) -> Tell | None:
    """What tells, at leisure, what is to be put on record of an answer; mostly None, and that costs nothing. `read` is
    what was shown, where that goes on record too."""
    places: list[Place] = []
    if hits and not hits.isdisjoint(plan.audited):
        _walk(frame.selection, frame.rows, frame, (), places)
    refused = list(_refused(plan, errors)) if errors else ()
    if not (places or refused or hidden or read):
        return None
    return partial(_told, graph, plan, hits, places, [*read, *refused], hidden)


def _told(
    graph: Graph,
    plan: Plan,
    hits: set[int],
    places: Sequence[Place],
    refused: Sequence[Withheld],
    hidden: Sequence[Record],
    nameless: Collection[str],
) -> list[Withheld]:
    found = [each for place in places for each in _at(graph, plan, hits, place, nameless)]
    return [*found, *refused, *_hidden(graph, plan, hidden, nameless)]


def _keys(rows: Sequence[Record], nameless: Collection[str]) -> tuple[str, ...]:
    """The keys of the first rows that may be named: sources whose residency zone forbids it are `nameless`."""
    named = rows if not nameless else [row for row in rows if row.source not in nameless]
    return tuple(row.key for row in named[:MOST_KEYS])


# ---------------------------------------------------------------- fields


def _walk(
    selection: Selection, rows: Sequence[Any], frame: Frame | None, owners: Sequence[Any], places: list[Place]
) -> None:
    """Goes to where watched fields are, through rows of a selection, and takes down what is there as it is."""
    if rows and isinstance(rows[0], Record):
        owners = rows
    if selection.watched:
        places.append((selection.watched, rows, owners))
    for field in selection.leads:
        if frame is not None and field.slot >= 0 and not field.flat:
            for kid in frame.kids[field.slot].values():
                _walk(kid.selection, kid.rows, kid, owners, places)
            continue
        branch = field.branch
        assert branch is not None
        assert branch.only is not None
        values = values_of(field, rows, frame)
        if values:
            _walk(branch.only, values, None, owners, places)


def values_of(field: Field, rows: Sequence[Any], frame: Frame | None) -> Sequence[Any]:
    """The values that a field shows of rows. What is derived is not worked out again: a row stands for its value."""
    if frame is not None and field.slot >= 0:
        values: Sequence[Any] = frame.columns[field.slot]
    elif field.kind == DERIVED:
        return rows
    elif len(rows) == 1:
        values = (getattr(rows[0], field.attribute, None),)
    else:
        attribute = field.attribute
        values = [getattr(row, attribute, None) for row in rows]
    if len(values) == 1 and values[0].__class__ in _LISTS:
        values = values[0]
    # Rows of a list of their own may be looked at later: which of them are any only matters for what is below them.
    return values if values and isinstance(values[0], Record) and not _leads(field) else list(objects(values))


def _leads(field: Field) -> bool:
    return field.branch is not None and field.branch.only is not None and bool(field.branch.only.leads)


_LISTS = (list, tuple)


def objects(values: Sequence[Any]) -> Iterator[Any]:
    """The objects among values, in lists however deep."""
    for value in values:
        content = value.value if value.__class__ is Partial else value
        if content.__class__ in _LISTS:
            yield from objects(content)
        elif content is not None and not isinstance(content, Exception):
            yield content


def _at(graph: Graph, plan: Plan, hits: set[int], place: Place, nameless: Collection[str]) -> Iterator[Withheld]:
    """The fields of one place: of one selection all rows are of one type."""
    watched, values, owners = place
    rows = list(objects(owners))
    count = len(rows) if owners is values and rows else sum(1 for _ in values)
    keys = _keys(rows, nameless)
    of = graph.types.get(type(rows[0]), type(rows[0]).__name__) if rows else ""
    for number in watched:
        if number in hits:
            mark = plan.marks[number]
            rule, class_name = mark.decision.rule, mark.decision.class_name
            yield Withheld(mark.coordinate, DENIED if mark.refused else MASKED, rule, class_name, count, of, keys)


# ---------------------------------------------------------------- filters, orders, look-ups; rows


def _refused(plan: Plan, errors: Sequence[GraphQLError]) -> Iterator[Withheld]:
    """Fields by which somebody may not filter, order or look up: that would tell them all the same."""
    for error in errors:
        cause = error.original_error
        if isinstance(cause, Forbidden):
            type_name, _, name = cause.coordinate.partition(".")
            decision = plan.grants.field(type_name, name)
            if decision.audited:
                yield Withheld(cause.coordinate, DENIED, decision.rule, decision.class_name, 0)


def _hidden(graph: Graph, plan: Plan, hidden: Sequence[Record], nameless: Collection[str]) -> Iterator[Withheld]:
    """Rows that the row rules hid, by type, of types that have anything to be put on record."""
    by_type: dict[str, dict[str, Record]] = {}
    for record in hidden:
        by_type.setdefault(graph.types.get(type(record), ""), {})[record.key] = record
    rule = ",".join(f"{role}/rows" for role in sorted(plan.grants.roles)) or "no-role"
    for name, rows in by_type.items():
        classes = _audited(graph, plan, name)
        if classes:
            keys = _keys(list(rows.values()), nameless)
            yield Withheld(name, HIDDEN, rule, ",".join(sorted(classes)), len(rows), name, keys)


def _audited(graph: Graph, plan: Plan, name: str) -> set[str]:
    """The audited classes that fields of a type have."""
    type_ = graph.object_type(name)
    decisions = [plan.grants.field(name, field) for field in type_.fields] if type_ is not None else []
    return {each.class_name for each in decisions if each.audited}
