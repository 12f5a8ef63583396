"""`opsgraph demo`: a simulated enterprise with a gateway in front of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.app import GRAPHQL, create_app
from gateway.cli.errors import Unusable
from gateway.cli.serve import listen, run_async, server
from gateway.cli.tabs import CURL_QUERY, CURL_ROLE, tabs
from gateway.console.pages import PATH, Opening, routes
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
    town = _start_town(options)
    try:
        known = _known(town)
        opening = Opening(GRAPHQL, tabs(known["landmarks"], datetime.now(UTC).date()), known["tokens"])
        app = create_app(settings(known), routes(opening))
        gateway = server(app, drain=2.0)
        run_async(_serve(gateway, listening, endpoint, known, options.json))
    finally:
        _end(town)
    return 0


def settings(known: Mapping[str, Any]) -> Settings:
    """The settings of a gateway in front of a town."""
    issuer = {"issuer": known["issuer"], "audience": known["audience"], "jwks": known["jwks"]}
    return parse({"identity": {"issuers": [issuer]}, "sources": known["sources"]}, known["secrets"])


async def _serve(gateway: Any, listening: Any, endpoint: str, known: Mapping[str, Any], as_json: bool) -> None:
    serving = asyncio.create_task(gateway.serve([listening]))
    while not gateway.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    if gateway.started:
        print(_line(endpoint, known) if as_json else _page(endpoint, known), flush=True)
    await serving


def _line(endpoint: str, known: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "endpoint": endpoint + GRAPHQL,
            "console": endpoint + PATH,
            "tokens": known["tokens"],
            "jwks": known["jwks"],
            "simulators": known["simulators"],
            "landmarks": known["landmarks"],
            "pid": os.getpid(),
        }
    )


def _page(endpoint: str, known: Mapping[str, Any]) -> str:
    token = known["tokens"][CURL_ROLE]
    body = json.dumps({"query": CURL_QUERY % known["landmarks"]["hero"]})
    simulated = "\n".join(f"    {name:<12}{url}" for name, url in known["simulators"].items())
    return f"""
  Opsgraph is ready: one graph over a CRM, a billing system, an ERP and a support desk (all simulated).

  Console   {endpoint}{PATH}
  GraphQL   {endpoint}{GRAPHQL}

  Ask from a shell, as {CURL_ROLE}:

curl -s {endpoint}{GRAPHQL} \\
  -H 'content-type: application/json' \\
  -H 'authorization: Bearer {token}' \\
  -d {shlex.quote(body)}

  Behind it
{simulated}

  Ctrl-C ends everything.
"""


def _listen(port: int) -> Any:
    try:
        return listen(_HOST, port)
    except Unusable:
        return listen(_HOST, 0)


def _start_town(options: argparse.Namespace) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gateway.enterprise.town"]
    arguments = ["--accounts", str(options.accounts), "--seed", str(options.seed)]
    # A session of its own: Ctrl-C reaches this process only, which then ends the town by closing its standard input.
    return subprocess.Popen(  # noqa: S603 - our own module
        [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _known(town: subprocess.Popen[str]) -> dict[str, Any]:
    line = town.stdout.readline() if town.stdout else ""
    if not line:
        raise Unusable(f"the simulated enterprise did not start (exit status {town.wait()}): see the lines above")
    known: dict[str, Any] = json.loads(line)
    return known


def _end(town: subprocess.Popen[str]) -> None:
    if town.stdin:
        town.stdin.close()
    try:
        town.wait(5)
    except subprocess.TimeoutExpired:
        town.kill()
        town.wait()
    if town.stdout:
        town.stdout.close()
