"""The sections of the report, each a Markdown text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from bench.lineup import FACTS, PLAIN
from bench.report import texts
from bench.results import Results, interval, middle, ratio, spread
from bench.shares import NAMES
from bench.workloads import BY_NAME
from gateway.settings import Limits


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all but the first column are for numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def title(name: str) -> str:
    """How a question is called."""
    return BY_NAME[name].title if name in BY_NAME else name.replace("_", " ").capitalize()


def machine(results: Results) -> str:
    """What it ran on."""
    left = "".join(f"\n- left out: **{name}**, {why}" for name, why in results.left_out.items())
    plan = results.plan
    return texts.MACHINE.format(**results.machine, rounds=plan.rounds, seconds=plan.seconds) + left


def closed(results: Results) -> str:
    """Closed loop, 16 connections."""
    parts = ["Closed loop, 16 connections."]
    for workload, cells in results.closed.items():
        rows = []
        for name, samples in cells.items():
            low, high = spread(samples)
            cpu = middle(samples)
            rows.append(
                (
                    results.titles[name],
                    f"{cpu:.3f} ms ({low:.3f} to {high:.3f})",
                    f"{1000 / cpu:,.0f}",
                    f"{ratio(samples, cells[PLAIN.name]):.1f} times",
                    f"{middle(samples, lambda sample: sample.rate):,.0f}",
                    f"{middle(samples, lambda sample: sample.p50):.1f}",
                    f"{middle(samples, lambda sample: sample.p99):.1f}",
                    f"{middle(samples, lambda sample: sample.busy['server']):.0%}",
                )
            )
        shown = BY_NAME[workload]
        parts.append(f"### {shown.title}: {shown.leaves:,} leaves, {len(shown.calls)} upstream calls")
        head = (
            "gateway",
            "processor time",
            "a core answers /s",
            "against plain Strawberry",
            "measured /s",
            "p50",
            "p99",
        )
        parts.append(table((*head, "of its core"), rows))
    return "\n\n".join(parts)


def upstreams(results: Results) -> str:
    """Why the upstreams are never what is measured."""
    cells = [sample for by_name in results.closed.values() for samples in by_name.values() for sample in samples]
    most = max(sample.busy["upstreams"] + sample.busy["generator"] for sample in cells)
    busiest = max(sample.busy["upstreams"] for sample in cells)
    served = results.upstreams
    return texts.UPSTREAMS.format(each=served.microseconds, rate=served.rate, busiest=busiest, most=most)


def slow(results: Results) -> str:
    """Every upstream answer 20 ms later."""
    workloads = list(results.slow)
    rows = []
    for name, shown in results.titles.items():
        found = [results.slow[workload].get(name, []) for workload in workloads]
        p50 = lambda sample: sample.p50  # noqa: E731 - three words
        rows.append([shown, *(f"{middle(samples, p50):.1f}" if samples else "" for samples in found)])
    return f"{texts.SLOW}\n\n{table(('gateway', *(title(name) for name in workloads)), rows)}"


def open_loop(results: Results) -> str:
    """Fixed rates."""
    rows = [
        (
            title(workload),
            results.titles[name],
            f"{rate:,.0f}",
            f"{sample.rate:,.0f}",
            f"{sample.p50:.1f}",
            f"{sample.p99:.1f}",
            str(sample.late),
            f"{sample.busy['server']:.0%}",
        )
        for workload, cells in results.open.items()
        for name, samples in cells.items()
        for rate, sample in samples
    ]
    text = texts.OPEN.format(timeout=results.plan.timeout)
    head = ("question", "gateway", "offered /s", "answered /s", "p50 ms", "p99 ms", "late", "of its core")
    return f"{text}\n\n{table(head, rows)}"


def unseen(results: Results) -> str:
    """Documents nobody has seen before."""
    rows = []
    for workload, cells in results.unseen.items():
        for name, samples in cells.items():
            low, high = spread(samples)
            cpu = middle(samples)
            rows.append(
                (
                    title(workload),
                    results.titles[name],
                    f"{cpu:.2f} ms ({low:.2f} to {high:.2f})",
                    f"{ratio(cells[PLAIN.name], samples):.2f} times",
                )
            )
    head = ("question", "gateway", "processor time of a request", "of plain Strawberry")
    return f"{texts.UNSEEN}\n\n{table(head, rows)}"


_ROLES = {
    "reader": "rules that allow all",
    "masked": "masks on ten fields",
    "regional": "row rules by region",
}


def policy(results: Results) -> str:
    """Rules against no rules."""
    rows = []
    for name, by_role in results.policy.items():
        for role, pairs in by_role.items():
            by_pair = pairs.ratios()
            low, high = interval(by_pair)
            rows.append(
                (
                    results.titles[name],
                    _ROLES[role],
                    f"{len(by_pair)}",
                    f"{median(pairs.free):.3f} ms",
                    f"{median(pairs.ruled):.3f} ms",
                    f"{median(by_pair):.3f} times ({low:.3f} to {high:.3f})",
                )
            )
    text = texts.POLICY.format(seconds=results.plan.policy_seconds)
    head = ("gateway", "rules", "pairs", "processor time without rules", "with them", "of no rules")
    return f"{text}\n\n{table(head, rows)}"


def shares(results: Results) -> str:
    """Parts of Opsgraph, side by side."""
    rows = []
    for name, by_workload in results.shares.items():
        for workload, found in by_workload.items():
            cpu = middle(results.closed[workload][name])
            label = f"{title(workload)}, {'from facts' if name == FACTS.name else 'cold'}"
            rows.append([label, f"{cpu:.3f} ms", *(_share(found.get(part, 0)) for part in _parts(results))])
    return table(("question", "processor time", *_parts(results)), rows)


def _parts(results: Results) -> list[str]:
    everywhere = [found for by_workload in results.shares.values() for found in by_workload.values()]
    everywhere += [dict(each.shares) for each in results.home.answers] if results.home else []
    return [name for name in NAMES if any(found.get(name, 0) >= 0.005 for found in everywhere)]


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.005 else ""


def home(results: Results) -> str:
    """The vendors' connectors and simulators."""
    assert results.home is not None
    rows = [
        [
            title(each.name),
            f"{each.leaves:.0f}",
            f"{each.calls:.1f}",
            f"{each.cpu:.2f} ms",
            f"{each.warm:.2f} ms",
            *(_share(each.shares.get(part, 0)) for part in _parts(results)),
        ]
        for each in results.home.answers
    ]
    text = texts.HOME.format(accounts=results.home.accounts)
    return (
        f"{text}\n\n{table(('question', 'leaves', 'calls', 'processor time', 'from memory', *_parts(results)), rows)}"
    )


def memory(results: Results) -> str:
    """Resident memory."""
    rows = [
        (
            results.titles[name],
            f"{each.imports:.0f}" if each.imports else "",
            f"{each.ready:.0f}",
            f"{each.loaded:.0f}",
            f"{each.loaded - each.imports:.0f}" if each.imports else "",
            f"{each.flooded:.0f}" if each.flooded else "",
        )
        for name, each in results.memory.items()
        if name in results.titles
    ]
    if results.home is not None:
        kept = results.home.memory
        row = (f"{kept.imports:.0f}", f"{kept.ready:.0f}", f"{kept.loaded:.0f}", f"{kept.loaded - kept.imports:.0f}")
        rows.append(("Opsgraph at home", *row, ""))
    columns = ("everything imported", "ready", "after the load", "above the imports", "after the flood")
    text = texts.MEMORY.format(megabytes=Limits().remembered_bytes // 2**20)
    return f"{text}\n\n{table(('resident MB', *columns), rows)}"
