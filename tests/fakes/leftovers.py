"""What is left for the garbage collector, which comes late and stops all."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected meanwhile but what was there before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def left(*kinds: type) -> Counter[type]:
    """How many there are of these, with those that other tests have left."""
    return Counter(type(each) for each in gc.get_objects() if isinstance(each, kinds))
