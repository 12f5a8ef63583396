"""`opsgraph orders`: what it asks a gateway, what it makes of the answers, and every way in which it is refused."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.cli import main, ordered
from gateway.cli.orders import ENDED, STATES
from sources.store.operations import ENDED as OVER
from sources.store.operations import State
from tests.peers import closed_port, serving

KEY = "5b0c"
NODE: dict[str, Any] = {
    "key": KEY,
    "mutation": "submitOrder",
    "state": "RUNNING",
    "reason": None,
    "amount": {"amount": "7200.00", "currency": "USD"},
    "askedBy": "cpq",
    "human": "hana",
    "acceptedAt": "2026-11-21T20:33:38.101+00:00",
    "updatedAt": "2026-11-21T20:33:39+00:00",
    "endedAt": None,
    "version": 3,
    "approvals": [],
    "exceptions": [],
}


def step(number: int, **given: Any) -> dict[str, Any]:
    at = f"2026-11-21T20:33:{40 + number}"
    standing = {
        "number": number, "name": f"step_{number}", "direction": "DO", "outcome": "OK", "attempts": 1, "source": "erp",
        "message": None, "startedAt": f"{at}+00:00", "finishedAt": f"{at}.250+00:00",
    }  # fmt: skip
    return standing | given


class Gateway:
    """Answers what it is told to, one thing after another, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.asked: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/graphql", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append({**body["variables"], "token": request.headers["authorization"]})
        return self.answers.pop(0)

    def say(self, **data: Any) -> None:
        self.answers.append(JSONResponse({"data": data}))

    def refuse(self, status: int, message: str, **more: Any) -> None:
        self.answers.append(JSONResponse({"errors": [{"message": message, "extensions": more}]}, status))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def run(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("OPSGRAPH_TOKEN", " t.o.k \n")
    with serving(gateway.app) as url:
        yield lambda *line: main(["orders", *line, "--gateway", url])


def test_the_states_are_those_there_are() -> None:
    assert set(STATES) == set(State)
    assert set(ENDED) == set(OVER)


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ([], {"first": 20, "after": None, "filter": None}),
        (["--stuck"], {"filter": {"state": ["NEEDS_ATTENTION"]}}),
        (
            ["--open"],
            {"filter": {"state": ["RECEIVED", "AWAITING_APPROVAL", "RUNNING", "NEEDS_ATTENTION", "COMPENSATING"]}},
        ),
        (["--state", "RUNNING", "--state", "EXPIRED"], {"filter": {"state": ["RUNNING", "EXPIRED"]}}),
        (
            ["--mutation", "issueCredit", "--account", "A-1", "--person", " Hana"],
            {"filter": {"mutation": ["issueCredit"], "account": "A-1", "person": ["hana"]}},
        ),
        (["--first", "5", "--after", "abc"], {"first": 5, "after": "abc"}),
    ],
)
def test_a_list_asks_for_what_it_was_told(run: Any, gateway: Gateway, line: list[str], asked: dict[str, Any]) -> None:
    gateway.say(operations={"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}})
    assert run("list", *line) == 0
    (found,) = gateway.asked
    assert found.items() >= asked.items()
    assert found["token"] == "Bearer t.o.k"


def test_a_list_tells_whom_each_waits_for_and_how_to_go_on(
    run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"role": "finance", "decision": "PENDING"}
    raised = {"kind": "PERIOD_LOCKED", "owner": "finance", "status": "OPEN", "dueAt": "2026-11-23T10:00:00+00:00"}
    nodes = [
        NODE,
        None,
        NODE | {"key": "a", "state": "AWAITING_APPROVAL", "approvals": [asked, {**asked, "decision": "WITHDRAWN"}]},
        NODE | {"key": "b", "state": "NEEDS_ATTENTION", "reason": "PERIOD_LOCKED", "exceptions": [raised]},
        NODE | {"key": "c", "state": "REJECTED", "reason": "no\x1b[31m\nmoney" + "x" * 99, "amount": None},
    ]
    gateway.say(operations={"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": "next"}})
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines if line.startswith(("  5b0c", "  a", "  b", "  c"))] == [
        "5b0c submitOrder RUNNING 7200.00 USD hana 2026-11-21 20:33 —",
        "a submitOrder AWAITING_APPROVAL 7200.00 USD hana 2026-11-21 20:33 finance to approve",
        "b submitOrder NEEDS_ATTENTION 7200.00 USD hana 2026-11-21 20:33 finance: PERIOD_LOCKED, due 2026-11-23 10:00",
        f"c submitOrder REJECTED — hana 2026-11-21 20:33 no [31m money{'x' * 46}…",
    ]
    assert "--after next" in lines[-2]
    assert len({len(line) for line in lines if "─" in line}) == 1


