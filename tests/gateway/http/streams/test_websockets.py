"""`graphql-transport-ws` over real WebSockets, by the Python client."""

import asyncio
import json
import socket
from typing import Any

import pytest
import websockets

from tests.gateway.http.edge import LIMIT
from tests.gateway.http.streams.stage import TICKED, Talk, Tick, bearer, staged, until


async def test_a_subscription_is_answered_event_by_event_until_its_client_completes_it() -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.subscribe()
        assert await talk.hear() == {
            "id": "1",
            "type": "next",
            "payload": {
                "data": {"ticked": {"number": 0}},
                "extensions": {"correlationId": talk_id(stage), "sources": []},
            },
        }
        stage.feed.tell(Tick(5))
        assert await talk.number() == 5
        await talk.say(id="1", type="complete")
        await until(lambda: len(stage.feed) == 0)
        await talk.subscribe()  # the id is free again
        assert await talk.number() == 0


def talk_id(stage: Any) -> str:
    found: str = stage.heard[0]["extensions"]["correlationId"]
    return found


async def test_operations_go_on_side_by_side_on_one_connection() -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.subscribe("a")
        await talk.subscribe("b", "query { seven }")
        await talk.subscribe("c", "mutation { seven }")
        await talk.subscribe("d", "subscription { once { number } }")
        said = [await talk.hear() for _ in range(7)]
        kinds = {name: [each["type"] for each in said if each["id"] == name] for name in "abcd"}
        assert kinds == {"a": ["next"], **{name: ["next", "complete"] for name in "bcd"}}
        assert stage.admission.under_way == 0


async def test_variables_and_the_name_of_the_operation_come_with_it() -> None:
    async with staged() as stage, stage.connection() as talk:
        query = "query Q { seven } subscription S($n: Int) { ticked(after: $n) { number } }"
        await talk.subscribe(query=query, variables={"n": 9}, operationName="S")
        assert await talk.number() == 9


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"query": "subscription { nobody }"}, "BAD_INPUT"),
        ({"query": 5}, "BAD_INPUT"),
        ({"documentId": "sha256:" + "0" * 64}, "OPERATION_NOT_TRUSTED"),
        ({"query": "{ seven }", "variables": []}, "BAD_INPUT"),
    ],
)
async def test_an_operation_that_is_no_good_is_an_error_of_its_own(parameters: Any, code: str) -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.say(id="1", type="subscribe", payload=parameters)
        said = await talk.hear()
        assert (said["id"], said["type"]) == ("1", "error")
        assert [each["extensions"]["code"] for each in said["payload"]] == [code]
        await talk.subscribe()
        assert await talk.number() == 0


async def test_a_mistake_of_ours_ends_the_connection_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.subscribe(query="subscription { broken { number } }")
        assert (await talk.hear())["type"] == "next"
        assert await talk.closed() == (4500, "something went wrong here")
    assert "a stream failed" in caplog.text


async def test_it_answers_pings() -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.say(type="ping", payload={"any": "thing"})
        assert await talk.hear() == {"type": "pong"}
        await talk.say(type="pong")
        await talk.say(id="nobody", type="complete")
        await talk.say(type="ping")
        assert await talk.hear() == {"type": "pong"}


# ------------------------------------------------------------ the beginning


async def test_the_token_may_come_with_the_handshake() -> None:
    async with staged() as stage, stage.socket(additional_headers={"authorization": bearer()}) as opened:
        talk = Talk(opened)
        await talk.say(type="connection_init")
        assert (await talk.hear())["type"] == "connection_ack"


async def test_the_name_of_the_header_may_be_written_large() -> None:
    async with staged() as stage, stage.socket() as opened:
        talk = Talk(opened)
        await talk.say(type="connection_init", payload={"Authorization": bearer(), "other": 5})
        assert (await talk.hear())["type"] == "connection_ack"


async def closing(stage: Any, *said: Any, **options: Any) -> tuple[int, str]:
    """How a WebSocket is closed after these messages."""
    async with stage.socket(**options) as opened:
        for each in said:
            await opened.send(each if isinstance(each, (str, bytes)) else json.dumps(each))
        return await Talk(opened).closed()


def init(**payload: Any) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"authorization": bearer(), **payload}}


ASKED = {"id": "1", "type": "subscribe", "payload": {"query": TICKED}}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([{"type": "connection_init"}], 4403),
        ([init(authorization="Bearer nobody")], 4403),
        ([init(**{"opsgraph-purpose": "reveal"})], 4400),  # nothing keeps purposes here
        ([ASKED], 4401),
        ([init(), init()], 4429),
        ([init(), ASKED, ASKED], 4409),
        (["{"], 4400),
        ([b"\x00"], 4400),
        (["[]"], 4400),
        ([{"type": "start"}], 4400),
        ([{"type": "next", "id": "1"}], 4400),
        ([init(), {**ASKED, "id": ""}], 4400),
        ([init(), {**ASKED, "id": 5}], 4400),
        ([init(), {**ASKED, "id": "x" * 300}], 4400),
        ([init(), {**ASKED, "payload": None}], 4400),
        ([init(), {"type": "ping", "payload": "x"}], 4400),
        (["[" * 100_0], 4400),
        (["x" * (LIMIT + 1)], 1009),
    ],
)
async def test_whoever_does_not_keep_to_the_protocol_is_closed(said: list[Any], code: int) -> None:
    async with staged() as stage:
        assert (await closing(stage, *said))[0] == code
        await stage.left()


async def test_whoever_says_nothing_is_closed() -> None:
    async with staged(init=0.05) as stage:
        assert await closing(stage) == (4408, "Connection initialisation timeout")


