"""The entrance: what has to be known of a command before anything else is looked at, in one question."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, RowMapping, Table, literal, select, true

from sources.store.operations import Operation, operations, record, same_key
from sources.store.statements import values
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
    rows = connection.execute(_BEFORE, values(operations, asked)).mappings().all()
    known, off = _part(rows[0], operations), [_part(row, switches) for row in rows]
    return (
        None if known["id"] is None else record(known),
        [pause(each) for each in off if each["scope"] is not None],
    )


def _part(row: RowMapping, table: Table) -> dict[str, Any]:
    return {column.name: row[f"{table.name}_{column.name}"] for column in table.c}
