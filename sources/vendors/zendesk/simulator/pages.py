"""Pages: by cursor where `page[size]` is given, else by number."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from sources.vendors.zendesk.simulator.errors import Refusal
from sources.vendors.zendesk.simulator.facts import DEEPEST_PAGE, MANY, TOO_DEEP
from sources.vendors.zendesk.simulator.shapes import Entry, Object, look

_SORTS = ("id", "updated_at", "created_at", "name", "status", "priority", "subject")
Place = tuple[Any, int]


class Cursor(msgspec.Struct):
    """Where a page ended: the order, the last row's place in it, and for an export when it began."""

    o: str
    v: tuple[str, int]
    at: float = 0.0


class Paged(msgspec.Struct):
    """The rows of one page and what is said about the others."""

    rows: list[Entry]
    about: Object


def page(rows: Sequence[Entry], parameters: Mapping[str, str], url: str) -> Paged:
    """One page of rows that are in the order of ids."""
    if not by_cursor_asked(parameters):
        field, descending = parameters.get("sort_by", "id"), parameters.get("sort_order", "asc") == "desc"
        if field in _SORTS and (field, descending) != ("id", False):
            rows = ordered(rows, f"-{field}" if descending else field)
        return by_number(rows, parameters, url, DEEPEST_PAGE)
    return by_cursor(rows, parameters, url)


def by_cursor_asked(parameters: Mapping[str, str]) -> bool:
    """Whether the caller wants a cursor."""
    return any(name.startswith("page[") for name in parameters)


def by_number(rows: Sequence[Entry], parameters: Mapping[str, str], url: str, deepest: int | None = None) -> Paged:
    """`page` and `per_page`, with a count."""
    size, number = whole(parameters, "per_page", MANY, MANY), whole(parameters, "page", 1)
    if deepest is not None and number > deepest:
        raise Refusal(400, "InvalidPaginationDepth", TOO_DEEP)
    start = (number - 1) * size

    def at(which: int) -> str:
        return f"{url}?{urlencode({**parameters, 'page': which})}"

    about = {
        "next_page": at(number + 1) if start + size < len(rows) else None,
        "previous_page": at(number - 1) if number > 1 else None,
        "count": len(rows),
    }
    return Paged(list(rows[start : start + size]), about)


def by_cursor(
    rows: Sequence[Entry], parameters: Mapping[str, str], url: str, *, most: int = MANY, began: float = 0.0
) -> Paged:
    """`page[size]`, `page[after]`, `page[before]`; a last page has cursors too, as recorded: `has_more` tells."""
    size, order = whole(parameters, "page[size]", MANY, most), parameters.get("sort") or "id"
    if order.removeprefix("-") not in _SORTS:
        raise Refusal(400, "InvalidPaginationParameter", f"sort is not valid: {order}")
    rows = rows if order == "id" else ordered(rows, order)
    start, end = 0, size
    if after := parameters.get("page[after]"):
        start = _position(rows, order, cursor_of(after), bisect_right)
        end = start + size
    elif before := parameters.get("page[before]"):
        end = _position(rows, order, cursor_of(before), bisect_left)
        start = max(0, end - size)
    shown = list(rows[start:end])
    more = start > 0 if "page[before]" in parameters and not after else end < len(rows)
    kept = {key: value for key, value in parameters.items() if key not in ("page[after]", "page[before]")}

    def mark(row: Entry) -> str:
        field = order.removeprefix("-")
        text = "" if field == "id" else str(look(row, field) or "")
        encoded = msgspec.json.encode(Cursor(order, (text, look(row, "id")), began))
        return base64.urlsafe_b64encode(encoded).decode()

    first, last = (mark(shown[0]), mark(shown[-1])) if shown else (None, None)
    links = {
        "prev": f"{url}?{urlencode({**kept, 'page[before]': first})}" if first else None,
        "next": f"{url}?{urlencode({**kept, 'page[after]': last})}" if last else None,
    }
    return Paged(shown, {"meta": {"has_more": more, "after_cursor": last, "before_cursor": first}, "links": links})


def ordered(rows: Sequence[Entry], order: str) -> list[Entry]:
    """By a field and then by id; a leading minus for descending."""
    return sorted(rows, key=lambda row: _place(row, order), reverse=order.startswith("-"))


def cursor_of(text: str) -> Cursor:
    """What the cursor says."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=Cursor)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Refusal(400, "InvalidPaginationParameter", "The cursor is not valid") from None


def whole(parameters: Mapping[str, str], name: str, default: int, most: int | None = None) -> int:
    """A number of the parameters, at least 1; what is above `most` counts as `most`."""
    text = parameters.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(400, "InvalidPaginationParameter", f"{name} is not valid")
    return min(int(text), most) if most is not None else int(text)


def _place(row: Entry, order: str) -> Place:
    field = order.removeprefix("-")
    return ("" if field == "id" else str(look(row, field) or ""), look(row, "id"))


def _position(rows: Sequence[Entry], order: str, cursor: Cursor, bisect: Callable[..., int]) -> int:
    """Where the cursor's row is, or would be if it is gone."""
    if cursor.o != order:
        raise Refusal(400, "InvalidPaginationParameter", "The cursor belongs to another order")
    if not order.startswith("-"):
        return bisect(rows, cursor.v, key=lambda row: _place(row, order))
    mirrored = bisect_left if bisect is bisect_right else bisect_right
    return len(rows) - mirrored(rows[::-1], cursor.v, key=lambda row: _place(row, order))
