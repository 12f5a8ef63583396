"""Statements that wait for each other: executed together, in time, and all or nothing."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from sources.news import Topic
from sources.store import audit, entrance, grounds, notices, operations, switches
from sources.store.audit import Event
from sources.store.grounds import Sum
from sources.store.operations import Command, Outcome
from sources.store.store import Store
from sources.store.switches import Scope
from tests.sources.store import conftest
from tests.sources.store.conftest import NOW

EVENT = Event(actor="ada", action="openCase", decision="ACCEPTED")


def command(**values: Any) -> Command:
    return conftest.command(uuid.uuid4().hex, **values)


def sent(store: Store) -> list[str]:
    """What goes to the database from now on, as the toolkit sends it."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_given: Any) -> None:
        found.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    return found


async def test_what_nobody_looks_at_goes_together_on_postgresql(store: Store) -> None:
    made = command()

    def work(connection: Connection) -> None:
        operations.accept(connection, made, NOW)
        grounds.keep(connection, made.id, "ada", {}, ["invoice:1"])
        audit.append(connection, f"chain-{made.id}", EVENT, NOW)

    await store.transact(audit.append, f"chain-{made.id}", EVENT, NOW)
    found = sent(store)
    await store.transact(work)
    writes = [each for each in found if "INSERT INTO" in each]
    if store._sqlite:
        assert len(writes) == 5
        return
    assert len(writes) == 1, "the row is asked for past the toolkit"
    assert all(name in writes[0] for name in ("notices", "operation_grounds", "operation_documents", "audit_entries"))


async def test_whoever_asks_sees_what_waited(store: Store) -> None:
    made = command()

    def work(connection: Connection) -> tuple[int, list[str]]:
        operations.accept(connection, made, NOW)
        grounds.keep(connection, made.id, "ada", {}, ["invoice:1"])
        kept = select(func.count()).where(grounds.grounds.c.operation_id == made.id)
        return connection.scalar(kept) or 0, sorted(grounds.documents_of(connection, [made.id])[made.id])

    assert await store.transact(work) == (1, ["invoice:1"])


async def test_two_of_one_table_keep_their_order(store: Store) -> None:
    place = await store.read(notices.last)

    def work(connection: Connection) -> None:
        for key in ("first", "second", "third"):
            notices.give(connection, Topic.OPERATION, key, NOW)
            audit.append(connection, f"chain-{place}", EVENT, NOW)

    await store.transact(work)
    told = await store.read(notices.since, place)
    assert [each.key for each in told if each.key in ("first", "second", "third")] == ["first", "second", "third"]
    assert await store.read(lambda connection: list(audit.verify(connection))) == []


async def test_what_breaks_a_constraint_at_the_end_undoes_everything(store: Store) -> None:
    made = command()

    def work(connection: Connection) -> None:
        operations.accept(connection, made, NOW)
        grounds.keep(connection, "nobody knows it", "ada", {}, [])

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await store.transact(work)
    assert await store.read(operations.by_key, made.caller, made.mutation, made.idempotency_key) is None
    await store.transact(operations.accept, made, NOW)


async def test_what_must_be_known_before_is_one_question(store: Store) -> None:
    made = command(outcome=Outcome.ACCEPTED)
    asked = (made.caller, made.mutation, made.idempotency_key)
    assert (await store.glance(entrance.before, *asked))[0] is None
    accepted = await store.transact(operations.accept, made, NOW)
    await store.transact(switches.pause, Scope.MUTATION, made.id, "pat", "a test", NOW)
    known, pauses = await store.glance(entrance.before, *asked)
    assert known == accepted.operation == await store.read(operations.find, made.id)
    assert [each.paused_by for each in pauses if each.name == made.id] == ["pat"]
    nobody, still = await store.glance(entrance.before, made.caller, made.mutation, None)
    assert (nobody, still) == (None, pauses)
    await store.transact(switches.turn_on, Scope.MUTATION, made.id)


async def test_what_adds_up_is_weighed_in_one_question(store: Store) -> None:
    first, second = command(), command()
    for made in (first, second):
        await store.transact(operations.accept, made, NOW)
        await store.transact(grounds.keep, made.id, f"ada-{first.id}", {}, [f"invoice:{made.id}"])
    since = NOW - timedelta(days=1)
    mine = Sum(mutation=first.mutation, since=since, person=f"ada-{first.id}")
    earlier = Sum(
        mutation=first.mutation, since=since, person=f"ada-{first.id}", before=(NOW, min(first.id, second.id))
    )
    names = ["person:ada", "account:A-1"]
    weight = await store.transact(
        grounds.weigh, [mine, earlier], f"ada-{first.id}", since, without=second.id, alone=names
    )
    assert [count for count, _ in weight.sums] == [2, 0]
    (deed,) = weight.deeds
    assert (deed.operation_id, deed.documents) == (first.id, frozenset({f"invoice:{first.id}"}))
