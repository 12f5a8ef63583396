"""Compares the engine with graphql-core over any number of drawn cases; shrinks and keeps what differs.

    python -m bench.differential --cases 20000 --seed 1000
    python -m bench.differential --only own:660

Half of the cases are over nasty schemas, half over our own. The report goes to docs/differential.md; what differs is
kept in bench/differential-failing.json, which the next run tries first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import graphql
import msgspec

from tests.gateway.engine.differential import nasty_cases, own_cases
from tests.gateway.engine.differential.shrink import shrunk

_ROOT = Path(__file__).parent.parent
_REPORT, _FAILING = _ROOT / "docs" / "differential.md", _ROOT / "bench" / "differential-failing.json"
_KINDS: Mapping[str, ModuleType] = {"nasty": nasty_cases, "own": own_cases}
_MARK = "## The last run"  # what the report puts below it is its own; what stands above is written by hand
_SHRUNK = 5  # failures that are shrunk; the rest are only named


class Failure(msgspec.Struct):
    """A case that differs, with the smallest document that still does."""

    kind: str
    seed: int
    text: str
    variables: dict[str, Any]
    differences: list[str]


class Part(msgspec.Struct):
    """What came of the cases of one kind."""

    name: str
    cases: int
    kinds: Counter[str]
    seconds: float
    failures: list[Failure]


async def compare(name: str, seeds: Iterable[int]) -> Part:
    """Runs the cases of some seeds."""
    cases, kinds, failures, began = 0, Counter[str](), list[Failure](), time.perf_counter()
    for seed in seeds:
        case = _KINDS[name].drawn(seed)
        verdict = await _KINDS[name].judged(case)
        cases += 1
        kinds[verdict.kind] += 1
        if verdict.differences:
            print(f"{name}:{seed} differs: {verdict.differences[0][:200]}", flush=True)
            failures.append(await _failure(name, case, verdict.differences, small=len(failures) < _SHRUNK))
        if cases % 2000 == 0:
            print(f"{name}: {cases} cases, {len(failures)} differ", flush=True)
    return Part(name, cases, kinds, time.perf_counter() - began, failures)


async def _failure(name: str, case: Any, different: Sequence[str], *, small: bool) -> Failure:
    judged = _KINDS[name].judged

    async def still_fails(text: str) -> bool:
        found = (await judged(msgspec.structs.replace(case, text=text))).differences
        return bool(found) and found[0].split(":")[0][:40] == different[0].split(":")[0][:40]

    text = await shrunk(case.text, still_fails) if small else case.text
    left = (await judged(msgspec.structs.replace(case, text=text))).differences
    return Failure(name, case.seed, text, case.variables, left)


# ---------------------------------------------------------------- the report


def report(parts: Sequence[Part], first: int) -> str:
    """The part of the page that says what came of a run."""
    total, differ = sum(part.cases for part in parts), sum(len(part.failures) for part in parts)
    columns = sorted({kind for part in parts for kind in part.kinds})
    about = (
        f"{_MARK}\n\n{total:,} cases from seed {first}, {differ} with differences. graphql-core "
        f"{graphql.__version__}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}.\n"
    )
    lines = [
        about,
        "| schema | cases | " + " | ".join(columns) + " | ms a case | differ |",
        "|---|" + "---:|" * (len(columns) + 3),
    ]
    for part in parts:
        counts = " | ".join(f"{part.kinds[kind]:,}" for kind in columns)
        each = 1000 * part.seconds / max(part.cases, 1)
        lines.append(f"| {part.name} | {part.cases:,} | {counts} | {each:.1f} | {len(part.failures)} |")
    return "\n".join([*lines, "", *_told(parts)]) + "\n"


def _told(parts: Sequence[Part]) -> list[str]:
    failures = [each for part in parts for each in part.failures]
    return [
        f"### {each.kind}:{each.seed}\n\n```graphql\n{each.text}\n```\n\n`{json.dumps(each.variables)}`\n\n"
        + "\n".join(f"- {line[:300]}" for line in each.differences[:5])
        for each in failures[:_SHRUNK]
    ]


def _failing() -> list[tuple[str, int]]:
    return [tuple(each) for each in json.loads(_FAILING.read_text())] if _FAILING.exists() else []


def _keep(parts: Sequence[Part]) -> None:
    failing = [(each.kind, each.seed) for part in parts for each in part.failures]
    if failing:
        _FAILING.write_text(json.dumps(failing) + "\n")
    else:
        _FAILING.unlink(missing_ok=True)


async def everything(cases: int, first: int) -> list[Part]:
    """Half of the cases of each kind, and before them what differed last time."""
    parts = []
    for name in _KINDS:
        known = [seed for kind, seed in _failing() if kind == name]
        seeds = range(first, first + cases // len(_KINDS))
        parts.append(await compare(name, [*known, *seeds]))
    return parts


def main() -> int:
    """Runs; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="how many in all (20000)")
    parser.add_argument("--seed", type=int, default=1_000, help="the first seed (1000)")
    parser.add_argument("--only", help="one case, such as `own:660`: prints it, writes nothing")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)  # every INTERNAL error would be told
    if asked.only:
        kind, _, seed = asked.only.partition(":")
        (part,) = [asyncio.run(compare(kind, [int(seed)]))]
        print("\n".join(_told([part])) or "no differences")
        return bool(part.failures)
    parts = asyncio.run(everything(asked.cases, asked.seed))
    _REPORT.write_text(_REPORT.read_text().partition(_MARK)[0] + report(parts, asked.seed))
    _keep(parts)
    print(f"{sum(part.cases for part in parts)} cases: see {_REPORT.relative_to(_ROOT)}")
    return any(part.failures for part in parts)


if __name__ == "__main__":
    sys.exit(main())
