"""One stream of chance per topic, so that a change in one topic leaves the others as they were."""

from __future__ import annotations

from random import Random


class Streams:
    """`streams("people")` is the same generator each time, seeded by the enterprise's seed and the topic."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._open: dict[str, Random] = {}

    def __call__(self, topic: str) -> Random:
        stream = self._open.get(topic)
        if stream is None:
            stream = self._open[topic] = Random(f"{self._seed}:{topic}")
        return stream
