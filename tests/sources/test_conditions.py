"""Conditions: every change of a source is noticed once, numbered, and kept for who was away."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sources.canonical import System
from sources.conditions import Change, Conditions
from sources.errand import Lane
from sources.overview import Condition, History, Overview
from sources.pipeline.state import Circuit, Latency, Queue, State
from sources.pipeline.telemetry import Called, Changed
from sources.ports import Effect

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CLOSED = Circuit("closed", 0, 0, None)
_STATE = State("erp", _CLOSED, _CLOSED, Queue(0, 0, 1, 1), Latency(None, None, 0, 0, 0, 0), (), None, None)
OK, OPEN, FAILING = Condition.OK, Condition.OPEN, Condition.FAILING


def seen(**conditions: Condition) -> Sequence[Overview]:
    return [
        Overview(name, "tryton", System.ERP, "eu", (), (), condition, _STATE, History())
        for name, condition in conditions.items()
    ]


def told(changes: Sequence[Change] | None) -> list[tuple[int, str, Condition, Condition]] | None:
    if changes is None:
        return None
    return [(each.number, each.source.name, each.previous, each.source.condition) for each in changes]


def test_the_first_look_tells_nothing_and_every_other_what_is_otherwise() -> None:
    minutes = iter(range(100))
    conditions = Conditions(clock=lambda: NOON + timedelta(minutes=next(minutes)))
    conditions.look(seen(crm=OK, erp=OPEN))
    conditions.look(seen(crm=OK, erp=OPEN))
    conditions.look(seen(crm=FAILING, erp=OK))
    conditions.look(seen(crm=OPEN, erp=OK))
    changes = conditions.since(conditions.era, 0)
    assert told(changes) == [(1, "crm", OK, FAILING), (2, "erp", OPEN, OK), (3, "crm", FAILING, OPEN)]
    assert [each.at for each in changes or ()] == [NOON + timedelta(minutes=minute) for minute in range(3)]
    assert told(conditions.since(conditions.era, 2)) == [(3, "crm", FAILING, OPEN)]
    assert told(conditions.since(conditions.era, 3)) == []


def test_who_was_away_for_too_long_or_comes_from_another_process_is_told_that_something_is_missing() -> None:
    conditions = Conditions(kept=2)
    for number in range(6):
        conditions.look(seen(erp=OPEN if number % 2 else OK))
    assert conditions.number == 5
    assert conditions.since(conditions.era, 2) is None
    assert [number for number, *_ in told(conditions.since(conditions.era, 3)) or ()] == [4, 5]
    assert conditions.since(conditions.era, 6) is None
    assert conditions.since(Conditions().era, 5) is None


def test_before_anything_has_changed_only_the_beginning_is_known() -> None:
    conditions = Conditions()
    assert conditions.since(conditions.era, 0) == []
    assert conditions.since(conditions.era, 1) is None


async def test_a_listener_hears_what_changes_from_then_on() -> None:
    conditions = Conditions()
    conditions.look(seen(erp=OK))
    conditions.look(seen(erp=OPEN))
    with conditions.listening() as listener:
        conditions.look(seen(erp=OK))
        assert told([await listener.next()]) == [(2, "erp", OPEN, OK)]


class Sources:
    """What a look sees, and how often it was looked."""

    def __init__(self) -> None:
        self.looks, self.condition = 0, OK

    def __call__(self) -> Sequence[Overview]:
        self.looks += 1
        return seen(erp=self.condition)


@asynccontextmanager
async def looking(conditions: Conditions, sources: Sources) -> Any:
    task = asyncio.create_task(conditions.run(sources))
    try:
        while not sources.looks:  # noqa: ASYNC110 - it is counted
            await asyncio.sleep(0)
        yield
    finally:
        task.cancel()


_CHANGED = Changed("erp", "reads", "open", "closed", 2.0, "it fails")


async def test_a_circuit_that_changes_is_looked_at_at_once_from_whichever_thread() -> None:
    conditions, sources = Conditions(), Sources()
    conditions.circuit(_CHANGED)  # before anybody looks
    async with looking(conditions, sources):
        with conditions.listening() as listener:
            sources.condition = OPEN
            await asyncio.to_thread(conditions.circuit, _CHANGED)
            assert told([await asyncio.wait_for(listener.next(), 0.5)]) == [(1, "erp", OK, OPEN)]


async def test_a_call_that_ends_costs_no_look() -> None:
    conditions, sources = Conditions(), Sources()
    async with looking(conditions, sources):
        before = sources.looks
        for _ in range(100):
            conditions.called(Called("erp", "x", Effect.READ, Lane.LOOKUP, 1, 1.0, "OK", 0.0))
            await asyncio.sleep(0)
        assert sources.looks == before


def test_what_is_told_is_all_that_was_seen() -> None:
    conditions = Conditions()
    conditions.look(seen(erp=OK))
    (whole,) = seen(erp=OPEN)
    conditions.look([msgspec.structs.replace(whole, entities=("DE",))])
    changes = conditions.since(conditions.era, 0)
    assert changes is not None
    assert [each.source.entities for each in changes] == [("DE",)]
