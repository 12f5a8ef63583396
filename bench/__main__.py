"""`make bench`: measures, and writes docs/benchmarks.md with its charts."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import msgspec

from bench.lineup import contestants
from bench.processes import ROOT
from bench.report.page import write
from bench.results import Results
from bench.study import FULL, QUICK, run

_REPORT = ROOT / "docs"


def main() -> None:
    """Runs the whole; `--quick` in less than three minutes."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short cells, few rounds: to see that it works")
    parser.add_argument("--only", default="", help="gateways besides Opsgraph and plain Strawberry, by comma")
    parser.add_argument("--no-home", action="store_true", help="leave the vendor connectors out")
    parser.add_argument("--report", type=Path, default=_REPORT, help="folder of benchmarks.md (default: docs)")
    parser.add_argument("--again", action="store_true", help="write the report again from the last results")
    options = parser.parse_args()
    kept = options.report / "benchmarks" / "results.json"
    if options.again:
        write(msgspec.json.decode(kept.read_bytes(), type=Results), options.report)
        return
    only = frozenset(name for name in options.only.split(",") if name)
    with tempfile.TemporaryDirectory(prefix="opsgraph-bench-") as folder:
        results = run(Path(folder), contestants(only), QUICK if options.quick else FULL, home=not options.no_home)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    print(write(results, options.report))


if __name__ == "__main__":
    main()
