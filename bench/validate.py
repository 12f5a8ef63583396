"""A trial of validating orders: every source answers 50 ms late, so many orders a second come, whatever becomes of
them.

`python -m bench.validate [--seconds 20] [--rate 20] [--delay 50] [--fresh]` prints how long answers took, as the load
generator saw it, what a call more cost the gateway's processor, and fails over the target: 300 ms at the 99th
percentile. Everything runs on this machine, each in a process of its own: company, proxies that are late, gateway,
load.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.load_client import Generator
from bench.processes import PYTHON, Program, free_port
from bench.resilience.scene import call

TARGET = 300.0  # ms at p99
_ROLE, _DOCUMENT = "auditor", Path(__file__).parent / "home" / "documents" / "validate_order.graphql"
_LISTED = "{ accounts(first: 50) { nodes { key billingProfiles { currency } } } }"
_PRICES = "{ products(first: 20) { nodes { code prices { key currency interval active } } } }"


class House:
    """The company, its sources late by `delay` ms, and a gateway that remembers facts as it ships, or (`fresh`)
    none."""

    def __init__(self, stack: ExitStack, folder: Path, delay: float, *, fresh: bool) -> None:
        town = [PYTHON, "-m", "gateway.enterprise.town", "--accounts", "200"]
        known = json.loads(stack.enter_context(Program("company", town, None)).line(180))
        proxies = stack.enter_context(Program("proxies", [PYTHON, "-m", "gateway.enterprise.faults"], None))
        proxies.say(json.dumps(known["fronts"]))
        played = json.loads(proxies.line())
        for name, url in played["proxies"].items():
            known["sources"][name]["url"] = url
        (folder / "town.json").write_text(json.dumps(known))
        self.token, self.port = known["tokens"][_ROLE], free_port()
        command = [PYTHON, "-m", "bench.home.gateway", "--port", str(self.port), "--town", str(folder / "town.json")]
        self.gateway = stack.enter_context(Program("gateway", [*command, *(() if fresh else ("--remember",))], None))
        while self.gateway.line() != "ready":
            pass
        self.bodies = self._bodies()
        for name in played["proxies"]:
            late = json.dumps({"source": name, "fault": "latency", "seconds": delay / 1000})
            call("POST", f"{played['control']}/faults", late, {"content-type": "application/json"})

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """One operation."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        body = json.dumps({"query": query, "variables": variables})
        answer: dict[str, Any] = call("POST", f"http://127.0.0.1:{self.port}/graphql", body, headers)
        return answer

    def _bodies(self) -> list[str]:
        """An order of three lines for each account that buys from one entity."""
        nodes = self.ask(_PRICES)["data"]["products"]["nodes"]
        offered = {
            (product["code"], price["currency"], price["interval"]): price["key"]
            for product in nodes
            for price in product["prices"]
            if price["active"]
        }
        document = " ".join(_DOCUMENT.read_text().split())
        bodies = []
        for account in self.ask(_LISTED)["data"]["accounts"]["nodes"]:
            profiles = account["billingProfiles"] or []
            if len(profiles) != 1:
                continue
            currency = profiles[0]["currency"]
            codes = ("ADDON-SECURITY", "ADDON-ANALYTICS", "SUPPORT-STANDARD")
            lines = [{"price": offered[code, currency, "MONTH"], "quantity": "5"} for code in codes]
            given = {"account": account["key"], "currency": currency, "termMonths": 12, "lines": lines}
            bodies.append(json.dumps({"query": document, "variables": {"input": given}}))
        return bodies


def trial(delay: float, rate: float, seconds: float, *, fresh: bool) -> Mapping[str, float]:
    """One run; milliseconds. `cpu` is the gateway's, for each order."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = House(stack, folder, delay, fresh=fresh)
        generator = stack.enter_context(Generator(None))
        order = {
            "port": house.port,
            "token": house.token,
            "bodies": house.bodies,
            "rate": rate,
            "timeout": 5.0,
            "connections": 8,
        }
        generator.order({**order, "seconds": 3.0})
        before = house.gateway.cpu()
        done = generator.order({**order, "seconds": seconds})
        return {**done, "cpu": (house.gateway.cpu() - before) / max(done["count"], 1) * 1000}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both trials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--delay", type=float, default=50.0)
    parser.add_argument(
        "--fresh", action="store_true", help="remember no fact: the company must bear ten calls an order"
    )
    options = parser.parse_args(arguments)
    found = trial(options.delay, options.rate, options.seconds, fresh=options.fresh)
    print(" ".join(f"{key} {value:.1f}" for key, value in found.items()))
    return 1 if found["p99"] > TARGET or found["failed"] or found["late"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
