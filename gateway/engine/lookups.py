"""Look-ups: finding a record by a value tells that it has the value, so whoever may not read it may not ask by it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.engine.grants import Grants
from resolvers.batch import Batched, Stream, lookups_of
from sources.errors import SourceError


class Forbidden(SourceError):
    """Something the role may not do with a field, refused before anything was read; `advice` is what to do instead."""

    code = "FORBIDDEN"

    def __init__(self, coordinate: str, advice: str) -> None:
        super().__init__(f"`{coordinate}` is not for your role: {advice}")
        self.coordinate, self.advice = coordinate, advice

    def again(self) -> Forbidden:
        """The same error anew: one that is raised again and again would grow."""
        return Forbidden(self.coordinate, self.advice)


@cache
def _lookups(input_type: type) -> tuple[tuple[str, str, str, str], ...]:
    """(python name, type, field, coordinate) of each field by which something is found; input types are few."""
    return tuple((name, *each.split(".", 1), each) for name, each in lookups_of(input_type).items())  # type: ignore[misc]


def check_lookups(declared: Batched | Stream, given: Mapping[str, Any], grants: Grants) -> None:
    """Raises Forbidden where an argument looks something up that these roles may not look up."""
    for coordinate in declared.sought(given) if declared.sought is not None else ():
        type_name, _, field = coordinate.partition(".")
        if not grants.lookup(type_name, field):
            raise Forbidden(coordinate, "nothing is found by it")
    for value in given.values():
        for name, type_name, field, coordinate in _lookups(value.__class__):
            if getattr(value, name) is not None and not grants.lookup(type_name, field):
                raise Forbidden(coordinate, f"find it by something else than `{name}`")
