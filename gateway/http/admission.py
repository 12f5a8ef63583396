"""Admission: when there is more to do than can be done, the lowest lane is refused first, before work is done for it.

Two signals say so: how many requests are under way, and how late the event loop comes to what is due. A lane is
refused when all requests together fill its share, or when the loop has been too late for it during a whole interval
(the least delay of the interval counts, as in CoDel: one long pause sheds nobody).
"""

from __future__ import annotations

import logging

from gateway.settings import AdmissionSettings, ByLane
from gateway.telemetry.exposition import Counter
from sources.errand import Lane

CODE = "OVERLOADED"
MESSAGE = "there is more to do than can be done: nothing was done for this request, try again"
TURN = "opsgraph.turn"  # of a request's scope: the turn in which it arrived
UNREAD = "UNREAD"  # what is counted of a request that was refused before its lane was known
LANES = tuple(Lane)
_REMEMBERED = 10_000  # callers
_HINT_SECONDS = 2.0  # for so long a caller is taken to ask for more of what it asked for,
_SURE = 8  # if that is all that it asked for so many times:
_SAMPLE = 16  # and then one of so many requests is read nevertheless, lest it asks for something else by now
_RELAPSE_SECONDS = 1.0  # who was late so shortly before is believed at once to be late again
_ALARM_SECONDS = 60.0  # between two lines of the log about limits that warn only
_log = logging.getLogger("opsgraph.admission")
_CALM = 0.5  # of the delay that shuts a lane opens it again


class Shed(Exception):
    """There is no room for a request of this lane now. `retry_after` in seconds."""

    def __init__(self, lane: Lane | None, retry_after: int) -> None:
        super().__init__(MESSAGE)
        self.lane, self.retry_after = lane, retry_after


class Admission:
    """Who is let in now. `under_way` is how many requests have begun and are not answered yet: the server counts them.

    `observe` is told regularly how late the loop is; everything else costs a comparison or two. `turn` counts what was
    observed: a request carries that of its arrival, because one that was let in is not thrown out for being late.
    """

    def __init__(self, settings: AdmissionSettings) -> None:
        self.under_way = self.turn = 0
        self.delay = 0.0  # seconds, as observed last
        self.shed = Counter("opsgraph_requests_shed_total", "Requests refused for want of room.", ["lane"])
        self.warned = Counter(
            "opsgraph_requests_warned_total", "Requests let in past a limit that warns only.", ["limit", "lane"]
        )
        self._warns_of_room, self._warns_of_delay = "concurrency" in settings.warn_only, "delay" in settings.warn_only
        self._told = -_ALARM_SECONDS
        self._settings, self._enabled = settings, settings.enabled
        self._room = [max(1, int(settings.concurrency * share)) for share in _by_lane(settings.shares)]
        self._least_room = min(self._room)
        self._late = [_Late(delay, settings.interval) for delay in _by_lane(settings.delays)]
        self._any_late = False
        self._habits: dict[int, _Habit] = {}  # by the hash of what a caller authorises itself with
        self._now = 0.0
        self._refusals = 0

    @property
    def pressed(self) -> bool:
        """Whether any lane is refused: nobody need ask for a lane before."""
        return self._enabled and (self._any_late or self.under_way > self._least_room)

    def open_to(self, lane: Lane, others: int, turn: int) -> bool:
        """Whether a request that arrived in a turn is let in while so many others are under way."""
        if others >= self._room[lane] and not self._warns_of_room:
            return False
        return self._warns_of_delay or not self._is_late(lane, turn)

    def _is_late(self, lane: Lane, turn: int) -> bool:
        shut = self._late[lane].shut if self._any_late else None
        return shut is not None and turn >= shut

    def check(self, lane: Lane, authorization: bytes, turn: int) -> None:
        """Raises Shed for a request, one of those under way, whose lane is refused; remembers who asks for what."""
        if authorization:
            self._remember(hash(authorization), lane)
        if not self.open_to(lane, self.under_way - 1, turn):
            self.shed.add(lane.name)
            raise Shed(lane, self.retry_after())
        if self._warns_of_room and self.under_way - 1 >= self._room[lane]:
            self._warn("concurrency", lane)
        if self._warns_of_delay and self._is_late(lane, turn):
            self._warn("delay", lane)

    def _warn(self, limit: str, lane: Lane) -> None:
        self.warned.add(limit, lane.name)
        if self._now - self._told >= _ALARM_SECONDS:
            self._told = self._now
            _log.warning("a request of the lane `%s` is past the limit `%s`, which refuses nobody", lane.name, limit)

    def meet(self, authorization: bytes, turn: int) -> None:
        """Raises Shed for a request, one of those under way, that is refused unread."""
        if self.turns_away(authorization, self.under_way - 1, turn):
            raise Shed(None, self.retry_after())

    def turns_away(self, authorization: bytes, others: int, turn: int) -> bool:
        """Whether a caller is refused unread: because nobody is let in, or not for what it asked for lately."""
        if self.open_to(Lane.BACKFILL, others, turn):
            return False
        habit = self._habits.get(hash(authorization))
        lane = habit.lane if habit is not None and habit.counts(self._now) else Lane.VALIDATE
        if self.open_to(lane, others, turn):
            return False
        self.shed.add(UNREAD)
        return True

    def retry_after(self) -> int:
        """In how many seconds one who was refused should come again: not all at once."""
        self._refusals += 1
        return self._settings.retry_after + self._refusals % 3

    def observe(self, delay: float, now: float) -> None:
        """Takes down by how many seconds the loop was late, at an instant of a monotonic clock."""
        self.delay, self._now = delay, now
        self.turn += 1
        for late in self._late:
            late.observe(delay, now, self.turn)
        self._any_late = any(late.shut is not None for late in self._late)

    def _remember(self, caller: int, lane: Lane) -> None:
        habit = self._habits.get(caller)
        if habit is None:
            if len(self._habits) >= _REMEMBERED:
                self._habits.clear()
            habit = self._habits[caller] = _Habit(lane, self._now)
        habit.note(lane, self._now)


