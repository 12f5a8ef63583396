"""Audit: an append-only record of writes and refusals; each process has a chain of hashes, seals chain the chains.

Changing, dropping or swapping an entry breaks its chain. Cutting a chain's end off, head included, is noticed from the
next seal on; cutting seals off is noticed by whoever keeps a copy of the last seal's hash elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from sources.store.chain import Break, Entry, Event, Said, Wanted, broken, canonical, link
from sources.store.columns import Instant, metadata
from sources.store.statements import Question, answers, bound, expect, insert_later, later, of, values

__all__ = ["Break", "Entry", "Event", "append", "append_all", "listed", "of_subject", "seal", "verify"]

_BATCH = 1000

entries = Table(
    "audit_entries",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("subject", String(255)),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_entries_subject_idx", "subject", "at"),
    Index("audit_entries_at_idx", "at"),
)

heads = Table(
    "audit_heads",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sealed", BigInteger, nullable=False),
)

seals = Table(
    "audit_seals",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)


_HEAD = of(heads, select(heads.c.sequence, heads.c.hash).where(heads.c.chain == bound(heads.c.chain)).with_for_update())
_MOVING = (
    update(heads)
    .where(heads.c.chain == bound(heads.c.chain))
    .values(sequence=bound(heads.c.sequence), hash=bound(heads.c.hash))
)


def foresee(connection: Connection, chain: str) -> None:
    """Something will be appended to a chain in this transaction: its end is asked for with the next question."""
    expect(connection, _end(chain))


def append(connection: Connection, chain: str, event: Event, now: datetime) -> Entry:
    """Append to a chain, in the transaction of what is recorded. Others who append to it wait for that transaction."""
    return append_all(connection, chain, [(event, now)])[0]


def append_all(connection: Connection, chain: str, events: Sequence[Said]) -> list[Entry]:
    """Append several events, each with its instant, in this order; the chain's head is moved once."""
    if not events:
        return []
    sequence, previous = _head(connection, chain)
    rows, made = [], []
    for event, at in events:
        sequence += 1
        row = _row(chain, sequence, at, event, previous)
        made.append(Entry(chain=chain, sequence=sequence, at=at, event=event, previous=previous, hash=row["hash"]))
        rows.append(row)
        previous = row["hash"]
    later(connection, _MOVING, {"chain": chain, "sequence": sequence, "hash": previous})
    insert_later(connection, entries, *rows)
    return made


def _head(connection: Connection, chain: str) -> tuple[int, str]:
    """The end of a chain, held until this transaction is over; SQLite has one writer anyway."""
    question = _end(chain)
    (found,) = answers(connection, [question])
    if not found:
        insert_later(connection, heads, {"chain": chain, "sequence": 0, "hash": "", "sealed": 0}, new=True)
        (found,) = answers(connection, [question])
    ((sequence, digest),) = found
    return sequence, digest


def _end(chain: str) -> Question:
    return _HEAD, values(heads, {"chain": chain})


def _row(chain: str, sequence: int, at: datetime, event: Event, previous: str) -> dict[str, Any]:
    body = canonical(event)
    return {
        "chain": chain,
        "sequence": sequence,
        "at": at,
        "subject": event.subject,
        "body": body,
        "previous": previous,
        "hash": link(chain, sequence, at, body, previous),
    }


def seal(connection: Connection, now: datetime) -> str:
    """Bind the chains that grew since the last seal, and return the seal's hash: worth keeping elsewhere too."""
    grown = select(heads).where(heads.c.sealed < heads.c.sequence).order_by(heads.c.chain).with_for_update()
    found = connection.execute(grown).mappings().all()
    body = canonical([[head["chain"], head["sequence"], head["hash"]] for head in found])
    last = connection.execute(select(seals).order_by(seals.c.sequence.desc()).limit(1)).mappings().first()
    sequence, previous = (last["sequence"] + 1, last["hash"]) if last else (1, "")
    digest = link("seals", sequence, now, body, previous)
    connection.execute(insert(seals).values(sequence=sequence, at=now, body=body, previous=previous, hash=digest))
    for head in found:  # and no other: what grew meanwhile is for the next seal
        connection.execute(update(heads).where(heads.c.chain == head["chain"]).values(sealed=head["sequence"]))
    return digest


