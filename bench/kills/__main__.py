"""`python -m bench.kills`: kills the processes that carry out orders, and reports what is left of the orders."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.kills.report import result, write
from bench.kills.scene import Plan, run
from bench.kills.verdict import judge
from bench.processes import ROOT
from tests.databases import fresh_postgres, fresh_sqlite

_SHOWN = 20


def main() -> int:
    """Status 1 where anything was lost, doubled, half done or changed."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="opsgraph-kills-") as folder, _plan(options, Path(folder)) as plan:
        log = run(plan, Path(folder))
        verdict = judge(log)
        if verdict.faults and options.keep:
            (options.keep / "crew.log").write_bytes((Path(folder) / "crew.log").read_bytes())
    print(f"{plan.rounds} kills, {verdict.in_flight} with work under way, in {log.seconds:.0f} s: {verdict.states}")
    kinds = {order.key: f"{order.kind}, {order.buyer.account}" for order in log.orders}
    for operation in log.books.operations:
        if asked := log.books.asked.get(operation.id):
            key = operation.idempotency_key or ""
            print(f"  {key} ({kinds[key]}): {asked.kind} ({asked.owner}) at `{asked.step}`: {asked.reason}")
    for fault in verdict.faults[:_SHOWN]:
        print(f"  {fault}")
    if options.report:
        machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
        print(write(result(log, verdict, machine), options.database, options.report))
    return 1 if verdict.faults else 0


@contextmanager
def _plan(options: argparse.Namespace, folder: Path) -> Iterator[Plan]:
    rounds, seed, accounts = options.rounds, options.seed, options.accounts
    if options.database == "sqlite":
        store = fresh_sqlite(folder)
        durable = store.replace("opsgraph.db", "durable.db")
        yield Plan(store=store, durable=durable, rounds=rounds, accounts=accounts, seed=seed)
        return
    with fresh_postgres() as url:
        yield Plan(store=url, durable=url, rounds=rounds, accounts=accounts, seed=seed, apart=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=1000, help="how many kills, each with three new orders")
    parser.add_argument("--accounts", type=int, default=500, help="accounts of the simulated company")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "writes", help="folder of the report")
    parser.add_argument("--no-report", dest="report", action="store_const", const=None)
    parser.add_argument("--keep", type=Path, help="where to keep what the crews said, if anything is wrong")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
