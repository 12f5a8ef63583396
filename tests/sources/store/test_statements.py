"""Statements that wait for each other: executed together, in time, and all or nothing."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from sources.news import Topic
from sources.store import audit, entrance, grounds, notices, operations, statements, switches
from sources.store.audit import Event
from sources.store.chain import Wanted
from sources.store.grounds import Harmless, Sum
from sources.store.operations import Command, Outcome
from sources.store.statements import Question
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


async def test_what_is_expected_goes_with_the_next_question(store: Store) -> None:
    made, again = command(), command()
    chain = f"chain-{made.id}"
    await store.transact(audit.append, chain, EVENT, NOW)

    def work(connection: Connection, asked: Command) -> list[list[str]]:
        found: list[list[str]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(statements, "_asked", noting(found))
            audit.foresee(connection, chain)
            operations.accept(connection, asked, NOW)
            audit.append(connection, chain, EVENT, NOW)
            audit.append(connection, chain, EVENT, NOW)  # what has grown since is asked for anew
        return found

    def noting(found: list[list[str]], asked_now: Any = statements._asked) -> Any:
        def noted(connection: Connection, questions: Sequence[Question]) -> Any:
            found.append(_tables(questions))
            return asked_now(connection, questions)

        return noted

    told = await store.transact(work, made)
    assert told == ([] if store._sqlite else [["operations", "audit_heads"], ["audit_heads"]])
    new = f"chain-{again.id}"  # one that does not begin before it is needed

    def begin(connection: Connection) -> None:
        audit.foresee(connection, new)
        operations.accept(connection, again, NOW)
        audit.append(connection, new, EVENT, NOW)

    await store.transact(begin)
    assert [each.sequence for each in await store.read(audit.listed, Wanted(), 10) if each.chain == chain] == [3, 2, 1]
    assert await store.read(lambda connection: list(audit.verify(connection))) == []


def _tables(questions: Sequence[Question]) -> list[str]:
    return [next(name for name in ("audit_heads", "operations") if name in str(asked)) for asked, _ in questions]


async def test_what_is_harmless_is_left_out_of_what_a_person_did(store: Store) -> None:
    made, person = command(), uuid.uuid4().hex
    await store.transact(operations.accept, made, NOW)
    await store.transact(grounds.keep, made.id, person, {}, ["invoice:1"])
    since = NOW - timedelta(days=1)
    for harmless, there in (
        (Harmless(), [made.id]),
        (Harmless(asked=frozenset({"recordPayment"}), approved=frozenset({made.mutation})), [made.id]),
        (Harmless(asked=frozenset({made.mutation, "assignException"})), []),
    ):
        weight = await store.transact(grounds.weigh, [], person, since, harmless=harmless)
        assert [each.operation_id for each in weight.deeds] == there


async def test_whoever_asks_sees_what_waited(store: Store) -> None:
    made = command()

    def work(connection: Connection) -> tuple[int, list[str]]:
        operations.accept(connection, made, NOW)
        grounds.keep(connection, made.id, "ada", {}, ["invoice:1"])
        kept = select(func.count()).where(grounds.grounds.c.operation_id == made.id)
        return connection.scalar(kept) or 0, sorted(grounds.documents_of(connection, [made.id])[made.id])

    assert await store.transact(work) == (1, ["invoice:1"])


async def test_two_of_one_table_keep_their_order(store: Store) -> None:
    place = await store.glance(notices.last)

    def work(connection: Connection) -> None:
        for key in ("first", "second", "third"):
            notices.give(connection, Topic.OPERATION, key, NOW)
            audit.append(connection, f"chain-{place}", EVENT, NOW)

    await store.transact(work)
    told = await store.glance(notices.since, place)
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
