"""Loads the rule files into records that still know their file and line; knows nothing of any schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from policies.masks import MASKS
from policies.rows import Condition, compile_condition
from policies.yaml import Mapping, Place, RuleError, Text, Value, mapping, read, text, texts

__all__ = ["RULES", "Role", "RuleError", "Rules", "Verdict", "load_rules"]

RULES = Path(__file__).parent / "rules"
_ROLE_KEYS = frozenset({"audience", "purpose", "classes", "fields", "forbid", "rows"})
_AUDIENCES = ("internal", "external")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one line of a role says: allow, deny, forbid, or a mask by name."""

    kind: str
    place: Place
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Classified:
    """Which class a coordinate has, and where that is written."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Role:
    """One role: verdicts by class and by coordinate (`Type.field`, `Type.*`); any of its row rules opens a row."""

    name: str
    audience: str
    classes: dict[str, Verdict]
    fields: dict[str, Verdict]
    forbidden: dict[str, Verdict]
    rows: tuple[Text, ...]
    place: Place


RowRule: TypeAlias = dict[str, Condition]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that was read. `rows[rule][Type]` is a condition; a rule in `via` judges other types by their account."""

    classes: tuple[str, ...]
    coordinates: dict[str, Classified]
    roles: dict[str, Role]
    rows: dict[str, RowRule]
    via: frozenset[str]
    shared: dict[str, Place]
    entitlement: dict[str, str] = field(default_factory=dict)


def load_rules(folder: Path = RULES) -> Rules:
    """Reads `classes.yaml`, `roles.yaml`, `rows.yaml` and `entitlement.yaml`; raises RuleError."""
    classes, coordinates = _classes(_file(folder, "classes.yaml"))
    rows, via, shared = _rows(_file(folder, "rows.yaml"))
    roles = {
        name: _role(name, value, place, classes, rows) for name, value, place in _entries(_file(folder, "roles.yaml"))
    }
    entitlement = {name: text(value, f"`{name}`") for name, value, _ in _entries(_file(folder, "entitlement.yaml"))}
    return Rules(classes, coordinates, roles, rows, via, shared, entitlement)


def _file(folder: Path, name: str) -> Mapping:
    return read(folder / name, f"{folder.name}/{name}")


def _entries(source: Mapping) -> list[tuple[str, Value, Place]]:
    return [(key, value, source.keys[key]) for key, value in source.items.items()]


def _classes(source: Mapping) -> tuple[tuple[str, ...], dict[str, Classified]]:
    mapping(source, "classes.yaml", frozenset({"classes", "coordinates"}))
    names = tuple(each.value for each in texts(_required(source, "classes"), "`classes`"))
    coordinates = {}
    for coordinate, value, place in _entries(mapping(_required(source, "coordinates"), "`coordinates`")):
        _coordinate(coordinate, place)
        name = text(value, f"the class of `{coordinate}`")
        if name not in names:
            raise value.place.error(f"`{coordinate}` has the unknown class `{name}`: one of {', '.join(names)}")
        coordinates[coordinate] = Classified(name, place)
    return names, coordinates


def _rows(source: Mapping) -> tuple[dict[str, RowRule], frozenset[str], dict[str, Place]]:
    mapping(source, "rows.yaml", frozenset({"shared", "rules"}))
    shared = {each.value: each.place for each in texts(_required(source, "shared"), "`shared`")}
    rows: dict[str, RowRule] = {}
    via: set[str] = set()
    for rule, value, _ in _entries(mapping(_required(source, "rules"), "`rules`")):
        rows[rule] = {}
        for type_name, condition, place in _entries(mapping(value, f"the row rule `{rule}`")):
            written = text(condition, f"`{type_name}` of the row rule `{rule}`")
            if type_name == "via":
                if written != "account":
                    raise condition.place.error(f"`via` is `{written}`: only `account` is possible")
                via.add(rule)
                continue
            rows[rule][type_name] = compile_condition(written, place)
    return rows, frozenset(via), shared


def _role(name: str, value: Value, place: Place, classes: tuple[str, ...], rows: dict[str, RowRule]) -> Role:
    source = mapping(value, f"the role `{name}`", _ROLE_KEYS)
    audience = text(_required(source, "audience"), "`audience`")
    if audience not in _AUDIENCES:
        raise source.items["audience"].place.error(f"`audience` is `{audience}`: `internal` or `external` is expected")
    by_class: dict[str, Verdict] = {}
    for name_of_class, verdict, at in _entries(mapping(_required(source, "classes"), "`classes`")):
        if name_of_class not in classes:
            raise at.error(f"the role `{name}` speaks of the unknown class `{name_of_class}`: {', '.join(classes)}")
        by_class[name_of_class] = _verdict(verdict, name_of_class)
    fields = _fields(source, name)
    forbidden: dict[str, Verdict] = {}
    if "forbid" in source.items:
        for each in texts(source.items["forbid"], "`forbid`"):
            _coordinate(each.value, each.place)
            forbidden[each.value] = Verdict("forbid", each.place)
    wanted = texts(_required(source, "rows"), "`rows`")
    for each in wanted:
        if each.value not in rows and each.value != "all":
            raise each.place.error(f"the role `{name}` has the unknown row rule `{each.value}`: {', '.join(rows)}, all")
    return Role(name, audience, by_class, fields, forbidden, tuple(wanted), place)


def _fields(source: Mapping, role: str) -> dict[str, Verdict]:
    if "fields" not in source.items:
        return {}
    fields = {}
    for coordinate, verdict, place in _entries(mapping(source.items["fields"], f"`fields` of `{role}`")):
        _coordinate(coordinate, place)
        fields[coordinate] = _verdict(verdict, coordinate)
    return fields


def _verdict(value: Value, what: str) -> Verdict:
    if isinstance(value, Text) and value.value in ("allow", "deny"):
        return Verdict(value.value, value.place)
    if isinstance(value, Mapping) and tuple(value.items) == ("mask",):
        name = text(value.items["mask"], "`mask`")
        if name not in MASKS:
            raise value.place.error(f"`{what}` has the unknown mask `{name}`: one of {', '.join(MASKS)}")
        return Verdict("mask", value.place, name)
    raise value.place.error(f"`{what}` must be `allow`, `deny` or `{{mask: NAME}}`")


def _coordinate(coordinate: str, place: Place) -> None:
    type_name, dot, name = coordinate.partition(".")
    if not dot or not type_name or not name:
        raise place.error(f"`{coordinate}` is no coordinate: write `Type.field` or `Type.*`")


def _required(source: Mapping, key: str) -> Value:
    if key not in source.items:
        raise source.place.error(f"`{key}` is missing")
    return source.items[key]
