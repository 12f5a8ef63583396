"""How work grows with what there is to do: a ratio of two measurements side by side, whatever the machine is like."""

import time
from collections.abc import Callable

TRIES = 3


def growth(work: Callable[[int], object], small: int, large: int) -> float:
    """How many times as much CPU `work(large)` takes as `work(small)`: the least of three each, taken in turns."""
    took: dict[int, list[float]] = {small: [], large: []}
    for _ in range(TRIES):
        for size, times in took.items():
            began = time.process_time()
            work(size)
            times.append(time.process_time() - began)
    return min(took[large]) / max(min(took[small]), 1e-4)
