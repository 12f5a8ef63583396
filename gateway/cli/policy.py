"""`opsgraph policy`: check, explain and list the rules."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.cli.errors import Unusable
from gateway.engine.judge import shapes
from policies.compile import compile_rules
from policies.explain import explain, matrix
from policies.load import RULES, RuleError, Rules, load_rules
from policies.review import check
from resolvers.schema import build_schema


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--rules", type=Path, default=RULES, help="the folder of the rules")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("check", help="every mistake, one line each")
    explained = actions.add_parser("explain", help="why a role may or may not see a field")
    explained.add_argument("--as", dest="role", action="append", required=True, help="a role; may be given again")
    explained.add_argument("coordinate", help="Type.field")
    actions.add_parser("matrix", help="what every role may do with every field")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit status 1 when the rules have a mistake."""
    schema = shapes(build_schema()._schema)
    try:
        rules = load_rules(options.rules)
    except RuleError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    if options.action == "check":
        return _check(rules, schema)
    try:
        policies = compile_rules(rules, schema, b"\0" * 32)
    except RuleError as error:
        raise Unusable(f"the rules have mistakes, see `opsgraph policy check`: {error}") from None
    if options.action == "matrix":
        sys.stdout.write(f"{matrix(policies)}\n")
        return 0
    type_name, _, field = options.coordinate.partition(".")
    if field not in schema.get(type_name, {}):
        raise Unusable(f"the schema has no `{options.coordinate}`: write `Type.field`")
    unknown = [role for role in options.role if role not in rules.roles]
    if unknown:
        raise Unusable(f"there is no role `{unknown[0]}`: one of {', '.join(rules.roles)} is possible")
    sys.stdout.write(f"{explain(policies, options.role, options.coordinate)}\n")
    return 0


def _check(rules: Rules, schema: object) -> int:
    found = check(rules, schema)  # type: ignore[arg-type]
    for mistake in found:
        sys.stdout.write(f"{mistake}\n")
    if not found:
        sys.stdout.write(f"{len(rules.roles)} roles, {len(rules.coordinates)} classified coordinates: no mistakes\n")
    return int(bool(found))
