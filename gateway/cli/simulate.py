"""`opsgraph simulate VENDOR`: one vendor's simulator alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from gateway.cli.errors import Unusable
from gateway.cli.serve import end_on_signal, run_async, server
from gateway.enterprise.generate import generate
from gateway.enterprise.listening import HOST, Listening
from gateway.enterprise.town import simulator
from sources.catalog import vendors
from sources.simulation.kit import Clock

_MOST = 100_000


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("vendor", help="which vendor, such as stripe")
    command.add_argument("--port", type=int, default=0, help="port to listen on (0: a free one)")
    command.add_argument("--accounts", type=int, default=500, help="how many accounts the enterprise has")
    command.add_argument("--seed", type=int, default=7, help="the same seed gives the same enterprise")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs until Ctrl-C or a signal; prints what a gateway needs to use it."""
    known = vendors()
    package = simulator(options.vendor) if options.vendor in known else None
    if package is None:
        possible = ", ".join(name for name in sorted(known) if simulator(name) is not None)
        raise Unusable(f"there is no simulator for `{options.vendor}`: one of {possible} is possible")
    if not 1 <= options.accounts <= _MOST:
        raise Unusable(f"`--accounts` is {options.accounts}: 1 to {_MOST} are possible")
    end_on_signal()
    try:
        place = Listening(options.port)
    except (OSError, OverflowError):
        raise Unusable(f"`{HOST}:{options.port}` cannot be listened on: choose another `--port`") from None
    enterprise = generate(accounts=options.accounts, seed=options.seed)
    app = package.create_simulator(enterprise, clock=Clock())
    connection = package.connection(place.url)
    name = known[options.vendor].system.value.lower()
    sys.stdout.write(_told(options.vendor, place.url, name, connection.table, connection.secrets))
    sys.stdout.flush()
    run_async(server(app, drain=1.0).serve([place.socket]))
    return 0


def _told(vendor: str, url: str, name: str, table: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in table.items()]
    exports = [f"export {key}={_shell(value)}" for key, value in secrets.items()]
    return "\n".join(
        [
            f"\n  A simulated {vendor} listens at {url}. For a gateway in front of it, in opsgraph.toml:\n",
            f"[sources.{name}]",
            f'vendor = "{vendor}"',
            *lines,
            "\n  and in its environment:\n",
            *exports,
            "\n  Ctrl-C ends it.\n\n",
        ]
    )


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
