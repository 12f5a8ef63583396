"""Where the time goes: a profile's own times by part of the gateway.

A built-in function counts for whoever called it. What the loop spends outside of Python (sockets, polling) is in no
profile: it is the processor time of the process less everything that is. A profile makes every Python call dearer, so
parts that call much look somewhat larger than they are.
"""

from __future__ import annotations

import pstats
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = tuple[str, int, str]
LOOP = "loop and sockets"
PARTS = (
    ("edge", ("/gateway/http/", "/uvicorn/", "/starlette/", "/anyio/", "/gateway/app.py", "/gateway/telemetry/")),
    ("identity", ("/gateway/identity/", "/jwt/")),
    ("engine", ("/gateway/engine/", "/graphql/", "/strawberry/", "/aiodataloader/", "<selection")),
    ("policies", ("/policies/", "<row rules")),
    ("resolvers", ("/resolvers/", "/bench/gateways/validation.py", "/bench/gateways/types.py")),
    ("cache", ("/sources/cache/", "/sources/cache.py", "/aiocache/")),
    ("connector: map", ("/mapping.py", "/mapping/", "/sources/canonical/", "/bench/gateways/records.py")),
    ("connector: decode", ("/sources/decode.py", "/wire.py", "/wire_documents.py")),
    ("connector: read", ("/sources/vendors/", "/bench/gateways/connector.py", "/sources/tokens.py", "/urllib/")),
    ("transport", ("/aiohttp/", "/yarl/", "/multidict/", "/propcache/", "/sources/transport", "/frozenlist/")),
    ("catalog", ("/sources/",)),
    (LOOP, ("/asyncio/", "/uvloop/", "/concurrent/", "/selectors.py")),
)
"""Parts with the places of their files; the first that fits counts."""
OTHER = "other"
NAMES = (*(name for name, _ in PARTS), OTHER)


def part_of(filename: str) -> str:
    """The part a file belongs to."""
    path = filename.replace("\\", "/")
    return next((name for name, places in PARTS if any(place in path for place in places)), OTHER)


def shares(profile: Path, processor_seconds: float) -> dict[str, float]:
    """Seconds by part."""
    stats = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined] # the one way to the callers
    spent: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        if function[0] != "~" or not callers:
            spent[part_of(function[0])] += own
            continue
        for caller, (_, _, by_caller, _) in callers.items():
            spent[_caller_part(caller, stats)] += by_caller
    spent[LOOP] += max(0.0, processor_seconds - sum(spent.values()))
    return {name: spent[name] for name in NAMES if spent[name] > 0}


def _caller_part(caller: Function, stats: dict[Function, tuple[object, ...]]) -> str:
    """A built-in that was called by a built-in counts for the first caller that is none."""
    for _ in range(8):
        if caller[0] != "~":
            return part_of(caller[0])
        above = stats.get(caller, (0, 0, 0, 0, {}))[4]
        if not isinstance(above, dict) or not above:
            return OTHER
        caller = next(iter(above))
    return OTHER
