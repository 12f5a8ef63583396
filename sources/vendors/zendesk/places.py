"""Places in lists of cases, and what a search can be asked: positions, terms, and tests for what no term says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sources import canonical as c
from sources.errors import BadAsk
from sources.ports import Filter, Order, Position
from sources.vendors.zendesk import facts, mapping, wire

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "in": lambda value, wanted: value in wanted,
    "gte": lambda value, wanted: value >= wanted,
    "gt": lambda value, wanted: value > wanted,
    "lte": lambda value, wanted: value <= wanted,
    "lt": lambda value, wanted: value < wanted,
}
_WORDS: Mapping[str, Mapping[Any, str]] = {
    "status": {value: raw for raw, value in mapping.STATUS.items()},
    "priority": {value: raw for raw, value in mapping.PRIORITY.items()},
}
_SIGNS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
_NAMES = {"created_at": "created", "updated_at": "updated"}
NOWHERE = Position(None, "")


def position(case: c.Case, order: Order | None, token: str | None = None) -> Position:
    """Where a case stands in a list, and the page (`token`) on which that list may be taken up again."""
    at = getattr(case, order.field if order is not None else "created_at")
    return Position(at.isoformat() if at is not None else None, case.key, token)


def place(order: Order | None, case: c.Case) -> tuple[str, int]:
    """Where a case stands in its organization's list: that goes by id, unless it goes by the last change."""
    changed = order is not None and order.field == "updated_at" and case.updated_at is not None
    return (case.updated_at.isoformat() if changed and case.updated_at else "", int(case.key))


def behind(after: Position | None, order: Order | None, *, by_id: bool = False) -> Callable[[wire.Ticket], bool]:
    """Whether a ticket of an ordered list comes after a position. Ids tell (`by_id`) where the list goes by them; else
    instants do, and of those of one instant the ones up to the position's own are left out."""
    if after is None or not after.key:
        return lambda _: True
    if not after.key.isdecimal():
        raise BadAsk("`after` is no position of a list of cases: use an `endCursor` of it")
    key, descending = int(after.key), order is None or order.descending
    field = order.field if order is not None else "created_at"
    if by_id and field == "created_at":
        return lambda ticket: ticket.id != key and (ticket.id < key) == descending
    there = mapping.instant(f"ticket.{field}", after.value)
    passed = False

    def later(ticket: wire.Ticket) -> bool:
        nonlocal passed
        here = mapping.instant(f"ticket.{field}", getattr(ticket, field))
        if passed:
            return True
        if there is not None and here is not None and here != there:
            return (here < there) == descending
        passed = ticket.id == key
        return False

    return later


def narrowed(terms: Sequence[str], after: Position | None, order: Order | None) -> list[str]:
    """Search terms that begin at a position; of two bounds on one side the position's is the narrower."""
    if after is None or after.value is None:
        return list(terms)
    field = order.field if order is not None else "created_at"
    at = mapping.instant(f"ticket.{field}", after.value)
    sign = "<" if order is None or order.descending else ">"
    bound = f"{_NAMES[field]}{sign}"
    begins = [f"{bound}={at.strftime('%Y-%m-%dT%H:%M:%SZ')}"] if at is not None else []
    return [*(term for term in terms if not term.startswith(bound)), *begins]


def terms(filters: Iterable[Filter]) -> list[str]:
    """The filters as search terms; what the search cannot say is tested on what comes back."""
    found: list[str] = []
    for each in filters:
        if each.field in _WORDS:
            wanted = each.value if each.op == "in" else (each.value,)
            if each.field == "priority" and "NORMAL" in wanted:
                continue  # a ticket without a priority counts as normal, and no term finds it
            found += [f"{each.field}:{_WORDS[each.field][value]}" for value in wanted]
        elif each.field in _NAMES:
            found.append(f"{_NAMES[each.field]}{_SIGNS[each.op]}{each.value.strftime('%Y-%m-%dT%H:%M:%SZ')}")
        elif each.field == "escalated" and each.value:
            found.append(f"tags:{facts.ESCALATED_TAG}")
    return found


def meets(case: c.Case, filters: Iterable[Filter]) -> bool:
    """Whether a case passes every filter; one without the value passes none."""
    for each in filters:
        value = getattr(case, each.field)
        if value is None or not _COMPARE[each.op](value, each.value):
            return False
    return True


def quoted(text: str) -> str:
    """Text that stays between its quotes."""
    return text.replace("\\", "").replace('"', "")
