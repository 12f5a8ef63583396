"""What an asker wants of time and age, by headers."""

from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.engine.engine import NO_WISHES, Wishes
from gateway.http.requests import BadRequest, wishes
from tests.gateway.http.edge import Edge

GET = urlencode({"query": "{ a }"}).encode()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (b"800ms", 0.8),
        (b"1.2s", 1.2),
        (b"1.2", 1.2),
        (b"3", 3.0),
        (b" 2s ", 2.0),
        (b"0.5ms", 0.0005),
        (b"999999999", 999_999_999.0),
    ],
)
def test_a_timeout_is_read_as_seconds(given: bytes, seconds: float) -> None:
    assert wishes({b"opsgraph-timeout": given}) == Wishes(timeout=seconds)


@pytest.mark.parametrize(("given", "seconds"), [(b"0", 0.0), (b"30", 30.0), (b"0.5", 0.5), (b"250ms", 0.25)])
def test_an_age_may_be_nothing_at_all(given: bytes, seconds: float) -> None:
    assert wishes({b"opsgraph-max-age": given}) == Wishes(max_age=seconds)


def test_who_asks_for_nothing_gets_nothing_new() -> None:
    assert wishes({b"accept": b"*/*"}) is NO_WISHES


BAD = [
    b"",
    b"soon",
    b"-1",
    b"1m",
    b"1e3",
    b"nan",
    b"inf",
    b"1,5",
    b"1.2.3",
    b".5",
    b"5.",
    b"0x1",
    "\u0661".encode(),
    b"1" * 10,
]


@pytest.mark.parametrize("header", [b"opsgraph-timeout", b"opsgraph-max-age"])
@pytest.mark.parametrize("given", [*BAD, b"1, 2", b"9" * 5_000])
def test_what_is_no_time_is_refused_by_its_name(header: bytes, given: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        wishes({header: given})
    assert refused.value.status == 400
    assert f"`{header.decode()}`" in str(refused.value).lower()
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("given", [b"0", b"0ms", b"0.0s"])
def test_no_time_at_all_is_no_timeout(given: bytes) -> None:
    with pytest.raises(BadRequest, match="more than 0"):
        wishes({b"opsgraph-timeout": given})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_wishes_come_with_the_question_whichever_way_it_is_asked(method: str) -> None:
    edge = Edge()
    given: Any = {"opsgraph_timeout": b"800ms", "opsgraph_max_age": b"0", "opsgraph_freshness": b"a-token"}
    got = await edge.ask(method=method, query=GET if method == "GET" else b"", **given)
    assert got.status == 200
    (asked,) = edge.engine.asked
    assert asked.wishes == Wishes(0.8, 0.0, "a-token")
    assert asked.pinned is None, "a client does not choose its class"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wish_that_cannot_be_understood_stops_the_request_before_its_body(method: str) -> None:
    edge = Edge()
    got = await edge.ask(method=method, query=GET if method == "GET" else b"", opsgraph_timeout=b"soon")
    assert (got.status, got.reads) == (400, 0)
    (error,) = got.body["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert "`Opsgraph-Timeout` is `soon`" in error["message"]
    assert edge.engine.asked == []


async def test_a_wish_that_is_told_twice_is_refused() -> None:
    got = await Edge().ask(raw=[(b"opsgraph-timeout", b"1s"), (b"opsgraph-timeout", b"2s")])
    assert got.status == 400
    assert "`1s, 2s`" in got.body["errors"][0]["message"]
