"""`opsgraph demo`: a simulated enterprise with a gateway in front of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.applications import Starlette

from gateway.app import GRAPHQL, create_app
from gateway.cli import behind
from gateway.cli.chaos import DEMO
from gateway.cli.errors import Unusable
from gateway.cli.serve import listen, prepare, run_async, server
from gateway.cli.tabs import CURL_QUERY, CURL_ROLE, CURL_WRITE, tabs
from gateway.console.pages import PATH, Opening, routes
from gateway.enterprise.faults.door import PATH as CHAOS
from gateway.enterprise.faults.door import Door
from gateway.settings import Settings, parse

_HOST = "127.0.0.1"
_MOST = 100_000


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument(
        "--accounts", type=int, default=500, help="how many accounts the enterprise has (60 to 100000)"
    )
    command.add_argument("--seed", type=int, default=7, help="the same seed gives the same enterprise")
    command.add_argument("--port", type=int, default=4000, help="the gateway's port (0: a free one; taken: a free one)")
    command.add_argument("--json", action="store_true", help="print one line of JSON when ready, for scripts")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs until Ctrl-C or a signal; the simulators end with it."""
    if not 60 <= options.accounts <= _MOST:
        raise Unusable(f"`--accounts` is {options.accounts}: 60 to {_MOST} are possible")
    listening = _listen(options.port)
    endpoint = f"http://{_HOST}:{listening.getsockname()[1]}"
    with ExitStack() as ending:
        town = behind.town(options.accounts, options.seed)
        ending.callback(town.end)
        proxies = behind.proxies()
        ending.callback(proxies.end)
        known = town.told()
        proxies.tell(known["fronts"])
        played = proxies.told()
        known = behind.fronted(known, played["proxies"])
        door = Door(played["control"])
        opening = Opening(GRAPHQL, tabs(known["landmarks"], datetime.now(UTC).date()), known["tokens"], chaos=CHAOS)
        state = Path(ending.enter_context(TemporaryDirectory(prefix="opsgraph-demo-")))
        app = create_app(settings(known, state), [*routes(opening), door.route()])
        run_async(_serve(app, listening, endpoint, known, door, options.json))
    return 0


def settings(known: Mapping[str, Any], state: Path | None = None) -> Settings:
    """The settings of a gateway in front of a town. `state`: the folder of its governed writes; None: without them.

    What was ordered of a simulated company ends with it, and so does what was written down about it.
    """
    issuer = {"issuer": known["issuer"], "audience": known["audience"], "jwks": known["jwks"]}
    tree: dict[str, Any] = {"identity": {"issuers": [issuer]}, "sources": known["sources"]}
    if state is not None:
        tree["writes"] = {"store": f"sqlite:///{state}/store.db", "durable": f"sqlite:///{state}/work.db"}
    return parse(tree, known["secrets"])


async def _serve(
    app: Starlette, listening: Any, endpoint: str, known: Mapping[str, Any], door: Door, as_json: bool
) -> None:
    await prepare(app)
    gateway = server(app, drain=2.0)
    serving = asyncio.create_task(gateway.serve([listening]))
    while not gateway.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    if gateway.started:
        print(_line(endpoint, known) if as_json else _page(endpoint, known), flush=True)
    try:
        await serving
    finally:
        await door.close()


def _line(endpoint: str, known: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "endpoint": endpoint + GRAPHQL,
            "console": endpoint + PATH,
            "tokens": known["tokens"],
            "jwks": known["jwks"],
            "simulators": known["simulators"],
            "proxies": known["proxies"],
            "chaos": endpoint + CHAOS,
            "landmarks": known["landmarks"],
            "pid": os.getpid(),
        }
    )


def _page(endpoint: str, known: Mapping[str, Any]) -> str:
    token = known["tokens"][CURL_ROLE]
    body, write = (json.dumps({"query": each % known["landmarks"]["hero"]}) for each in (CURL_QUERY, CURL_WRITE))
    simulated = "\n".join(f"    {name:<12}{url}" for name, url in known["simulators"].items())
    there = "" if endpoint == DEMO else f" --demo {endpoint}"
    return f"""
  Opsgraph is ready: one graph over a CRM, a billing system, an ERP and a support desk (all simulated).

  Console   {endpoint}{PATH}
  GraphQL   {endpoint}{GRAPHQL}

  Ask from a shell, as {CURL_ROLE}:

curl -s {endpoint}{GRAPHQL} \\
  -H 'content-type: application/json' \\
  -H 'authorization: Bearer {token}' \\
  -d {shlex.quote(body)}

  Open a case, which the support desk then has; send it again, and it is the same case:

curl -s {endpoint}{GRAPHQL} \\
  -H 'content-type: application/json' \\
  -H 'authorization: Bearer {token}' \\
  -d {shlex.quote(write)}

  Behind it
{simulated}

  See a source die: press a button in the console, or

opsgraph chaos billing --down --for 60s{there}

  Ctrl-C ends everything.
"""


def _listen(port: int) -> Any:
    try:
        return listen(_HOST, port)
    except Unusable:
        return listen(_HOST, 0)
