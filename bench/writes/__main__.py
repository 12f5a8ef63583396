"""`python -m bench.writes`: what accepting an order adds, and what the reads beside it feel."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.processes import ROOT
from bench.writes.figures import figures
from bench.writes.report import Result, write
from bench.writes.study import CROWDED, DISTRIBUTED, EMBEDDED, House, Layout
from tests.databases import fresh_postgres, fresh_sqlite


def main() -> int:
    """Status 1 where a promise does not hold."""
    options = _options()
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    layouts = {"distributed": DISTRIBUTED, "crowded": CROWDED, "embedded": EMBEDDED}
    held = True
    for name in options.layout or layouts:
        layout = layouts[name]
        with tempfile.TemporaryDirectory(prefix="opsgraph-writes-") as folder, ExitStack() as stack:
            store, durable = stack.enter_context(_databases(layout, Path(folder)))
            house = House(stack, layout, Path(folder), store, durable)
            house.warm()
            found = figures(layout, [house.turn(options.seconds) for _ in range(options.turns)])
        for promise in found.promises:
            print(f"{layout.name}: {promise.text}: {promise.found}{'' if promise.holds else ', DOES NOT HOLD'}")
        held = held and all(promise.holds for promise in found.promises)
        print(write(Result(machine, options.turns, options.seconds, found, options.trial), options.report))
    return 0 if held else 1


@contextmanager
def _databases(layout: Layout, folder: Path) -> Iterator[tuple[str, str]]:
    if layout.apart:
        with fresh_postgres() as url:
            yield url, url
        return
    store = fresh_sqlite(folder)
    yield store, store.replace("opsgraph.db", "durable.db")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.writes", description=__doc__)
    parser.add_argument(
        "--layout", action="append", choices=("distributed", "crowded", "embedded"), help="only this one"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each half of a turn")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--trial", action="store_true", help="say that the machine has other things to do as well")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "writes", help="folder of the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
