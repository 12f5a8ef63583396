"""One simulated case: a seed makes weather, askers, writers and their moments; every answer is held against the laws.

The laws are about what an asker may rely on, whatever happens at the source and whoever is cancelled:

1. Everybody is answered within the time they have, with rows, a typed error, or the word that it is not there.
2. A row is of the key that was asked for, and was true within the bound of its type.
3. LIVE and CACHE are no older than the type's ttl; what is older says STALE; and nothing is past its bound.
4. Who has written sees it; who wants no older fact than so many seconds gets none, save what a search index has just
   said, which is marked STALE for being behind.
5. The source is never asked by more calls at once than allowed, nor past an open circuit; one probe at a time; repetitions
   stay within their budget; of one key there is one call at once unless somebody may not join it.
6. Some seconds after the weather has cleared nobody is refused, and in the end nothing is left running.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from sources import canonical as c
from sources.cache.cache import Cache
from sources.cache.cached import Cached
from sources.cache.freshness import Freshness
from sources.cache.settings import CacheSettings
from sources.canonical import Served
from sources.errand import Errand, Lane, begin
from sources.errors import SourceError
from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask, Reading
from sources.settings import BulkheadSettings, SourceSettings
from tests.fakes import virtual_time
from tests.fakes.virtual_time import BEGINNING
from tests.sources.simulated.world import FAULTS, KEYS, SimulatedConnector, Source, Weather, version_of

LENGTH = 90.0  # virtual seconds in which somebody asks
_CLEAR = 60.0  # after this the weather stays fair
_RECOVERY = 15.0  # seconds after which nobody is refused any more
_TIMEOUT = 5.0
_EPSILON = 0.011  # a timer's resolution, and what the reserve leaves
_LAG = 2.0
_SAVED = 10  # repetitions that may have been saved up


class Broken(AssertionError):
    """A law does not hold; the message names the seed."""


class Case:
    """`run` plays it to its end and raises Broken where a law does not hold."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = random.Random(seed)
        self._broken: list[str] = []
        self._spans: Mapping[type, Freshness] = {}
        self._writes = self._chance.random() < 0.5
        self._joinable = not self._writes and self._chance.random() < 0.5  # everybody may share a flight
        self.answers = 0

    def run(self) -> None:
        """Plays it."""
        try:
            virtual_time.run(self._play())
        except virtual_time.Stuck as error:
            raise Broken(f"seed {self._seed}: {error}") from error
        if self._broken:
            shown = "\n  ".join(self._broken[:5])
            raise Broken(f"seed {self._seed}: {len(self._broken)} times a law did not hold, such as\n  {shown}")

    # ------------------------------------------------------------ the play

    async def _play(self) -> None:
        chance, loop = self._chance, asyncio.get_running_loop()
        concurrency = chance.randint(2, 8)
        source = Source(chance, self._weather(), concurrency)
        settings = SourceSettings(
            vendor="simulated",
            url="http://simulated.test",
            concurrency=concurrency,
            timeout=_TIMEOUT,
            bulkhead=BulkheadSettings(queue=chance.choice([4, 20, 100])),
        )
        self._pipeline = Pipeline("crm", settings, source.send, clock=loop.time, random=chance.random)
        source.pipeline = self._pipeline
        self._source = source
        cache = Cache(CacheSettings(), wall=self._wall, chance=chance.random)
        connector = SimulatedConnector(source.truth, self._pipeline.send, _LAG)
        self._cached, self._connector = Cached(connector, cache), connector
        self._spans = {record: cache.freshness(record) for record in (c.Account, c.Case)}
        self._cache = cache
        await asyncio.gather(*(self._life(number) for number in range(chance.randint(40, 160))))
        await self._end()

    def _weather(self) -> list[Weather]:
        chance, found, now = self._chance, list[Weather](), 0.0
        while now < _CLEAR:
            since = now + chance.uniform(0.0, 15.0)
            now = since + chance.uniform(0.5, 25.0)
            found.append(Weather(since, min(now, _CLEAR), chance.choice(FAULTS)))
        return found

    async def _life(self, number: int) -> None:
        """Somebody who comes at some moment, and perhaps goes before there is an answer."""
        chance = self._chance
        await asyncio.sleep(chance.uniform(0.0, LENGTH))
        if self._writes and number % 5 == 0:
            await self._write()
            return
        asking = asyncio.create_task(self._ask({}))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.choice([0.0, 0.001, 0.05, 0.5, 2.0]))
            asking.cancel()
        await asyncio.wait([asking])
        if not asking.cancelled():
            self._tell(asking.exception())

    async def _write(self) -> None:
        """Changes a fact behind the cache's back, as our own writers do: they say so, and read what they wrote."""
        key = self._chance.choice(KEYS[:-2])
        version = self._source.truth.change(key, asyncio.get_running_loop().time())
        token = self._cached_wrote(key)
        await asyncio.sleep(self._chance.choice([0.0, 0.01, 1.0]))
        await self._ask({key: version}, token)

    def _cached_wrote(self, key: str) -> float:
        return self._cache.wrote("crm", [f"account:{key}"])

    async def _ask(self, written: Mapping[str, int], token: float | None = None) -> None:
        chance, loop = self._chance, asyncio.get_running_loop()
        record, by = (c.Account, "key") if written or chance.random() < 0.6 else (c.Case, "account")
        keys = tuple(written) or tuple(chance.sample(KEYS, chance.randint(1, 5)))
        errand = Errand(
            lane=chance.choice(list(Lane)),
            until=loop.time() + chance.choice([0.3, 1.5, 4.0, 8.0]),
            patience=chance.choice([0.25, 1.0]),
            max_age=chance.choice([0.0, 3.0, 40.0]) if not self._joinable and chance.random() < 0.15 else None,
            not_before={"crm": token} if token is not None else {},
        )
        begin(errand)
        started = loop.time()
        reading = await self._cached.read(Ask(record, by, keys))
        self.answers += 1
        self._judge(reading, record, keys, errand, started, written)

    # ------------------------------------------------------------ the laws

    def _judge(
        self,
        reading: Reading,
        record: type,
        keys: tuple[str, ...],
        errand: Errand,
        started: float,
        written: Mapping[str, int],
    ) -> None:
        now = asyncio.get_running_loop().time()
        what = f"{record.__name__} {','.join(keys)} asked at {started:.3f}"
        if now > max(errand.until, started) + _EPSILON:
            self._break(f"{what}: answered {now - errand.until:.3f} s too late")
        for key in keys:
            error, rows = reading.errors.get(key), reading.rows.get(key)
            if error is not None:
                self._judge_error(what, error, errand, started)
            elif rows is None or not rows.records:
                if self._source.truth.exists(key):
                    self._break(f"{what}: `{key}` is said not to be there")
                continue
            for row in rows.records if rows is not None else ():
                served = rows.served if rows is not None else Served.LIVE
                self._judge_row(f"{what}: {served}", key, row, served, errand, started)
                if written and version_of(row)[1] < written[key]:
                    self._break(f"{what}: the writer of v{written[key]} got v{version_of(row)[1]}, {served}")

    def _judge_error(self, what: str, error: Exception, errand: Errand, started: float) -> None:
        if not isinstance(error, SourceError):
            self._break(f"{what}: {error!r} is no failure of a source")
        elif started > _CLEAR + _RECOVERY and errand.until - started > 1.0 and errand.max_age is None:
            self._break(f"{what}: {error.code} long after the weather has cleared ({error})")

    def _judge_row(self, what: str, key: str, row: c.Record, served: Served, errand: Errand, started: float) -> None:
        now = asyncio.get_running_loop().time()
        owner, version = version_of(row)
        read = row.as_of.timestamp() - BEGINNING
        age, span = now - read, self._spans[type(row)]
        lag = _LAG if isinstance(row, c.Case) else 0.0
        if owner != key:
            self._break(f"{what}: a row of `{owner}` for `{key}`")
        if not self._source.truth.was_true(key, version, read - _EPSILON, read + _EPSILON):
            self._break(f"{what}: v{version} was not so at {read:.3f}, when it is said to have been read")
        if age > span.ttl + span.stale_for + _EPSILON:
            self._break(f"{what}: {age:.1f} s old, past its bound")
        if served is not Served.STALE and age > span.ttl + lag + _TIMEOUT + _EPSILON:
            self._break(f"{what}: {age:.1f} s old, with a ttl of {span.ttl}")
        behind = lag if served is Served.STALE else 0.0  # what an index knows is behind, also when it was just read
        if errand.max_age is not None and read < started - errand.max_age - behind - _EPSILON:
            self._break(f"{what}: read {started - read:.3f} s before, at most {errand.max_age} s were asked for")

    async def _end(self) -> None:
        """Nothing is left, and the source was treated well."""
        await asyncio.sleep(_TIMEOUT + 2.0)
        state = self._pipeline.state()
        if state.queue.running or state.queue.waiting:
            self._break(f"{state.queue.running} calls run and {state.queue.waiting} wait at the end")
        if self._cache.flights:
            self._break(f"{len(self._cache.flights)} flights are left at the end")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            self._break(f"{len(others)} tasks are left at the end: {min(map(repr, others))}")
        for fault in self._source.faults:
            self._break(fault)
        if self._joinable and self._source.most_of_a_key > 1:
            self._break(f"{self._source.most_of_a_key} calls for one key at once")
        retry = SourceSettings(vendor="", url="").retry
        most = self._connector.asked * (1 + retry.share) + retry.floor * (1 + LENGTH / 60) + _SAVED
        if self._source.calls > most:
            self._break(f"{self._source.calls} calls for {self._connector.asked} questions: at most {most:.0f}")

    def _tell(self, error: BaseException | None) -> None:
        if error is not None:
            self._break(f"somebody was raised {error!r}")

    def _break(self, law: str) -> None:
        self._broken.append(law)

    def _wall(self) -> float:
        return BEGINNING + asyncio.get_running_loop().time()
