"""Quota: what vendors tell of their limits is kept, and what is left over goes to the more urgent."""

import asyncio

import pytest

from sources import errors
from sources.errand import Lane
from sources.pipeline import course
from sources.pipeline.quota import Quota
from sources.ports import Limit
from sources.settings import QuotaSettings
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import READ, ok, on_behalf, throttled


def told(headers):
    """`left/limit` or `left/limit/resets`."""
    if "x-limit" not in headers:
        return ()
    left, limit, *resets = (float(part) for part in headers["x-limit"].split("/"))
    return (Limit("calls", int(limit), int(left), resets[0] if resets else None),)


class Desk:
    """A quota in front of a wire."""

    def __init__(self, *outcomes, random=lambda: 0.0, **settings):
        self.wire = Wire(*(outcomes or (ok(),)))
        self.quota = Quota("desk", QuotaSettings(**settings), clock=clock, random=random, limits=told)
        self.kept = self.quota.layer(self.wire)

    async def ask(self, lane=Lane.PORTAL, seconds=5.0):
        on_behalf(lane)
        course.begin().until = clock() + seconds
        return await self.kept(READ)


@virtual
async def test_nothing_told_is_no_limit():
    desk = Desk()
    for lane in Lane:
        await desk.ask(lane)
    assert desk.quota.limits() == ()
    assert desk.quota.paused_for() is None


@virtual
@pytest.mark.parametrize(
    ("left", "refused"),
    [
        (1_000, set()),
        (204, set()),
        (200, {Lane.BACKFILL}),
        (53, {Lane.BACKFILL}),
        (50, {Lane.BACKFILL, Lane.PORTAL}),
        (2, {Lane.BACKFILL, Lane.PORTAL}),
        (0, set(Lane)),
    ],
)
async def test_the_last_calls_are_for_the_most_urgent(left, refused):
    desk = Desk()
    desk.quota.heed({"x-limit": f"{left}/1000/600"})
    for lane in Lane:
        if lane in refused:
            with pytest.raises((errors.Throttled, errors.QuotaExhausted)) as caught:
                await desk.ask(lane)
            assert caught.value.unsent
            assert caught.value.retry_after == pytest.approx(600)
        else:
            await desk.ask(lane)
    assert len(desk.wire.calls) == len(Lane) - len(refused)


@virtual
async def test_between_two_answers_what_is_left_is_counted_down():
    desk = Desk()
    desk.quota.heed({"x-limit": "3/100/600"})
    for _ in range(3):
        await desk.ask(Lane.VALIDATE)
    assert desk.quota.limits() == (Limit("calls", 100, 0, 600.0),)
    with pytest.raises(errors.QuotaExhausted):
        await desk.ask(Lane.VALIDATE)
    assert len(desk.wire.calls) == 3


@virtual
async def test_calls_of_one_moment_are_no_more_than_what_is_left():
    desk = Desk()
    desk.wire.seconds = 1.0
    desk.quota.heed({"x-limit": "5/100/600"})
    ended = await asyncio.gather(*(desk.ask(Lane.VALIDATE) for _ in range(20)), return_exceptions=True)
    assert len(desk.wire.calls) == 5
    assert sum(isinstance(each, errors.QuotaExhausted) for each in ended) == 15


@virtual
async def test_an_answer_says_what_is_left_but_for_the_calls_under_way():
    desk = Desk()
    desk.wire.seconds = 1.0
    asking = [asyncio.create_task(desk.ask()) for _ in range(3)]
    await asyncio.sleep(0.5)
    desk.quota.heed({"x-limit": "60/100/600"})  # the answer to one of the three; who knows if the others were counted
    assert desk.quota.limits() == (Limit("calls", 100, 58, 600.0),)
    await asyncio.gather(*asking)
    assert desk.quota.limits() == (Limit("calls", 100, 58, 599.5),)
    desk.quota.heed({"x-limit": "58/100/600"})
    assert desk.quota.limits() == (Limit("calls", 100, 58, 600.0),)


@virtual
async def test_what_was_not_sent_is_not_counted():
    desk = Desk(errors.Unavailable("refused", unsent=True))
    desk.quota.heed({"x-limit": "50/100/600"})
    with pytest.raises(errors.Unavailable):
        await desk.ask()
    assert desk.quota.limits() == (Limit("calls", 100, 50, 600.0),)


@virtual
async def test_a_long_reset_is_a_used_up_quota_and_a_short_one_a_throttle():
    desk = Desk()
    desk.quota.heed({"x-limit": "0/100/3600"})
    with pytest.raises(errors.QuotaExhausted):
        await desk.ask(Lane.LOOKUP)
    desk.quota.heed({"x-limit": "0/100/30"})
    with pytest.raises(errors.Throttled):
        await desk.ask(Lane.LOOKUP)


