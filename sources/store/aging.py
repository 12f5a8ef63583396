"""Aging: what has ended so long ago that nobody looks back at it is deleted, some of it at a time; the audit stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, exists, select

from sources.store.lendings import lendings
from sources.store.operations import ENDED, operations
from sources.store.purposes import purpose_requests
from sources.store.reservations import Held, reservations


def forget_operations(connection: Connection, before: datetime, first: int = 500) -> int:
    """Delete at most `first` operations that ended before an instant, with their steps, approvals, exceptions and
    grounds. One that holds something still, or has used it up, stays: what is left of a pack is counted by that."""
    held = exists().where(reservations.c.operation_id == operations.c.id, reservations.c.state != Held.RELEASED)
    old = select(operations.c.id).where(operations.c.state.in_(ENDED), operations.c.ended_at < before, ~held)
    return _delete(connection, operations, old.order_by(operations.c.ended_at).limit(first))


def forget_purposes(connection: Connection, before: datetime, first: int = 500) -> int:
    """Delete at most `first` requests to act with a purpose that were asked before an instant and are over."""
    columns = purpose_requests.c
    over = (columns.ends_at.is_(None) | (columns.ends_at < before)) & (columns.lapses_at < before)
    return _delete(connection, purpose_requests, select(columns.id).where(columns.asked_at < before, over).limit(first))


def forget_lendings(connection: Connection, before: datetime, first: int = 500) -> int:
    """Delete at most `first` lendings that were over before an instant."""
    return _delete(connection, lendings, select(lendings.c.id).where(lendings.c.until < before).limit(first))


def _delete(connection: Connection, table: Table, ids: Select[Any]) -> int:
    return connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount
