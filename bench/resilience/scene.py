"""Who takes part in a soak, each in a process of its own: the company, the fault proxies, the gateway, the load."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bench.processes import PYTHON, Program, free_port
from bench.resilience.asks import ROLE, Known, Outcome
from bench.resilience.client import Order

_STATES = "{ sources { name circuit { reads } latency { calls retries } } }"


class Plan(msgspec.Struct, frozen=True):
    """Which source fails; how long (seconds) it is healthy, fails and recovers; asks a second."""

    sick: str
    healthy: float
    failing: float
    recovering: float
    rate: float


class Seen(msgspec.Struct, frozen=True):
    """What the gateway said of the sick source at one moment; None where it does not say."""

    at: float
    circuit: str | None
    calls: int | None
    retries: int | None


class Log(msgspec.Struct, frozen=True):
    """One run: when the fault was on (machine's clock), what became of every ask, what the gateway said of the source,
    and when requests reached the source's proxy (without those for tokens)."""

    fault: str
    began: float
    on: float
    off: float
    ended: float
    outcomes: tuple[Outcome, ...]
    seen: tuple[Seen, ...]
    reached: tuple[float, ...]


class Scene:
    """Everything, running."""

    def __init__(self, stack: ExitStack, folder: Path, accounts: int) -> None:
        self._outcomes = folder / "outcomes.json"
        command = [PYTHON, "-m", "gateway.enterprise.town", "--accounts", str(accounts)]
        company = stack.enter_context(Program("company", command, None))
        known = json.loads(company.line(180))
        proxies = stack.enter_context(Program("proxies", [PYTHON, "-m", "gateway.enterprise.faults"], None))
        proxies.say(json.dumps(known["fronts"]))
        played = json.loads(proxies.line())
        self._control: str = played["control"]
        for name, url in played["proxies"].items():
            known["sources"][name]["url"] = url
        file = folder / "town.json"
        file.write_text(json.dumps(known))
        self._token: str = known["tokens"][ROLE]
        self._port = free_port()
        gateway = [PYTHON, "-m", "bench.home.gateway", "--port", str(self._port), "--town", str(file)]
        self.gateway = stack.enter_context(Program("gateway", gateway, None))
        while self.gateway.line() != "ready":
            pass

    def ask(self, query: str) -> dict[str, Any]:
        """One operation."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        url, body = f"http://127.0.0.1:{self._port}/graphql", json.dumps({"query": query})
        answer: dict[str, Any] = call("POST", url, body, headers)
        return answer

    def known(self) -> Known:
        """Keys to ask about."""
        return Known(
            tuple(self._keys("accounts", 100, pages=6)),
            tuple(self._keys("invoices", 100, pages=1)),
            tuple(self._keys("cases", 100, pages=1)),
        )

    def _keys(self, root: str, first: int, pages: int) -> list[str]:
        keys: list[str] = []
        after = "null"
        for _ in range(pages):
            page = "nodes { key } pageInfo { hasNextPage endCursor }"
            answer = self.ask(f"{{ {root}(first: {first}, after: {after}) {{ {page} }} }}")
            if "errors" in answer:
                raise RuntimeError(f"`{root}` cannot be listed: {answer['errors']}")
            found = answer["data"][root]
            keys += [node["key"] for node in found["nodes"]]
            if not found["pageInfo"]["hasNextPage"]:
                break
            after = json.dumps(found["pageInfo"]["endCursor"])
        return keys

    def set(self, source: str, fault: Mapping[str, Any]) -> None:
        """Has a source fail, or not any more."""
        body = json.dumps({"source": source, **fault})
        said = call("POST", f"{self._control}/faults", body, {"content-type": "application/json"})
        if "error" in said:
            raise RuntimeError(said["error"])

    def run(self, plan: Plan, known: Known, fault: str, told: Mapping[str, Any]) -> Log:
        """One run: healthy, then `fault` (with what else the proxy is `told` of it), then recovering."""
        call("DELETE", f"{self._control}/asks", None, {})
        sick, total = plan.sick, plan.healthy + plan.failing + plan.recovering
        order = Order(self._port, self._token, sick, known, plan.rate, total, str(self._outcomes))
        with Program("load", [PYTHON, "-m", "bench.resilience.client"], None) as load:
            load.say(msgspec.json.encode(order).decode())
            began, seen = time.monotonic(), list[Seen]()
            self._watch(sick, began + plan.healthy, seen)
            on = time.monotonic()
            self.set(sick, {"fault": fault, **told})
            self._watch(sick, on + plan.failing, seen)
            off = time.monotonic()
            self.set(sick, {"fault": "off"})
            self._watch(sick, began + total, seen)
            load.line(90)
        outcomes = msgspec.json.decode(self._outcomes.read_bytes(), type=tuple[Outcome, ...])
        asks = call("GET", f"{self._control}/asks?source={sick}", None, {})
        reached = tuple(at for at, _, token in asks if not token)
        return Log(fault, began, on, off, time.monotonic(), outcomes, tuple(seen), reached)

    def _watch(self, sick: str, until: float, seen: list[Seen]) -> None:
        while (left := until - time.monotonic()) > 0:
            seen.append(self._look(sick))
            time.sleep(min(0.2, left))

    def _look(self, sick: str) -> Seen:
        at = time.monotonic()
        told = (self.ask(_STATES).get("data") or {}).get("sources") or ()
        for source in told:
            if source["name"] == sick:
                latency = source.get("latency") or {}
                state = str((source.get("circuit") or {}).get("reads")).lower()
                return Seen(at, state, latency.get("calls"), latency.get("retries"))
        return Seen(at, None, None, None)


def call(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> Any:
    """One request; the JSON of its answer, None where there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, dict(headers))
        content = connection.getresponse().read()
    finally:
        connection.close()
    return json.loads(content) if content else None