@virtual
async def test_a_reset_within_the_time_there_is_is_waited_for():
    desk = Desk()
    desk.quota.heed({"x-limit": "0/100/3"})
    await desk.ask(Lane.LOOKUP)
    assert desk.wire.at == [1_003.0]
    assert course.current().queued == pytest.approx(3.0)


@virtual
async def test_what_is_left_to_others_is_refused_at_once_and_not_waited_for():
    desk = Desk()
    desk.quota.heed({"x-limit": "10/100/3"})
    with pytest.raises(errors.Throttled):
        await desk.ask(Lane.BACKFILL, seconds=60)
    assert clock() == 1_000.0


@virtual
async def test_a_limit_is_forgotten_after_its_reset():
    desk = Desk()
    desk.quota.heed({"x-limit": "0/100/30"})
    await asyncio.sleep(30)
    await desk.ask(Lane.BACKFILL)
    assert desk.quota.limits() == ()


@virtual
async def test_a_limit_without_a_reset_is_believed_for_a_while():
    desk = Desk(hold=60.0)
    desk.quota.heed({"x-limit": "0/100"})
    assert desk.quota.limits() == (Limit("calls", 100, 0, None),)
    with pytest.raises(errors.Throttled):
        await desk.ask(Lane.LOOKUP)
    await asyncio.sleep(60)
    await desk.ask(Lane.LOOKUP)


@virtual
async def test_what_is_told_later_counts():
    desk = Desk()
    desk.quota.heed({"x-limit": "0/100/600"})
    desk.quota.heed({"x-limit": "90/100/600"})
    await desk.ask(Lane.BACKFILL)
    await asyncio.sleep(100)
    assert desk.quota.limits() == (Limit("calls", 100, 89, 500.0),)


@virtual
async def test_headers_without_a_limit_change_nothing():
    desk = Desk()
    desk.quota.heed({"x-limit": "0/100/600"})
    desk.quota.heed({})
    assert len(desk.quota.limits()) == 1


@virtual
async def test_a_throttle_with_a_hint_leaves_the_source_alone_for_everybody():
    desk = Desk(throttled(2.0), ok())
    with pytest.raises(errors.Throttled):
        await desk.ask()
    assert desk.quota.paused_for() == pytest.approx(2.0)
    await desk.ask(Lane.VALIDATE)
    assert desk.wire.at == [1_000.0, 1_002.0]


@virtual
async def test_a_pause_beyond_the_time_there_is_refuses_at_once():
    desk = Desk(throttled(8.0), ok())
    with pytest.raises(errors.Throttled):
        await desk.ask()
    with pytest.raises(errors.Throttled) as caught:
        await desk.ask(seconds=5.0)
    assert caught.value.unsent
    assert caught.value.retry_after == pytest.approx(8.0)
    assert clock() == 1_000.0
    assert len(desk.wire.calls) == 1


@virtual
async def test_no_hint_pauses_longer_than_the_settings_allow():
    desk = Desk(throttled(86_400.0), pause=60.0)
    with pytest.raises(errors.Throttled):
        await desk.ask()
    assert desk.quota.paused_for() == pytest.approx(60.0)


@virtual
async def test_a_throttle_without_a_hint_pauses_nobody():
    desk = Desk(throttled(), ok())
    with pytest.raises(errors.Throttled):
        await desk.ask()
    await desk.ask()
    assert desk.wire.at == [1_000.0, 1_000.0]


@virtual
async def test_a_used_up_quota_stops_everybody_until_its_reset():
    desk = Desk(errors.QuotaExhausted("none left", retry_after=3_600.0), ok())
    with pytest.raises(errors.QuotaExhausted):
        await desk.ask()
    for lane in Lane:
        with pytest.raises(errors.QuotaExhausted) as caught:
            await desk.ask(lane)
        assert caught.value.unsent
    await asyncio.sleep(3_600)
    await desk.ask()
    assert len(desk.wire.calls) == 2


@virtual
async def test_those_who_waited_come_back_one_after_the_other():
    chances = iter((0.1, 0.9, 0.5))
    desk = Desk(random=lambda: next(chances))
    desk.quota.heed({"x-limit": "0/100/1"})
    await asyncio.gather(*(desk.ask() for _ in range(3)))
    assert len(set(desk.wire.at)) == 3
    assert min(desk.wire.at) >= 1_001.0
    assert max(desk.wire.at) <= 1_001.1
