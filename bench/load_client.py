"""The harness's side of the load generator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench.processes import PYTHON, Program


class Generator:
    """The running generator."""

    def __init__(self, core: int | None) -> None:
        self.program = Program("generator", [PYTHON, "-m", "bench.load"], core)
        self.program.line()

    def order(self, order: Mapping[str, Any]) -> dict[str, float]:
        """Has an order carried out; see `bench.load`."""
        self.program.say(json.dumps(order))
        done: dict[str, float] = json.loads(self.program.line(seconds=float(order["seconds"]) + 90))
        return done

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.end()
