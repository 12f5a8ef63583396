"""An observer that remembers."""

from sources.pipeline.telemetry import Called, Changed


class Watcher:
    """`events` as they came."""

    def __init__(self) -> None:
        self.calls: list[Called] = []
        self.changes: list[Changed] = []

    def called(self, event: Called) -> None:
        self.calls.append(event)

    def circuit(self, event: Changed) -> None:
        self.changes.append(event)


class Broken(Watcher):
    """Fails at everything."""

    def called(self, event: Called) -> None:
        raise ZeroDivisionError

    def circuit(self, event: Changed) -> None:
        raise ZeroDivisionError
