"""A demo in a process of its own, as a person would start it, and what asks it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from gateway.enterprise.town import simulator
from sources.catalog import vendors


class Demo:
    """A running `opsgraph demo --json`."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.landmarks: dict[str, str] = known["landmarks"]

    def ask(self, query: str, role: str = "auditor", **variables: Any) -> dict[str, Any]:
        """One operation, as a role."""
        answer = httpx2.post(
            self.known["endpoint"],
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.known['tokens'][role]}"},
            timeout=30,
        )
        body: dict[str, Any] = answer.json()
        return body

    def forget_calls(self) -> None:
        """Starts counting anew."""
        for url in self.known["simulators"].values():
            httpx2.delete(f"{url}/_simulator/calls")

    def calls(self) -> dict[str, int]:
        """How many calls each simulator has answered since, token requests not counted."""
        return {
            name: httpx2.get(f"{url}/_simulator/calls").json()["total"]
            for name, url in self.known["simulators"].items()
        }

    def sources(self, **elsewhere: str) -> tuple[dict[str, Any], dict[str, str]]:
        """What a gateway of one's own is told about the simulators, and its secrets; some may be somewhere else."""
        tables: dict[str, Any] = {}
        secrets: dict[str, str] = {}
        for name, vendor in vendors().items():
            package = simulator(name)
            assert package is not None
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


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """One demo for all tests of a module."""
    with started() as running:
        yield running
