"""What the port promises, on SQLite and on PostgreSQL."""

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from sources.database import open_engine
from sources.durable import (
    DurableError,
    Execution,
    NoSuchRun,
    NotResumable,
    Role,
    RunState,
    StepFailed,
    UnknownWorkflow,
    Workflow,
    open_durable,
)
from sources.durable.gate import Precedence
from sources.durable.heartbeat import Pulse
from sources.durable.worker import Capacity, Worker
from tests.sources.durable.sagas import Ledger, Order, expected, saga

Opened = Callable[..., Awaitable[Any]]


class Ask(msgspec.Struct, frozen=True):
    number: int = 0


class Approval(msgspec.Struct, frozen=True):
    by: str
    at: datetime


def name() -> str:
    return uuid.uuid4().hex


async def nothing() -> None:
    return None


async def reached(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


class Counted:
    """A step's work that can be counted, and held up."""

    def __init__(self) -> None:
        self.count = 0
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self) -> int:
        self.count += 1
        await self.free.wait()
        return self.count


async def test_a_run_ends_with_what_its_body_returned(opened: Opened, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    durable = await opened(saga(ledger))
    for order in (Order(), Order(refuse=4), Order(lose=2)):
        run_id = name()
        accepted = await durable.start("saga/1", run_id, order)
        run = await durable.result(run_id, 20)
        assert (accepted.id, accepted.workflow) == (run_id, "saga/1")
        assert run.state is RunState.SUCCEEDED
        assert run.result == ["COMPENSATED" if order.refuse else "COMPLETED"]
        assert ledger.of(run_id) == expected(order)
        assert len(await durable.checkpoints(run_id)) == len(expected(order)) + bool(order.refuse)


async def test_fifty_starts_at_once_with_one_id_are_one_run(opened: Opened) -> None:
    counted = Counted()

    async def body(execution: Execution, ask: Ask) -> int:
        return await execution.step("count", counted, int)

    durable = await opened(Workflow(name="count/1", payload=Ask, body=body))
    run_id = name()
    runs = await asyncio.gather(*(durable.start("count/1", run_id, Ask(number)) for number in range(50)))
    assert {run.id for run in runs} == {run_id}
    assert len({msgspec.json.encode(run.payload) for run in runs}) == 1
    assert (await durable.result(run_id, 20)).result == 1
    again = await durable.start("count/1", run_id, Ask(99))
    assert (again.state, again.result, counted.count) == (RunState.SUCCEEDED, 1, 1)


async def test_steps_begin_behind_what_somebody_waits_for_unless_it_is_their_end(opened: Opened) -> None:
    counted = Counted()

    async def body(execution: Execution, ask: Ask) -> int:
        return await execution.step("count", counted, int)

    durable = await opened(Workflow(name="count/1", payload=Ask, body=body))
    durable._precedence = Precedence(longest=30.0)
    run_id = name()
    with durable.ahead():
        await durable.start("count/1", run_id, Ask())
        await reached(lambda: durable._gate._under_way == 1)
        await asyncio.sleep(0.05)
        assert counted.count == 0
    assert (await durable.result(run_id, 20)).result == 1
    with durable.ahead():  # somebody waits for this one's end as well
        await durable.start("count/1", run_id := name(), Ask())
        assert (await durable.result(run_id, 20)).result == 2


async def test_a_run_whose_asker_went_away_is_run_or_was_never_accepted(opened: Opened, tmp_path: Path) -> None:
    durable = await opened(saga(Ledger(tmp_path / "ledger")))
    ids = [name() for _ in range(30)]
    for number, run_id in enumerate(ids):
        asking = asyncio.create_task(durable.start("saga/1", run_id, Order(steps=1, pause=0.0)))
        await asyncio.sleep(number / 10_000)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await durable.start("saga/1", last := name(), Order(steps=1))
    await durable.result(last, 20)
    accepted = [run_id for run_id in ids if await durable.state(run_id)]
    assert accepted
    for run_id in accepted:
        assert (await durable.result(run_id, 20)).state is RunState.SUCCEEDED


async def test_a_name_or_an_id_that_does_not_fit_is_refused(opened: Opened) -> None:
    async def body(execution: Execution, ask: Ask) -> None:
        return None

    durable = await opened(
        Workflow(name="one/1", payload=Ask, body=body), Workflow(name="two/1", payload=Ask, body=body)
    )
    run_id = name()
    await durable.start("one/1", run_id, Ask())
    with pytest.raises(UnknownWorkflow, match="`three/1`"):
        await durable.start("three/1", name(), Ask())
    with pytest.raises(DurableError, match="a run of `one/1`"):
        await durable.start("two/1", run_id, Ask())
    for refused in (durable.cancel, durable.resume):
        with pytest.raises(NoSuchRun):
            await refused("there-is-none")
    with pytest.raises(NoSuchRun):
        await durable.signal("there-is-none", "approval", {})
    assert await durable.state("there-is-none") is None


def approving(seconds: float = 100_000.0) -> Workflow:
    async def body(execution: Execution, ask: Ask) -> list[Any]:
        heard = [await execution.wait("approval", seconds, Approval) for _ in range(ask.number)]
        return [answer and answer.by for answer in heard]

    return Workflow(name="approve/1", payload=Ask, body=body)


async def test_a_signal_wakes_a_run_that_waits(opened: Opened) -> None:
    durable = await opened(approving())
    run_id, at = name(), datetime(2026, 11, 21, tzinfo=UTC)
    await durable.start("approve/1", run_id, Ask(2))
    waiting = durable._dbos._sys_db.notifications_map
    await reached(lambda: waiting.get(f"{run_id}::approval") is not None)
    assert (await durable.state(run_id)).state is RunState.RUNNING
    await durable.signal(run_id, "approval", Approval("ada", at), key=f"{run_id}:ada")
    await durable.signal(run_id, "approval", Approval("ada", at), key=f"{run_id}:ada")  # arrives once
    await reached(lambda: waiting.get(f"{run_id}::approval") is not None)
    assert (await durable.state(run_id)).state is RunState.RUNNING
    await durable.signal(run_id, "approval", Approval("bob", at))
    assert (await durable.result(run_id, 20)).result == ["ada", "bob"]


async def test_a_wake_without_a_signal_does_not_end_the_wait(opened: Opened) -> None:
    durable = await opened(approving())
    waiting = durable._dbos._sys_db.notifications_map
    await durable.start("approve/1", run_id := name(), Ask(1))
    await reached(lambda: waiting.get(f"{run_id}::approval") is not None)
    first = waiting.get(f"{run_id}::approval")
    first.set()
    await reached(lambda: waiting.get(f"{run_id}::approval") not in (None, first))
    await durable.signal(run_id, "approval", Approval("ada", datetime.now(UTC)))
    assert (await durable.result(run_id, 20)).result == ["ada"]


async def test_a_signal_from_this_process_needs_no_look_into_the_database(opened: Opened) -> None:
    durable = await opened(approving())
    engine = durable._dbos._sys_db
    engine._run_background_processes = False  # whoever looks or listens stops
    engine._cleanup_connections()
    run_id = name()
    await durable.start("approve/1", run_id, Ask(1))
    await reached(lambda: engine.notifications_map.get(f"{run_id}::approval") is not None)
    await durable.signal(run_id, "approval", Approval("ada", datetime.now(UTC)))
    assert (await durable.result(run_id, 20)).result == ["ada"]


async def test_a_signal_that_comes_before_the_wait_counts(opened: Opened) -> None:
    counted = Counted()
    counted.free.clear()

    async def body(execution: Execution, ask: Ask) -> str | None:
        await execution.step("count", counted, int)
        answer = await execution.wait("approval", 100_000, Approval)
        return answer.by if answer else None

    durable = await opened(Workflow(name="late/1", payload=Ask, body=body))
    run_id = name()
    await durable.start("late/1", run_id, Ask())
    await durable.signal(run_id, "approval", Approval("ada", datetime.now(UTC)))
    counted.free.set()
    assert (await durable.result(run_id, 20)).result == "ada"


async def test_a_wait_ends_by_itself(opened: Opened) -> None:
    durable = await opened(approving(seconds=0.05))
    run_id = name()
    await durable.start("approve/1", run_id, Ask(2))
    assert (await durable.result(run_id, 20)).result == [None, None]


async def test_runs_that_wait_take_neither_room_nor_threads(opened: Opened) -> None:
    counted = Counted()

    async def quick(execution: Execution, ask: Ask) -> int:
        return await execution.step("count", counted, int)

    durable = await opened(
        approving(),
        Workflow(name="quick/1", payload=Ask, body=quick),
        capacity=Capacity(at_work=1, threads=2, poll=0.05, listen=0.1),
    )
    waiting = [name() for _ in range(40)]
    await durable.start("quick/1", first := name(), Ask())
    await durable.result(first, 20)
    threads = threading.active_count()
    await asyncio.gather(*(durable.start("approve/1", run_id, Ask(1)) for run_id in waiting))
    there = durable._dbos._sys_db.notifications_map
    await reached(lambda: all(there.get(f"{run_id}::approval") for run_id in waiting))
    await durable.start("quick/1", second := name(), Ask())
    assert (await durable.result(second, 20)).result == 2
    assert threading.active_count() <= threads + 4  # the desk's own


async def test_a_step_that_raises_raises_the_same_on_every_replay(opened: Opened) -> None:
    async def broken() -> int:
        raise ValueError("no such thing")

    async def body(execution: Execution, ask: Ask) -> list[str]:
        try:
            await execution.step("broken", broken, int)
        except StepFailed as failure:
            caught = [failure.step, failure.kind, failure.message]
        await execution.wait("approval", 100_000, Approval)
        return caught

    workflow = Workflow(name="broken/1", payload=Ask, body=body)
    run_id = name()
    durable = await opened(workflow)
    await durable.start("broken/1", run_id, Ask())
    await reached(lambda: durable._dbos._sys_db.notifications_map.get(f"{run_id}::approval") is not None)
    await durable.close()
    durable = await opened(workflow)
    await durable.signal(run_id, "approval", Approval("ada", datetime.now(UTC)))
    assert (await durable.result(run_id, 20)).result == ["broken", "ValueError", "no such thing"]


async def test_an_answer_that_is_not_what_the_step_declared_fails_the_step(opened: Opened) -> None:
    async def body(execution: Execution, ask: Ask) -> int:
        return await execution.step("text", said, int)

    async def said() -> Any:
        return "many"

    durable = await opened(Workflow(name="typed/1", payload=Ask, body=body))
    await durable.start("typed/1", run_id := name(), Ask())
    run = await durable.result(run_id, 20)
    assert run.state is RunState.FAILED
    assert "ValidationError" in (run.error or "")


async def test_cancel_stops_before_the_next_step_and_resume_goes_on_from_there(opened: Opened) -> None:
    first, second = Counted(), Counted()
    first.free.clear()

    async def body(execution: Execution, ask: Ask) -> list[int]:
        return [await execution.step("first", first, int), await execution.step("second", second, int)]

    durable = await opened(Workflow(name="two/1", payload=Ask, body=body))
    await durable.start("two/1", run_id := name(), Ask())
    await reached(lambda: first.count == 1)
    await durable.cancel(run_id)
    first.free.set()
    assert (await durable.result(run_id, 20)).state is RunState.CANCELED
    await durable.resume(run_id)
    run = await durable.result(run_id, 20)
    assert run.state is RunState.SUCCEEDED
    assert second.count == 1
    with pytest.raises(NotResumable):
        await durable.resume(run_id)


async def test_a_canceled_wait_ends(opened: Opened) -> None:
    durable = await opened(approving())
    await durable.start("approve/1", run_id := name(), Ask(1))
    waiting = durable._dbos._sys_db.notifications_map
    await reached(lambda: waiting.get(f"{run_id}::approval") is not None)
    await durable.cancel(run_id)
    await reached(lambda: waiting.get(f"{run_id}::approval") is None)
    assert (await durable.state(run_id)).state is RunState.CANCELED


async def test_resume_does_the_failed_step_again_and_none_before_it(opened: Opened) -> None:
    first, broken = Counted(), [True]

    async def second() -> str:
        if broken[0]:
            raise RuntimeError("out of order")
        return "mended"

    async def body(execution: Execution, ask: Ask) -> list[Any]:
        return [await execution.step("first", first, int), await execution.step("second", second, str)]

    durable = await opened(Workflow(name="mend/1", payload=Ask, body=body))
    await durable.start("mend/1", run_id := name(), Ask())
    run = await durable.result(run_id, 20)
    assert run.state is RunState.FAILED
    assert "out of order" in (run.error or "")
    assert [(step.name, step.error) for step in await durable.checkpoints(run_id)] == [
        ("first", None),
        ("second", "RuntimeError: out of order"),
    ]
    broken[0] = False
    await durable.resume(run_id)
    run = await durable.result(run_id, 20)
    assert (run.state, run.result, first.count) == (RunState.SUCCEEDED, [1, "mended"], 1)


async def test_a_body_that_raises_goes_on_behind_its_last_step(opened: Opened) -> None:
    first, broken = Counted(), [True]

    async def body(execution: Execution, ask: Ask) -> int:
        count = await execution.step("first", first, int)
        if broken[0]:
            raise LookupError("a fault of ours")
        return count

    durable = await opened(Workflow(name="fault/1", payload=Ask, body=body))
    await durable.start("fault/1", run_id := name(), Ask())
    assert (await durable.result(run_id, 20)).state is RunState.FAILED
    broken[0] = False
    await durable.resume(run_id)
    assert (await durable.result(run_id, 20)).result == 1
    assert first.count == 1


async def test_closing_lets_a_step_end_and_begins_no_other(opened: Opened) -> None:
    first, second = Counted(), Counted()
    first.free.clear()

    async def body(execution: Execution, ask: Ask) -> list[int]:
        return [await execution.step("first", first, int), await execution.step("second", second, int)]

    workflow = Workflow(name="drain/1", payload=Ask, body=body)
    durable = await opened(workflow)
    await durable.start("drain/1", run_id := name(), Ask())
    await reached(lambda: first.count == 1)
    asyncio.get_running_loop().call_later(0.05, first.free.set)
    await durable.close()
    assert (first.count, second.count) == (1, 0)
    durable = await opened(workflow)
    assert (await durable.result(run_id, 20)).result == [1, 1]
    assert (first.count, second.count) == (1, 1)


async def test_closing_waits_for_no_poller_that_sleeps(opened: Opened) -> None:

    async def body(execution: Execution, ask: Ask) -> str | None:
        return await execution.wait("word", 600, str)

    durable = await opened(Workflow(name="poll/1", payload=Ask, body=body), capacity=Capacity(listen=60.0))
    await durable.start("poll/1", name(), Ask())
    async with asyncio.timeout(30):  # it would sleep for longer
        await durable.close()


async def test_a_step_whose_task_was_cancelled_from_outside_runs_again(opened: Opened) -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    async def work() -> int:
        tasks.append(asyncio.current_task())
        if len(tasks) == 1:
            await asyncio.Future()
        return len(tasks)

    async def body(execution: Execution, ask: Ask) -> int:
        return await execution.step("work", work, int)

    durable = await opened(Workflow(name="again/1", payload=Ask, body=body))
    await durable.start("again/1", run_id := name(), Ask())
    await reached(lambda: len(tasks) == 1)
    assert tasks[0]
    tasks[0].cancel()
    assert (await durable.result(run_id, 20)).result == 2


async def test_the_time_is_the_same_on_every_replay(opened: Opened) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]

    async def body(execution: Execution, ask: Ask) -> str:
        now = await execution.now()
        await execution.wait("approval", 100_000, Approval)
        return now.isoformat()

    workflow = Workflow(name="time/1", payload=Ask, body=body)
    durable = await opened(workflow, clock=lambda: clock[0])
    await durable.start("time/1", run_id := name(), Ask())
    await reached(lambda: durable._dbos._sys_db.notifications_map.get(f"{run_id}::approval") is not None)
    await durable.close()
    clock[0] = datetime(2027, 1, 1, tzinfo=UTC)
    durable = await opened(workflow, clock=lambda: clock[0])
    await durable.signal(run_id, "approval", Approval("ada", clock[0]))
    assert (await durable.result(run_id, 20)).result == "2026-01-01T00:00:00+00:00"


