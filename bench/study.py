"""The measurement, from the first comparison to the last round."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from bench import agreement
from bench.arena import Arena, Sample
from bench.home.study import study as study_home
from bench.lineup import CACHED, FACTS, OPSGRAPH, PLAIN, Gateway
from bench.processes import PYTHON, DidNotStart, Program
from bench.results import Cells, Memory, Pairs, Plan, Results, Upstreams, middle
from bench.side_shares import side_by_side
from bench.workloads import BY_NAME, WORKLOADS, Workload

_EVERY = tuple(workload.name for workload in WORKLOADS)
FULL = Plan(
    seconds=1.0,
    rounds=5,
    policy_seconds=0.1,
    policy_pairs={"reader": 150, "masked": 60, "regional": 60},
    open_seconds=2.0,
    home_seconds=4.0,
    open_questions=_EVERY,
    slow_rounds=3,
    timeout=5.0,
    warm_seconds=2.0,
)
QUICK = Plan(
    seconds=0.25,
    rounds=3,
    policy_seconds=0.1,
    policy_pairs={"reader": 24, "masked": 12, "regional": 12},
    open_seconds=0.5,
    home_seconds=0.7,
    open_questions=("customer_360",),
    slow_rounds=1,
    timeout=1.0,
    warm_seconds=0.8,
)
TINY = Plan(
    seconds=0.1,
    rounds=1,
    policy_seconds=0.1,
    policy_pairs={"reader": 2, "masked": 2, "regional": 2},
    open_seconds=0.2,
    home_seconds=0.3,
    open_questions=("lookup",),
    slow_rounds=1,
    timeout=0.5,
    warm_seconds=0.1,
)
NODE = ("apollo", "yoga", "bare")
_FREE = "open"  # the role without rules
_SLOW, _SLOW_CONNECTIONS = 20, 2
_LOADS = (0.7, 2.0)  # of an open loop: of one's own capacity, and of plain Strawberry's
_UNSEEN = ("lookup", "customer_360")
_IMPORTS = {
    OPSGRAPH.name: "bench.gateways.opsgraph",
    FACTS.name: "bench.gateways.opsgraph",
    PLAIN.name: "bench.peers.strawberry_plain",
    CACHED.name: "bench.peers.strawberry_plain",
}


def run(folder: Path, gateways: Sequence[Gateway], plan: Plan, *, home: bool, say: bool = True) -> Results:
    """Measures everything; raises Disagreement before anything is timed if answers differ."""
    with Arena(folder) as arena:
        for gateway in gateways:
            arena.start(gateway)
        absent = {OPSGRAPH.name, FACTS.name, PLAIN.name} - set(arena.running)
        if absent:
            raise DidNotStart(f"nothing can be compared without {', '.join(sorted(absent))}: {arena.left_out}")
        told = _Teller(say)
        told("answers are compared")
        calls = agreement.check(arena)
        titles = {name: running.gateway.title for name, running in arena.running.items()}
        results = Results(_machine(arena), plan, titles, arena.left_out, calls, _upstreams(arena, plan))
        told("warming up")
        _warm(arena, plan.warm_seconds)
        for step in (_closed, _open, _slow, _policy, _memory, _unseen, _flooded):
            told(step.__name__.strip("_"))
            step(arena, results)
        told("shares")
        results.shares = side_by_side(folder, arena, plan.seconds)
        cores, generator = arena.cores, arena.generator
        if home:
            told("at home")
            results.home = study_home(folder, cores, generator, plan.home_seconds)
    return results


class _Teller:
    def __init__(self, say: bool) -> None:
        self._say = say

    def __call__(self, what: str) -> None:
        if self._say:
            print(f"{datetime.now(UTC):%H:%M:%S}  {what}", file=sys.stderr, flush=True)


def _warm(arena: Arena, seconds: float) -> None:
    for name in arena.running:
        for workload in arena.asked(name):
            arena.measure(name, workload, seconds=seconds)


def _turns(names: Iterable[str], number: int) -> list[str]:
    """The same names in another order in every round: nobody always runs after the same other."""
    listed = list(names)
    first = number % len(listed)
    return listed[first:] + listed[:first]


def _add(cells: Cells, workload: str, name: str, sample: Sample) -> None:
    _check(workload, name, sample)
    cells.setdefault(workload, {}).setdefault(name, []).append(sample)


def _check(workload: str, name: str, sample: Sample) -> None:
    if sample.failed:
        raise RuntimeError(f"`{name}` failed {sample.failed} of {sample.count} times on `{workload}`: look at its log")


def _closed(arena: Arena, results: Results) -> None:
    for number in range(results.plan.rounds):
        for workload in WORKLOADS:
            for name in _turns(arena.able(workload), number):
                _add(results.closed, workload.name, name, arena.measure(name, workload, seconds=results.plan.seconds))


def _open(arena: Arena, results: Results) -> None:
    """Fixed rates: twice what plain Strawberry can do at its very best, and 70 % of what each could do itself."""
    for workload in (BY_NAME[name] for name in results.plan.open_questions):
        common = _capacity(results, workload, PLAIN.name) * _LOADS[1]
        for name in arena.able(workload):
            for rate in (common, _capacity(results, workload, name) * _LOADS[0]):
                sample = arena.measure(
                    name,
                    workload,
                    seconds=results.plan.open_seconds,
                    rate=max(rate, 2.0),
                    connections=64,
                    timeout=results.plan.timeout,
                )
                results.open.setdefault(workload.name, {}).setdefault(name, []).append((rate, sample))


def _capacity(results: Results, workload: Workload, name: str) -> float:
    """Requests a second that the best round of the closed loop saw."""
    return max(sample.rate for sample in results.closed[workload.name][name])


def _slow(arena: Arena, results: Results) -> None:
    arena.control("PUT", f"/_delay/{_SLOW}")
    try:
        for number in range(results.plan.slow_rounds):
            for workload in WORKLOADS:
                for name in _turns(arena.able(workload), number):
                    sample = arena.measure(name, workload, seconds=results.plan.seconds, connections=_SLOW_CONNECTIONS)
                    _add(results.slow, workload.name, name, sample)
    finally:
        arena.control("PUT", "/_delay/0")


def _unseen(arena: Arena, results: Results) -> None:
    names = [name for name in arena.running if name != FACTS.name]
    for number in range(results.plan.rounds):
        for workload in (BY_NAME[name] for name in _UNSEEN):
            for name in _turns(names, number):
                sample = arena.measure(name, workload, seconds=results.plan.seconds, connections=4, unseen=True)
                _add(results.unseen, workload.name, name, sample)


def _policy(arena: Arena, results: Results) -> None:
    """The same process answers by a role's rules and by none, slice beside slice: nothing but the token differs. They
    are short, so that what disturbs one disturbs both, and take turns in going first."""
    for name in (FACTS.name, OPSGRAPH.name):
        for role, count in results.plan.policy_pairs.items():
            pairs = results.policy.setdefault(name, {})[role] = Pairs()
            for number in range(count):
                used = {each: _slice(arena, results.plan, name, each) for each in _turns((_FREE, role), number)}
                pairs.free.append(used[_FREE])
                pairs.ruled.append(used[role])


def _slice(arena: Arena, plan: Plan, name: str, role: str) -> float:
    workload = BY_NAME["customer_360"]
    sample = arena.measure(name, workload, seconds=plan.policy_seconds, role=role)
    _check(workload.name, name, sample)
    return sample.cpu


def _memory(arena: Arena, results: Results) -> None:
    for name, running in arena.running.items():
        imports = 0.0
        if name in _IMPORTS:
            modules = f"uvloop, uvicorn.protocols.http.httptools_impl, {_IMPORTS[name]}"
            code = f"import {modules}; print('ready', flush=True); input()"
            with Program("imports", [PYTHON, "-c", code], None) as bare:
                bare.line()
                imports = bare.memory()
        results.memory[name] = Memory(imports, running.resting, running.program.memory())


def _flooded(arena: Arena, results: Results) -> None:
    for name, running in arena.running.items():
        if name != FACTS.name:
            known = results.memory[name]
            results.memory[name] = msgspec.structs.replace(known, flooded=running.program.memory())


def _upstreams(arena: Arena, plan: Plan) -> Upstreams:
    """The processor time of an upstream call, asked for directly."""
    paths = [f"/billing/invoices?account_ids=C-{number:03}" for number in range(1, 65)]
    order = {"port": arena.upstream_port, "token": "", "paths": paths, "bodies": [], "connections": 16}
    arena.generator.order({**order, "seconds": 0.2})
    before = arena.upstream.cpu()
    done = arena.generator.order({**order, "seconds": plan.seconds})
    each = (arena.upstream.cpu() - before) / done["count"]
    return Upstreams(each * 1e6, 1 / each)


def _machine(arena: Arena) -> dict[str, str]:
    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    node = shutil.which("node")
    packages = ("strawberry-graphql", "graphql-core", "aiohttp", "uvicorn", "uvloop", "msgspec", "orjson")
    return {
        "processor": model,
        "cores": str(arena.cores.count),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "node": subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        if node
        else "none",
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def best_rival(results: Results, workload: str) -> str | None:
    """The Node gateway that needs the least processor time."""
    rivals = [name for name in results.closed[workload] if name in NODE]
    return min(rivals, key=lambda name: middle(results.closed[workload][name]), default=None)
