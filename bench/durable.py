"""`python -m bench.durable URL`: what durable work costs on an SQLite file or a PostgreSQL database."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from sources.durable import Durable, Execution, RunState, Workflow, open_durable

STEPS = 5


class Order(msgspec.Struct, frozen=True):
    """As large as an order's command is."""

    text: str = "x" * 2_000


async def _said() -> dict[str, str]:
    return {"id": "x" * 40}


async def _order(execution: Execution, order: Order) -> str:
    for number in range(STEPS):
        await execution.step(f"step-{number}", _said, dict)
    return "COMPLETED"


async def _approval(execution: Execution, order: Order) -> str:
    await execution.step("asked", _said, dict)
    await execution.wait("approval", 1_000_000, dict)
    return "COMPLETED"


WORKFLOWS = (
    Workflow(name="order/1", payload=Order, body=_order),
    Workflow(name="approval/1", payload=Order, body=_approval),
)


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99)]
    return f"p50 {at[0]:.1f} ms, p99 {at[1]:.1f} ms, most {ordered[-1] * 1000:.1f} ms"


async def _timed(durable: Durable, workflow: str, run_id: str, taken: list[float]) -> None:
    began = time.perf_counter()
    await durable.start(workflow, run_id, Order())
    taken.append(time.perf_counter() - began)


async def _all(durable: Durable, ids: list[str]) -> None:
    for run_id in ids:
        assert (await durable.result(run_id, 300)).state is RunState.SUCCEEDED


async def _alone(durable: Durable, count: int) -> None:
    taken: list[float] = []
    ended: list[float] = []
    for _ in range(count):
        began, run_id = time.perf_counter(), uuid.uuid4().hex
        await _timed(durable, "order/1", run_id, taken)
        await _all(durable, [run_id])
        ended.append(time.perf_counter() - began)
    print(f"one at a time, accepting:       {_quantiles(taken)}")
    print(f"one at a time, {STEPS} steps to the end: {_quantiles(ended)}")


async def _burst(durable: Durable, count: int) -> None:
    ids = [uuid.uuid4().hex for _ in range(count)]
    taken: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_timed(durable, "order/1", run_id, taken) for run_id in ids))
    await _all(durable, ids)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{count} at once, accepting:         {_quantiles(taken)}")
    print(f"{count} at once: {count / wall:.0f} runs a second, {cpu / count * 1000:.1f} ms of CPU a run")


async def _steady(durable: Durable, rate: float, count: int) -> None:
    """Open loop: one every 1/rate seconds, whether or not the ones before have ended."""
    ids = [uuid.uuid4().hex for _ in range(count)]
    taken: list[float] = []
    lags: list[float] = []
    tasks = []
    start = time.perf_counter()
    for number, run_id in enumerate(ids):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        lags.append(max(0.0, time.perf_counter() - start - number / rate))
        tasks.append(asyncio.create_task(_timed(durable, "order/1", run_id, taken)))
    await asyncio.gather(*tasks)
    await _all(durable, ids)
    print(f"{rate:.0f} a second, accepting:        {_quantiles(taken)}")
    print(f"{rate:.0f} a second, the loop was late:  {_quantiles(lags)}")


async def _waiting(open_now: Callable[[], asyncio.Future[Durable]], durable: Durable, count: int) -> Durable:
    ids = [uuid.uuid4().hex for _ in range(count)]
    before = _resident()
    for first in range(0, count, 50):
        await asyncio.gather(*(_timed(durable, "approval/1", run_id, []) for run_id in ids[first : first + 50]))
    while True:
        asked = [await durable.checkpoints(run_id) for run_id in ids[-10:]]
        if all(asked):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)
    idle = time.process_time()
    await asyncio.sleep(5.0)
    idle = (time.process_time() - idle) / 5 * 100
    print(
        f"{count} waiting: {(_resident() - before) / count * 1000:.0f} kB each, {idle:.1f} % of a core while they wait"
    )
    await durable.close()
    began, cpu = time.perf_counter(), time.process_time()
    durable = await open_now()
    for run_id in ids:
        await durable.signal(run_id, "approval", {"by": "ada"})
    await _all(durable, ids)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{count} waiting, restarted, approved and ended: {wall:.1f} s, {cpu / count * 1000:.1f} ms of CPU each")
    return durable


async def main(url: str, count: int) -> None:
    """Measure one database; prints a line for each figure."""
    before = _resident()

    def open_now() -> asyncio.Future[Durable]:
        return asyncio.ensure_future(open_durable(url, WORKFLOWS, executor=f"bench-{uuid.uuid4().hex[:6]}"))

    durable = await open_now()
    print(f"opened: {_resident() - before:.0f} MB more")
    await _alone(durable, count // 5)
    await _burst(durable, count)
    await _steady(durable, 20, count)
    durable = await _waiting(open_now, durable, count)
    began = time.process_time()
    await asyncio.sleep(5.0)
    print(f"idle: {(time.process_time() - began) / 5 * 100:.1f} % of a core; {_resident():.0f} MB in all")
    await durable.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.durable", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--count", type=int, default=500)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.url, arguments.count))
