"""The door: refuses whole plain requests only, and reads no more of those who insist than it can afford."""

import httptools
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.admission import Admission
from gateway.http.door import _A_SECOND, Door, plain
from gateway.settings import AdmissionSettings
from tests.gateway.http.edge import QUESTION, TOKEN, head

FULL = AdmissionSettings(concurrency=1)


class Connection:
    def __init__(self) -> None:
        self.paused = False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


def door(under_way: int = 9) -> tuple[Door, Admission]:
    admission = Admission(FULL)
    admission.under_way = under_way
    return Door(admission, "/graphql", 1), admission


class Read:
    """What a real parser finds."""

    def __init__(self, raw: bytes) -> None:
        self.whole, self.begun, self.authorization, self.body = 0, 0, b"", b""
        httptools.HttpRequestParser(self).feed_data(raw)

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_message_complete(self) -> None:
        self.whole += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"authorization":
            self.authorization = value

    def on_body(self, body: bytes) -> None:
        self.body += body


def test_a_refusal_is_a_whole_answer_that_says_when_to_come_back() -> None:
    made, _ = door()
    refusals = {made.refusal(head() + QUESTION) for _ in range(6)}
    told = set()
    for refusal in refusals:
        assert refusal is not None
        heading, _, body = refusal.partition(b"\r\n\r\n")
        lines = heading.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 503 Service Unavailable"
        assert f"content-length: {len(body)}" in lines
        extensions = msgspec.json.decode(body)["errors"][0]["extensions"]
        assert extensions["code"] == "OVERLOADED"
        assert extensions["retryable"] is True
        seconds = next(int(line[13:]) for line in lines if line.startswith("retry-after: "))
        assert extensions["retryAfterMs"] == seconds * 1000
        told.add(seconds)
    assert told == {1, 2, 3}


def test_nobody_is_refused_while_there_is_room() -> None:
    made, admission = door(under_way=0)
    assert made.refusal(head() + QUESTION) is None
    assert not admission.pressed


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
        b"GET /graphql?query={a} HTTP/1.1\r\nhost: a\r\n\r\n",
        head() + QUESTION[:-1],
        head() + QUESTION + b"P",
        head()[:-1],
        head("transfer-encoding: chunked") + QUESTION,
        head("content-length: 4") + QUESTION,
        head("connection: close") + QUESTION,
        head("Expect: 100-continue") + QUESTION,
        head(" folded") + QUESTION,
        head("upgrade: websocket") + QUESTION,
        head().replace(b"content-length: ", b"content-length : ") + QUESTION,
        head().replace(b"content-length: ", b"content-length:\t") + QUESTION,
        head("x: y\ntransfer-encoding: chunked") + QUESTION,
        head("x: y\nz") + QUESTION,
        head("content-length: 0") + QUESTION,
        head(": nothing") + QUESTION,
        head().replace(b"content-length: ", b"content-length: +") + QUESTION,
        head().replace(b"HTTP/1.1", b"HTTP/1.0") + QUESTION,
    ],
    ids=map(str, range(20)),  # not by what they are: each process has a token of its own
)
def test_whatever_is_not_one_plain_whole_request_takes_the_usual_way(request_: bytes) -> None:
    assert door()[0].refusal(request_) is None


NAMES = st.sampled_from(
    ["host", "Authorization", "Content-Length", "content-length", "Transfer-Encoding", "x-a", "Connection", "accept"]
)
VALUES = st.one_of(
    st.sampled_from(["5", "05", "0", "chunked", "close", "Bearer x", "+5", "5, 5"]), st.text("ab \t", max_size=6)
)
ENDS = st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n "])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    colons = st.sampled_from([": ", ": ", ":", " : "])
    lines = [f"{draw(NAMES)}{draw(colons)}{draw(VALUES)}{draw(ENDS)}" for _ in range(draw(st.integers(0, 3)))]
    if draw(st.integers(0, 3)):
        lines.insert(draw(st.integers(0, len(lines))), "content-length: 5\r\n")
    body = draw(st.sampled_from(["hello", "hello", "hello!", "", "0\r\n\r\n"]))
    return f"POST /graphql HTTP/1.1\r\n{''.join(lines)}\r\n{body}".encode()


@given(requests())
def test_what_the_door_takes_for_one_request_is_one_to_a_real_parser_too(raw: bytes) -> None:
    caller = plain(raw)
    if caller is None:
        return
    try:
        read = Read(raw)
    except httptools.HttpParserError:
        return  # refused with 503 where it would have been with 400: nothing is read either way
    assert (read.begun, read.whole) == (1, 1)
    assert caller.strip() == read.authorization.strip() or raw.lower().count(b"authorization") != 1


@pytest.mark.parametrize("line", ["x-a: b", "Connection: keep-alive", "accept: */*", "accept-encoding: gzip, br"])
def test_the_real_requests_of_clients_are_recognised(line: str) -> None:
    assert plain(head(line) + QUESTION) == TOKEN
    assert plain(head(line).replace(b"authorization: ", b"Authorization:") + QUESTION) == TOKEN


def insist(made: Door, connections: list[Connection]) -> int:
    """Every connection that is read asks again and is refused; gives how many did."""
    asking = [each for each in connections if not each.paused]
    for each in asking:
        made.refused(each)
    return len(asking)


STEP = 0.01  # seconds between ticks


def test_those_who_insist_are_read_only_as_often_as_there_is_time_for() -> None:
    made, admission = door()
    admission.delay = 0.1
    connections = [Connection() for _ in range(1_000)]
    refused = 0
    for _ in range(200):
        refused += insist(made, connections)
        made.tick(STEP, STEP)
    assert _A_SECOND <= refused <= _A_SECOND * 2 + 2 * len(connections)


def test_a_process_that_has_little_of_its_processor_refuses_less() -> None:
    counts = []
    for worked in (STEP, STEP / 5):
        made, admission = door()
        admission.delay = 0.1
        connections = [Connection() for _ in range(1_000)]
        insist(made, connections)
        count = 0
        for _ in range(300):
            made.tick(STEP, worked)
            count += insist(made, connections)
        counts.append(count)
    assert counts[1] < counts[0] / 3


def test_while_the_loop_is_in_time_refusals_need_not_be_spared_though_the_process_hardly_works() -> None:
    made, _ = door()  # what is under way waits for slow sources
    connections = [Connection() for _ in range(1_000)]
    insist(made, connections)
    count = 0
    for _ in range(200):
        made.tick(STEP, 0.0)
        count += insist(made, connections)
    assert count >= _A_SECOND


def test_everybody_who_waits_is_read_again_once_there_is_room() -> None:
    made, admission = door()
    connections = [Connection() for _ in range(500)]
    for _ in range(3):
        insist(made, connections)
    assert any(each.paused for each in connections)
    admission.under_way = 0
    for _ in range(30):
        made.tick(STEP, 0.0)
    assert not any(each.paused for each in connections)


def test_waiting_is_first_come_first_served() -> None:
    made, _ = door()
    connections = [Connection() for _ in range(600)]
    insist(made, connections)
    waiting = [each for each in connections if each.paused]
    assert len(waiting) > 500
    while waiting[0].paused:
        made.tick(STEP, STEP)
    states = [each.paused for each in waiting]
    assert states == sorted(states)
    assert states[-1]
