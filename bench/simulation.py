"""Pipeline and cache in virtual time, through random faults, delays and cancellations: many seeds.

`python -m bench.simulation --cases 10000 --seed 0`. A seed that breaks a law is printed and kept in
`bench/simulation-failing.json`; the next run begins with those that are kept.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

from tests.sources.simulated.case import Broken, Case

_KEPT = Path(__file__).parent / "simulation-failing.json"


def play(seed: int) -> tuple[int, int, str | None]:
    """One case: its seed, how many answers were judged, and what was wrong."""
    case = Case(seed)
    try:
        case.run()
    except Broken as broken:
        return seed, case.answers, str(broken)
    except Exception as error:
        return seed, case.answers, f"seed {seed}: {error!r}"
    return seed, case.answers, None


def _kept() -> list[int]:
    return json.loads(_KEPT.read_text()) if _KEPT.exists() else []


def _told(done: Iterator[tuple[int, int, str | None]], cases: int) -> list[int]:
    """Goes through what was played; the seeds that broke a law."""
    failing, answers, started = list[int](), 0, time.monotonic()
    for number, (seed, judged, wrong) in enumerate(done, 1):
        answers += judged
        if wrong is not None:
            print(wrong, flush=True)
            failing.append(seed)
        if number % 1000 == 0 or number == cases:
            took = time.monotonic() - started
            print(f"{number} cases, {answers} answers judged, {len(failing)} broken, {took:.0f} s", flush=True)
    return failing


def main() -> None:
    """Plays them, on every processor."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    options = parser.parse_args()
    seeds = list(dict.fromkeys([*_kept(), *range(options.seed, options.seed + options.cases)]))
    with multiprocessing.Pool() as pool:
        failing = _told(pool.imap(play, seeds, chunksize=20), len(seeds))
    if failing:
        _KEPT.write_text(json.dumps(failing))
        raise SystemExit(f"{len(failing)} of {len(seeds)} cases broke a law: kept in {_KEPT.name}")
    _KEPT.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