async def test_a_run_sleeps_without_room(opened: Opened) -> None:
    async def body(execution: Execution, ask: Ask) -> str:
        await execution.sleep(0.05)
        return "awake"

    durable = await opened(Workflow(name="sleep/1", payload=Ask, body=body), capacity=Capacity(at_work=1, listen=0.1))
    ids = [name() for _ in range(3)]
    for run_id in ids:
        await durable.start("sleep/1", run_id, Ask())
    assert {(await durable.result(run_id, 20)).result for run_id in ids} == {"awake"}


async def test_runs_are_listed_by_workflow_state_and_prefix(opened: Opened) -> None:
    async def fails(execution: Execution, ask: Ask) -> None:
        raise LookupError("always")

    durable = await opened(approving(), Workflow(name="fails/1", payload=Ask, body=fails))
    prefix = name()
    for number in range(3):
        await durable.start("approve/1", f"{prefix}-a{number}", Ask(1 if number else 0))
    await durable.start("fails/1", f"{prefix}-f", Ask())
    for ended in (f"{prefix}-a0", f"{prefix}-f"):
        await durable.result(ended, 20)

    async def ids(**filters: Any) -> set[str]:
        return {run.id.removeprefix(prefix) for run in await durable.runs(prefix=prefix, **filters)}

    assert await ids() == {"-a0", "-a1", "-a2", "-f"}
    assert await ids(workflow="fails/1") == {"-f"}
    assert await ids(states=[RunState.FAILED]) == {"-f"}
    assert await ids(states=[RunState.RUNNING]) == {"-a1", "-a2"}
    assert await ids(states=[RunState.SUCCEEDED, RunState.FAILED]) == {"-a0", "-f"}
    pages = [await durable.runs(prefix=prefix, first=2, skip=skip) for skip in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 0]
    assert len({run.id for page in pages for run in page}) == 4


