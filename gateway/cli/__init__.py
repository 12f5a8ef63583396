"""The `opsgraph` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from gateway.cli.errors import Unusable

_COMMANDS = {
    "demo": "a simulated enterprise with a gateway in front of it",
    "chaos": "have a source of a running demo fail, and see what becomes of the answers",
    "serve": "the gateway alone, against the sources that a settings file names",
    "work": "a process of its own that runs the governed writes which gateways accept",
    "orders": "list governed writes of a running gateway, show, watch, resume or cancel one",
    "simulate": "one vendor's simulator alone",
    "schema": "print the GraphQL schema, or check the committed one",
    "check": "check a settings file and ask each of its sources once",
    "explain": "show how an operation would be run for some roles",
    "documents": "check and list the documents that clients may run, and make manifests of what they ask",
    "policy": "explain, check and list the rules",
    "audit": "check that the audit is whole, and list what it says",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a mistake of the user's is one line on stderr and exit status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="opsgraph", description="One governed GraphQL API over CRM, billing, ERP and support."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in _COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose.capitalize() + ".")
        if given[:1] == [name]:  # only the chosen command is imported, so that each starts as fast as it can
            import_module(f"gateway.cli.{name}").declare(command)
    chosen = parser.parse_args(given)
    try:
        status: int = chosen.run(chosen)
    except KeyboardInterrupt:
        return 0
    except Unusable as error:
        print(f"opsgraph: {error}", file=sys.stderr)
        return 2
    return status
