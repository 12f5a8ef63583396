"""`docs/benchmarks.md` and its charts, from the results of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.lineup import FACTS, OPSGRAPH
from bench.report import sections, texts
from bench.report.charts import Bar, bars, stacks
from bench.report.targets import targets, verdict
from bench.results import Results, middle
from bench.shares import NAMES
from bench.workloads import BY_NAME

_OURS = (OPSGRAPH.name, FACTS.name)


def write(results: Results, folder: Path) -> str:
    """Writes the report and its charts; gives its verdicts as text."""
    charts = folder / "benchmarks"
    charts.mkdir(parents=True, exist_ok=True)
    (charts / "cpu.svg").write_text(_cpu(results))
    (charts / "slow.svg").write_text(_slow(results))
    (charts / "shares.svg").write_text(_shares(results))
    judged = targets(results)
    table = sections.table(
        ("target", "goal", "found", ""), [(each.what, each.goal, each.found, verdict(each)) for each in judged]
    )
    parts = [
        texts.HEAD.format(machine=sections.machine(results)),
        f"## Targets\n\n{table}",
        f"## Side by side\n\n![Processor time for each request](benchmarks/cpu.svg)\n\n{sections.closed(results)}",
        sections.upstreams(results),
        f"## Upstreams 20 ms slower\n\n![Latency](benchmarks/slow.svg)\n\n{sections.slow(results)}",
        f"## At fixed rates\n\n{sections.open_loop(results)}",
        f"## Unseen documents\n\n{sections.unseen(results)}",
        f"## What the policies cost\n\n{sections.policy(results)}",
        f"## Where the time goes\n\n![Shares](benchmarks/shares.svg)\n\n{sections.shares(results)}",
        f"## At home\n\n{sections.home(results)}" if results.home is not None else "",
        f"## Memory\n\n{sections.memory(results)}",
        f"## What this does not show\n\n{texts.LIMITS}",
    ]
    (folder / "benchmarks.md").write_text("\n\n".join(part.strip() for part in parts if part) + "\n")
    return "\n".join(f"{verdict(each):18} {each.what}: {each.found} ({each.goal})" for each in judged)


def _cpu(results: Results) -> str:
    panels: list[tuple[str, Sequence[Bar]]] = []
    for workload, cells in results.closed.items():
        made = [
            Bar(results.titles[name], middle(samples), f"{middle(samples):.2f} ms", name in _OURS)
            for name, samples in cells.items()
        ]
        shown = BY_NAME[workload]
        panels.append((f"{shown.title}: {shown.leaves:,} leaves, {len(shown.calls)} upstream calls", made))
    return bars("Processor time of a request (less is better)", panels)


def _slow(results: Results) -> str:
    panels: list[tuple[str, Sequence[Bar]]] = []
    for workload, cells in results.slow.items():
        made = []
        for name, samples in cells.items():
            if name == FACTS.name:
                continue
            latency = middle(samples, lambda sample: sample.p50)
            made.append(Bar(results.titles[name], latency, f"{latency:.0f} ms", name in _OURS))
        panels.append((BY_NAME[workload].title, made))
    return bars("Latency (p50) where every upstream answers 20 ms later (less is better)", panels)


def _shares(results: Results) -> str:
    rows: list[tuple[str, Mapping[str, float]]] = [
        (
            f"{BY_NAME[workload].title}, {results.titles[name].removeprefix('Opsgraph, ').replace('Opsgraph', 'cold')}",
            found,
        )
        for name, by_workload in results.shares.items()
        for workload, found in by_workload.items()
    ]
    if results.home is not None:
        rows += [(f"{sections.title(each.name)}, at home", each.shares) for each in results.home.answers]
    return stacks("Where Opsgraph's processor time goes", rows, NAMES)
