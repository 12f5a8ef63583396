"""Opsgraph side by side, profiled: the share of each part, cold and from facts."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from bench.arena import DEFAULT_ROLE, Arena
from bench.lineup import FACTS, OPSGRAPH, Gateway
from bench.processes import PYTHON, Program
from bench.shares import shares
from bench.workloads import WORKLOADS


def side_by_side(folder: Path, arena: Arena, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """gateway -> workload -> part -> share of its processor time."""
    return {gateway.name: _profiled(folder, arena, gateway, seconds) for gateway in (OPSGRAPH, FACTS)}


def _profiled(folder: Path, arena: Arena, gateway: Gateway, seconds: float) -> dict[str, dict[str, float]]:
    profile = folder / f"{gateway.name}.profile"
    name = f"{gateway.name}_profiled"
    watched = Gateway(name, name, (PYTHON, "-m", "bench.profiled", str(profile), *gateway.command[2:]))
    arena.start(watched)
    if name not in arena.running:
        raise RuntimeError(f"`{name}` did not start: {arena.left_out[name]}")
    program, found = arena.running[name].program, {}
    for workload in WORKLOADS:
        arena.measure(name, workload, seconds=min(seconds, 1.0))
        before = program.cpu()
        program.signal(signal.SIGUSR1)
        arena.measure(name, workload, seconds=seconds)
        program.signal(signal.SIGUSR1)
        _wake(arena, name)
        _until_written(program)
        parts = shares(profile, program.cpu() - before)
        total = sum(parts.values())
        found[workload.name] = {part: value / total for part, value in parts.items()}
    arena.stop(name)
    return found


def _wake(arena: Arena, name: str) -> None:
    """One more request, so that the loop sees the signal."""
    arena.post(name, json.dumps({"query": "{ __typename }"}), arena.tokens[DEFAULT_ROLE])


def _until_written(program: Program) -> None:
    while program.line() != "written":
        pass
