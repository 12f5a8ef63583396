"""Calls and answers that the tests of the pipeline use."""

from typing import Any

from sources import errors
from sources.errand import Errand, Lane, begin
from sources.ports import Call, Effect, Reply

READ = Call("GET", "https://example.test/things", operation="things", effect=Effect.READ)
WRITES = {
    effect: Call("POST", "https://example.test/things", operation="things.create", effect=effect)
    for effect in (Effect.KEYED, Effect.UPSERT, Effect.ONCE)
}
CALLS = {Effect.READ: READ, **WRITES}


def ok() -> Reply:
    return Reply(200, {}, b"{}")


def on_behalf(lane: Lane = Lane.PORTAL, **more: Any) -> Errand:
    """Makes it the errand of this task."""
    errand = Errand(lane=lane, **more)
    begin(errand)
    return errand


def unsent() -> errors.SourceError:
    return errors.Unavailable("refused", unsent=True)


def lost() -> errors.SourceError:
    return errors.Unavailable("reset")


def throttled(after: float | None = None) -> errors.SourceError:
    return errors.Throttled("slow down", retry_after=after)
