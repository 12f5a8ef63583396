"""The four simulated systems on sockets, with the books that the simulated company begins with."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

import httpx2
from starlette.applications import Starlette

from gateway.enterprise.town import simulator
from gateway.settings import Settings, parse
from sources.catalog import vendors
from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock, Holdings
from tests.peers import serving
from tests.scenarios.holdings import Changes

Effect = dict[str, Any]


def settings(urls: Mapping[str, str]) -> Settings:
    """What a gateway is told about simulators; `urls` by the name of their source: crm, billing, erp, support."""
    tables: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for name, vendor in vendors().items():
        package, source = simulator(name), vendor.system.value.lower()
        if package is None:  # it is tested against itself
            continue
        connection = package.connection(urls[source])
        tables[source] = {"vendor": name, "timeout": 20.0, **connection.table}
        secrets |= connection.secrets
    return parse({"sources": tables}, secrets)


def written(url: str, operation: str | None = None) -> list[Effect]:
    """What happened in a simulator, in order: all of it, or what one operation did."""
    found: list[Effect] = httpx2.get(f"{url}/_simulator/written", timeout=30).json()["written"]
    return [each for each in found if operation is None or _of(each, operation)]


def _of(effect: Effect, operation: str) -> bool:
    return operation in (str(effect.get("operation")), str(effect.get("idempotency_key", "")).partition(":")[0])


class Town:
    """`urls` and, where they run in this process, `apps` are the simulators by the name of their source; `clock` is
    theirs."""

    def __init__(
        self,
        landmarks: Mapping[str, str],
        urls: Mapping[str, str],
        apps: Mapping[str, Starlette] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.landmarks, self.urls, self.apps, self.clock = landmarks, urls, apps or {}, clock or Clock()

    def did(self, operation: str) -> dict[str, Counter[str]]:
        """What an operation did, counted by kind, in each system where it did anything."""
        found = {source: Counter(each["kind"] for each in written(url, operation)) for source, url in self.urls.items()}
        return {source: kinds for source, kinds in found.items() if kinds}

    def holdings(self) -> dict[str, Holdings]:
        """All that each system holds now, whether an operation of ours did it or somebody else."""
        pages = {source: httpx2.get(f"{url}/_simulator/holdings", timeout=30) for source, url in self.urls.items()}
        return {source: page.json() for source, page in pages.items()}

    def changes(self, before: Mapping[str, Holdings]) -> Changes:
        """What is different since."""
        return Changes(before, self.holdings())

    def period(self, day: date, *, closed: bool) -> None:
        """Closes or opens the posting periods of a day, as an accountant does."""
        self._somebody("periods", {"day": day.isoformat(), "closed": closed})

    def hold(self, party: str, *, on: bool) -> None:
        """Puts a customer on credit hold or takes it off, as somebody in the ERP does, without telling us."""
        self._somebody("holds", {"customer": party, "hold": "ON" if on else "AUTO"})

    def _somebody(self, page: str, did: Mapping[str, Any]) -> None:
        httpx2.put(f"{self.urls['erp']}/_simulator/{page}", json=did, timeout=30).raise_for_status()

    def judged(self, dispute: str, status: str) -> None:
        """How the bank has decided a dispute, in billing's words, without telling us."""
        office = self.apps["billing"].state.account.office
        office.put("disputes", {**office.get("disputes", dispute), "status": status})


@contextmanager
def far_town() -> Iterator[Town]:
    """The same in a process of its own, which outlives those that are killed."""
    command = [sys.executable, "-m", "gateway.enterprise.town", "--accounts", "90"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        known = json.loads(process.stdout.readline())
        systems = {name: vendor.system.value.lower() for name, vendor in vendors().items()}
        yield Town(known["landmarks"], {systems[name]: url for name, url in known["simulators"].items()})
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


@contextmanager
def town(enterprise: Enterprise) -> Iterator[Town]:
    """All four, as long as the block lasts: nothing of another one's is known to them."""
    clock, apps, urls = Clock(), dict[str, Starlette](), dict[str, str]()
    with ExitStack() as stack:
        for name, vendor in vendors().items():
            source, package = vendor.system.value.lower(), simulator(name)
            if package is None:
                continue
            apps[source] = package.create_simulator(enterprise, clock=clock)
            urls[source] = stack.enter_context(serving(apps[source]))
        yield Town(enterprise.landmarks, urls, apps, clock)