def test_json_is_what_the_gateway_said(run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"nodes": [NODE], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    gateway.say(operations=said)
    assert run("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == said


def test_what_a_role_may_not_see_is_left_out_of_a_table(
    run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = dict.fromkeys(NODE) | {"key": KEY, "state": "NEEDS_ATTENTION"}
    body = {"data": {"operations": {"nodes": [blind], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
    body["errors"] = [{"message": "not for your role", "path": ["operations", "nodes", "@", "amount"]}]  # type: ignore[assignment]
    gateway.answers.append(JSONResponse(body))
    assert run("list") == 0
    assert " ".join(capsys.readouterr().out.splitlines()[-2].split()) == "5b0c — NEEDS_ATTENTION — — — —"


class TestWatching:
    def test_it_tells_what_is_new_until_the_end(
        self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        running, tried = step(2, outcome=None, finishedAt=None), step(2, outcome="TRANSIENT", message="it is away")
        again = step(2, attempts=2, source=None)
        for state, steps in (
            ("RUNNING", [step(1), running]),
            ("RUNNING", [step(1), running]),
            ("RUNNING", [step(1), tried]),
            ("COMPLETED", [step(1), again]),
        ):
            gateway.say(operation=NODE | {"state": state, "steps": steps})
        assert run("watch", KEY, "--every", "0.1") == 0
        assert capsys.readouterr().out.splitlines() == [
            "2026-11-21 20:33:41     1 step_1 OK in erp, 250 ms",
            "2026-11-21 20:33:39  RUNNING",
            "2026-11-21 20:33:42     2 step_2 TRANSIENT in erp, 250 ms: it is away",
            "2026-11-21 20:33:42     2 step_2 OK, 250 ms",
            "2026-11-21 20:33:39  COMPLETED",
        ]

    @pytest.mark.parametrize("state", sorted(set(ENDED) - {"COMPLETED"}))
    def test_what_did_not_go_through_is_status_1(self, run: Any, gateway: Gateway, state: str) -> None:
        gateway.say(operation=NODE | {"state": state, "reason": "why", "steps": []})
        assert run("watch", KEY, "--json") == 1

    def test_a_gateway_that_has_no_time_is_asked_again(
        self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.cli.orders.time.sleep", lambda _: None)
        gateway.refuse(503, "too busy")
        gateway.refuse(503, "too busy")
        gateway.say(operation=NODE | {"state": "COMPLETED", "steps": []})
        assert run("watch", KEY) == 0
        assert capsys.readouterr().err == "opsgraph: the gateway has no time for it: too busy; trying again\n"


class TestChanging:
    def test_resuming_unchanged(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        told: dict[str, Any] = {
            "operation": {"key": KEY, "state": "NEEDS_ATTENTION"},
            "exception": None,
            "approvals": [],
        }
        gateway.say(resumeOperation=told)
        assert run("resume", KEY, "--reason", "it is open") == 0
        assert gateway.asked[0]["input"] == {"operation": KEY, "reason": "it is open"}
        assert capsys.readouterr().out == "5b0c goes on: see `opsgraph orders watch 5b0c`\n"

    def test_resuming_with_another_value_names_the_open_exception_and_tells_who_has_to_agree(
        self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        over, left = {"key": "e1", "status": "RESOLVED"}, {"key": "e2", "status": "ASSIGNED"}
        gateway.say(operation=NODE | {"exceptions": [over, left]})
        asked = {"key": "a1", "role": "finance_controller", "evidenceHash": "ff", "expiresAt": "2026-11-22T20:00:00Z"}
        gateway.say(resolveException={"operation": {"key": KEY, "state": "x"}, "exception": left, "approvals": [asked]})
        changes = ["--change", "posted_on=2026-12-01", "--change", "memo=a=b"]
        assert run("resume", KEY, "--reason", "into December", *changes) == 0
        assert gateway.asked[1]["input"] == {
            "exception": "e2",
            "action": "RESUME",
            "reason": "into December",
            "changes": [{"field": "posted_on", "value": "2026-12-01"}, {"field": "memo", "value": "a=b"}],
        }
        said = capsys.readouterr().out
        assert said == "finance_controller has to agree until 2026-11-22 20:00:00: approval a1, evidence ff\n"

    def test_canceling(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        gateway.say(
            cancelOperation={"operation": {"key": KEY, "state": "CANCELED"}, "exception": None, "approvals": []}
        )
        assert run("cancel", KEY, "--reason", "twice", "--json") == 0
        assert json.loads(capsys.readouterr().out)["operation"]["state"] == "CANCELED"

    @pytest.mark.parametrize("way", ["resume", "cancel"])
    def test_nothing_is_changed_without_a_reason(self, run: Any, gateway: Gateway, way: str) -> None:
        with pytest.raises(SystemExit):
            run(way, KEY)
        assert gateway.asked == []


class TestRefusals:
    def line(self, capsys: pytest.CaptureFixture[str]) -> str:
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("opsgraph: ")
        assert said.err.count("\n") == 1
        return said.err.removeprefix("opsgraph: ").strip()

    def test_the_gateways_own_words(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        gateway.refuse(200, "it is not\nyours", code="FORBIDDEN", rule="cancel writes.yaml:3", correlationId="c1")
        assert run("cancel", KEY, "--reason", "x") == 2
        assert self.line(capsys) == "it is not yours (FORBIDDEN, cancel writes.yaml:3, c1)"

    def test_a_token_that_is_not_taken(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        gateway.refuse(401, "the token has expired", code="UNAUTHENTICATED")
        assert run("list") == 2
        assert self.line(capsys) == "the gateway does not take this token: the token has expired (UNAUTHENTICATED)"

    def test_what_is_not_there(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        gateway.say(operation=None)
        assert run("show", KEY) == 2
        assert self.line(capsys) == "there is no operation `5b0c`, or it is not for you to see"

    def test_what_is_no_gateway(self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        gateway.answers += [PlainTextResponse("hello"), JSONResponse(["hello"])]
        for _ in range(2):
            assert run("list") == 2
            assert "is no gateway: it answered 200, and no GraphQL" in self.line(capsys)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (["list", "--first", "0"], "`--first` is 0: 1 to 100 are possible"),
            (["list", "--first", "101"], "`--first` is 101: 1 to 100 are possible"),
            (["watch", KEY, "--every", "0"], "`--every` is 0: 0.1 to 3600 seconds are possible"),
            (["resume", KEY, "--reason", "x", "--change", "posted_on"], "`--change posted_on` is no change"),
            (["list", "--token-file", "there-is-none"], "`there-is-none` cannot be read"),
        ],
    )
    def test_options_that_cannot_be(
        self, run: Any, gateway: Gateway, capsys: pytest.CaptureFixture[str], line: list[str], said: str
    ) -> None:
        assert run(*line) == 2
        assert self.line(capsys).startswith(said)
        assert gateway.asked == []

    @pytest.mark.parametrize("token", [None, "", "two words", "über", "line\nbreak"])
    def test_no_token(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], token: str | None
    ) -> None:
        monkeypatch.delenv("OPSGRAPH_TOKEN", raising=False)
        if token is not None:
            monkeypatch.setitem(os.environ, "OPSGRAPH_TOKEN", token)
        assert main(["orders", "list"]) == 2
        assert self.line(capsys).startswith("there is no token: put one into $OPSGRAPH_TOKEN")

    def test_a_token_of_a_file(self, gateway: Gateway, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text("of.a.file\n")
        gateway.say(operations={"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}})
        with serving(gateway.app) as url:
            assert main(["orders", "list", "--gateway", f"{url}/graphql/", "--token-file", str(file)]) == 0
        assert gateway.asked[0]["token"] == "Bearer of.a.file"

    @pytest.mark.parametrize(
        ("gateway_", "said"),
        [
            ("ftp://x", "`--gateway ftp://x` is no address"),
            ("http://:99999", "`--gateway http://:99999` is no address"),
            (closed_port(), "no gateway answers at http://127.0.0.1"),
        ],
        ids=["no HTTP", "no port", "nobody"],
    )
    def test_nobody_there(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gateway_: str, said: str
    ) -> None:
        monkeypatch.setenv("OPSGRAPH_TOKEN", "t")
        assert main(["orders", "list", "--gateway", gateway_]) == 2
        assert self.line(capsys).startswith(said)


def test_a_page_shows_only_what_there_is() -> None:
    node = NODE | {
        "outcome": "ACCEPTED", "correlationId": "c-1", "account": None, "legalEntity": {"key": "US"},
        "steps": [{**step(1), "direction": "UNDO", "owner": None, "sentAs": "k", "requestId": "req_1"}],
        "history": [],
    }  # fmt: skip
    page = ordered.shown(node)
    assert page.splitlines()[:3] == [
        "submitOrder 5b0c",
        "  RUNNING",
        "  for — (—), US, 7200.00 USD, asked by hana (cpq)",
    ]
    assert "undo step_1" in page
    assert "req_1" in page
    assert "approvals" not in page
