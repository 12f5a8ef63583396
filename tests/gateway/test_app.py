"""The whole gateway without a single source: it starts, is ready, answers with typed errors, and shows how things are."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import parse
from policies.load import RULES, load_rules
from tests.gateway.issuer import AUDIENCE, ISSUER, Issuer, running
from tests.gateway.telemetry.test_exposition import LINE
from tests.peers import closed_port

ROLES = load_rules(RULES).roles
OUTSIDERS = sorted(name for name, role in ROLES.items() if role.audience == "external")
SEERS = ["platform", "support_agent", "support_lead", "finance", "finance_controller", "revops", "auditor"]
ENTITLED = """{ entitlementCheck(account: "001A00000000001", supportTier: "premium") { decision rule } }"""
EVERYTHING = """{ sources { name vendor system zone entities owns state openSince circuit { reads writes retryInMs }
    queue { running waiting concurrency bound } latency { p50Ms p99Ms calls failures retries refused }
    limits { name limit remaining resetsInMs } lastError { code at } } }"""


class Gateway:
    def __init__(self, client: TestClient, issuer: Issuer) -> None:
        self.client, self._issuer = client, issuer

    def ask(self, query: str, role: str = "support_lead") -> dict[str, Any]:
        token = self._issuer.token(roles=[role], regions=["EMEA"], entities=["DE"], accounts=["001A"])
        headers = {"authorization": f"Bearer {token}"}
        answer: dict[str, Any] = self.client.post("/graphql", json={"query": query}, headers=headers).json()
        return answer


@contextmanager
def gateway(**tables: Any) -> Iterator[Gateway]:
    nowhere = closed_port()
    secret = {"env": "SECRET"}
    quick = {"timeout": 0.5, "retry": {"attempts": 1}}
    sources = {
        "crm": {"vendor": "salesforce", "url": nowhere, "client_id": "a", "client_secret": secret, "zone": "eu"},
        "billing": {"vendor": "stripe", "url": nowhere, "key": secret, "entities": ["DE", "US"]},
        "support": {"vendor": "zendesk", "url": nowhere, "client_id": "a", "client_secret": secret},
    }
    with ExitStack() as stack:
        issuer = stack.enter_context(running())
        tree = {
            "identity": {"issuers": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": issuer.jwks}]},
            "sources": {name: table | quick for name, table in sources.items()},
            **tables,
        }
        app = create_app(parse(tree, {"SECRET": "sk_test_not_to_be_seen"}))
        yield Gateway(stack.enter_context(TestClient(app)), issuer)


@pytest.fixture(scope="module")
def unreachable() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


def test_starting_needs_no_source() -> None:
    with gateway() as made:
        ready = made.client.get("/readyz")
        assert ready.status_code == 200
        body = ready.json()
        assert (body["ready"], body["draining"], body["degraded"]) == (True, False, [])
        assert body["sources"] == dict.fromkeys(("billing", "crm", "support"), "NOT_ASKED_YET")
        assert body["cache"] == {"redis": None}


def test_an_entitlement_is_answered_with_typed_errors_and_never_a_silence(unreachable: Gateway) -> None:
    answer = unreachable.ask(ENTITLED)
    assert answer.get("errors") or answer["data"]["entitlementCheck"]["decision"] == "REFER"
    assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= {"SOURCE_UNAVAILABLE", "CIRCUIT_OPEN"}
    assert answer["extensions"]["correlationId"]


def opened(unreachable: Gateway) -> None:
    """Asks until the circuit has opened: failures of one moment alone do not open it."""
    for _ in range(100):
        unreachable.ask('{ subscription(key: "sub_1") { key } }')
        if unreachable.client.get("/readyz").json()["sources"]["billing"] == "OPEN":
            return
        time.sleep(0.05)


def test_readyz_names_the_sources_that_fail_and_says_why_and_stays_ready(unreachable: Gateway) -> None:
    opened(unreachable)
    body = unreachable.client.get("/readyz").json()
    assert body["ready"] is True
    assert "billing" in body["degraded"]
    assert body["sources"]["billing"] == "OPEN"
    why = body["why"]["billing"]
    assert not {"open", "half_open"}.isdisjoint(why["circuit"].values())
    assert why["openSince"] is not None
    assert why["lastError"]["code"] in ("SOURCE_UNAVAILABLE", "CIRCUIT_OPEN")


@pytest.mark.parametrize("role", SEERS)
def test_our_own_people_see_how_the_sources_are(unreachable: Gateway, role: str) -> None:
    answer = unreachable.ask(EVERYTHING, role)
    assert "errors" not in answer
    shown = {each["name"]: each for each in answer["data"]["sources"]}
    assert list(shown) == ["billing", "crm", "support"]
    assert shown["billing"]["entities"] == ["DE", "US"]
    assert shown["crm"]["zone"] == "eu"
    assert (shown["crm"]["vendor"], shown["crm"]["system"]) == ("salesforce", "CRM")
    assert "Account" in shown["crm"]["owns"]
    assert shown["crm"]["queue"]["concurrency"] > 0
    assert "sk_test_not_to_be_seen" not in json.dumps(answer)


def test_a_source_that_fails_is_shown_with_its_circuit_its_figures_and_its_last_error(unreachable: Gateway) -> None:
    opened(unreachable)
    found = unreachable.ask(EVERYTHING)["data"]["sources"]
    (billing,) = [each for each in found if each["name"] == "billing"]
    assert billing["state"] == "OPEN"
    assert not {"open", "half_open"}.isdisjoint(billing["circuit"].values())
    assert billing["circuit"]["retryInMs"] is None or billing["circuit"]["retryInMs"] <= 10_000
    assert billing["openSince"] is not None
    assert billing["latency"]["calls"] + billing["latency"]["refused"] > 0
    assert billing["lastError"]["code"] in ("SOURCE_UNAVAILABLE", "CIRCUIT_OPEN")


def test_to_look_at_the_sources_asks_them_nothing(unreachable: Gateway) -> None:
    answer = unreachable.ask(EVERYTHING)
    assert answer["extensions"]["sources"] == []


@pytest.mark.parametrize("role", OUTSIDERS)
def test_to_outsiders_there_are_no_sources(unreachable: Gateway, role: str) -> None:
    answer = unreachable.ask("{ sources { name } }", role)
    assert "data" not in answer
    misspelt = unreachable.ask("{ sourcez { name } }", role)
    told = [each["message"].replace("sourcez", "sources") for each in misspelt["errors"]]
    assert [each["message"] for each in answer["errors"]] == told
    shown = unreachable.ask('{ __type(name: "Source") { name } __schema { types { name } } }', role)
    assert "Source" not in json.dumps(shown.get("data"))


@pytest.mark.parametrize("role", ["portal_user", "cpq_service"])
def test_who_has_no_business_with_the_systems_is_refused(unreachable: Gateway, role: str) -> None:
    answer = unreachable.ask("{ sources { name } }", role)
    assert answer["data"] == {"sources": None}
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]


def test_metrics_are_what_prometheus_reads(unreachable: Gateway) -> None:
    unreachable.ask(ENTITLED)
    page = unreachable.client.get("/metrics")
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = page.text.splitlines()
    assert [line for line in lines if not line.startswith("# ") and not LINE.match(line)] == []
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    found = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {
        "opsgraph_source_calls_total",
        "opsgraph_source_call_seconds_bucket",
        "opsgraph_circuit_state",
        "opsgraph_source_queue",
        "opsgraph_operations_total",
        "opsgraph_errors_total",
        "opsgraph_requests_under_way",
        "opsgraph_event_loop_delay_seconds",
        "opsgraph_cache_bytes",
    } <= found
    assert 'class="lookup"' in page.text
    assert "sk_test_not_to_be_seen" not in page.text


def test_where_metrics_are_switched_off_there_are_none() -> None:
    with gateway(gateway={"metrics": False}) as made:
        assert made.client.get("/metrics").status_code == 404


def test_a_gateway_that_stops_is_not_ready() -> None:
    with gateway() as made:
        made.client.app.draining = True  # type: ignore[attr-defined] # as the server does at the first signal
        ready = made.client.get("/readyz")
        assert ready.status_code == 503
        assert (ready.json()["ready"], ready.json()["draining"]) == (False, True)
