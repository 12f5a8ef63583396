"""Canonical records drawn at random, by their type hints: every class of our schema, linked by the keys it declares."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from graphql import GraphQLObjectType, GraphQLSchema

from resolvers.batch import Link, declaration_of
from sources import canonical as c
from sources.canonical import Money, Record
from tests.gateway.engine.differential.nasty_leaves import Draw

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
REGIONS = ("EMEA", "AMER", "APAC")
_EACH = 7  # records of a class
GONE, DOWN = "gone", "down"  # keys of which there is no record, and of which asking fails

_WORDS: Mapping[str, Sequence[Any]] = {
    "region": REGIONS,
    "currency": ("USD", "EUR", "JPY"),
    "time_zone": ("UTC", "Europe/Berlin", "Asia/Tokyo"),
    "domain": ("acme.example", "globex.example"),
    "email": ("ada@acme.example", "bob@globex.example", "x"),
    "country": ("DE", "US"),
}
_TEXTS = ("", "a", "Acme Ü", "premium", "enterprise", "1234567890", "x@y.example")

References = Mapping[tuple[type, str], type[Record]]
"""(record class, attribute) -> the class whose keys stand there."""
Pools = Mapping[type[Record], Sequence[Record]]


def references(schema: GraphQLSchema, classes: Mapping[str, type[Record]]) -> References:
    """Which attributes are keys of what, as the links of a schema say."""
    found: dict[tuple[type, str], type[Record]] = {}
    for name, shown in schema.type_map.items():
        for field in shown.fields.values() if isinstance(shown, GraphQLObjectType) and name in classes else ():
            declared = declaration_of(field)
            if isinstance(declared, Link) and declared.by == "key":
                found[classes[name], declared.key] = declared.target
    return found


def pools(seed: str, classes: Sequence[type[Record]], known: References) -> Pools:
    """A few records of each class."""
    draw = random.Random(f"records {seed}")
    return {kind: [_Maker(draw, known).record(kind, f"{kind.__name__}{i}") for i in range(_EACH)] for kind in classes}


class _Maker:
    def __init__(self, draw: Draw, known: References) -> None:
        self._draw, self._known = draw, known

    def record(self, kind: type[Record], key: str) -> Record:
        given: dict[str, Any] = {
            name: self._attribute(kind, name, hint) for name, hint in _hints(kind) if name != "account_key"
        }
        given |= {"key": key, "source": "crm", "source_id": key, "as_of": NOW - timedelta(minutes=5)}
        if issubclass(kind, c.Owned):
            given["account_key"] = self._key_of(c.Account, at_all=0.95) or ""
        return kind(**given)

    def _attribute(self, kind: type, name: str, hint: Any) -> Any:
        target = self._known.get((kind, name))
        if target is not None:
            return self._reference(target, hint)
        if name in _WORDS:
            return None if self._is_left_out(hint) else self._draw.choice(_WORDS[name])
        return self._value(hint)

    def _reference(self, target: type[Record], hint: Any) -> Any:
        if self._is_left_out(hint):
            return None
        if get_origin(hint) is tuple:
            return tuple(filter(None, (self._key_of(target) for _ in range(self._draw.randint(0, 3)))))
        return self._key_of(target)

    def _key_of(self, target: type[Record], at_all: float = 1.0) -> str | None:
        chance = self._draw.random()
        if chance > at_all:
            return None
        if chance < 0.05:
            return f"{target.__name__}-{GONE}"
        if chance < 0.1:
            return f"{target.__name__}-{DOWN}"
        some = min(self._draw.randrange(_EACH), self._draw.randrange(_EACH))  # so that some have many
        return f"{target.__name__}{some}"

    def _is_left_out(self, hint: Any) -> bool:
        return get_origin(hint) in (Union, UnionType) and self._draw.random() < 0.25

    def _value(self, hint: Any) -> Any:
        draw, origin = self._draw, get_origin(hint)
        if origin in (Union, UnionType):
            options = [each for each in get_args(hint) if each is not type(None)]
            return None if draw.random() < 0.25 else self._value(draw.choice(options))
        if origin is tuple:
            return tuple(self._value(get_args(hint)[0]) for _ in range(draw.randint(0, 2)))
        if hint is Money:
            return Money(draw.choice([0, 100, 12_345, -500]), draw.choice(["USD", "USD", "EUR"]))
        if isinstance(hint, type) and issubclass(hint, Enum):
            return draw.choice(list(hint))
        if isinstance(hint, type) and issubclass(hint, Record):
            return self.record(hint, f"{hint.__name__}{draw.randint(0, 3)}")
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return hint(**{name: self._attribute(hint, name, each) for name, each in _hints(hint)})
        return self._plain(hint)

    def _plain(self, hint: Any) -> Any:
        draw = self._draw
        if hint is bool:
            return draw.random() < 0.5
        if hint is int:
            return draw.choice([0, 1, 30, 2**31, -4])  # one that no `Int` can show
        if hint is Decimal:
            return draw.choice([Decimal("1.50"), Decimal(3), Decimal("0.000001")])
        if hint is datetime:
            return NOW + timedelta(days=draw.randint(-90, 90), microseconds=draw.choice([0, 0, 5]))
        if hint is date:
            return (NOW + timedelta(days=draw.randint(-90, 90))).date()
        if hint is str:
            return draw.choice(_TEXTS)
        if hint is Any or hint == dict[str, Any]:  # JSON
            return draw.choice([{}, {"amount": "1.50", "ünï": [None, 2, {"deep": True}]}])
        raise TypeError(f"no values for `{hint}`: add it to `_plain`")


@cache
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((name, hint) for name, hint in get_type_hints(kind).items() if not name.startswith("_"))