async def test_what_ended_long_ago_is_forgotten(opened: Opened) -> None:
    durable = await opened(approving())
    await durable.start("approve/1", ended := name(), Ask(0))
    await durable.start("approve/1", waits := name(), Ask(1))
    await durable.result(ended, 20)
    await durable.forget(datetime.now(UTC) - timedelta(days=1))
    assert await durable.state(ended)
    while await durable.forget(datetime.now(UTC) + timedelta(days=1)):
        pass
    assert await durable.state(ended) is None
    assert await durable.state(waits)


async def test_only_json_is_written_down(opened: Opened, database: str) -> None:
    async def body(execution: Execution, ask: Ask) -> Approval:
        await execution.step("nothing", nothing, type(None))
        found = await execution.wait("approval", 100_000, Approval)
        assert found
        return found

    async def fails(execution: Execution, ask: Ask) -> None:
        raise LookupError("always")

    durable = await opened(
        Workflow(name="json/1", payload=Ask, body=body), Workflow(name="raises/1", payload=Ask, body=fails)
    )
    await durable.start("json/1", one := name(), Ask())
    await durable.start("raises/1", two := name(), Ask())
    await durable.signal(one, "approval", Approval("ada", datetime(2026, 1, 1, tzinfo=UTC)))
    assert (await durable.result(one, 20)).result == {"by": "ada", "at": "2026-01-01T00:00:00Z"}
    await durable.result(two, 20)
    schema = "" if database.startswith("sqlite") else "dbos."
    engine = open_engine(database, connections=1)
    columns = {"workflow_input": ["inputs"], "workflow_output": ["output", "error"], "notifications": ["message"]}
    columns["operation_outputs"] = ["output", "error"]
    written = []
    with engine.connect() as connection:
        for table, names in columns.items():
            for column in names:
                found = connection.execute(text(f"SELECT {column} FROM {schema}{table} WHERE {column} IS NOT NULL"))  # noqa: S608
                written += [row[0] for row in found]
    engine.dispose()
    assert len(written) >= 6
    for value in written:
        msgspec.json.decode(value)


