"""A demo in a process of its own, as a person would start it, and what asks it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.enterprise.generate import generate
from gateway.enterprise.town import simulator
from gateway.http.admission import CODE as OVERLOADED
from gateway.settings import parse
from sources.catalog import vendors
from tests.gateway.issuer import Issuer, running
from tests.integration.governed import House, house
from tests.scenarios.town import Town, town

_AGAIN = 10  # times that somebody who was turned away comes


class Demo:
    """A running `opsgraph demo --json`."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.landmarks: dict[str, str] = known["landmarks"]

    def ask(self, query: str, role: str = "auditor", **variables: Any) -> dict[str, Any]:
        """One operation, as a role; once more where the gateway had no room, which is the machine's doing."""
        for _ in range(_AGAIN):
            answer = httpx2.post(
                self.known["endpoint"],
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {self.known['tokens'][role]}"},
                timeout=30,
            )
            body: dict[str, Any] = answer.json()
            if answer.status_code != 503 or body["errors"][0]["extensions"]["code"] != OVERLOADED:
                break
            time.sleep(float(answer.headers["retry-after"]))
        return body

    def forget_calls(self) -> None:
        """Starts counting anew."""
        for url in self.known["simulators"].values():
            httpx2.delete(f"{url}/_simulator/calls")

    def calls(self) -> dict[str, int]:
        """How many different calls each simulator has had since, token requests not counted: one that is repeated,
        because the machine is busy with something else, is no other."""
        return {
            name: httpx2.get(f"{url}/_simulator/calls").json()["distinct"]
            for name, url in self.known["simulators"].items()
        }

    def sources(self, **elsewhere: str) -> tuple[dict[str, Any], dict[str, str]]:
        """What a gateway of one's own is told about the simulators, and its secrets; some may be somewhere else."""
        tables: dict[str, Any] = {}
        secrets: dict[str, str] = {}
        for name, vendor in vendors().items():
            package = simulator(name)
            if package is None:  # a vendor that is tested against itself
                continue
            connection = package.connection(elsewhere.get(name, self.known["simulators"][name]))
            tables[vendor.system.value.lower()] = {"vendor": name, "timeout": 2.0, **connection.table}
            secrets |= connection.secrets
        return tables, secrets


@contextmanager
def started() -> Iterator[Demo]:
    """A fresh demo: nothing of another one's is known to it."""
    command = [sys.executable, "-m", "gateway", "demo", "--json", "--port", "0", "--accounts", "200"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Demo(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        status = process.wait(20)
        process.stdout.close()
    assert status == 0


@contextmanager
def gateway(demo: Demo, role: str = "support_lead", window: float | None = None, **elsewhere: str) -> Iterator[Any]:
    """A gateway of one's own in front of the demo's simulators, with some of them somewhere else; asks as a role.

    `window`: how long queries that travel together wait for each other, in seconds, where it should not depend on how
    busy the machine is.
    """
    tables, secrets = demo.sources(**elsewhere)
    if window is not None:
        for system in ("crm", "erp"):
            tables[system] |= {"window": window, "timeout": 10.0}
    issuer = demo.known["jwks"].removesuffix("/jwks.json")
    identity = {"issuers": [{"issuer": issuer, "audience": "opsgraph", "jwks": demo.known["jwks"]}]}
    patient = {"lookup": 30, "validate": 30, "customer360": 30}  # a busy machine is no outage
    app = create_app(parse({"sources": tables, "identity": identity, "operations": patient}, secrets))
    with TestClient(app) as client:

        def ask(query: str, **variables: Any) -> dict[str, Any]:
            headers = {"authorization": f"Bearer {demo.known['tokens'][role]}"}
            body = {"query": query, "variables": variables}
            answer: dict[str, Any] = client.post("/graphql", json=body, headers=headers).json()
            answer["ready"] = client.get("/readyz").json()
            return answer

        yield ask


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """One demo for all tests of a module."""
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running() as made:
        yield made


@pytest.fixture(scope="module")
def systems() -> Iterator[Town]:
    with town(generate(accounts=90)) as made:
        yield made


@pytest.fixture(scope="module")
def home(systems: Town, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(systems, issuer, tmp_path_factory.mktemp("state")) as made:
        yield made
