"""The audit holds together, and shows where it does not."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DBAPIError

from sources.store import audit
from sources.store.audit import Break, Event, entries, heads, seals
from sources.store.chain import Wanted
from sources.store.store import Store
from tests.databases import fresh_postgres, fresh_sqlite
from tests.sources.store.conftest import NOW

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A fresh one each, since `verify` reads everything."""
    if request.param == "sqlite":
        return fresh_sqlite(tmp_path)
    return request.getfixturevalue("fresh")


@pytest.fixture
def fresh() -> Any:
    with fresh_postgres() as url:
        yield url


def event(number: int = 0, **values: Any) -> Event:
    return Event(actor="ada", action="issueCredit", subject=f"o-{number}", **values)


async def appended(store: Store, chain: str, count: int) -> None:
    for number in range(count):
        await store.transact(audit.append, chain, event(number), NOW)


async def broken(store: Store) -> list[Break]:
    return await store.read(lambda connection: list(audit.verify(connection)))


def unguarded(connection: Connection, change: Any) -> None:
    """What somebody does who may drop the trigger that forbids it."""
    table = change.table.name
    if connection.dialect.name == "sqlite":
        for kind in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{kind}"))
    else:
        connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}"))
    connection.execute(change)


both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@both
async def test_many_who_append_at_once_make_one_chain(store: Store) -> None:
    async def one(number: int) -> None:
        await store.transact(audit.append, f"p{number % 2}", event(number), NOW)

    await asyncio.gather(*(one(number) for number in range(60)))
    assert await broken(store) == []
    ends = await store.read(lambda connection: [tuple(row)[:2] for row in connection.execute(heads.select())])
    assert sorted(ends) == [("p0", 30), ("p1", 30)]


@both
async def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    said = event(1, before={"amount": "1.00"}, after={"amount": "2.00"}, rule="credit", decision="allow")
    entry = await store.transact(audit.append, "p1", said, NOW)
    assert await store.read(audit.of_subject, "o-1") == [entry]
    assert (entry.event, entry.sequence, entry.previous, len(entry.hash)) == (said, 1, "", 64)


@both
async def test_what_fails_leaves_no_entry_and_no_gap(store: Store) -> None:
    def fails(connection: Connection) -> None:
        audit.append(connection, "p1", event(), NOW)
        raise LookupError("half way")

    await appended(store, "p1", 1)
    with pytest.raises(LookupError):
        await store.transact(fails)
    await appended(store, "p1", 1)
    assert await broken(store) == []


@both
@pytest.mark.parametrize(
    "change",
    [
        update(entries).where(entries.c.sequence == 3).values(body="{}"),
        delete(entries).where(entries.c.sequence == 3),
        update(seals).values(body="[]"),
        delete(seals),
    ],
    ids=["update", "delete", "update-seal", "delete-seal"],
)
async def test_the_database_refuses_to_change_what_was_said(store: Store, change: Any) -> None:
    await appended(store, "p1", 5)
    await store.transact(audit.seal, NOW)
    with pytest.raises(DBAPIError, match="append-only"):
        await store.transact(lambda connection: connection.execute(change))


@both
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (update(entries).where(entries.c.sequence == 3).values(body='{"actor":"eve"}'), Break("p1", 3, "was changed")),
        (delete(entries).where(entries.c.sequence == 3), Break("p1", 4, "follows 2: something between is gone")),
        (delete(entries).where(entries.c.sequence == 5), Break("p1", 5, "was sealed and is gone")),
        (delete(entries), Break("p1", 5, "is the head, and the chain ends elsewhere")),
        (update(entries).where(entries.c.sequence == 2).values(previous=""), Break("p1", 2, "was changed")),
        (update(seals).values(body="[]"), Break("seals", 1, "was changed")),
        (delete(heads), Break("p1", 5, "ends a chain that has no head")),
    ],
    ids=["changed", "dropped", "cut", "emptied", "rehung", "seal", "head"],
)
async def test_whatever_is_done_behind_its_back_is_found(store: Store, change: Any, found: Break) -> None:
    await appended(store, "p1", 5)
    await store.transact(audit.seal, NOW)
    assert await broken(store) == []
    await store.transact(unguarded, change)
    assert found in await broken(store)