async def test_a_run_of_a_workflow_unknown_here_is_put_back(opened: Opened, database: str) -> None:
    if database.startswith("sqlite"):
        with pytest.raises(DurableError, match="PostgreSQL"):
            await opened(approving(), role=Role.WORKER)
        return
    never = Pulse(beat=3600.0, silence=3600.0)
    gateway = await opened(approving(), role=Role.GATEWAY)
    old = await opened(role=Role.WORKER, pulse=never)
    await gateway.start("approve/1", run_id := name(), Ask(0))

    put_back: list[str] = []
    async with asyncio.timeout(20):
        while run_id not in put_back:  # other tests left runs of theirs
            put_back = await asyncio.to_thread(old._heartbeat.round)
    await old.close()  # it may have taken the run once more meanwhile: who resigned is found by the others' next beat
    await opened(approving(), role=Role.WORKER, pulse=Pulse(beat=0.2, silence=3600.0))
    assert (await gateway.result(run_id, 20)).state is RunState.SUCCEEDED


async def test_a_database_that_cannot_be_reached_is_told_at_once() -> None:
    with pytest.raises(DurableError, match="cannot be opened"):
        await open_durable("postgresql://root@127.0.0.1:1/none", [approving()], role=Role.GATEWAY)
    with pytest.raises(DurableError, match="cannot be opened"):
        await open_durable("postgresql://root@127.0.0.1:1/none", [approving()])
    assert not Worker._busy


async def test_one_process_runs_durable_work_once(opened: Opened) -> None:
    await opened(approving())
    with pytest.raises(Exception, match=r"used by another process|runs durable work already"):
        await opened(approving())
