"""Relay connections: edges, cursors, page information."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

T = TypeVar("T")


@strawberry.type(description="Where a page ends and whether the list goes on.")
class PageInfo:
    """Where a page ends and whether the list goes on."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    """One row with its place in the list."""

    cursor: str
    node: T | None


@strawberry.type
class Connection(Generic[T]):
    """A page of a list. `totalCount` is null where the source did not count the whole predicate."""

    edges: list[Edge[T]] | None
    nodes: list[T | None] | None
    page_info: PageInfo
    total_count: int | None
