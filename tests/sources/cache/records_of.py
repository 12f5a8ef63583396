"""Any record of any canonical class, for hypothesis: made by the types that its fields declare."""

import types
import typing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from hypothesis import strategies as st

from sources import canonical as c
from sources.canonical import Record

_OURS = (c.Operation, c.OperationApproval, c.OperationException)  # are never remembered
CLASSES = sorted(
    (each for each in vars(c).values() if isinstance(each, type) and issubclass(each, Record) and each not in _OURS),
    key=lambda each: each.__name__,
)
_MOMENTS = st.integers(0, 10**15).map(lambda micros: datetime(1995, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    date: st.dates(date(1995, 1, 1), date(2090, 1, 1)),
    datetime: _MOMENTS,
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=4),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(any_of(each) for each in arguments))
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: any_of(hints[name]) for name in kind.__struct_fields__})
    raise TypeError(f"no values are known for `{kind}`")
