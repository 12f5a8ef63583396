"""Input types made from the records that governed writes take, and records made from what comes in.

One place makes them all: a field that names a record is an ID, which takes a key or an `id` of this graph; text,
numbers, days and instants are bounded here, so that no write has to.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin

import msgspec
import strawberry
from strawberry import UNSET
from strawberry.types.enum import has_enum_definition

from policies.rows import camel, snake
from resolvers.ids import key_of
from resolvers.types import payment, subscription  # noqa: F401 - enums of theirs are inputs too, in their words
from resolvers.types.descriptions.inputs import INPUTS
from sources import canonical as c
from sources.errors import BadAsk

_LONGEST, _LONGEST_NAME = 65_536, 255  # characters of a text, and of what names something
_MOST = 1_000  # of a list
_YEARS = range(2000, 2101)
_KEY = "_key"
_NAMES: Mapping[str, type[c.Record] | None] = {
    "account": c.Account,
    "sold_to": c.Account,
    "bill_to": c.Account,
    "ship_to": c.Account,
    "payer": c.Account,
    "end_customer": c.Account,
    "reseller": c.Account,
    "parent": c.Account,
    "subscription": c.AccountSubscription,
    "co_term": c.AccountSubscription,
    "contract": c.SubscriptionContract,
    "invoice": c.Invoice,
    "payment": c.Payment,
    "case": c.Case,
    "entitlement": c.Entitlement,
    "order": c.Order,
    "price": c.Price,
    "requester": c.Requester,
    "operation": c.Operation,
    "approval": c.OperationApproval,
    "exception": c.OperationException,
    "request": None,
    "lending": None,
    "item": None,
    "opportunity": None,
    "quote": None,
}
"""Attributes that name a record, with or without `_key` behind: its class, or None for what the graph has no ids of."""
_CALLED = {
    "Action": "ExceptionAction",
    "Collection": "CollectionMode",
    "Ending": "SubscriptionEnding",
    "Proration": "ProrationBilling",
    "Return": "CreditReturn",
}
"""Enums whose own name says too little in a graph, or is another type's."""


class FieldValue(msgspec.Struct, frozen=True):
    """One field and its new value; None empties it."""

    field: str
    value: str | None


class _Part(msgspec.Struct, frozen=True):
    """One field of an input: the record's attribute, the python name and type of the input's, and how a value of it
    becomes the attribute's. `path` is what a client calls it."""

    attribute: str
    name: str
    path: str
    type: Any
    default: Any
    record: Callable[[Any, str], Any]


class Shape:
    """An input type for a record. `type` is Strawberry's; `more` are fields of its own: name -> (type, default)."""

    def __init__(
        self, record: type[msgspec.Struct], name: str, more: Mapping[str, tuple[Any, Any]] | None = None
    ) -> None:
        self._record, own = record, more or {}
        self._parts = [_part(each, own) for each in msgspec.structs.fields(record)]
        said = [(each.name, each.type, each.default) for each in self._parts]
        said += [(each, kind, default) for each, (kind, default) in own.items()]
        self.type = _input(name, inspect.getdoc(record) or "", said)

    def record(self, given: Any, path: str = "") -> Any:
        """The record of what was given. Raises BadAsk with the path of what is wrong."""
        values = {}
        for part in self._parts:
            value = getattr(given, part.name)
            if value is UNSET or (value is None and part.default is not None):
                continue  # left out: the record's own default stands
            values[part.attribute] = None if value is None else part.record(value, f"{path}{part.path}")
        return self._record(**values)


@cache
def shape_of(record: type[msgspec.Struct]) -> Shape:
    """The input of a record inside another one."""
    return Shape(record, _type_name(record))


def _type_name(record: type[Any]) -> str:
    return f"{record.__name__.removesuffix('Input')}Input"


def _part(field: msgspec.structs.FieldInfo, taken: Mapping[str, Any]) -> _Part:
    optional, kind = _plain(field.type)
    name = field.name.removesuffix(_KEY) if field.name.removesuffix(_KEY) in _NAMES else field.name
    if name in taken:  # the command's own word: the record's is called after what it is
        name = snake(kind.__name__[0].lower() + kind.__name__[1:])
    shown, record = _field(name, kind)
    default: Any = UNSET
    if field.required:
        default = None if optional else msgspec.NODEFAULT
    elif isinstance(field.default, (str, int, bool, Enum, Decimal)):
        default = field.default
    nullable = default is UNSET or default is None
    return _Part(field.name, name, camel(name), shown | None if nullable else shown, default, record)


def _plain(kind: Any) -> tuple[bool, Any]:
    """Whether a type may be None, and what it is else."""
    if get_origin(kind) in (Union, types.UnionType):
        inner = [each for each in get_args(kind) if each is not type(None)]
        if len(inner) == 1:
            return True, inner[0]
    return False, kind


