"""What an answer withheld and the rules want on record: fields refused, values masked, rows hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import GraphQLError

from gateway.engine.frames import Frame, Partial
from gateway.engine.graph import Graph
from gateway.engine.lookups import Forbidden
from gateway.engine.plan import DERIVED, Field, Plan, Selection
from gateway.telemetry.accesses import DENIED, HIDDEN, MASKED, Withheld
from sources.canonical import Record

MOST_KEYS = 100  # of one coordinate; how many rows there were is told in any case


def withheld(
    graph: Graph,
    plan: Plan,
    frame: Frame,
    hits: set[int],
    errors: Sequence[GraphQLError],
    hidden: Sequence[Record],
) -> tuple[Withheld, ...]:
    """What is to be put on record of an answer; mostly nothing, and then it costs two comparisons."""
    found: list[Withheld] = []
    if hits and not hits.isdisjoint(plan.audited):
        found += _marked(graph, plan, frame, hits & plan.audited)
    if errors:
        found += _refused(plan, errors)
    if hidden:
        found += _hidden(graph, plan, hidden)
    return tuple(found)


# ---------------------------------------------------------------- fields


class _Places:
    """Where a field was withheld: how many values, and the records that they belong to."""

    __slots__ = ("owners", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.owners: list[Sequence[Any]] = []


def _marked(graph: Graph, plan: Plan, frame: Frame, hits: set[int]) -> Iterator[Withheld]:
    """A field for each coordinate and rule, over all places where it was asked for."""
    places: dict[int, _Places] = {}
    _walk(frame.selection, frame.rows, frame, (), hits, places)
    merged: dict[tuple[str, str, str], _Places] = {}
    classes: dict[str, str] = {}
    for hit in sorted(hits):
        mark = plan.marks[hit]
        decision = mark.decision
        classes[mark.coordinate] = decision.class_name
        key = (mark.coordinate, DENIED if mark.refused else MASKED, decision.rule)
        into, more = merged.setdefault(key, _Places()), places.get(hit)
        if more is not None:
            into.rows += more.rows
            into.owners += more.owners
    for (coordinate, how, rule), each in merged.items():
        yield Withheld(coordinate, how, rule, classes[coordinate], each.rows, _keys(graph, each.owners))


def _walk(
    selection: Selection,
    rows: Sequence[Any],
    frame: Frame | None,
    owners: Sequence[Any],
    hits: set[int],
    places: dict[int, _Places],
) -> None:
    """Goes where watched fields are: `rows` are the values of a selection, `owners` the records nearest above them."""
    if rows and isinstance(rows[0], Record):
        owners = rows
    for mark in selection.watched:
        if mark in hits:
            place = places.setdefault(mark, _Places())
            place.rows += len(rows)
            place.owners.append(owners)
    for field in selection.leads:
        if frame is not None and field.slot >= 0 and not field.flat:
            for kid in frame.kids[field.slot].values():
                _walk(kid.selection, kid.rows, kid, owners, hits, places)
            continue
        assert field.branch is not None
        assert field.branch.only is not None
        values = _values(field, rows, frame)
        if values:
            _walk(field.branch.only, values, None, owners, hits, places)


def _values(field: Field, rows: Sequence[Any], frame: Frame | None) -> list[Any]:
    """The objects that a field shows of rows. What is derived is not worked out again: a row stands for its value."""
    if frame is not None and field.slot >= 0:
        return list(_objects(frame.columns[field.slot]))
    if field.kind == DERIVED:
        return list(rows)
    return list(_objects([getattr(row, field.attribute, None) for row in rows]))


def _objects(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        content = value.value if value.__class__ is Partial else value
        if content is None or isinstance(content, Exception):
            continue
        if isinstance(content, (list, tuple)):
            yield from _objects(content)
        else:
            yield content


def _keys(graph: Graph, owners: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for rows in owners:
        for row in rows:
            if len(found) >= MOST_KEYS:
                return tuple(found)
            found[row_key(graph, row)] = None
    return tuple(found)


def row_key(graph: Graph, row: Record) -> str:
    """`Type:key` of a record: what is hashed in the audit, and what somebody who looks for it there has to know."""
    return f"{graph.types.get(row.__class__, row.__class__.__name__)}:{row.key}"


# ---------------------------------------------------------------- filters, orders, look-ups; rows


def _refused(plan: Plan, errors: Sequence[GraphQLError]) -> Iterator[Withheld]:
    """Fields by which somebody may not filter, order or look up: that would tell them all the same."""
    told: set[str] = set()
    for error in errors:
        cause = error.original_error
        if isinstance(cause, Forbidden) and cause.coordinate not in told:
            told.add(cause.coordinate)
            type_name, _, name = cause.coordinate.partition(".")
            decision = plan.grants.field(type_name, name)
            if decision.audited:
                yield Withheld(cause.coordinate, DENIED, decision.rule, decision.class_name, 0)


def _hidden(graph: Graph, plan: Plan, hidden: Sequence[Record]) -> Iterator[Withheld]:
    """Rows that the row rules hid, by type, of types that have anything to be put on record."""
    by_type: dict[str, list[Record]] = {}
    for record in hidden:
        by_type.setdefault(graph.types.get(type(record), ""), []).append(record)
    rule = ",".join(f"{role}/rows" for role in sorted(plan.grants.roles)) or "no-role"
    for name, rows in by_type.items():
        type_ = graph.object_type(name)
        classes = (
            {each.class_name for field in type_.fields if (each := plan.grants.field(name, field)).audited}
            if type_
            else ()
        )
        if classes:
            yield Withheld(name, HIDDEN, rule, ",".join(sorted(classes)), len(rows), _keys(graph, [rows]))