@both
async def test_a_chain_written_anew_as_a_whole_is_not_what_was_sealed(store: Store) -> None:
    await appended(store, "p1", 3)
    await store.transact(audit.seal, NOW)

    def forge(connection: Connection) -> None:
        unguarded(connection, delete(entries))
        connection.execute(delete(heads))
        for number in range(3):
            audit.append(connection, "p1", Event(actor="eve", action="nothing", subject=f"o-{number}"), NOW)

    await store.transact(forge)
    assert await broken(store) == [Break("p1", 3, "is not what was sealed")]


@both
async def test_a_seal_binds_what_grew_since_the_last_one(store: Store) -> None:
    await appended(store, "p1", 2)
    first = await store.transact(audit.seal, NOW)
    await appended(store, "p2", 1)
    second = await store.transact(audit.seal, NOW)
    rows = await store.read(lambda connection: [tuple(row) for row in connection.execute(seals.select())])
    assert [(row[0], row[3], row[4]) for row in rows] == [(1, "", first), (2, first, second)]
    assert ['"p1"' in row[2] for row in rows] == [True, False]
    assert await broken(store) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_chain_that_begins_while_a_seal_is_made_is_for_the_next_seal(store: Store) -> None:
    await appended(store, "p1", 1)

    def work(connection: Connection) -> None:
        def begin_another(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if "FOR UPDATE" in statement:
                with store._engine.begin() as other:
                    audit.append(other, "p2", event(), NOW)

        listen(connection, "after_cursor_execute", begin_another)
        try:
            audit.seal(connection, NOW)
        finally:
            remove(connection, "after_cursor_execute", begin_another)

    await store.transact(work)
    assert (await store.read(audit.extent)).unsealed == 1
    await store.transact(audit.seal, NOW)
    bodies = await store.read(lambda connection: [row[2] for row in connection.execute(seals.select())])
    assert [('"p1"' in body, '"p2"' in body) for body in bodies] == [(True, False), (False, True)]
    assert await broken(store) == []


@both
async def test_many_that_are_appended_at_once_are_a_chain_like_any_other(store: Store) -> None:
    await appended(store, "p1", 2)
    said = [(event(number, after=number), NOW + timedelta(seconds=number)) for number in range(5)]
    made = await store.transact(audit.append_all, "p1", said)
    await appended(store, "p1", 1)
    assert [(each.sequence, each.at, each.event.after) for each in made] == [
        (3 + number, NOW + timedelta(seconds=number), number) for number in range(5)
    ]
    assert await store.transact(audit.append_all, "p1", []) == []
    assert await broken(store) == []
    found = await store.read(audit.listed, Wanted(since=NOW + timedelta(seconds=1)), 3)
    assert [each.event.after for each in found] == [4, 3, 2]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    said=st.lists(st.tuples(st.sampled_from("pq"), JSON), min_size=1, max_size=6),
    sealed=st.booleans(),
    at=st.integers(0, 5),
    body=st.text(max_size=20),
)
async def test_any_change_of_any_body_is_found_at_its_place(
    store: Store, said: list[tuple[str, Any]], sealed: bool, at: int, body: str
) -> None:
    run = uuid.uuid4().hex[:8]
    chains = [f"{run}-{chain}" for chain, _ in said]

    def work(connection: Connection) -> list[audit.Entry]:
        written = [
            audit.append(connection, chain, event(after=value), NOW)
            for chain, (_, value) in zip(chains, said, strict=True)
        ]
        if sealed:
            audit.seal(connection, NOW)
        return written

    written = await store.transact(work)
    victim = written[at % len(written)]
    assert [one for one in await broken(store) if one.chain in chains] == []
    place = (entries.c.chain == victim.chain, entries.c.sequence == victim.sequence)
    await store.transact(unguarded, update(entries).where(*place).values(body=body))
    found = [one for one in await broken(store) if one.chain in chains]
    assert found == [Break(victim.chain, victim.sequence, "was changed")]
