"""The entrance: what has to be known of a command before anything else is looked at, in one question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, Table, literal, select, true

from sources.store.operations import Operation, operations, record, same_key
from sources.store.statements import answers, values
from sources.store.switches import Pause, switches
from sources.store.switches import record as pause

_ONE = select(literal(1).label("one")).subquery()
_BEFORE = (
    select(operations, switches)
    .select_from(_ONE.outerjoin(operations, same_key()).outerjoin(switches, true()))
    .order_by(switches.c.scope, switches.c.name)
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)


def before(connection: Connection, caller: str, mutation: str, key: str | None) -> tuple[Operation | None, list[Pause]]:
    """The operation that an idempotency key answers with (None: there is no key), and everything that is paused."""
    asked = {"caller": caller, "mutation": mutation, "idempotency_key": key}
    (rows,) = answers(connection, [(_BEFORE, values(operations, asked))])
    split = len(operations.c)
    known, off = _part(operations, rows[0][:split]), [_part(switches, row[split:]) for row in rows]
    return (
        None if known["id"] is None else record(known),
        [pause(each) for each in off if each["scope"] is not None],
    )


def _part(table: Table, row: Sequence[Any]) -> dict[str, Any]:
    found = (each.astimezone(UTC) if isinstance(each, datetime) else each for each in row)
    return dict(zip(table.c.keys(), found, strict=True))
