"""The whole pipeline over real sockets, in front of a source that is unwell in every way there is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from sources import errors
from sources.catalog import open_catalog
from sources.decode import decode
from sources.errand import Lane
from sources.pipeline.pipeline import Pipeline
from sources.ports import Call, Effect, Limit, Reply
from sources.settings import BreakerSettings, RetrySettings, Secret, SourceSettings
from sources.transport import Transport
from sources.vendors.stripe.settings import StripeSettings
from tests.fakes.sick import Fault, SickServer, hangs, never_ends, resets, response, says
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import on_behalf
from tests.sources.pipeline.watcher import Watcher

SETTINGS = SourceSettings(
    vendor="test",
    url="",
    timeout=0.5,
    max_bytes=50_000,
    retry=RetrySettings(base=0.001, cap=0.01, throttled=0.001),
    breaker=BreakerSettings(slow=0.2, shortest=60, longest=60, blip=0.0),
)


def read(reply: Reply) -> dict[str, int]:
    """What a vendor's client does with a reply."""
    after = reply.headers.get("retry-after")
    if reply.status == 429:
        raise errors.Throttled("slow down", retry_after=float(after) if after else None)
    if reply.status >= 500:
        raise errors.Unavailable(f"failed ({reply.status})", status=reply.status)
    if reply.status == 404:
        raise errors.Missing("no such thing")
    return decode(dict[str, int], reply, "billing")


def limits(headers) -> tuple[Limit, ...]:
    return (Limit("calls", 100, int(headers["x-left"]), 60.0),) if "x-left" in headers else ()


