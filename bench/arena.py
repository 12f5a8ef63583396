"""Upstreams, generator and gateways, started; asking them and measuring one cell."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from bench.identity import Tokens
from bench.lineup import Gateway
from bench.load_client import Generator
from bench.processes import PYTHON, Cores, DidNotStart, Program, free_port
from bench.workloads import WORKLOADS, Workload

DEFAULT_ROLE = "reader"
SHED_AT_MOST = 10  # times that a question is asked again
_REGIONS = {"regional": ("C",)}


class Sample(msgspec.Struct, frozen=True):
    """One measured cell. `cpu`: milliseconds of the server's processor time for each request; `p50` and `p99` of the
    latency in milliseconds; `busy`: shares of one core that server, upstreams and generator used."""

    count: int
    failed: int
    late: int
    rate: float
    cpu: float
    p50: float
    p99: float
    busy: Mapping[str, float]


class Running(msgspec.Struct, frozen=True):
    """A gateway that runs. `resting`: MB after it said that it is ready."""

    gateway: Gateway
    program: Program
    port: int
    resting: float


class Arena:
    """Everything that runs during a measurement; ends it all."""

    def __init__(self, folder: Path) -> None:
        self.cores = Cores()
        self._tokens = Tokens(folder)
        self.tokens = {
            role: self._tokens.of(role, _REGIONS.get(role, ())) for role in ("open", "reader", "masked", "regional")
        }
        self._stack = ExitStack()
        self.running: dict[str, Running] = {}
        self.left_out: dict[str, str] = {}
        self._salt = 0

    def __enter__(self) -> Arena:
        self.upstream = self._program("upstreams", [PYTHON, "-m", "bench.upstreams.server"], self.cores.upstream)
        self.upstream_port = int(self.upstream.line().split()[1])
        self.generator = self._stack.enter_context(Generator(self.cores.generator))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _program(self, name: str, command: Sequence[str], core: int | None) -> Program:
        return self._stack.enter_context(Program(name, command, core))

    def start(self, gateway: Gateway) -> None:
        """Starts a gateway; one that does not start is remembered in `left_out` with the reason."""
        if gateway.missing:
            self.left_out[gateway.title] = gateway.missing
            return
        port = free_port()
        upstream = f"http://127.0.0.1:{self.upstream_port}"
        where = ["--port", str(port), "--upstream", upstream, "--jwt-key", str(self._tokens.key_file)]
        environment = {"NODE_ENV": "production"}
        program = self._stack.enter_context(
            Program(gateway.title, [*gateway.command, *where], self.cores.server, environment=environment)
        )
        try:
            while program.line() != "ready":
                pass
        except DidNotStart as error:
            self.left_out[gateway.title] = str(error)
            return
        self.running[gateway.name] = Running(gateway, program, port, program.memory())

    def stop(self, name: str) -> None:
        """Ends a gateway."""
        self.running.pop(name).program.end()

    def asked(self, name: str) -> list[Workload]:
        """The questions that a gateway is asked."""
        return [each for each in WORKLOADS if each.name not in self.running[name].gateway.skips]

    def able(self, workload: Workload) -> list[str]:
        """The gateways that a question is asked of."""
        return [name for name in self.running if workload in self.asked(name)]

    # ------------------------------------------------------------ asking

    def ask(self, name: str, workload: Workload, variables: Mapping[str, Any], role: str = DEFAULT_ROLE) -> Any:
        """The parsed answer to one question. A gateway that sheds it on a busy machine is asked again."""
        body = json.dumps({"query": workload.document, "variables": variables})
        for _ in range(SHED_AT_MOST):
            status, content = self.post(name, body, self.tokens[role])
            if status != 503 or b'"OVERLOADED"' not in content:
                break
            time.sleep(1.0)
        if status != 200:
            raise RuntimeError(f"`{name}` answered {status} to `{workload.name}`: {content[:300]!r}")
        return json.loads(content)

    def post(self, name: str, body: str, token: str | None) -> tuple[int, bytes]:
        """Status and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running[name].port, timeout=30)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        connection.request("POST", "/graphql", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def control(self, method: str, path: str) -> Any:
        """One request to the upstreams themselves."""
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=30)
        connection.request(method, path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    # ------------------------------------------------------------ measuring

    def measure(
        self,
        name: str,
        workload: Workload,
        *,
        seconds: float,
        connections: int = 16,
        rate: float | None = None,
        role: str = DEFAULT_ROLE,
        unseen: bool = False,
        timeout: float = 5.0,
    ) -> Sample:
        """One cell: a closed loop, or an open one at `rate` requests a second."""
        running = self.running[name]
        self._salt += 1
        order = {
            "port": running.port,
            "token": self.tokens[role],
            "bodies": workload.bodies,
            "connections": connections,
            "seconds": seconds,
            **({"rate": rate, "timeout": timeout} if rate is not None else {}),
            **({"unseen": workload.operation, "salt": f"s{self._salt}"} if unseen else {}),
        }
        before = running.program.cpu(), self.upstream.cpu()
        done = self.generator.order(order)
        server, upstream = running.program.cpu() - before[0], self.upstream.cpu() - before[1]
        took, count = done["seconds"], int(done["count"])
        return Sample(
            count=count,
            failed=int(done["failed"]),
            late=int(done["late"]),
            rate=count / took,
            cpu=server / count * 1000,
            p50=done["p50"],
            p99=done["p99"],
            busy={"server": server / took, "upstreams": upstream / took, "generator": done["cpu"] / took},
        )
