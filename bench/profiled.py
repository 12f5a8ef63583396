"""Runs a gateway whose profile can be taken: SIGUSR1 starts it, the next one writes it and says `written`."""

from __future__ import annotations

import cProfile
import importlib
import signal
import sys
from types import FrameType


def main() -> None:
    """`python -m bench.profiled FILE MODULE ARGUMENTS...`; the module has a `main(arguments)`."""
    target, module, *arguments = sys.argv[1:]
    profile = cProfile.Profile()
    running = False

    def toggle(_number: int, _frame: FrameType | None) -> None:
        nonlocal profile, running
        running = not running
        if running:
            profile = cProfile.Profile()
            profile.enable()
            return
        profile.disable()
        profile.dump_stats(target)
        print("written", flush=True)

    signal.signal(signal.SIGUSR1, toggle)
    importlib.import_module(module).main(arguments)


if __name__ == "__main__":
    main()