class _Habit:
    """What a caller asks for: `lane` is the most urgent that it has asked for lately, `times` how often at least."""

    __slots__ = ("_at", "_judged", "lane", "times")

    def __init__(self, lane: Lane, now: float) -> None:
        self.lane, self._at, self.times, self._judged = lane, now, 0, 0

    def note(self, lane: Lane, now: float) -> None:
        fresh = now - self._at < _HINT_SECONDS
        if fresh and self.lane < lane:
            return  # it also asks for more urgent things, and must be read to know which this is
        self.times = self.times + 1 if fresh and self.lane == lane else 1
        self.lane, self._at = lane, now

    def counts(self, now: float) -> bool:
        """Whether the next request is taken to be like those before, unread."""
        if self.times < _SURE or now - self._at >= _HINT_SECONDS:
            return False
        self._judged += 1
        return self._judged % _SAMPLE != 0


class _Late:
    """Whether the loop has been late by `delay` for a whole `interval`, or is again so shortly after: `shut` is the
    turn since which nobody is let in, None while somebody is."""

    __slots__ = ("_delay", "_interval", "_opened", "_since", "shut")

    def __init__(self, delay: float, interval: float) -> None:
        self._delay, self._interval = delay, interval
        self._since: float | None = None
        self._opened: float | None = None
        self.shut: int | None = None

    def observe(self, delay: float, now: float, turn: int) -> None:
        if delay < self._delay:
            self._since = None
            if self.shut is not None and delay < self._delay * _CALM:
                self.shut, self._opened = None, now
            return
        if self._since is None:
            self._since = now
            return
        relapsed = self._opened is not None and now - self._opened < _RELAPSE_SECONDS
        if self.shut is None and (relapsed or now - self._since >= self._interval):
            self.shut = turn


def _by_lane(figures: ByLane) -> list[float]:
    return [getattr(figures, lane.name.lower()) for lane in LANES]
