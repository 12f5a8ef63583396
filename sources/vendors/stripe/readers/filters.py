"""Conditions and orders on canonical attributes: what Stripe cannot judge is judged here, row by row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from functools import cmp_to_key
from typing import Any, TypeVar

from sources.canonical import Record
from sources.errors import BadAsk
from sources.ports import Filter, Order, Page, Position, Rows

V = TypeVar("V")
EQUAL = ("eq", "in")
RANGE = ("lt", "lte", "gt", "gte")
_JUDGES: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "in": lambda value, wanted: value in wanted,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "contains": lambda value, wanted: str(wanted).casefold() in str(value).casefold(),
}


def accepts(record: Record, filters: Sequence[Filter]) -> bool:
    """Whether a record meets every condition; what is null meets none."""
    for each in filters:
        value = getattr(record, each.field)
        if value is None or not _JUDGES[each.op](value, comparable(each.value, value)):
            return False
    return True


def comparable(wanted: Any, like: Any) -> Any:
    """A day as its first instant (UTC), where instants are compared."""
    if not isinstance(like, datetime):
        return wanted
    if isinstance(wanted, datetime):
        return wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    if isinstance(wanted, date):
        return datetime.combine(wanted, time(), UTC)
    if isinstance(wanted, tuple | list | set | frozenset):
        return tuple(comparable(each, like) for each in wanted)
    raise BadAsk("an instant is compared with a date or a datetime: give one of them")


def between(filters: Sequence[Filter], field: str, parameter: str) -> tuple[tuple[str, str], ...]:
    """The conditions on an instant as Stripe's range parameters: whole seconds, never narrower than what is asked."""
    found = []
    for each in filters:
        if each.field != field or each.op not in RANGE:
            continue
        instant = comparable(each.value, datetime.min.replace(tzinfo=UTC))
        seconds = int(instant.timestamp() // 1)
        found.append((f"{parameter}[{'gte' if each.op in ('gt', 'gte') else 'lte'}]", str(seconds)))
    return tuple(found)


def chosen(filters: Sequence[Filter], field: str, vocabulary: Callable[[Any], V]) -> frozenset[V] | None:
    """The values that `eq` and `in` leave for a field, None where nothing is said of it."""
    left: frozenset[V] | None = None
    for each in filters:
        if each.field != field or each.op not in EQUAL:
            continue
        try:
            wanted = frozenset(vocabulary(value) for value in ((each.value,) if each.op == "eq" else each.value))
        except (TypeError, ValueError) as error:
            raise BadAsk(f"this is no value of `{field}`") from error
        left = wanted if left is None else left & wanted
    return left


def ordered(records: Sequence[Record], page: Page, default: Order) -> Rows:
    """A page of rows that are all here: sorted (nulls last, the key breaks ties), from the position on, cut."""
    order = page.order or default
    ranked = sorted((record for record in records if accepts(record, page.filters)), key=cmp_to_key(_comparison(order)))
    if page.after is not None:
        ranked = ranked[_place(ranked, page.after, order, by_value=page.order is not None) :]
    if page.first is None:
        return Rows(tuple(ranked))
    kept, more = ranked[: page.first], len(ranked) > page.first
    places = tuple(_position(record, order) for record in kept)
    return Rows(tuple(kept), more, places[-1] if more else None, positions=places)


def _position(record: Record, order: Order) -> Position:
    value = getattr(record, order.field)
    return Position(value.isoformat() if value else None, record.source_id)


def _place(ranked: Sequence[Record], after: Position, order: Order, *, by_value: bool) -> int:
    """How many rows come before the position and at it."""
    for index, record in enumerate(ranked):
        if record.source_id == after.key:
            return index + 1
    if not by_value and after.value is None:
        raise BadAsk("`after` names a row that is gone: begin the list again")
    try:
        gone = None if after.value is None else datetime.fromisoformat(after.value)
    except ValueError as error:
        raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it") from error
    ranks = [_compare(getattr(record, order.field), record.key, gone, after.key, order) for record in ranked]
    return sum(rank <= 0 for rank in ranks)


def _comparison(order: Order) -> Callable[[Record, Record], int]:
    def compare(left: Record, right: Record) -> int:
        return _compare(getattr(left, order.field), left.key, getattr(right, order.field), right.key, order)

    return compare


def _compare(value: Any, key: str, other: Any, other_key: str, order: Order) -> int:
    if (value is None) != (other is None):
        return 1 if value is None else -1
    if value is not None and value != other:
        return -1 if (value < other) != order.descending else 1
    return -1 if key < other_key else int(key > other_key)
