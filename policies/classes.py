"""Reads `classes.yaml`: what each field is, whose reading goes on record, what the auditor accepted."""

from __future__ import annotations

from dataclasses import dataclass

from policies.lines import checked, listed
from policies.records import Classified
from policies.yaml import Mapping, Mistakes, Place, Text, Value, entries, mapping, required, text, texts

_FILE = frozenset({"classes", "audited", "coordinates", "declassify"})


@dataclass(frozen=True, slots=True)
class Classes:
    """Their names, the class of each coordinate, the computed fields accepted by name, the classes put on record."""

    names: tuple[str, ...]
    coordinates: dict[str, Classified]
    declassified: dict[str, Place]
    audited: frozenset[str]


def read_classes(source: Mapping) -> Classes:
    """The file; raises RuleErrors with every mistake."""
    told = Mistakes()
    told.of(mapping, source, "classes.yaml", _FILE)
    names = told.part((), _names, source)
    coordinates = told.of(_coordinates, source, names)
    declassified = told.of(listed, source, "declassify")
    audited = told.of(_audited, source, names)
    told.done()
    return Classes(names, coordinates, declassified, audited)


def _names(source: Mapping) -> tuple[str, ...]:
    return tuple(each.value for each in texts(required(source, "classes"), "`classes`"))


def _coordinates(source: Mapping, names: tuple[str, ...]) -> dict[str, Classified]:
    told = Mistakes()
    written = entries(mapping(required(source, "coordinates"), "`coordinates`"))
    found = {each[0]: told.of(_classified, *each, names) for each in written}
    told.done()
    return found


def _classified(coordinate: str, value: Value, place: Place, names: tuple[str, ...]) -> Classified:
    checked(coordinate, place)
    name = text(value, f"the class of `{coordinate}`")
    if names and name not in names:
        raise value.place.error(f"`{coordinate}` has the unknown class `{name}`: one of {', '.join(names)} is expected")
    return Classified(name, place)


def _audited(source: Mapping, names: tuple[str, ...]) -> frozenset[str]:
    found = texts(source.items["audited"], "`audited`") if "audited" in source.items else []
    told = Mistakes()
    for each in found:
        told.of(_known, each, names)
    told.done()
    return frozenset(each.value for each in found)


def _known(each: Text, names: tuple[str, ...]) -> None:
    if names and each.value not in names:
        raise each.place.error(f"`audited` has the unknown class `{each.value}`: one of {', '.join(names)} is expected")
