"""The simulated company, with systems whose limits are above the load: what is measured is ours, not theirs.

`python -m bench.writes.company --accounts N` prints what `gateway.enterprise.town` prints, and ends with its input.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.enterprise import town
from sources.vendors.netsuite import simulator as netsuite

LIMITS = netsuite.Limits(concurrency=256)  # of the four, only NetSuite's has a limit unless one is set; 5 as it comes


def main() -> None:
    """Entry of the process."""
    as_it_comes = town.simulator

    def simulator(vendor: str) -> Any:
        package = as_it_comes(vendor)
        return _Wide(package) if vendor == "netsuite" else package

    town.simulator = simulator
    town.main()


class _Wide:
    """A simulator's package whose account has higher limits."""

    def __init__(self, package: Any) -> None:
        self.create_simulator = partial(package.create_simulator, limits=LIMITS)
        self.connection = package.connection


if __name__ == "__main__":
    main()