class Sick:
    """A server, a pipeline to it, and an observer."""

    def __init__(self, server: SickServer, transport: Transport, settings: SourceSettings) -> None:
        self.server, self.watcher, self.ahead = server, Watcher(), 0.0
        self.pipeline = Pipeline(
            "billing",
            settings,
            transport.send,
            limits=limits,
            observers=(self.watcher,),
            clock=lambda: time.monotonic() + self.ahead,
        )

    async def ask(self, effect: Effect = Effect.READ) -> Reply:
        method = "GET" if effect is Effect.READ else "POST"
        return await self.pipeline.send(Call(method, self.server.url, operation="things", effect=effect, read=read))

    async def ask_until_open(self) -> list[errors.SourceError]:
        """Asks on until the circuit is open; what came of it."""
        failures: list[errors.SourceError] = []
        while self.pipeline.state().reads.state == "closed":
            ended = await asyncio.gather(*(self.ask() for _ in range(5)), return_exceptions=True)
            failures += [each for each in ended if isinstance(each, errors.SourceError)]
            assert len(failures) == 5 * (len(failures) // 5)
            assert len(failures) < 100
        return failures


@contextlib.asynccontextmanager
async def sick(fault: Fault | None = None, settings: SourceSettings = SETTINGS) -> AsyncIterator[Sick]:
    async with (
        SickServer(fault) as server,
        Transport("billing", timeout=settings.timeout, max_bytes=settings.max_bytes) as transport,
    ):
        yield Sick(server, transport, settings)


FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "hangs": (hangs, {"SOURCE_TIMEOUT"}),
    "resets": (resets, {"SOURCE_UNAVAILABLE"}),
    "closes": (says(b"", then_closes=True), {"SOURCE_UNAVAILABLE"}),
    "500": (says(response(500, b"oops")), {"SOURCE_UNAVAILABLE"}),
    "503": (says(response(503, b"", retry_after="1")), {"SOURCE_UNAVAILABLE"}),
    "429": (says(response(429, b"")), {"SOURCE_THROTTLED"}),
    "html": (says(response(200, b"<html>hello</html>")), {"SOURCE_GARBLED"}),
    "wrong shape": (says(response(200, b'{"a": "b"}')), {"SOURCE_GARBLED"}),
    "too deep": (says(response(200, b"[" * 40_000)), {"SOURCE_GARBLED"}),
    "garbage": (says(b"\x00\x01\x02\x03\r\n\r\n", then_closes=True), {"SOURCE_GARBLED", "SOURCE_UNAVAILABLE"}),
    "truncated": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", then_closes=True), {"SOURCE_UNAVAILABLE"}),
    "huge": (never_ends, {"RESPONSE_TOO_LARGE"}),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_sick_source_fails_by_name_then_is_left_alone_and_then_is_found_again(name):
    fault, codes = FAULTS[name]
    async with sick(fault) as source:
        failures = await source.ask_until_open()
        assert {failure.code for failure in failures} <= {*codes, "CIRCUIT_OPEN", "SOURCE_TIMEOUT"}
        assert {failure.code for failure in failures} & codes
        assert {failure.source for failure in failures} == {"billing"}

        asked = source.server.asked
        refused = await asyncio.gather(*(source.ask() for _ in range(50)), return_exceptions=True)
        assert all(isinstance(each, errors.CircuitOpen) for each in refused)
        assert source.server.asked == asked

        source.server.fault = says(response(200))
        source.ahead += 60
        assert (await source.ask()).value == {}
        assert source.pipeline.state().reads.state == "closed"
        moves = [(change.kind, change.previous, change.state) for change in source.watcher.changes]
        assert moves[0] == ("reads", "closed", "open")
        assert moves[-1] == ("reads", "half_open", "closed")


async def test_a_source_is_at_ease_while_its_circuit_is_closed_and_nobody_waits_for_a_turn():
    narrow = msgspec.structs.replace(SETTINGS, concurrency=1, connections=1)
    async with sick(hangs, narrow) as source:
        ease, asking = [source.pipeline.is_at_ease], list[asyncio.Future[Reply]]()
        for waiting in (0, 1):
            asking.append(asyncio.ensure_future(source.ask()))
            while source.pipeline.state().queue.running + source.pipeline.state().queue.waiting <= waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            ease.append(source.pipeline.is_at_ease)
        assert ease == [True, True, False], "nobody asks, somebody does, and another one waits"
        await asyncio.gather(*asking, return_exceptions=True)
        await source.ask_until_open()
        assert (source.pipeline.state().queue.waiting, source.pipeline.is_at_ease) == (0, False)


async def test_a_source_nobody_listens_for_is_unsent_and_opens_the_circuit():
    async with sick() as source:
        await source.server.shut()
        failures = await source.ask_until_open()
        assert all(failure.unsent for failure in failures)
        assert source.server.asked == 0


async def test_retries_do_not_multiply_an_outage():
    patient = msgspec.structs.replace(SETTINGS, breaker=BreakerSettings(calls=10_000))
    async with sick(says(response(500)), patient) as source:
        for _ in range(20):
            await asyncio.gather(*(source.ask() for _ in range(10)), return_exceptions=True)
        assert 200 < source.server.asked <= 200 * 1.1 + 3 + 1  # the floor, and what a minute brings meanwhile


async def test_a_hiccup_is_not_seen_by_who_asks():
    async with sick(says(response(500))) as source:
        asking = asyncio.create_task(source.ask())
        await source.server.reached.wait()
        source.server.fault = says(response(200))
        assert (await asking).value == {}
        assert source.server.asked == 2
        (event,) = source.watcher.calls
        assert (event.attempts, event.outcome) == (2, "OK")


@pytest.mark.parametrize("effect", [Effect.UPSERT, Effect.ONCE])
@pytest.mark.parametrize("name", ["hangs", "resets", "500", "truncated", "html"])
async def test_a_write_that_may_have_been_done_is_never_sent_twice(name, effect):
    async with sick(FAULTS[name][0]) as source:
        with pytest.raises(errors.OutcomeUnknown):
            await source.ask(effect)
        assert source.server.asked == 1


async def test_a_write_whose_key_is_honoured_is_sent_again():
    async with sick(resets) as source:
        asking = asyncio.create_task(source.ask(Effect.KEYED))
        await source.server.reached.wait()
        source.server.fault = says(response(200))
        await asking
        assert source.server.asked == 2


async def test_a_business_refusal_is_answered_at_once_and_opens_nothing():
    async with sick(says(response(404))) as source:
        for _ in range(30):
            with pytest.raises(errors.Missing):
                await source.ask()
        state = source.pipeline.state()
        assert source.server.asked == 30
        assert (state.reads.state, state.latency.failures, state.latency.calls) == ("closed", 0, 30)


async def test_limits_of_an_answer_are_seen_and_kept():
    async with sick(says(response(200, x_left="10"))) as source:
        await source.ask()
        (limit,) = source.pipeline.state().limits
        assert (limit.name, limit.limit, limit.remaining) == ("calls", 100, 10)
        on_behalf(Lane.BACKFILL)
        with pytest.raises(errors.Throttled) as caught:
            await source.ask()
        assert caught.value.unsent
        on_behalf(Lane.VALIDATE)
        await source.ask()
        assert source.server.asked == 2


async def test_a_hint_is_obeyed_by_everybody():
    async with sick(says(response(429, retry_after="30"))) as source:
        with pytest.raises(errors.Throttled):
            await source.ask()
        paused = source.pipeline.state().paused_for
        assert paused is not None
        assert 0 < paused <= 30
        with pytest.raises(errors.Throttled) as caught:
            await source.ask(Effect.KEYED)
        assert caught.value.unsent
        assert source.server.asked == 1


async def test_a_source_nobody_has_asked_has_a_state():
    async with sick() as source:
        state = source.pipeline.state()
    assert (state.source, state.reads.state, state.writes.state) == ("billing", "closed", "closed")
    assert (state.queue.running, state.queue.waiting, state.queue.concurrency, state.queue.bound) == (0, 0, 20, 100)
    assert (state.latency.p50_ms, state.latency.calls) == (None, 0)
    assert (state.limits, state.paused_for, state.last_error) == ((), None, None)


async def test_no_more_calls_are_under_way_than_there_are_sockets():
    few = msgspec.structs.replace(SETTINGS, connections=3)
    async with sick(settings=few) as source:
        assert source.pipeline.state().queue.concurrency == 3


async def test_a_state_tells_how_the_last_minute_went():
    async with sick() as source:
        await source.ask()
        source.server.fault = says(response(500))
        with pytest.raises(errors.Unavailable):
            await source.ask()
        state = source.pipeline.state()
    assert (state.latency.calls, state.latency.failures, state.latency.retries) == (2, 1, 2)
    assert state.last_error == "SOURCE_UNAVAILABLE"
    assert state.latency.p99_ms is not None


async def test_every_configured_source_has_a_pipeline_of_its_own():
    settings = StripeSettings(vendor="stripe", key=Secret("sk_test_x"))
    catalog = open_catalog({"billing_eu": settings, "billing_us": settings})
    pipelines = [source.pipeline for source in catalog.sources.values()]
    assert [each.name for each in pipelines if each] == ["billing_eu", "billing_us"]
    await catalog.close()


SLOW = SourceSettings(vendor="test", url="")


def in_front(wire) -> Pipeline:
    return Pipeline("billing", SLOW, wire, clock=clock, random=lambda: 0.5)


@virtual
async def test_a_hanging_source_keeps_nobody_longer_than_its_own_time():
    pipeline = in_front(Wire(None, seconds=3_600))
    read_call = Call("GET", "x", effect=Effect.READ)
    started = clock()
    ended = await asyncio.gather(*(pipeline.send(read_call) for _ in range(200)), return_exceptions=True)
    assert clock() - started <= SLOW.timeout + 0.01
    assert all(isinstance(each, errors.SourceError) for each in ended)
    assert pipeline.state().queue.running == 0


@virtual
async def test_a_hanging_source_is_asked_by_one_probe_at_a_time():
    wire = Wire(None, seconds=3_600)
    pipeline = in_front(wire)
    read_call = Call("GET", "x", effect=Effect.READ)
    asking = [asyncio.ensure_future(pipeline.send(read_call)) for _ in range(20)]
    await asyncio.sleep(2.1)
    assert pipeline.state().reads.state == "open"
    await asyncio.gather(*asking, return_exceptions=True)
    wire.calls.clear()
    wire.most_running = 0
    for _ in range(600):  # a minute, ten callers a second
        asking.append(asyncio.ensure_future(pipeline.send(read_call)))
        await asyncio.sleep(0.1)
    assert wire.most_running == 1
    assert 0 < len(wire.calls) <= 60 / 6 + 2
    wire.seconds = 0.01
    await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.sleep(8.1)
    assert await pipeline.send(read_call) is None
    assert pipeline.state().reads.state == "closed"


@virtual
async def test_a_short_budget_of_somebody_does_not_open_the_circuit_for_all():
    pipeline = in_front(Wire(None, seconds=1.0))
    for _ in range(50):
        on_behalf(until=clock() + 0.05)
        with pytest.raises(errors.TimedOut):
            await pipeline.send(Call("GET", "x", effect=Effect.READ))
    assert pipeline.state().reads.state == "closed"
