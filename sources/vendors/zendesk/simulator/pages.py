"""Pages: by cursor where `page[size]` is given, else by number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sources.vendors.zendesk.simulator.errors import Refusal

Object = dict[str, Any]
_MOST = 100
_SORTS = {"id": "id", "updated_at": "updated_at", "created_at": "created_at", "name": "name"}


def page(rows: Sequence[Object], name: str, parameters: Mapping[str, str], url: str) -> Object:
    """One page of rows under their `name`."""
    if "page[size]" in parameters or "page[after]" in parameters:
        return _by_cursor(rows, name, parameters, url)
    return by_number(rows, name, parameters, url)


def by_number(rows: Sequence[Object], name: str, parameters: Mapping[str, str], url: str) -> Object:
    """`page` and `per_page`, with a count."""
    size, number = _whole(parameters, "per_page", _MOST), _whole(parameters, "page", 1)
    start = (number - 1) * size
    shown = list(rows[start : start + size])

    def at(which: int) -> str:
        kept = {key: value for key, value in parameters.items() if key != "page"}
        return f"{url}?{urlencode({**kept, 'page': which})}"

    return {
        name: shown,
        "next_page": at(number + 1) if start + size < len(rows) else None,
        "previous_page": at(number - 1) if number > 1 else None,
        "count": len(rows),
    }


def ordered(rows: Sequence[Object], sort: str | None) -> list[Object]:
    """By `sort`, a leading minus for descending; by id unless told."""
    field = (sort or "id").removeprefix("-")
    if field not in _SORTS:
        raise Refusal(400, "InvalidPaginationParameter", f"sort is not valid: {sort}")
    return sorted(rows, key=lambda row: (row.get(field) or "", row["id"]), reverse=(sort or "").startswith("-"))


def _by_cursor(rows: Sequence[Object], name: str, parameters: Mapping[str, str], url: str) -> Object:
    size = _whole(parameters, "page[size]", _MOST)
    sorted_rows = ordered(rows, parameters.get("sort"))
    start = 0
    if parameters.get("page[after]"):
        last = _decoded(parameters["page[after]"])
        places = {row["id"]: index for index, row in enumerate(sorted_rows)}
        start = places.get(last, len(sorted_rows) - 1) + 1
    shown = sorted_rows[start : start + size]
    more = start + size < len(sorted_rows)
    after = _encoded(shown[-1]["id"]) if shown else None
    kept = {key: value for key, value in parameters.items() if key != "page[after]"}
    return {
        name: shown,
        "meta": {"has_more": more, "after_cursor": after if more else None, "before_cursor": None},
        "links": {
            "next": f"{url}?{urlencode({**kept, 'page[after]': after})}" if more and after else None,
            "prev": None,
        },
    }


def _encoded(key: int) -> str:
    return base64.urlsafe_b64encode(f"id:{key}".encode()).decode()


def _decoded(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("id:"))
    except (ValueError, binascii.Error):
        raise Refusal(400, "InvalidCursor", "The cursor is not valid") from None


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise Refusal(400, "InvalidPaginationParameter", f"{name} is not valid")
    return min(int(text), _MOST) if name != "page" else int(text)
