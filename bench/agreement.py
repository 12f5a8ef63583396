"""Before anything is timed: the same data from everybody, the right calls, no answer without a token."""

from __future__ import annotations

import json
from typing import Any

from bench.arena import Arena
from bench.lineup import PLAIN
from bench.workloads import WORKLOADS, Workload, leaves

_COMPARED = 4  # sets of variables of each question


class Disagreement(RuntimeError):
    """Two gateways do not say the same: nothing they are measured by would mean anything."""


def check(arena: Arena) -> dict[str, dict[str, dict[str, int]]]:
    """Compares every gateway with the plain peer; gives the upstream calls of each, by workload.

    Raises Disagreement. A gateway that serves only some of the questions is told so by its own errors.
    """
    calls: dict[str, dict[str, dict[str, int]]] = {}
    for name in arena.running:
        _refuses(arena, name)
        calls[name] = {}
        for workload in arena.asked(name):
            _compared(arena, name, workload)
            calls[name][workload.name] = _calls(arena, name, workload)
    return calls


def _refuses(arena: Arena, name: str) -> None:
    """Without a token nothing is answered: 401, or errors and no data."""
    body = json.dumps({"query": WORKLOADS[0].document, "variables": WORKLOADS[0].variables[0]})
    status, content = arena.post(name, body, None)
    if status != 401 and not (b'"errors"' in content and not (json.loads(content).get("data") or {}).get("account")):
        raise Disagreement(f"`{arena.running[name].gateway.title}` answers without a token: it must say 401")


def _compared(arena: Arena, name: str, workload: Workload) -> None:
    for variables in workload.variables[:: max(1, len(workload.variables) // _COMPARED)]:
        mine, plain = (arena.ask(each, workload, variables) for each in (name, PLAIN.name))
        if mine.get("errors") or mine["data"] != plain["data"]:
            raise Disagreement(
                f"`{name}` and `{PLAIN.name}` differ on `{workload.name}` {variables}: {difference(mine, plain)}"
            )
        found = leaves(mine["data"])
        if found != workload.leaves:
            raise Disagreement(f"`{workload.name}` {variables} has {found} leaves, not {workload.leaves}")


def difference(left: Any, right: Any, path: str = "") -> str:
    """The first place at which two answers differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in {**left, **right}.keys() - {"extensions"}:
            found = difference(left.get(key), right.get(key), f"{path}.{key}")
            if found:
                return found
        return ""
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return next((found for index, pair in enumerate(zip(left, right, strict=True))
                     if (found := difference(*pair, f"{path}[{index}]"))), "")  # fmt: skip
    return "" if left == right else f"{path}: {left!r:.80} and {right!r:.80}"


def _calls(arena: Arena, name: str, workload: Workload) -> dict[str, int]:
    arena.control("DELETE", "/_calls")
    arena.ask(name, workload, workload.variables[-1])
    made: dict[str, int] = arena.control("GET", "/_calls")
    if arena.running[name].gateway.cold and made != dict(workload.calls):
        raise Disagreement(
            f"`{name}` makes the calls {made} for `{workload.name}`: {dict(workload.calls)} are expected"
        )
    return made
