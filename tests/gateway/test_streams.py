"""Subscriptions of the whole gateway, whose sources cannot be reached: who may follow what, and from where on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from tests.gateway.test_app import OUTSIDERS, Gateway, gateway

CHANGES = """subscription($after: String) { sourceStateChanged(after: $after) {
    cursor missed at previous source { name state openSince circuit { reads } } } }"""


@pytest.fixture(scope="module")
def made() -> Iterator[Gateway]:
    with gateway() as opened:
        yield opened


class Followed:
    """A subscription under way."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket = socket

    def next(self) -> Any:
        said = self.socket.receive_json()
        assert said["type"] == "next", said
        return said["payload"]

    def change(self) -> dict[str, Any]:
        payload = self.next()
        assert "errors" not in payload
        found: dict[str, Any] = payload["data"]["sourceStateChanged"]
        return found


@contextmanager
def following(made: Gateway, role: str = "support_lead", query: str = CHANGES, **variables: Any) -> Iterator[Followed]:
    token = made._issuer.token(roles=[role], regions=["EMEA"], entities=["DE"], accounts=["001A"])
    client: TestClient = made.client
    with client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert socket.receive_json()["type"] == "connection_ack"
        payload = {"query": query, "variables": variables}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        yield Followed(socket)


def fail(made: Gateway) -> None:
    made.ask('{ subscription(key: "sub_1") { key } }')


def test_a_stream_says_where_it_begins_and_then_what_changes(made: Gateway) -> None:
    with following(made) as followed:
        opening = followed.change()
        assert (opening["missed"], opening["previous"], opening["source"]) == (False, None, None)
        assert opening["cursor"]
        fail(made)
        change = followed.change()
        assert change["previous"] == "NOT_ASKED_YET"
        assert change["source"]["name"] == "billing"
        assert change["source"]["state"] in ("FAILING", "OPEN")
        assert change["cursor"] != opening["cursor"]
        assert change["missed"] is False
    # whoever was away is told what they missed
    before = opening["cursor"]
    with following(made, after=before) as followed:
        assert followed.change() | {"at": None} == {
            "cursor": before,
            "missed": False,
            "at": None,
            "previous": None,
            "source": None,
        }
        assert followed.change() == change
    with following(made, after=change["cursor"]) as followed:
        assert followed.change()["cursor"] == change["cursor"]


@pytest.mark.parametrize("after", ["nonsense", "", "AAAA" * 20])
def test_whoever_has_no_cursor_of_this_process_is_told_that_something_may_be_missing(made: Gateway, after: str) -> None:
    with following(made, after=after) as followed:
        assert followed.change()["missed"] is True


def test_a_cursor_of_another_process_is_none_of_this_one(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 64)
    keys: dict[str, Any] = {"cursor_key": {"file": str(key)}}
    with gateway(gateway=keys) as one, gateway(gateway=keys) as other:
        with following(one) as followed:
            cursor = followed.change()["cursor"]
        with following(other, after=cursor) as followed:
            assert followed.change()["missed"] is True


@pytest.mark.parametrize("role", ["portal_user", "cpq_service"])
def test_who_has_no_business_with_the_systems_is_refused(made: Gateway, role: str) -> None:
    with following(made, role) as followed:
        payload = followed.next()
        assert payload["data"] == {"sourceStateChanged": None}
        assert [each["extensions"]["code"] for each in payload["errors"]] == ["FORBIDDEN"]
        assert followed.socket.receive_json() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("role", OUTSIDERS)
def test_to_outsiders_there_is_nothing_to_follow(made: Gateway, role: str) -> None:
    with following(made, role) as followed:
        said = followed.socket.receive_json()
        assert said["type"] == "error"
        assert "sourceStateChanged" not in json.dumps(made.ask("{ __schema { types { name fields { name } } } }", role))
    shown = made.ask("{ __schema { subscriptionType { name } types { name } } }", role)
    assert shown["data"]["__schema"]["subscriptionType"] is None
    assert "SourceStateChanged" not in json.dumps(shown)


def test_metrics_count_streams(made: Gateway) -> None:
    with following(made) as followed:
        followed.change()
        page = made.client.get("/metrics").text
        assert "opsgraph_streams_open 1" in page
        assert 'opsgraph_stream_answers_total{transport="websocket"}' in page
    assert 'opsgraph_streams_ended_total{transport="websocket",why="gone"}' in made.client.get("/metrics").text


def test_a_plain_request_is_told_to_ask_for_a_stream(made: Gateway) -> None:
    answer = made.ask("subscription { sourceStateChanged { cursor } }")
    assert "text/event-stream" in answer["errors"][0]["message"]
