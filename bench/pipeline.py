"""What the pipeline costs a call: processor time beyond the bare send, measured in pairs in one run."""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Sequence

from sources import errand
from sources.errand import Errand, Lane
from sources.pipeline.pipeline import Pipeline
from sources.pipeline.telemetry import Called, Changed
from sources.ports import Allowance, Call, Effect, Limit, Reply, Send
from sources.settings import SourceSettings

_CALL = Call("GET", "https://example.test/", operation="bench", effect=Effect.READ, read=lambda reply: reply.status)
_SETTINGS = SourceSettings(vendor="bench", url="https://example.test")
BOUND = 15.0  # microseconds of processor time


class Counter:
    """The observer that does least: it counts."""

    def __init__(self) -> None:
        self.calls = self.changes = 0

    def called(self, event: Called) -> None:
        """See Observer."""
        self.calls += 1

    def circuit(self, event: Changed) -> None:
        """See Observer."""
        self.changes += 1


async def _answer(_call: Call) -> Reply:
    return Reply(200, {"x-limit": "100", "x-left": "99"}, b"{}")


async def _waits(_call: Call) -> Reply:
    """As a transport does: the loop runs in between."""
    await asyncio.sleep(0)
    return Reply(200, {"x-limit": "100", "x-left": "99"}, b"{}")


async def _calls(send: Send, number: int, width: int) -> float:
    """Microseconds of processor time a call; `width` callers at once."""

    async def caller() -> None:
        errand.begin(Errand(lane=Lane.LOOKUP, until=time.monotonic() + 60))
        for _ in range(number // width):
            await send(_CALL)

    gc.collect()
    started = time.process_time()
    await asyncio.gather(*(caller() for _ in range(width)))
    return (time.process_time() - started) / (number // width * width) * 1e6


def _variants() -> dict[str, tuple[Send, Send, int]]:
    """By name: the bare send, the same through a pipeline, and how many call at once."""

    def pipeline(send: Send, **more: object) -> Send:
        return Pipeline("bench", _SETTINGS, send, **more).send  # type: ignore[arg-type]

    return {
        "answers at once": (_answer, pipeline(_answer), 1),
        "waits once": (_waits, pipeline(_waits), 1),
        "waits once, 20 at once": (_waits, pipeline(_waits), 20),
        "with an observer": (_waits, pipeline(_waits, observers=(Counter(),)), 20),
        "with limits told": (_waits, pipeline(_waits, limits=lambda _: (Limit("calls", 100, 99, 60.0),)), 20),
        "with an allowance": (_waits, pipeline(_waits, allowance=Allowance("a", concurrent=50)), 20),
        "60 at once: queues": (_waits, pipeline(_waits), 60),
    }


async def measure(number: int, rounds: int) -> dict[str, tuple[float, float, float]]:
    """By variant: the bare send, the pipeline, and the median of what it adds; in microseconds."""
    figures = {}
    for name, (bare, layered, width) in _variants().items():
        await _calls(layered, number // 10, width)
        pairs = [(await _calls(bare, number, width), await _calls(layered, number, width)) for _ in range(rounds)]
        added = statistics.median(after - before for before, after in pairs)
        figures[name] = (
            statistics.median(before for before, _ in pairs),
            statistics.median(after for _, after in pairs),
            added,
        )
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.pipeline [--calls N] [--rounds N] [--asyncio]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--asyncio", action="store_true", help="the loop of the standard library instead of uvloop")
    options = parser.parse_args(arguments)
    factory = None
    if not options.asyncio:
        import uvloop  # noqa: PLC0415 - absent where the platform has none

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        figures = runner.run(measure(options.calls, options.rounds))
    print(f"{'microseconds of CPU a call':28}{'bare':>8}{'pipeline':>10}{'added':>8}")
    for name, (bare, layered, added) in figures.items():
        print(f"{name:28}{bare:8.2f}{layered:10.2f}{added:8.2f}{'' if added < BOUND else '  over the bound'}")


if __name__ == "__main__":
    main()