async def test_another_protocol_is_not_spoken() -> None:
    async with staged() as stage:
        assert await closing(stage, subprotocols=None) == (4406, "Subprotocol not acceptable")


async def refused(stage: Any, **headers: str) -> tuple[int, dict[str, str]]:
    """The HTTP status with which a handshake is refused."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with stage.socket(additional_headers=headers):
            pass
    return refusal.value.response.status_code, dict(refusal.value.response.headers.raw_items())


async def test_pages_of_other_origins_open_none_unless_they_may() -> None:
    async with staged(origins=("https://console.test",)) as stage:
        assert (await refused(stage, origin="https://evil.test"))[0] == 403
        async with stage.socket(additional_headers={"origin": "https://console.test"}):
            pass


async def test_a_head_that_is_too_large_is_refused() -> None:
    async with staged() as stage:
        assert (await refused(stage, **{f"filler-{number}": "x" * 1_000 for number in range(33)}))[0] == 431
        assert (await refused(stage, filler="x" * 10_000))[0] == 400
        await stage.left()


async def test_whom_there_is_no_room_for_is_refused() -> None:
    async with staged(connections=1) as stage:
        async with stage.connection():
            status, headers = await refused(stage)
            assert (status, "retry-after" in headers) == (503, True)
        await stage.left()
        stage.admission.under_way = 299
        assert (await refused(stage))[0] == 503
        stage.admission.under_way = 0


async def test_where_streams_are_turned_off_nobody_is_let_in() -> None:
    async with staged(enabled=False) as stage:
        assert (await refused(stage))[0] == 403


async def test_more_connections_than_one_caller_may_have_are_closed_and_may_come_again() -> None:
    async with staged(per_caller=1) as stage, stage.connection():
        assert (await closing(stage, init()))[0] == 1013


async def test_more_operations_than_a_connection_may_have_are_refused() -> None:
    async with staged(operations=1) as stage, stage.connection() as talk:
        await talk.subscribe("1")
        assert await talk.number() == 0
        await talk.subscribe("2")
        said = await talk.hear()
        assert (said["id"], said["type"], said["payload"][0]["extensions"]["code"]) == ("2", "error", "RATE_LIMITED")


# ------------------------------------------------------------ the end


async def test_a_client_that_leaves_ends_its_sources() -> None:
    async with staged() as stage:
        async with stage.connection() as talk:
            await talk.subscribe("1")
            await talk.subscribe("2")
            await stage.listened(2)
        await stage.left()


async def test_a_client_that_is_torn_away_ends_its_sources() -> None:
    async with staged(keep_alive=0.1) as stage, stage.connection() as talk:
        await talk.subscribe()
        await stage.listened()
        talk.socket.transport.abort()
        await stage.left()


async def test_a_client_that_gives_no_sign_of_life_is_closed() -> None:
    async with staged(keep_alive=0.05) as stage, stage.connection() as talk:
        await talk.subscribe()
        await stage.listened()
        talk.socket.transport.pause_reading()  # and so it sends no pong
        await stage.left()
        talk.socket.transport.abort()


async def test_a_token_that_ends_ends_the_connection_with_a_code() -> None:
    async with staged() as stage, stage.connection(lasting=1.0) as talk:
        await talk.subscribe()
        code, reason = await talk.closed()
        assert (code, "token" in reason) == (4403, True)
        await stage.left()


async def test_a_process_that_stops_says_so_and_lets_nobody_in() -> None:
    async with staged(spread=0.0) as stage, stage.connection() as talk:
        await talk.subscribe()
        await stage.listened()
        stage.front.drain()
        assert (await talk.closed())[0] == 1012
        await stage.left()
        assert (await refused(stage))[0] == 503


async def test_whoever_is_too_slow_is_told_and_cut() -> None:
    async with staged(queue=3) as stage, stage.connection() as talk:
        await talk.subscribe()
        assert await talk.number() == 0
        for number in range(5):
            stage.feed.tell(Tick(number))
        code, reason = await talk.closed()
        assert (code, "cursor" in reason) == (1013, True)
        await stage.left()


async def test_a_client_that_reads_nothing_is_cut() -> None:
    async with staged(queue=1_000, patience=0.1) as stage, stage.connection() as talk:
        await talk.subscribe(query="subscription { ticked { filler } }")
        await stage.listened()
        talk.socket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        talk.socket.transport.pause_reading()
        for number in range(200):
            stage.feed.tell(Tick(number, "x" * 100_000))
        await stage.left()
        assert 'why="stalled"' in "".join(stage.places.ended.lines())
        talk.socket.transport.abort()


async def test_rules_that_take_a_field_away_take_it_from_running_streams() -> None:
    async with staged() as stage, stage.connection() as talk:
        await talk.subscribe()
        assert await talk.number() == 0
        stage.rules.take("Tick.number")
        stage.feed.tell(Tick(1))
        payload = (await talk.hear())["payload"]
        assert payload["data"] == {"ticked": {"number": None}}
        assert [each["extensions"]["code"] for each in payload["errors"]] == ["FORBIDDEN"]


async def test_a_flood_of_operations_that_are_given_up_leaves_nothing_behind() -> None:
    async with staged() as stage, stage.connection() as talk:
        for number in range(200):
            await talk.subscribe(f"{number}")
            await talk.say(id=f"{number}", type="complete")
        await talk.say(type="ping")
        async with asyncio.timeout(10):
            while (await talk.hear())["type"] != "pong":
                pass
        assert len(stage.feed) == 0
        assert stage.admission.under_way == 0
