"""SOQL from parts: every value from outside is quoted here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


class Query(msgspec.Struct, frozen=True):
    """One query. `every` also sees deleted rows (queryAll)."""

    fields: str
    object: str
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    every: bool = False

    def text(self) -> str:
        """The query as SOQL."""
        where = f" WHERE {' AND '.join(f'({each})' for each in self.where)}" if self.where else ""
        order = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        limit = f" LIMIT {int(self.limit)}" if self.limit is not None else ""
        return f"SELECT {self.fields} FROM {self.object}{where}{order}{limit}"  # noqa: S608 - parts of our own


def literal(value: Any) -> str:
    """A value as SOQL: text quoted, dates and instants plain, None as null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        part = f".{at.microsecond // 1000:03}" if at.microsecond else ""  # an instant is equal only with all of it
        return f"{at:%Y-%m-%dT%H:%M:%S}{part}Z"
    if isinstance(value, date):
        return value.isoformat()
    return f"'{''.join(_ESCAPES.get(each, each) for each in str(value))}'"


def one_of(field: str, values: Sequence[Any]) -> str:
    """`field IN (…)`."""
    return f"{field} IN ({', '.join(literal(each) for each in values)})"


def contains(field: str, text: str) -> str:
    """`field LIKE '%text%'`, with the text's own wildcards taken literally."""
    quoted = literal(text)[1:-1].replace("%", "\\%").replace("_", "\\_")
    return f"{field} LIKE '%{quoted}%'"
