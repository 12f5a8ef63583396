"""The report on kills: what was found on each database as JSON, and a page made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.kills.scene import Log
from bench.kills.verdict import Verdict


class Result(msgspec.Struct, frozen=True):
    """One run on one database."""

    machine: str
    rounds: int
    at_once: int
    seed: int
    seconds: float
    orders: int
    effects: int
    records: int
    verdict: Verdict


def result(log: Log, verdict: Verdict, machine: str) -> Result:
    """What is kept of a run."""
    plan = log.plan
    return Result(
        machine=machine,
        rounds=plan.rounds,
        at_once=plan.at_once,
        seed=plan.seed,
        seconds=log.seconds,
        orders=len(log.orders),
        effects=len(log.effects),
        records=log.books.records,
        verdict=verdict,
    )


def write(found: Result, database: str, folder: Path) -> Path:
    """Adds a run to `kills.json`, in place of the last one on this database, and writes `kills.md`; gives the page."""
    folder.mkdir(parents=True, exist_ok=True)
    file, page = folder / "kills.json", folder / "kills.md"
    known = msgspec.json.decode(file.read_bytes(), type=dict[str, Result]) if file.exists() else {}
    known[database] = found
    file.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    page.write_text(markdown(known), encoding="utf-8")
    return page


def markdown(results: Mapping[str, Result]) -> str:
    """The page."""
    return "\n".join([_INTRODUCTION, *_table(dict(sorted(results.items(), reverse=True))), "", _READING])


def _table(results: Mapping[str, Result]) -> list[str]:
    runs = list(results.values())
    rows: list[tuple[str, list[str]]] = [
        ("kills", [f"{run.rounds:,}" for run in runs]),
        ("… with work under way", [_share(run.verdict.in_flight, run.rounds) for run in runs]),
        ("… between a command and its note", [_share(run.verdict.mid_step, run.rounds) for run in runs]),
        ("… before the crew was ready", [_share(run.verdict.starting, run.rounds) for run in runs]),
        ("orders", [f"{run.orders:,}" for run in runs]),
        *_counted("ended", [run.verdict.states for run in runs]),
        *_counted("asked", [run.verdict.asked for run in runs]),
        ("effects in the four systems", [f"{run.effects:,}" for run in runs]),
        ("answers compared", [f"{run.verdict.answers:,}" for run in runs]),
        ("audit records verified", [f"{run.records:,}" for run in runs]),
        ("**lost, doubled, half done, changed**", [f"**{len(run.verdict.faults)}**" for run in runs]),
        ("minutes", [f"{run.seconds / 60:.1f}" for run in runs]),
        ("seed", [str(run.seed) for run in runs]),
        ("on", [run.machine for run in runs]),
    ]
    head = ["| | " + " | ".join(results) + " |", "|---" * (len(runs) + 1) + "|"]
    faults = [f"- {name}: {fault}" for name, run in results.items() for fault in run.verdict.faults]
    return [*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows), *(["", *faults] if faults else [])]


def _counted(what: str, counts: Sequence[Mapping[str, int]]) -> list[tuple[str, list[str]]]:
    names = sorted(set().union(*counts))
    return [(f"{what}: {name}", [f"{each.get(name, 0):,}" for each in counts]) for name in names]


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.0%})"


_INTRODUCTION = """\
# Killed in the middle

Orders go to the four simulated systems while the processes that send them are killed with `kill -9`, again and again,
at random points. The systems, in a process of their own, live on, and keep a ledger of all that happened to them. In
half of the rounds one of them fails as well: it resets connections, answers 500, answers too late, or is
slow. `python -m bench.kills` does it again.

- **On SQLite** one process accepts orders and carries them out. **On PostgreSQL** a gateway accepts and a worker
  carries out: one process group, killed as one.
- **The orders** are plain ones, ones with a support plan, and to be charged without a payment method: that is refused
  after three systems hold something. Others start in 20 days, and every second of those is called back by its caller
  until it has ended. Some buyers are new to all systems; some are claimed twice.
- **A caller** sends an order under its key until it is answered, and now and then again.
"""
_READING = """\
*With work under way*: read from our tables right after the kill, at least one operation had been accepted and had not
come to its end. *Between a command and its note*: at least one step had been begun, and nobody had written down what
became of it.

At the end a crew that is not killed finishes what is left, and every order is sent once more. Then 20 days pass in all
systems and here, and what has waited for its start begins. Then, from the ledgers:

- every order is one operation: `COMPLETED`, `COMPENSATED`, or `NEEDS_ATTENTION` with an owner; none stands still;
- a completed one has all its effects, each once and in order; of one taken back, what was made has been ended in
  reverse order and what was billed is void; one that waits has a beginning of them and nothing else;
- no effect is of an operation that nobody knows; no customer or organization was made twice;
- every answer to a key is the same one, whether it came before or after a kill;
- ended orders hold no credit back; the audit's chains are whole.
"""
