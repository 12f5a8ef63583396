"""Measures the gateway at home: processor time of each question, where it goes, and memory."""

from __future__ import annotations

import http.client
import json
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from bench.load_client import Generator
from bench.processes import PYTHON, Cores, Program, free_port
from bench.shares import shares
from bench.workloads import leaves

_DOCUMENTS = Path(__file__).parent / "documents"
_ROLE = "auditor"
_ACCOUNTS = 200  # of the simulated company
_ASKED = 32  # accounts asked about, one after another
_CONNECTIONS = 4
IMPORTS = (
    "import uvloop, uvicorn.protocols.http.httptools_impl, gateway.app, gateway.cli.serve;"
    "from sources.catalog import vendors; vendors(); print('ready', flush=True); input()"
)


class HomeAnswer(msgspec.Struct, frozen=True):
    """One question at home. `cpu`: ms a request, without the profiler; `warm`: the same from memory, as it ships;
    `shares`: of the time, by part, summing to 1."""

    name: str
    leaves: float
    calls: float
    cpu: float
    warm: float
    failed: int
    p50: float
    shares: Mapping[str, float]


class HomeMemory(msgspec.Struct, frozen=True):
    """MB: with everything imported, when it is ready, after the load."""

    imports: float
    ready: float
    loaded: float


class Home(msgspec.Struct, frozen=True):
    """Everything that was measured at home."""

    answers: tuple[HomeAnswer, ...]
    memory: HomeMemory
    accounts: int = _ACCOUNTS


class _House:
    def __init__(self, stack: ExitStack, folder: Path, cores: Cores, generator: Generator) -> None:
        self.generator, self._stack, self._cores = generator, stack, cores
        town = stack.enter_context(
            Program("company", [PYTHON, "-m", "gateway.enterprise.town", "--accounts", str(_ACCOUNTS)], cores.upstream)
        )
        self._known = json.loads(town.line(120))
        self._file = folder / "town.json"
        self._file.write_text(json.dumps(self._known))
        self.token: str = self._known["tokens"][_ROLE]

    def open(self, name: str, command: Sequence[str]) -> tuple[Program, int]:
        port = free_port()
        arguments = [*command, "--port", str(port), "--town", str(self._file)]
        program = self._stack.enter_context(Program(name, arguments, self._cores.server))
        while program.line() != "ready":
            pass
        return program, port

    def ask(self, port: int, body: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        connection.request("POST", "/graphql", body, headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def load(self, port: int, bodies: Sequence[str], seconds: float) -> dict[str, float]:
        order = {"port": port, "token": self.token, "bodies": bodies, "connections": _CONNECTIONS, "seconds": seconds}
        return self.generator.order(order)


def study(folder: Path, cores: Cores, generator: Generator, seconds: float) -> Home:
    """Starts the company and three gateways before it: one that asks its sources each time, the same one profiled, and
    one that remembers."""
    with ExitStack() as stack:
        house = _House(stack, folder, cores, generator)
        with Program("imports", [PYTHON, "-c", IMPORTS], None) as imports:
            imports.line()
            bare = imports.memory()
        plain, port = house.open("opsgraph at home", [PYTHON, "-m", "bench.home.gateway"])
        ready = plain.memory()
        profile = folder / "home.profile"
        command = [PYTHON, "-m", "bench.profiled", str(profile), "bench.home.gateway"]
        watched, watched_port = house.open("opsgraph at home, profiled", command)
        warm, warm_port = house.open("opsgraph at home, warm", [PYTHON, "-m", "bench.home.gateway", "--remember"])
        answers = []
        for name, bodies in _questions(house, port).items():
            found = [house.ask(port, body) for body in bodies[:8]]
            for each in (port, watched_port, warm_port):
                house.load(each, bodies, seconds / 2)
            cpu, done = _spent(house, plain, port, bodies, seconds)
            remembered, _ = _spent(house, warm, warm_port, bodies, seconds)
            parts = _profiled(house, watched, watched_port, bodies, seconds, profile)
            answers.append(_answer(name, found, done, (cpu, remembered), parts))
        return Home(tuple(answers), HomeMemory(bare, ready, plain.memory()))


def _questions(house: _House, port: int) -> dict[str, list[str]]:
    listed = house.ask(port, json.dumps({"query": f"{{ accounts(first: {_ASKED}) {{ nodes {{ key }} }} }}"}))
    keys = [node["key"] for node in listed["data"]["accounts"]["nodes"]]
    found = {}
    for name in ("lookup", "customer_360", "portal_list", "entitlement"):
        document = re.sub(r"\s+", " ", (_DOCUMENTS / f"{name}.graphql").read_text())
        variables: list[dict[str, Any]] = [{"first": 50}] if name == "portal_list" else [{"id": key} for key in keys]
        found[name] = [json.dumps({"query": document, "variables": each}) for each in variables]
    return found


def _spent(
    house: _House, program: Program, port: int, bodies: Sequence[str], seconds: float
) -> tuple[float, dict[str, float]]:
    """The processor time (ms) of a request, and what was done."""
    before = program.cpu()
    done = house.load(port, bodies, seconds)
    return (program.cpu() - before) / done["count"] * 1000, done


def _profiled(
    house: _House, program: Program, port: int, bodies: Sequence[str], seconds: float, profile: Path
) -> dict[str, float]:
    before = program.cpu()
    program.signal(signal.SIGUSR1)
    house.load(port, bodies, seconds)
    program.signal(signal.SIGUSR1)
    house.ask(port, bodies[0])  # wakes the loop, so that the signal is seen
    while program.line() != "written":
        pass
    return shares(profile, program.cpu() - before)


def _answer(
    name: str,
    found: Sequence[Any],
    done: Mapping[str, float],
    cpu: tuple[float, float],
    parts: Mapping[str, float],
) -> HomeAnswer:
    total = sum(parts.values())
    calls = [sum(each["calls"] for each in answer["extensions"]["sources"]) for answer in found]
    return HomeAnswer(
        name=name,
        leaves=sum(leaves(answer["data"]) for answer in found) / len(found),
        calls=sum(calls) / len(calls),
        cpu=cpu[0],
        warm=cpu[1],
        failed=int(done["failed"]),
        p50=done["p50"],
        shares={part: value / total for part, value in parts.items()},
    )
