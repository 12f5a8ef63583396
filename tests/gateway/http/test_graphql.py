"""GraphQL over HTTP: which requests are answered how, and what is never let in."""

import asyncio
import gzip
import json
import logging
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.engine.engine import Response
from gateway.http.front import HEADER_BYTES
from gateway.http.requests import _accepted, accepted, correlation_id
from tests.gateway.http.edge import LIMIT, QUESTION, TOKEN, Edge, Engine, Message
from tests.growth import growth

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
NOT_RUN = Response({"errors": [{"message": "no"}]}, started=False)


# ---------------------------------------------------------------- answers


async def test_a_question_is_answered_in_two_messages_and_one_read() -> None:
    edge = Edge()
    got = await edge.ask(json.dumps({"query": "{ a }", "variables": {"x": 1}, "operationName": "Q"}).encode())
    (asked,) = edge.engine.asked
    assert (asked.query, asked.variables, asked.operation_name, asked.may_mutate) == ("{ a }", {"x": 1}, "Q", True)
    assert (got.status, got.body) == (200, {"data": {"__typename": "Query"}})
    assert [each["type"] for each in got.sent] == ["http.response.start", "http.response.body"]
    assert got.reads == 1, "an operation that is soon over has no watcher"
    assert got.headers["content-length"] == str(len(got.sent[1]["body"]))
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["vary"] == "accept, authorization"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/*;q=0.1", JSON),
        (b"application/json", JSON),
        (b"application/graphql-response+json", RESPONSE_JSON),
        (b"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", RESPONSE_JSON),
        (b"application/json, application/graphql-response+json", JSON),
        (b"application/json;q=0.5, application/graphql-response+json;q=0.9", RESPONSE_JSON),
        (b"text/html, application/json;q=0.2", JSON),
        (b"APPLICATION/JSON", JSON),
        (b"text/html", None),
        (b"application/json;q=0", None),
        (b"application/json;q=nan", None),
        (b"application/json;q=x", None),
        (b"application/json;charset=utf-16", None),
    ],
)
async def test_the_media_type_is_the_one_the_client_likes_best(accept: bytes | None, media_type: str | None) -> None:
    got = await Edge().ask(accept=accept)
    assert got.status == (200 if media_type else 406)
    assert got.headers["content-type"] == f"{media_type or JSON}; charset=utf-8"


def test_what_clients_accept_is_remembered_within_bounds() -> None:
    _accepted.cache_clear()
    for number in range(1_000):
        assert accepted(b"application/json;q=0.%d" % (number + 1)) == JSON
    assert accepted(b"application/json, " + b"x/y, " * 1_000) == JSON
    known = _accepted.cache_info()
    assert known.currsize == known.maxsize == 256
    assert known.misses == 1_000, "a long one is not remembered"


@pytest.mark.parametrize(
    ("says", "accept", "status"),
    [
        (NOT_RUN, b"application/graphql-response+json", 400),
        (NOT_RUN, b"application/json", 200),
        (Response({"data": None, "errors": []}, started=True), b"application/graphql-response+json", 200),
        (Response({"errors": []}, started=False, method_not_allowed=True), b"application/json", 405),
    ],
)
async def test_the_status_says_whether_it_ran_to_those_who_understand(
    says: Response, accept: bytes, status: int
) -> None:
    got = await Edge(Engine(says)).ask(accept=accept)
    assert got.status == status
    assert got.headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize(
    ("given", "kept"), [(b"abcd-1234_x.y", True), (b"short", False), (b"x" * 65, False), (b"a b c d e f g", False)]
)
async def test_a_correlation_id_is_kept_where_it_is_one(given: bytes, kept: bool) -> None:
    got = await Edge().ask(x_correlation_id=given)
    assert (got.headers["x-correlation-id"] == given.decode()) is kept


def test_new_correlation_ids_are_never_the_same() -> None:
    made = [correlation_id(None) for _ in range(2_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in made)


# ---------------------------------------------------------------- GET


async def test_a_get_request_asks_by_its_address() -> None:
    edge = Edge()
    query = urlencode({"query": "query Q { é }", "variables": '{"a": [1]}', "operationName": "Q", "extensions": "{}"})
    got = await edge.ask(method="GET", query=query.encode(), content_type=None)
    (asked,) = edge.engine.asked
    assert (asked.query, asked.variables, asked.operation_name, asked.may_mutate) == (
        "query Q { é }",
        {"a": [1]},
        "Q",
        False,
    )
    assert (got.status, got.reads) == (200, 0)


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"variables={}",
        b"query=a&query=b",
        b"query=a&variables={}&variables={}",
        b"query=a&variables=[1]",
        b"query=a&variables={",
        b"query=a&variables=" + b"[" * 3_000,
        b"query=a&extensions=1",
        b"query=a&" + b"&".join(b"x%d=1" % number for number in range(30)),
    ],
)
async def test_a_get_request_that_is_no_question_is_refused(query: bytes) -> None:
    edge = Edge()
    assert (await edge.ask(method="GET", query=query)).status == 400
    assert edge.engine.asked == []


# ---------------------------------------------------------------- what is not let in


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_not_allowed(method: str) -> None:
    got = await Edge().ask(method=method)
    assert (got.status, got.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (b"application/json", 200),
        (b"application/json; charset=utf-8", 200),
        (b'Application/JSON;charset="UTF8"', 200),
        (b"application/json; charset=latin-1", 415),
        (b"text/plain", 415),
        (b"application/x-www-form-urlencoded", 415),
        (b"multipart/form-data; boundary=x", 415),
        (b"application/jsonp", 415),
        (b"x" * 5_000, 415),
        (None, 415),
    ],
)
async def test_only_json_in_utf8_is_read(content_type: bytes | None, status: int) -> None:
    got = await Edge().ask(content_type=content_type)
    assert (got.status, got.reads) == (status, 1 if status == 200 else 0)


BAD_BODIES = {
    "nothing": b"",
    "a scalar": b"7",
    "a text": b'"{ __typename }"',
    "null": b"null",
    "a list": b'[{"query": "{ __typename }"}]',
    "no query": b"{}",
    "a query that is no text": b'{"query": {"a": 1}}',
    "variables that are no object": b'{"query": "{ a }", "variables": [1]}',
    "extensions that are no object": b'{"query": "{ a }", "extensions": "x"}',
    "a name that is no text": b'{"query": "{ a }", "operationName": 1}',
    "deep lists": b'{"query": "{ a }", "variables": {"a": ' + b"[" * 1_500,
    "deep objects": b'{"query":' + b'{"a":' * 300,
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "half a surrogate pair": b'{"query": "\\ud800"}',
    "UTF-16": '{"query": "{ a }"}'.encode("utf-16"),
    "gzip bytes": gzip.compress(QUESTION),
    "NaN": b'{"query": "{ a }", "variables": {"a": NaN}}',
    "a number beyond all bounds": b'{"query": "{ a }", "variables": {"a": 1e400}}',
    "two values": QUESTION + QUESTION,
    "a comment": b'{"query": "{ a }" /* */}',
}


