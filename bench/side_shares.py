"""Opsgraph side by side, profiled: the share of each part, cold and from facts.

`python -m bench.side_shares opsgraph_facts portal_list` prints the functions that take the most time of one cell.
"""

from __future__ import annotations

import argparse
import json
import pstats
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.arena import DEFAULT_ROLE, Arena
from bench.lineup import FACTS, OPSGRAPH, Gateway
from bench.processes import PYTHON, Program
from bench.shares import shares
from bench.workloads import BY_NAME, WORKLOADS, Workload

_PROFILED = {gateway.name: gateway for gateway in (OPSGRAPH, FACTS)}


def side_by_side(folder: Path, arena: Arena, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """gateway -> workload -> part -> share of its processor time."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, gateway in _PROFILED.items():
        found[name] = {}
        with _watched(folder, arena, gateway) as (watched, profile):
            for workload in WORKLOADS:
                used = _profile(arena, watched, workload, seconds)
                parts = shares(profile, used)
                total = sum(parts.values())
                found[name][workload.name] = {part: value / total for part, value in parts.items()}
    return found


@contextmanager
def _watched(folder: Path, arena: Arena, gateway: Gateway) -> Iterator[tuple[str, Path]]:
    """The gateway once more, so that its profile can be taken: its name in the arena, and the profile's file."""
    profile = folder / f"{gateway.name}.profile"
    name = f"{gateway.name}_profiled"
    arena.start(Gateway(name, name, (PYTHON, "-m", "bench.profiled", str(profile), *gateway.command[2:])))
    if name not in arena.running:
        raise RuntimeError(f"`{name}` did not start: {arena.left_out[name]}")
    try:
        yield name, profile
    finally:
        arena.stop(name)


def _profile(arena: Arena, name: str, workload: Workload, seconds: float) -> float:
    """Writes the profile of a closed loop; gives the processor seconds it covers."""
    program = arena.running[name].program
    arena.measure(name, workload, seconds=min(seconds, 1.0))
    before = program.cpu()
    program.signal(signal.SIGUSR1)
    arena.measure(name, workload, seconds=seconds)
    program.signal(signal.SIGUSR1)
    # One more request, so that the loop sees the signal.
    arena.post(name, json.dumps({"query": "{ __typename }"}), arena.tokens[DEFAULT_ROLE])
    _until_written(program)
    return program.cpu() - before


def _until_written(program: Program) -> None:
    while program.line() != "written":
        pass


def main() -> None:
    """Prints the dearest functions of one cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway", choices=sorted(_PROFILED))
    parser.add_argument("workload", choices=sorted(BY_NAME))
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--order", default="tottime", choices=("tottime", "cumtime"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="opsgraph-bench-") as name, Arena(Path(name)) as arena:
        with _watched(Path(name), arena, _PROFILED[options.gateway]) as (watched, profile):
            _profile(arena, watched, BY_NAME[options.workload], options.seconds)
        pstats.Stats(str(profile)).strip_dirs().sort_stats(options.order).print_stats(30)


if __name__ == "__main__":
    main()
