"""Values as Tryton's JSON has them: days and decimals are objects that name their class."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def encoded(value: Any) -> Any:
    """A value with every day and decimal inside it written out."""
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    if isinstance(value, Mapping):
        return {name: encoded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(each) for each in value]
    return value


def present(**values: Any) -> dict[str, Any]:
    """What there is of some fields."""
    return {name: value for name, value in values.items() if value is not None}


def made(*records: Mapping[str, Any]) -> list[Any]:
    """The value of a field of many records: these, new."""
    return [["create", list(records)]]


def added(*keys: int) -> list[Any]:
    """The value of a field of many records: these, which exist."""
    return [["add", list(keys)]]
