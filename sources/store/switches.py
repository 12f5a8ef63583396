"""Switches: what may not be written for now: everything, a mutation, or a source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from sources.canonical import PauseScope
from sources.store.columns import Instant, metadata
from sources.store.errors import NoSuchRecord, NotApprovable

Scope = PauseScope

switches = Table(
    "switches",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("paused_by", String(255), nullable=False),
    Column("paused_at", Instant, nullable=False),
    Column("resume_asked_by", String(255)),
    Column("resume_asked_at", Instant),
    Column("resume_evidence", Text),
    CheckConstraint("(scope = 'ALL') = (name = '')", name="name"),
)


_PAUSED = select(switches).order_by(switches.c.scope, switches.c.name)


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Writes that are paused. `resume_asked_by`: the first of the two who must agree to go on; `resume_evidence`: on
    what that was asked, as JSON."""

    scope: Scope
    name: str
    reason: str
    paused_by: str
    paused_at: datetime
    resume_asked_by: str | None
    resume_asked_at: datetime | None
    resume_evidence: str | None = None


def pause(connection: Connection, scope: Scope, name: str, by: str, reason: str, now: datetime) -> Pause:
    """Turn writes off: at once, by one person. Already off stays as it is, but a request to go on is void."""
    known = _find(connection, scope, name)
    if known is None:
        connection.execute(insert(switches).values(scope=scope, name=name, paused_by=by, paused_at=now, reason=reason))
    else:
        _ask(connection, scope, name, None, None, None)
    return find(connection, scope, name)


def resume(
    connection: Connection,
    scope: Scope,
    name: str,
    by: str,
    now: datetime,
    *,
    evidence: str | None = None,
    asked_after: datetime | None = None,
) -> Pause | None:
    """Turn writes on again, which takes two people: the first asks (the pause is returned), the second turns (None).

    `evidence` is kept with what is asked; what was asked before `asked_after` has lapsed, and is asked anew. Raises
    NoSuchRecord where nothing is paused, NotApprovable where the same person comes twice.
    """
    known = find(connection, scope, name)
    lapsed = asked_after is not None and known.resume_asked_at is not None and known.resume_asked_at < asked_after
    if known.resume_asked_by is None or lapsed:
        _ask(connection, scope, name, by, now, evidence)
        return find(connection, scope, name)
    if known.resume_asked_by == by:
        raise NotApprovable("who asked to go on does not agree to it alone: a second person must")
    turn_on(connection, scope, name)
    return None


def turn_on(connection: Connection, scope: Scope, name: str) -> None:
    """Turn writes on again, whoever agreed to it: for those who have found that out."""
    connection.execute(delete(switches).where(switches.c.scope == scope, switches.c.name == name))


def paused(connection: Connection) -> list[Pause]:
    """Everything that is off."""
    return [record(row) for row in connection.execute(_PAUSED).mappings()]


def holding(pauses: list[Pause], mutation: str, sources: frozenset[str]) -> Pause | None:
    """The pause that a write of this mutation to these sources meets, or None."""
    for one in pauses:
        names = {Scope.ALL: {""}, Scope.MUTATION: {mutation}, Scope.SOURCE: sources}[one.scope]
        if one.name in names:
            return one
    return None


def _ask(
    connection: Connection, scope: Scope, name: str, by: str | None, now: datetime | None, evidence: str | None
) -> None:
    connection.execute(
        update(switches)
        .where(switches.c.scope == scope, switches.c.name == name)
        .values(resume_asked_by=by, resume_asked_at=now, resume_evidence=evidence)
    )


def _find(connection: Connection, scope: Scope, name: str) -> Pause | None:
    query = select(switches).where(switches.c.scope == scope, switches.c.name == name).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else record(row)


def find(connection: Connection, scope: Scope, name: str) -> Pause:
    """The pause of a scope and name. Raises NoSuchRecord."""
    found = _find(connection, scope, name)
    if found is None:
        raise NoSuchRecord(f"{scope} `{name}` is not paused")
    return found


def record(row: RowMapping | Mapping[str, Any]) -> Pause:
    """A row as the pause it is."""
    values = dict(row)
    values["scope"] = Scope(values["scope"])
    return Pause(**values)
