"""Streams over server-sent events, over real sockets."""

import asyncio
import socket
from typing import Any

import pytest

from gateway.identity.verify import Unauthenticated
from tests.gateway.http.streams.stage import TICKED, Stage, Tick, bearer, staged, until


def code(said: Any) -> str:
    (found,) = {error["extensions"]["code"] for error in said["errors"]}
    return str(found)


async def test_a_subscription_is_answered_event_by_event() -> None:
    async with staged() as stage, stage.events() as stream:
        assert stream.status == 200
        assert "content-type: text/event-stream" in stream.head
        assert "x-accel-buffering: no" in stream.head
        assert (await stream.next())[1]["data"] == {"ticked": {"number": 0}}
        stage.feed.tell(Tick(1))
        stage.feed.tell(Tick(2))
        said = [await stream.next() for _ in range(2)]
        assert [name for name, _ in said] == ["next", "next"]
        assert [each["data"]["ticked"]["number"] for _, each in said] == [1, 2]
        assert [each["data"]["ticked"]["number"] for each in stage.heard] == [0, 1, 2]


@pytest.mark.parametrize("query", ["{ seven }", "mutation { seven }", "subscription { once { number } }"])
async def test_what_comes_to_an_end_is_completed(query: str) -> None:
    async with staged() as stage, stage.events(query) as stream:
        assert (await stream.next())[0] == "next"
        assert await stream.next() == ("complete", None)
        assert (await stream.next(), stream.whole) == (("", None), True)


@pytest.mark.parametrize("query", ["subscription { nobody }", "{", "subscription { ticked { number } seven }"])
async def test_a_document_that_is_no_good_is_told_in_the_stream(query: str) -> None:
    async with staged() as stage, stage.events(query) as stream:
        assert stream.status == 200
        name, said = await stream.next()
        assert (name, code(said)) == ("next", "BAD_INPUT")
        assert await stream.next() == ("complete", None)


async def test_whoever_asks_for_no_stream_is_told_to() -> None:
    async with staged() as stage, stage.events(accept="application/json") as stream:
        assert stream.status == 200
        assert "text/event-stream" in (await stream.body())["errors"][0]["message"]


async def test_a_client_that_leaves_ends_the_source() -> None:
    async with staged() as stage:
        async with stage.events() as stream:
            await stream.next()
            await stage.listened()
        await stage.left()


async def test_a_stream_that_waits_is_kept_alive() -> None:
    async with staged(keep_alive=0.02) as stage, stage.events() as stream:
        for _ in range(3):
            await stream.alive()


async def test_a_token_that_ends_ends_the_stream_with_a_code_and_without_complete() -> None:
    async with staged() as stage, stage.events(lasting=1.0) as stream:
        assert (await stream.next())[1]["data"] is not None
        name, said = await stream.next()
        assert (name, code(said)) == ("next", "UNAUTHENTICATED")
        assert said["errors"][0]["extensions"]["retryable"] is True
        assert (await stream.next(), stream.whole) == (("", None), True)
        await stage.left()


async def test_a_token_whose_key_is_withdrawn_is_told_nothing_more() -> None:
    async with staged() as stage, stage.events() as stream:
        await stream.next()

        async def nobody(_authorization: bytes | None) -> Any:
            raise Unauthenticated("the token is signed with an unknown key")

        stage.verifier.verified = nobody  # type: ignore[method-assign, assignment]
        stage.feed.tell(Tick(1))
        assert code((await stream.next())[1]) == "UNAUTHENTICATED"
        await stage.left()


async def test_rules_that_take_a_field_away_take_it_from_running_streams() -> None:
    async with staged() as stage, stage.events() as stream:
        await stream.next()
        stage.rules.take("Tick.number")
        stage.feed.tell(Tick(1))
        said = (await stream.next())[1]
        assert said["data"] == {"ticked": {"number": None}}
        assert code(said) == "FORBIDDEN"
        stage.rules.take()
        stage.feed.tell(Tick(2))
        assert (await stream.next())[1]["data"] == {"ticked": {"number": 2}}


async def test_rules_that_take_the_root_away_end_running_streams() -> None:
    async with staged() as stage, stage.events() as stream:
        await stream.next()
        stage.rules.take("Subscription.ticked")
        stage.feed.tell(Tick(1))
        assert code((await stream.next())[1]) == "FORBIDDEN"
        assert await stream.next() == ("complete", None)
        await stage.left()


