"""The soak's report: a page of Markdown, and everything as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.resilience.figures import Figures, Times, Verdict
from bench.resilience.scene import Plan

_MARKS = {True: "✓", False: "✗", None: "—"}


class Results(msgspec.Struct, frozen=True):
    """Of a whole soak: `before` are the healthy times of all runs by kind, `runs` the figures and their verdicts."""

    machine: str
    plan: Plan
    before: dict[str, Times]
    runs: tuple[tuple[Figures, tuple[Verdict, ...]], ...]

    def holds(self) -> bool:
        """Whether no claim fails."""
        return not any(verdict.holds is False for _, verdicts in self.runs for verdict in verdicts)


def write(results: Results, folder: Path) -> Path:
    """Writes `soak.md` and `soak.json`; gives the former."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    page = folder / "soak.md"
    page.write_text(markdown(results), encoding="utf-8")
    return page


def markdown(results: Results) -> str:
    """The page."""
    plan = results.plan
    return "\n".join(
        [
            f"# One source fails: `{plan.sick}`",
            "",
            (
                f"{plan.rate:g} asks a second, in an open loop: of ten, four ask other sources only (a), four ask "
                f"`{plan.sick}` too (b), two are entitlement checks (c); every other one is about one of ten accounts, "
                f"the rest walk through all. Each fault: {plan.healthy:g} s healthy, {plan.failing:g} s failing, "
                f"{plan.recovering:g} s to recover. Company, proxies, gateway and load are processes of their own "
                f"on {results.machine}. Times in milliseconds, from when an ask was due."
            ),
            "",
            *_verdict_table(results.runs),
            "",
            "✓ holds, ✗ fails, — does not apply: the circuit never opened.",
            "",
            *_figure_table(results.before, [found for found, _ in results.runs]),
            "",
        ]
    )


def _verdict_table(runs: Sequence[tuple[Figures, Sequence[Verdict]]]) -> list[str]:
    claims = [verdict.claim for verdict in runs[0][1]]
    numbered = [f"{number}. {claim}" for number, claim in enumerate(claims, 1)]
    head = "| fault | " + " | ".join(str(number) for number in range(1, len(claims) + 1)) + " |"
    rows = [
        f"| {found.fault} | " + " | ".join(f"{_MARKS[each.holds]} {each.figure}" for each in verdicts) + " |"
        for found, verdicts in runs
    ]
    return [*numbered, "", head, "|---" * (len(claims) + 1) + "|", *rows]


def _figure_table(before: Mapping[str, Times], runs: Sequence[Figures]) -> list[str]:
    rows = [f"| *healthy* | {_pair(before['a'])} | {_pair(before['b'])} | | {_pair(before['c'])} | | | |"]
    for found in runs:
        a, b, c = (found.times[kind] for kind in "abc")
        opened = "—" if found.open_seconds is None else f"{found.open_seconds:.0f} s"
        rows.append(
            f"| {found.fault} | {_pair(a['failing'])} | {_pair(b['closed'])} | {_pair(b['open'])} "
            f"| {_pair(c['failing'])} | {opened} | {_counted(found.served)} | {_counted(found.codes)} |"
        )
    return [
        "| fault | a: p50 / p99 | b, circuit closed | b, open | c | open for | its facts | its errors |",
        "|---" * 8 + "|",
        *rows,
    ]


def _pair(taken: Times) -> str:
    return f"{taken.p50:.0f} / {taken.p99:.0f}" if taken.count else "—"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "—"
