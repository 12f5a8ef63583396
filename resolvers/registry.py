"""Which GraphQL type shows which canonical record."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

import strawberry

from sources.canonical import Record

T = TypeVar("T", bound=type)
TYPES: dict[type[Record], type] = {}
VALUES: dict[type, str] = {}
"""Class of a value that may stand where a union is declared -> name of its GraphQL type; no rows to be judged."""


def entity(record: type[Record]) -> Callable[[T], T]:
    """A GraphQL type whose values are `record`s; its docstring is its description."""

    def declare(cls: T) -> T:
        made: T = strawberry.type(cls, description=inspect.getdoc(cls))
        TYPES[record] = made
        return made

    return declare


def value(cls: T) -> T:
    """A GraphQL type without an identity of its own; its docstring is its description."""
    made: T = strawberry.type(cls, description=inspect.getdoc(cls))
    return made


def names() -> dict[type[Record], str]:
    """Record class -> GraphQL type name."""
    return {record: cls.__name__ for record, cls in TYPES.items()}