async def test_whoever_is_too_slow_is_told_and_cut() -> None:
    async with staged(queue=3) as stage, stage.events() as stream:
        await stream.next()
        for number in range(5):  # in one turn of the loop: nobody can take any of them in between
            stage.feed.tell(Tick(number))
        assert code((await stream.next())[1]) == "TOO_SLOW"
        assert (await stream.next(), stream.whole) == (("", None), True)
        await stage.left()


async def test_a_client_that_reads_nothing_is_cut_and_holds_no_more_than_its_share() -> None:
    async with staged(queue=1_000, patience=0.1) as stage:
        query = "subscription { ticked { filler } }"
        async with stage.events(query) as stream:
            await stream.next()
            stream.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.reader._transport.pause_reading()  # type: ignore[attr-defined]
            for number in range(200):
                stage.feed.tell(Tick(number, "x" * 100_000))
            await stage.left()
        assert 'why="stalled"' in "".join(stage.places.ended.lines())


async def test_a_process_that_stops_lets_streams_go_one_after_another_and_lets_nobody_in() -> None:
    async with staged(spread=0.05) as stage, stage.events() as one, stage.events() as other:
        await one.next()
        await other.next()
        stage.front.drain()
        for each in (one, other):
            assert (await each.next(), each.whole) == (("", None), True)  # and not `complete`: they come again
        async with stage.events() as late:
            assert late.status == 503
            assert "retry-after" in late.head
            assert code(await late.body()) == "OVERLOADED"


async def test_more_streams_than_one_caller_may_have_are_refused() -> None:
    async with staged(per_caller=2) as stage, stage.events() as one, stage.events() as other:
        await one.next()
        await other.next()
        async with stage.events() as third:
            assert third.status == 429
            assert code(await third.body()) == "RATE_LIMITED"
        async with stage.events(authorization=bearer(sub="bob")) as somebody_else:
            assert somebody_else.status == 200
        one.writer.close()
        await until(lambda: len(stage.places) == 1)
        async with stage.events() as again:
            assert again.status == 200


async def test_more_streams_than_this_process_may_have_are_refused() -> None:
    async with staged(connections=1) as stage, stage.events() as one:
        await one.next()
        async with stage.events(authorization=bearer(sub="bob")) as other:
            assert other.status == 503
            assert code(await other.body()) == "OVERLOADED"


async def test_a_stream_is_not_under_way_once_it_has_begun() -> None:
    async with staged() as stage, stage.events() as stream:
        await stream.next()
        await until(lambda: stage.admission.under_way == 0)
        stage.feed.tell(Tick(1))
        await stream.next()
    assert stage.admission.under_way == 0


async def test_whom_there_is_no_room_for_is_refused_before_a_source_is_asked() -> None:
    async with staged() as stage:
        stage.admission.under_way = 299
        async with stage.events() as stream:
            assert stream.status == 503
            assert code(await stream.body()) == "OVERLOADED"
        stage.admission.under_way = 0
        assert len(stage.feed) == 0


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://127.0.0.1", 200), ("https://console.test", 200), ("https://evil.test", 403), ("null", 403)],
)
async def test_pages_of_other_origins_open_no_streams_unless_they_may(origin: str, status: int) -> None:
    async with staged(origins=("https://console.test",)) as stage, stage.events(origin=origin) as stream:
        assert stream.status == status


async def test_without_a_token_there_is_no_stream() -> None:
    async with staged() as stage, stage.events(authorization="Bearer nobody") as stream:
        assert stream.status == 401
        assert code(await stream.body()) == "UNAUTHENTICATED"


async def test_where_streams_are_turned_off_none_is_given() -> None:
    async with staged(enabled=False) as stage, stage.events() as stream:
        assert stream.status == 406


async def test_a_mistake_of_ours_ends_the_stream_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with staged() as stage, stage.events("subscription { broken { number } }") as stream:
        await stream.next()
        said = (await stream.next())[1]
        assert code(said) == "INTERNAL"
        assert "secret" not in str(said)
        assert await stream.next() == ("complete", None)
    assert "a stream failed" in caplog.text


async def test_a_hundred_streams_are_told_of_one_event_and_leave_nothing_behind() -> None:
    async with staged(per_caller=100) as stage:

        async def one(stage: Stage) -> int:
            async with stage.events(TICKED) as stream:
                await stream.next()
                number: int = (await stream.next())[1]["data"]["ticked"]["number"]
                return number

        asking = [asyncio.create_task(one(stage)) for _ in range(100)]
        await stage.listened(100)
        stage.feed.tell(Tick(42))
        assert await asyncio.gather(*asking) == [42] * 100
        await stage.left()
        assert stage.admission.under_way == 0
