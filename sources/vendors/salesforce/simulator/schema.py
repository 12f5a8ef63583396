"""What objects and fields the simulated organisation has."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

TEXTUAL = frozenset(
    {"id", "reference", "string", "picklist", "textarea", "longtext", "email", "phone", "url"},
)
NUMERIC = frozenset({"int", "double", "currency", "percent"})
KINDS = (*sorted(TEXTUAL), *sorted(NUMERIC), "boolean", "date", "datetime", "address")
READONLY = frozenset(
    {
        "Id",
        "IsDeleted",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
        "LastViewedDate",
        "LastReferencedDate",
    }
)
INDEXED = frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp"})
ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `target`: the object a reference points to; `relationship`: its name on the way up, `children` on the
    way down. `external`: may address a record; `unique`: no two records may share a value; `createonly`: given at birth
    and never again."""

    name: str
    kind: str
    nillable: bool
    target: str | None
    relationship: str | None
    children: str | None
    external: bool
    unique: bool
    readonly: bool
    createonly: bool
    indexed: bool

    @property
    def custom(self) -> bool:
        """Made by the organisation, not by the vendor."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Long texts and compound addresses cannot stand in WHERE or ORDER BY."""
        return self.kind not in ("longtext", "address")


class SObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object; the keys of `fields`, `parents` and `children` are in lower case."""

    name: str
    label: str
    plural: str
    prefix: str
    required: tuple[str, ...]
    fields: dict[str, Field]
    parents: dict[str, Field]
    children: dict[str, tuple[str, Field]]

    @property
    def deletable(self) -> bool:
        """Has rows that are hidden, not gone, when deleted; users are only ever deactivated."""
        return "isdeleted" in self.fields


class Schema:
    """All objects, found by name in any case."""

    def __init__(self, objects: dict[str, SObject]) -> None:
        self.objects = objects
        self._by_name = {name.lower(): one for name, one in objects.items()}

    def find(self, name: str) -> SObject | None:
        """The object of this name, in any case."""
        return self._by_name.get(name.lower())


@cache
def organisation() -> Schema:
    """The schema of `objects.toml`."""
    text = resources.files(__package__).joinpath("objects.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    fields = {name: _fields(table) for name, table in tables.items()}
    children: dict[str, dict[str, tuple[str, Field]]] = {name: {} for name in tables}
    for name, own in fields.items():
        for field in own:
            if field.target and field.children:
                children[field.target][field.children.lower()] = (name, field)
    return Schema({name: _sobject(name, table, fields[name], children[name]) for name, table in tables.items()})


def _sobject(name: str, table: dict[str, Any], fields: list[Field], children: dict[str, tuple[str, Field]]) -> SObject:
    return SObject(
        name=name,
        label=table["label"],
        plural=table["plural"],
        prefix=table["prefix"],
        required=tuple(table.get("required", "").split()),
        fields={field.name.lower(): field for field in fields},
        parents={field.relationship.lower(): field for field in fields if field.relationship},
        children=children,
    )


def _fields(table: dict[str, Any]) -> list[Field]:
    marks = {
        mark: frozenset(table.get(mark, "").split())
        for mark in ("external", "unique", "readonly", "createonly", "indexed")
    }
    found = [_field(kind, word, marks) for kind in table if kind in KINDS for word in table[kind].split()]
    return sorted(found, key=lambda field: (field.name != "Id", field.custom))


def _field(kind: str, word: str, marks: dict[str, frozenset[str]]) -> Field:
    written, _, pointer = word.partition(">")
    target, _, children = pointer.partition(":")
    name = written.rstrip("!")
    return Field(
        name=name,
        kind=kind,
        nillable=not written.endswith("!"),
        target=target or None,
        relationship=_upward(name) if target else None,
        children=children or None,
        external=name in marks["external"],
        unique=name in marks["unique"],
        readonly=name in READONLY or name in marks["readonly"] or kind == "address",
        createonly=name in marks["createonly"],
        indexed=name in marks["indexed"] or name in marks["external"] or name in INDEXED or _followed(name, kind),
    )


def _followed(name: str, kind: str) -> bool:
    """References that queries follow; nobody asks for what one person changed."""
    return kind == "reference" and name not in ("CreatedById", "LastModifiedById", "ActivatedById")


def _upward(name: str) -> str:
    """The name of the way from a reference to its record."""
    return name.removesuffix("__c") + "__r" if name.endswith("__c") else name.removesuffix("Id")