def of_subject(connection: Connection, subject: str, first: int = 100) -> list[Entry]:
    """What was done to one thing, in order."""
    query = select(entries).where(entries.c.subject == subject)
    ordered = query.order_by(entries.c.at, entries.c.chain, entries.c.sequence).limit(first)
    return [_entry(row) for row in connection.execute(ordered).mappings()]


def listed(connection: Connection, wanted: Wanted, first: int = 100) -> list[Entry]:
    """The newest entries that fit, the newest first."""
    query = select(entries)
    for text in wanted.texts():
        query = query.where(entries.c.body.contains(text, autoescape=True))
    if wanted.since is not None:
        query = query.where(entries.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(entries.c.at < wanted.until)
    ordered = query.order_by(entries.c.at.desc(), entries.c.chain.desc(), entries.c.sequence.desc()).limit(first)
    return [_entry(row) for row in connection.execute(ordered).mappings()]


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is: entries in how many chains, those of them behind the last seal, seals, and the last one."""

    entries: int
    chains: int
    unsealed: int
    seals: int
    last_seal: str | None = None
    sealed_at: datetime | None = None


def extent(connection: Connection) -> Extent:
    """How much there is, by the heads and seals."""
    counts = connection.execute(
        select(
            func.coalesce(func.sum(heads.c.sequence), 0),
            func.count(),
            func.coalesce(func.sum(heads.c.sequence - heads.c.sealed), 0),
        )
    ).one()
    last = connection.execute(select(seals).order_by(seals.c.sequence.desc()).limit(1)).mappings().first()
    return Extent(
        entries=int(counts[0]),
        chains=int(counts[1]),
        unsealed=int(counts[2]),
        seals=last["sequence"] if last else 0,
        last_seal=last["hash"] if last else None,
        sealed_at=last["at"] if last else None,
    )


def has_seal(connection: Connection, digest: str) -> bool:
    """Whether a seal whose hash somebody kept elsewhere is still there."""
    return connection.execute(select(seals.c.sequence).where(seals.c.hash == digest)).first() is not None


def verify(connection: Connection) -> Iterator[Break]:
    """Every place where a chain or a seal does not hold; nothing where all do. Reads everything, a batch at a time."""
    ends: dict[str, tuple[int, str]] = {}
    sealed = _sealed(connection)
    for row in _rows(connection, entries, (entries.c.chain, entries.c.sequence)):
        sequence, previous = ends.get(row["chain"], (0, ""))
        yield from broken(row, row["chain"], sequence, previous)
        if sealed.pop((row["chain"], row["sequence"]), {row["hash"]}) != {row["hash"]}:
            yield Break(row["chain"], row["sequence"], "is not what was sealed")
        ends[row["chain"]] = (row["sequence"], row["hash"])
    for chain, sequence in sealed:
        yield Break(chain, sequence, "was sealed and is gone")
    for head in _rows(connection, heads, (heads.c.chain,)):
        if ends.pop(head["chain"], (0, "")) != (head["sequence"], head["hash"]):
            yield Break(head["chain"], head["sequence"], "is the head, and the chain ends elsewhere")
    for chain, (sequence, _) in ends.items():
        yield Break(chain, sequence, "ends a chain that has no head")
    yield from _verify_seals(connection)


def _verify_seals(connection: Connection) -> Iterator[Break]:
    sequence, previous = 0, ""
    for row in _rows(connection, seals, (seals.c.sequence,)):
        yield from broken(row, "seals", sequence, previous)
        sequence, previous = row["sequence"], row["hash"]


def _sealed(connection: Connection) -> dict[tuple[str, int], set[str]]:
    found: dict[tuple[str, int], set[str]] = {}
    for row in _rows(connection, seals, (seals.c.sequence,)):
        for chain, sequence, digest in msgspec.json.decode(row["body"]):
            found.setdefault((chain, sequence), set()).add(digest)
    return found


def _rows(connection: Connection, table: Table, order: tuple[Column[Any], ...]) -> Iterator[RowMapping]:
    query = select(table).order_by(*order).execution_options(yield_per=_BATCH)
    yield from connection.execute(query).mappings()


def _entry(row: RowMapping) -> Entry:
    return Entry(
        chain=row["chain"],
        sequence=row["sequence"],
        at=row["at"],
        event=msgspec.json.decode(row["body"], type=Event),
        previous=row["previous"],
        hash=row["hash"],
    )
