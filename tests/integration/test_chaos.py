"""A demo whose sources fail when told to: the door, the command, and what only serves has none of."""

import json
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.cli import main
from gateway.settings import parse
from tests.integration.conftest import Demo

CONTACTS = "query($account: ID!) { account(by: { key: $account }) { name contacts(first: 1) { nodes { name } } } }"
CASES = "query($account: ID!) { account(by: { key: $account }) { name cases(first: 1) { nodes { number } } } }"


def states(demo: Demo) -> dict[str, dict]:
    answer = httpx2.get(demo.known["chaos"])
    assert answer.headers["cache-control"] == "no-store"
    return {each["source"]: each for each in answer.json()["sources"]}


@pytest.fixture(autouse=True)
def calm(demo: Demo):
    """No fault outlives its test."""
    yield
    httpx2.post(demo.known["chaos"], json={"fault": "off"})


def test_every_source_is_reached_through_its_proxy(demo: Demo) -> None:
    demo.forget_calls()
    before = states(demo)
    assert "errors" not in demo.ask(CONTACTS, account=demo.landmarks["hero"])
    after = states(demo)
    assert sorted(after) == ["billing", "crm", "erp", "support"]
    came = {name: sum(after[name]["asks"].values()) - sum(before[name]["asks"].values()) for name in after}
    assert came == {"billing": 0, "crm": demo.calls()["salesforce"], "erp": 0, "support": 0}
    assert came["crm"] > 0
    assert demo.known["proxies"]["crm"] == after["crm"]["url"] != demo.known["simulators"]["salesforce"]


def test_a_source_that_is_down_leaves_the_rest_of_the_answer(demo: Demo) -> None:
    demo.ask(CONTACTS, account=demo.landmarks["hero"])
    told = httpx2.post(demo.known["chaos"], json={"source": "support", "fault": "down", "for": 600})
    assert told.status_code == 200
    assert 500 < states(demo)["support"]["endsIn"] <= 600
    body = demo.ask(CASES, account=demo.landmarks["hero"])
    assert body["data"]["account"]["name"]
    assert body["data"]["account"]["cases"] is None
    assert {tuple(error["path"][:2]) for error in body["errors"]} == {("account", "cases")}
    assert {error["extensions"]["source"] for error in body["errors"]} == {"support"}


def test_the_command_sets_shows_and_ends_a_fault(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--demo", demo.known["chaos"].removesuffix("/demo/chaos")]
    assert main(["chaos", "billing", "--latency", "4s", "--percent", "30%", "--for", "10m", *where]) == 0
    assert capsys.readouterr().out.startswith("billing: latency 4 s 30 %, for ")
    state = states(demo)["billing"]
    assert (state["fault"], state["seconds"], state["percent"]) == ("latency", 4.0, 30.0)
    assert main(["chaos", *where]) == 0
    assert "  billing  latency 4 s 30 %  in " in capsys.readouterr().out
    assert main(["chaos", "sales", "--down", *where]) == 2
    assert "there is no source `sales`: one of billing, crm, erp, support is possible" in capsys.readouterr().err
    assert main(["chaos", "--off", *where]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{name}: no fault" for name in ("billing", "crm", "erp", "support")
    ]


def test_a_page_of_another_site_cannot_send_a_fault(demo: Demo) -> None:
    order = json.dumps({"source": "crm", "fault": "down"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"):
        assert httpx2.post(demo.known["chaos"], content=order, headers={"content-type": kind}).status_code == 415
    assert httpx2.options(demo.known["chaos"]).status_code == 405
    assert states(demo)["crm"]["fault"] == "off"


def test_the_console_is_told_where_faults_are_set(demo: Demo) -> None:
    opening = httpx2.get(f"{demo.known['console']}/opening.json").json()
    assert opening["chaos"] == "/demo/chaos"


def test_what_serves_has_no_door_to_faults(demo: Demo, tmp_path: Path) -> None:
    tables, secrets = demo.sources()
    with TestClient(create_app(parse({"sources": tables}, secrets))) as client:
        for path in ("/demo/chaos", "/demo", "/faults", "/console"):
            assert client.get(path).status_code == 404
            assert client.post(path, json={"source": "crm", "fault": "down"}).status_code == 404
