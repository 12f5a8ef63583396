"""Lines by coordinate: `Type.field`, `*.field`, `Type.*` and `*Part.*`, and which of them speak of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from policies.yaml import Mapping as Node
from policies.yaml import Mistakes, Place, texts

T = TypeVar("T")
_COORDINATE = re.compile(r"([A-Za-z_*][\w*]*)\.(\*|[A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What the rules need to know of a field: may it be null, which scalar it is, or else which type it leads to.

    `derives` are the coordinates that a computed field is made of, where it says so. `possible` are the types that an
    interface or a union may turn out to be.
    """

    nullable: bool
    scalar: str = ""
    target: str = ""
    derives: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


class TypeShape(dict[str, FieldShape]):
    """A type's fields by name; `attributes`, where known, are those of its records, in snake case (`a`, or `a.b`)."""

    def __init__(self, fields: Mapping[str, FieldShape], attributes: frozenset[str] | None = None) -> None:
        super().__init__(fields)
        self.attributes = attributes


Schema = Mapping[str, Mapping[str, FieldShape]]


def checked(coordinate: str, place: Place) -> str:
    """The coordinate; raises RuleError for what is none."""
    if _COORDINATE.fullmatch(coordinate) is None:
        raise place.error(f"`{coordinate}` is no coordinate: write `Type.field`, `Type.*`, `*.field` or `*Part.*`")
    if coordinate == "*.*":
        raise place.error("`*.*` speaks of every field: name a type or a field")
    return coordinate


def listed(source: Node, key: str) -> dict[str, Place]:
    """A list of coordinates under a key that may be missing; raises RuleErrors with every one that is none."""
    if key not in source.items:
        return {}
    told = Mistakes()
    found = texts(source.items[key], f"`{key}`")
    for each in found:
        told.of(checked, each.value, each.place)
    told.done()
    return {each.value: each.place for each in found}


def exactness(coordinate: str) -> int:
    """4 `Type.field`, 3 `*.field`, 2 `Type.*`, 1 `*Part.*`: a field counts before a type, a name before a pattern."""
    type_name, _, field = coordinate.partition(".")
    if field == "*":
        return 1 if "*" in type_name else 2
    return 3 if "*" in type_name else 4


def fits(coordinate: str, type_name: str, field: str) -> bool:
    """Whether a coordinate speaks of a field."""
    of_type, _, of_field = coordinate.partition(".")
    return of_field in ("*", field) and fnmatchcase(type_name, of_type)


class Lines(Generic[T]):
    """Lines by coordinate."""

    def __init__(self, written: Mapping[str, T]) -> None:
        self._exact = {key: line for key, line in written.items() if exactness(key) in (2, 4)}
        self._patterns = {key: line for key, line in written.items() if exactness(key) in (1, 3)}

    def about(self, type_name: str, field: str) -> list[tuple[str, T]]:
        """Every line that speaks of a field, the most exact first; of two patterns the longer one."""
        found = [(key, self._exact[key]) for key in (f"{type_name}.{field}", f"{type_name}.*") if key in self._exact]
        found += [(key, line) for key, line in self._patterns.items() if fits(key, type_name, field)]
        return sorted(found, key=lambda each: (-exactness(each[0]), -len(each[0])))

    def most_exact(self, type_name: str, field: str) -> list[tuple[str, T]]:
        """Of those, the ones that are equally exact."""
        found = self.about(type_name, field)
        return [each for each in found if exactness(each[0]) == exactness(found[0][0])]