@pytest.mark.parametrize("reason", BAD_BODIES)
async def test_a_body_that_is_no_question_is_refused_at_once_and_leaves_no_trace(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    edge = Edge()
    got = await edge.ask(BAD_BODIES[reason])
    assert (got.status, edge.engine.asked) == (400, [])
    assert got.body["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert caplog.records == []


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_a_deep_body_is_refused_by_work_that_grows_with_its_bytes_at_most(opened: bytes) -> None:
    edge = Edge()
    edge.front._direct["/graphql"]._body_bytes = 256 * 1024  # type: ignore[attr-defined]

    def ask(size: int) -> None:
        assert asyncio.run(edge.ask(opened * (size // len(opened)))).status == 400

    assert growth(ask, 32 * 1024, 256 * 1024) < 24


async def test_a_compressed_body_is_not_opened() -> None:
    got = await Edge().ask(gzip.compress(QUESTION), content_encoding=b"gzip")
    assert (got.status, got.reads, got.headers["connection"]) == (415, 0, "close")
    assert (await Edge().ask(content_encoding=b"Identity")).status == 200


@pytest.mark.parametrize("announced", [str(LIMIT + 1).encode(), b"9" * 400])
async def test_a_body_announced_too_large_is_not_read(announced: bytes) -> None:
    got = await Edge().ask(content_length=announced)
    assert (got.status, got.reads, got.headers["connection"]) == (413, 0, "close")
    assert got.body["errors"][0]["extensions"]["code"] == "REQUEST_TOO_LARGE"
    assert got.body["errors"][0]["extensions"]["docs"] == "docs/errors.md#request_too_large"


async def test_a_body_that_turns_out_too_large_is_given_up() -> None:
    reads = 0

    async def endless() -> Message:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b" " * 700, "more_body": True}

    got = await Edge().ask(receive=endless, content_length=b"10")
    assert (got.status, got.body["errors"][0]["extensions"]["code"]) == (413, "REQUEST_TOO_LARGE")
    assert reads == 3


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_of_the_last_byte_is_read_and_one_more_is_too_many(announced: bool) -> None:
    edge = Edge()
    for size, status, codes in ((LIMIT, 200, []), (LIMIT + 1, 413, ["REQUEST_TOO_LARGE"])):
        body = QUESTION + b" " * (size - len(QUESTION))
        head: dict[str, Any] = {"content_length": str(size).encode()} if announced else {}
        got = await edge.ask(body, **head)
        assert got.status == status
        assert [each["extensions"]["code"] for each in got.body.get("errors", ())] == codes
    assert len(edge.engine.asked) == 1


@pytest.mark.parametrize(("headers", "status"), [({"content_encoding": b"gzip"}, 415), ({"content_type": None}, 415)])
async def test_what_is_refused_for_something_else_than_its_size_has_no_code_of_its_own(
    headers: dict[str, Any], status: int
) -> None:
    got = await Edge().ask(**headers)
    assert (got.status, got.body["errors"][0]["extensions"]["code"]) == (status, "BAD_INPUT")


async def test_a_body_in_pieces_is_put_together() -> None:
    pieces = [QUESTION[index : index + 3] for index in range(0, len(QUESTION), 3)]

    async def next_piece() -> Message:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    assert (await Edge().ask(receive=next_piece)).status == 200


async def test_a_body_that_drips_is_given_up_in_time() -> None:
    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    began = time.monotonic()
    got = await Edge(body_timeout=0.2).ask(receive=drip)
    assert (got.status, got.headers["connection"]) == (408, "close")
    assert got.body["errors"][0]["message"] == "the body did not arrive within 0.2 s"
    assert 0.19 < time.monotonic() - began < 1


async def test_a_body_that_is_cut_off_reaches_no_engine() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    edge = Edge()
    assert (await edge.ask(receive=gone)).status == 400
    assert edge.engine.asked == []


@pytest.mark.parametrize("authorization", [None, b"", b"Bearer x", b"Basic YTpi", b"Bearer \xff", TOKEN[:-3] + b"AAA"])
async def test_without_a_good_token_no_body_is_read(authorization: bytes | None) -> None:
    edge = Edge()
    got = await edge.ask(authorization=authorization)
    assert (got.status, got.reads, edge.engine.asked) == (401, 0, [])
    assert got.headers["www-authenticate"] == 'Bearer realm="opsgraph"'
    assert got.body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", [b"authorization", b"content-type", b"content-length", b"content-encoding"])
async def test_a_header_that_must_stand_alone_is_not_given_twice(name: bytes) -> None:
    got = await Edge().ask(content_length=b"1", content_encoding=b"identity", raw=[(name, TOKEN)])
    assert (got.status, got.reads) == (400, 0)
    assert got.body["errors"][0]["message"] == f"the header `{name.decode()}` is given twice"


async def test_lists_in_two_headers_are_one_list() -> None:
    got = await Edge().ask(
        accept=b"text/html", raw=[(b"accept", b"application/graphql-response+json"), (b"x", b"1"), (b"x", b"2")]
    )
    assert got.headers["content-type"].startswith(RESPONSE_JSON)


# ---------------------------------------------------------------- the front


@pytest.mark.parametrize("path", ["/graphql", "/elsewhere"])
async def test_a_head_that_is_too_large_is_refused_on_every_path(path: str) -> None:
    fits = HEADER_BYTES - len(path) - len(TOKEN) - len("authorization") - len("content-type" + JSON) - len("x")
    assert (await Edge().ask(path=path, x=b"y" * fits)).status == 200
    got = await Edge().ask(path=path, x=b"y" * (fits + 1))
    assert (got.status, got.reads, got.headers["connection"]) == (431, 0, "close")
    assert (await Edge().ask(path=path, method="GET", query=b"q" * HEADER_BYTES)).status == 431


async def test_other_paths_are_the_frameworks() -> None:
    assert (await Edge().ask(path="/elsewhere")).body == b"here"
    assert (await Edge().ask(path="/nowhere")).status == 404
    assert (await Edge().ask(path="/graphql/")).headers["location"] == "http://127.0.0.1/graphql"


# ---------------------------------------------------------------- clients that go, engines that fail


def leaves(after: float) -> Any:
    """Sends its question, then some more news of a body that is there already, then goes away."""
    news: list[Message] = [
        {"type": "http.request", "body": QUESTION, "more_body": False},
        {"type": "http.request", "body": b""},
    ]

    async def receive() -> Message:
        if news:
            return news.pop(0)
        await asyncio.sleep(after)
        return {"type": "http.disconnect"}

    return receive


async def test_an_operation_ends_when_its_client_goes_away() -> None:
    edge = Edge(Engine(before=lambda: asyncio.sleep(30)))
    async with asyncio.timeout(20):
        got = await edge.ask(receive=leaves(0.05))
    assert edge.engine.cancelled.is_set()
    assert (got.status, got.sent) == (None, [])
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_an_operation_that_ends_first_is_answered_and_its_watcher_ends() -> None:
    before = asyncio.all_tasks()
    got = await Edge(Engine(before=lambda: asyncio.sleep(0.1))).ask(receive=leaves(30))
    assert got.status == 200
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_cancellation_of_somebody_else_goes_on() -> None:
    edge = Edge(Engine(before=lambda: asyncio.sleep(30)))
    asking = asyncio.create_task(edge.ask())
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert edge.engine.cancelled.is_set()


async def test_a_failure_nobody_foresaw_says_nothing_but_its_correlation_id(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("the secret of the house")

    got = await Edge(Engine(before=fail)).ask(x_correlation_id=b"quote-me-please")
    assert got.status == 500
    (error,) = got.body["errors"]
    assert error["message"] == "something went wrong here: quote the correlation id `quote-me-please`"
    assert error["extensions"]["code"] == "INTERNAL"
    assert b"secret" not in got.sent[1]["body"]
    assert "the secret of the house" in caplog.text
