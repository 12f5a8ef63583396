"""The report on the latency of writes: the figures of each layout as JSON, and a page made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.writes.figures import Figures, Promise, Spread


class Result(msgspec.Struct, frozen=True):
    """One layout on one machine: `turns` of so many `seconds`. `trial`: the machine had other things to do as well."""

    machine: str
    turns: int
    seconds: float
    figures: Figures
    trial: bool = False


def write(found: Result, folder: Path) -> Path:
    """Adds a layout to `latency.json`, in place of what was known of it, and writes `latency.md`; gives the page."""
    folder.mkdir(parents=True, exist_ok=True)
    file, page = folder / "latency.json", folder / "latency.md"
    known = msgspec.json.decode(file.read_bytes(), type=dict[str, Result]) if file.exists() else {}
    known[found.figures.layout.name] = found
    file.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    page.write_text(markdown(known), encoding="utf-8")
    return page


def markdown(results: Mapping[str, Result]) -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for name, result in sorted(results.items()):
        parts += [_layout(name, result), ""]
    return "\n".join([*parts, _READING])


def _layout(name: str, result: Result) -> str:
    found = result.figures
    rows = [
        _row("accepting, without reading the facts", found.added),
        _row("accepting, with reading and judging the facts", found.accepting),
        _row("an order, as its caller sees it", found.ordering),
        _row("a lookup, nothing beside it", found.reads),
        _row("a lookup, orders beside it", found.beside),
    ]
    return "\n".join(
        [
            f"## {name[0].upper()}{name[1:]}: {found.layout.rate:g} orders a second",
            "",
            (
                f"{result.turns} turns of {result.seconds:g} s each without and with orders, on {result.machine}; "
                f"{found.failed} requests failed."
                f"{_TRIAL if result.trial else ''}"
            ),
            "",
            "| ms | p50 | p99 | most | of |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *map(_promise, found.promises),
        ]
    )


def _row(name: str, found: Spread) -> str:
    return f"| {name} | {found.p50:.1f} | {found.p99:.1f} | {found.most:.1f} | {found.count:,} |"


def _promise(promise: Promise) -> str:
    return f"- {'holds' if promise.holds else '**does not hold**'}: {promise.text} ({promise.found})"


_TRIAL = " **A trial: the machine had other things to do as well, so that these are not the figures that count.**"
_INTRODUCTION = """\
# What accepting an order costs

A gateway serves lookups, 40 a second, and accepts orders beside them, both in an open loop: a time counts from when its
request was due. In turns, lookups alone and with orders. `python -m bench.writes` measures it again.

"""
_READING = """\
## How to read it

- **Accepting** is everything from the command to the answer: looking for its key, switches, the write rules, one
  transaction for row, grounds, approvals and audit. The commit is on the disk before it is answered; the run is started
  beside the answer. Reading the facts (account, customer, credit, prices, period) is what a validation does too; it is
  left out of the first row, because it is not the write that needs it; the look for the command's key goes on beside it
  and costs time only where it takes longer. Orders come by a route of the benchmark's own:
  what GraphQL adds to any request stands in benchmarks.md, and the full validation that the gateway judges an order by
  (docs/validate-order.md) is reading and judging, too.
- **Distributed**: the gateway only accepts and enqueues, and a worker carries the orders out. On a machine of its own
  it would take no processor from the gateway and its database: it stands still while the load runs, and goes on
  between.
- **At work on the same cores**: the same, and the worker works all the time, beside the systems and the load, with
  lower priority; nothing is promised for two cores that do everything. It is slower than the orders come.
- **Embedded**: the same process accepts and carries out. Steps begin when nothing is being accepted, or 0.05 s later.
- **A lookup with nothing beside it** may take longer than one with orders beside it: a virtual processor that has idled
  for 5 ms or more computes slower, here by half, and the load alone leaves it idle most of the time.
- **The systems' limits are above the load**: NetSuite's simulator lets 256 requests in at once here (5 as it comes),
  the others have no limit unless one is set.
"""