def _field(name: str, kind: Any) -> tuple[Any, Callable[[Any, str], Any]]:
    """The input's type for a record's, and how a value goes back."""
    if kind is str and name in _NAMES:
        target = _NAMES[name]
        return strawberry.ID, lambda value, path: _name(value, target, path)
    if kind is str:
        return str, _text
    if kind in _CHECKED:
        return kind, _CHECKED[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind), lambda value, _path: kind(value)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        shape = shape_of(kind)
        return shape.type, lambda value, path: shape.record(value, f"{path}.")
    if get_origin(kind) is tuple:
        shown, record = _field(name, get_args(kind)[0])
        return list[shown], lambda value, path: tuple(_each(value, path, record))  # type: ignore[valid-type]
    if get_origin(kind) in (Mapping, dict) and get_args(kind)[0] is str:
        shape = shape_of(FieldValue)
        return list[shape.type], lambda value, path: _mapping(value, path, shape)  # type: ignore[name-defined]
    raise TypeError(f"`{name}` is of the type `{kind}`, for which there is no input yet: add it to `resolvers.changes`")


@cache
def _enum(kind: type[Enum]) -> Any:
    """The graph's enum of a canonical one: the one there is, or a new one."""
    if has_enum_definition(kind):
        return kind
    name = _CALLED.get(kind.__name__, kind.__name__)
    return strawberry.enum(kind, name=name, description=(inspect.getdoc(kind) or name).partition("\n")[0])


def _input(name: str, description: str, said: Sequence[tuple[str, Any, Any]]) -> Any:
    fields: dict[str, Any] = {"__annotations__": {each: kind for each, kind, _ in said}, "__doc__": description}
    for each, _, default in said:
        given = {} if default is msgspec.NODEFAULT else {"default": UNSET if default is None else default}
        fields[each] = strawberry.field(description=_described(name, camel(each)), **given)
    return strawberry.input(type(name, (), fields), name=name, description=re.sub(r"\s+", " ", description))


def _described(type_name: str, field: str) -> str:
    """What a field means: by the table, else in its own words."""
    found = INPUTS.get(f"{type_name}.{field}") or INPUTS.get(field)
    words = re.sub(r"([A-Z])", lambda match: f" {match[1].lower()}", field)
    return found or f"The {words}."


# ------------------------------------------------------------------------------------------------------- what comes in


def _name(value: str, target: type[c.Record] | None, path: str) -> str:
    text = _bounded(str(value), _LONGEST_NAME, path)
    if not text.strip():
        raise BadAsk(f"`{path}` is empty: give a key or an `id`", path=path)
    return key_of(text, target) if target is not None else text


def _text(value: str, path: str) -> str:
    return _bounded(value, _LONGEST, path)


def _bounded(value: str, most: int, path: str) -> str:
    if len(value) > most:
        raise BadAsk(f"`{path}` has {len(value)} characters: {most} at most", path=path)
    if "\0" in value:
        raise BadAsk(f"`{path}` has a character that no text has", path=path)
    return value


def _decimal(value: Decimal, path: str) -> Decimal:
    if not c.sensible(value):
        raise BadAsk(f"`{path}` is no number that can be reckoned with", path=path)
    return value


def _day(value: date, path: str) -> date:
    if value.year not in _YEARS:
        raise BadAsk(f"`{path}` is {value}: a day from 2000 to 2100 is expected", path=path)
    return value


def _instant(value: datetime, path: str) -> datetime:
    if value.tzinfo is None:
        raise BadAsk(f"`{path}` has no time zone: write it as in `2026-03-01T12:00:00Z`", path=path)
    _day(value.date(), path)
    return value


def _as_it_is(value: Any, _path: str) -> Any:
    return value


_CHECKED: Mapping[Any, Callable[[Any, str], Any]] = {
    Decimal: _decimal,
    date: _day,
    datetime: _instant,
    int: _as_it_is,
    bool: _as_it_is,
}


def _each(values: Sequence[Any], path: str, record: Callable[[Any, str], Any]) -> Iterator[Any]:
    if len(values) > _MOST:
        raise BadAsk(f"`{path}` has {len(values)} items: {_MOST} at most", path=path)
    for at, value in enumerate(values):
        yield record(value, f"{path}.{at}")


def _mapping(values: Sequence[Any], path: str, shape: Shape) -> dict[str, str | None]:
    """Fields and their values, by the names that the record has; twice the same field is a mistake."""
    found: dict[str, str | None] = {}
    for at, value in enumerate(values):
        given: FieldValue = shape.record(value, f"{path}.{at}.")
        name = snake(given.field)
        if name in found:
            raise BadAsk(f"`{path}.{at}` names `{given.field}` again", path=f"{path}.{at}.field")
        found[name] = given.value
    return found
