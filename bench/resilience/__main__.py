"""`python -m bench.resilience`: has one source fail in every way, under load, and reports what is left."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.resilience.asks import SOURCES, Known
from bench.resilience.figures import Figures, figures, together, verdicts
from bench.resilience.report import Results, write
from bench.resilience.scene import Log, Plan, Scene

FAULTS: dict[str, dict[str, Any]] = {
    "down": {},
    "dead": {},
    "hang": {},
    "latency": {"seconds": 4},
    "slow-drip": {},
    "500": {},
    "503": {},
    "429": {},
    "garbage": {},
    "html": {},
    "wrong-shape": {},
    "truncated": {},
    "huge": {},
    "flaky": {"percent": 30},
    "late": {},
}
_ACCOUNTS = 500


def main() -> int:
    """Runs the whole: 23 minutes; `--quick` in twelve. Status 1 where a figure does not hold."""
    options = _options()
    plan = Plan(options.source, 15.0, options.seconds, 15.0, options.rate)
    if options.quick:
        plan = Plan(options.source, 6.0, 25.0, 12.0, options.rate)
    chosen = [name for name in FAULTS if not options.only or name in options.only.split(",")]
    runs: list[tuple[Log, Figures]] = []
    with tempfile.TemporaryDirectory(prefix="opsgraph-soak-") as folder, ExitStack() as stack:
        scene = Scene(stack, Path(folder), _ACCOUNTS)
        known = scene.known()
        _warm(scene, plan, known)
        for name in chosen:
            log = scene.run(plan, known, name, FAULTS[name])
            found = figures(log, plan.sick)
            runs.append((log, found))
            _tell(found)
    before = together(runs)
    judged = tuple((found, tuple(verdicts(found, before))) for _, found in runs)
    results = Results(_machine(), plan, before, judged)
    page = write(results, options.report)
    print(f"\n{page.read_text(encoding='utf-8')}\n{page}")
    return 0 if results.holds() else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.resilience", description=__doc__)
    parser.add_argument("--source", choices=SOURCES, default="billing", help="which source fails")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each fault lasts")
    parser.add_argument("--rate", type=float, default=24.0, help="asks a second")
    parser.add_argument("--only", default="", help=f"these faults, by comma, of {', '.join(FAULTS)}")
    parser.add_argument(
        "--quick", action="store_true", help="25 s a fault: to see that it works, for the circuit looks back 20 s"
    )
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "resilience", help="folder of the report")
    return parser.parse_args()


def _warm(scene: Scene, plan: Plan, known: Known) -> None:
    """A short run without a fault: connections, plans, tokens."""
    scene.run(Plan(plan.sick, 3.0, 3.0, 3.0, plan.rate), known, "off", {})


def _tell(found: Figures) -> None:
    p99 = {part: found.times["b"][part].p99 for part in ("healthy", "closed", "open")}
    print(
        f"{found.fault:<12} b p99: " + ", ".join(f"{taken:.0f} ms {part}" for part, taken in p99.items()) + "; "
        f"elsewhere {found.elsewhere}, untyped {found.untyped}, stale {found.stale_share:.0%}, {found.codes}",
        flush=True,
    )


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
