"""Deadline: a call with all its repetitions ends within its source's time, and a read never after its asker's.

A write that was sent is not cut off by its asker's time: what becomes of it would then be unknown for no good reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sources.alarms import Alarm, Alarms
from sources.errors import SourceError, TimedOut
from sources.pipeline import course
from sources.pipeline.course import Course
from sources.pipeline.outcome import unknown
from sources.ports import Call, Effect, Layer, Reply, Send


def deadline(source: str, seconds: float, *, clock: Callable[[], float], alarms: Alarms) -> Layer:
    """A layer that gives up after `seconds` (or the call's own `timeout`), or when the errand's `until` has come; of a
    write that was sent by then, only after `seconds`.

    Raises TimedOut that names the source; of a write that may have reached it, OutcomeUnknown.
    """

    def layer(send: Send) -> Send:
        async def limited(call: Call) -> Reply:
            under_way = course.current()
            now = clock()
            latest = now + (call.timeout or seconds)
            until = under_way.until = min(latest, under_way.errand.until)
            under_way.latest = until if call.effect is Effect.READ else latest
            if until <= now:
                raise TimedOut(f"no time is left to ask `{source}`", source=source, unsent=True)
            task = asyncio.current_task()
            if task is None:
                raise RuntimeError("a call can only be made inside a task: what gives it up is the task's cancellation")
            before = task.cancelling()
            if call.effect is Effect.READ:
                alarm = alarms.at(until, task.cancel)
            else:
                alarm = _of_write(alarms, until, latest, under_way, task)
            try:
                return await send(call)
            except asyncio.CancelledError:
                if not alarm.rang or task.cancelling() - 1 > before:  # somebody else gives it up
                    raise
            finally:
                alarms.stop(alarm)
                if alarm.rang:
                    task.uncancel()
            raise _given_up(source, call, under_way, clock() - now)

        return limited

    return layer


def _of_write(alarms: Alarms, until: float, latest: float, under_way: Course, task: asyncio.Task[object]) -> Alarm:
    """Ends a write at `until`, or at `latest` where it was sent by then."""

    def ring() -> None:
        nonlocal until
        if under_way.sent and until < latest:
            until = latest
            alarms.again(alarm, latest)
            return
        task.cancel()

    alarm = alarms.at(until, ring)
    return alarm


def _given_up(source: str, call: Call, under_way: Course, limit: float) -> SourceError:
    if under_way.sent and call.effect is not Effect.READ:
        return unknown(source, call.effect)
    if under_way.sent:
        return TimedOut(f"no answer from `{source}` within {limit:.3g} s", source=source)
    return TimedOut(f"no turn at `{source}` within {limit:.3g} s: nothing was sent", source=source, unsent=True)
