"""limit and offset, and the links of a page."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.errors import invalid


class Window(msgspec.Struct, frozen=True):
    """Rows `offset` to `offset + limit`."""

    limit: int
    offset: int


def window(request: Request) -> Window:
    """The request's window; raises Refusal where it is none: offset is a multiple of limit, limit <= 1,000."""
    limit, offset = _number(request, "limit", facts.MAX_PAGE), _number(request, "offset", 0)
    if not 1 <= limit <= facts.MAX_PAGE:
        raise invalid(f"The limit must be between 1 and {facts.MAX_PAGE}.", query="limit")
    if offset % limit:
        raise invalid("The offset must be a multiple of the limit.", query="offset")
    return Window(limit, offset)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise invalid(f"'{text}' is not a number.", query=name)
    return int(text)


def page_links(request: Request, part: Window, total: int) -> list[dict[str, str]]:
    """next, last, previous, first as far as there are any, and self."""
    links = []
    if part.offset + part.limit < total:
        last = (total - 1) // part.limit * part.limit
        links += [_link(request, "next", part, part.offset + part.limit), _link(request, "last", part, last)]
    if part.offset:
        links += [_link(request, "first", part, 0), _link(request, "previous", part, part.offset - part.limit)]
    return [*links, _link(request, "self", part, part.offset)]


def _link(request: Request, rel: str, part: Window, offset: int) -> dict[str, str]:
    return {"rel": rel, "href": str(request.url.include_query_params(limit=part.limit, offset=offset))}
