"""What a SOQL query is made of. `at` is a place in the query's text, for the error that points there."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Path(msgspec.Struct, frozen=True):
    """A field, perhaps over parents: `Account.Owner.Name`."""

    parts: tuple[str, ...]
    at: int


class Function(msgspec.Struct, frozen=True):
    """`COUNT(Id)`, `CALENDAR_YEAR(CloseDate)`; `COUNT()` has no argument. The name is in upper case."""

    name: str
    argument: Path | None
    at: int


Expression: TypeAlias = Path | Function


class Column(msgspec.Struct, frozen=True):
    """A column of the answer; only aggregates and groups may have an alias."""

    expression: Expression
    alias: str | None = None


class AllFields(msgspec.Struct, frozen=True):
    """`FIELDS(ALL)`, `FIELDS(STANDARD)`, `FIELDS(CUSTOM)`."""

    which: str
    at: int


class Children(msgspec.Struct, frozen=True):
    """A sub-select over a child relationship."""

    select: Select


class Literal(msgspec.Struct, frozen=True):
    """A value. `kind`: string (with its escapes), number, date, datetime, boolean, null, named (`LAST_N_DAYS:7`)."""

    kind: str
    text: str
    at: int


class Test(msgspec.Struct, frozen=True):
    """A condition on one field; `operator` is one of `= != < <= > >= LIKE IN`."""

    left: Expression
    operator: str
    right: Literal | tuple[Literal, ...] | Select
    at: int


class Not(msgspec.Struct, frozen=True):
    """NOT."""

    part: Condition


class All(msgspec.Struct, frozen=True):
    """AND."""

    parts: tuple[Condition, ...]


class Either(msgspec.Struct, frozen=True):
    """OR."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Test | Not | All | Either


class Sort(msgspec.Struct, frozen=True):
    """One key of ORDER BY; `nulls` is FIRST, LAST or unsaid."""

    expression: Expression
    descending: bool
    nulls: str | None


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """A whole query, or a sub-select of one."""

    columns: tuple[Column | AllFields | Children, ...]
    source: str
    source_at: int
    alias: str | None = None
    where: Condition | None = None
    group: tuple[Expression, ...] = ()
    having: Condition | None = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0
    offset_at: int = 0
