"""`opsgraph explain`: how an operation would be run for some roles, without running it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gateway.cli import offline
from gateway.cli.errors import Unusable
from gateway.engine.documents import Refused
from gateway.engine.engine import Question
from gateway.engine.explain import explain, lines
from policies.principal import Principal


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--as", dest="roles", metavar="ROLE[,ROLE]", required=True, help="the roles that ask")
    offline.declare(command)
    command.add_argument("--variables", default="{}", metavar="JSON", help="values of the operation's variables")
    command.add_argument("--operation", help="its name, where the document has several")
    command.add_argument("document", help="a file with the document; - reads it from standard input")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the plan as a tree; exit status 1 where the document would be refused."""
    known = offline.offline(options)
    roles = frozenset(options.roles.split(","))
    unknown = sorted(roles - known.policies.policies.tables.keys())
    if unknown:
        possible = ", ".join(sorted(known.policies.policies.tables))
        raise Unusable(f"there is no role `{unknown[0]}`: one of {possible} is possible")
    question = Question(_text(options.document), _variables(options.variables), options.operation)
    try:
        plan = known.engine.plan(question, Principal("explain", roles))
    except Refused as error:
        for each in error.errors:
            at = f" ({each.locations[0].line}:{each.locations[0].column})" if each.locations else ""
            sys.stdout.write(f"refused: {each.message}{at}\n")
        return 1
    tree = explain(plan, known.engine.graph.types, known.catalog if options.config else None)
    sys.stdout.writelines(f"{line}\n" for line in lines(tree))
    return 0


def _text(place: str) -> str:
    if place == "-":
        return sys.stdin.read()
    try:
        return Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"`{place}` cannot be read: {error}") from None


def _variables(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Unusable(f"`--variables` is no JSON ({error}): write an object in quotes") from None
    if not isinstance(found, dict):
        raise Unusable('`--variables` is no JSON object: write something like \'{"key": "001"}\'')
    return found
