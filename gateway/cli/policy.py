"""`opsgraph policy`: check, test, explain, list and compare the rules."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gateway.cli.errors import Unusable
from gateway.engine.shapes import shapes
from policies.cases import run_tests
from policies.compare import difference, matrix
from policies.compile import Schema, compile_rules
from policies.decide import Policies
from policies.explain import Paint, explain, plain
from policies.load import RULES, RuleError, Rules, load_rules
from policies.principal import Principal
from policies.purposes import PURPOSE
from policies.review import check
from policies.writes import run_examples
from resolvers.registry import names
from resolvers.schema import build_schema

_COLOURS = {"allow": 32, "opens": 32, "mask": 33, "changes": 33, "deny": 31, "closes": 31, "forbid": 35, "faint": 2}


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--rules", type=Path, default=RULES, help="the folder of the rules")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    checked = actions.add_parser("check", help="every mistake, one line each")
    checked.add_argument("folder", type=Path, nargs="?", help="the folder of the rules")
    tested = actions.add_parser("test", help="whether the examples that come with the rules hold")
    tested.add_argument("folder", type=Path, nargs="?", help="the folder of the rules")
    _declare_explain(actions.add_parser("explain", help="why a role may or may not see a field, and which rows"))
    shown = actions.add_parser("matrix", help="what every role may do with every field")
    shown.add_argument("types", nargs="*", metavar="Type", help="only these types")
    compared = actions.add_parser("diff", help="what a change of the rules opens or closes")
    compared.add_argument("before", type=Path, help="a folder of rules")
    compared.add_argument("after", type=Path, help="another one")
    command.set_defaults(run=run)


def _declare_explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("--as", dest="roles", action="append", required=True, help="a role, or several with commas")
    for option, of in (("region", "a region"), ("entity", "a legal entity"), ("account", "an account")):
        command.add_argument(f"--{option}", action="append", default=[], metavar="NAME", help=f"{of} of the person")
    command.add_argument("--purpose", action="append", default=[], metavar="NAME", help="a purpose in force")
    command.add_argument("--human", help="the person a service acts for")
    command.add_argument("coordinate", metavar="Type.field", help="the field")


def run(options: argparse.Namespace) -> int:
    """0 = nothing to say against it, 1 = mistakes or differences, 2 = it could not be done."""
    schema = shapes(build_schema()._schema, names())
    folder = getattr(options, "folder", None) or options.rules
    paint = _paint if sys.stdout.isatty() and "NO_COLOR" not in os.environ else plain
    if options.action == "check":
        return _check(folder, schema)
    if options.action == "diff":
        return _diff(_compiled(options.before, schema), _compiled(options.after, schema), paint)
    if options.action == "test":
        return _test(folder, schema)
    policies = _compiled(folder, schema)
    if options.action == "matrix":
        return _matrix(policies, options.types, schema, paint)
    return _explain(policies, options, paint)


def _compiled(folder: Path, schema: Schema) -> Policies:
    return _loaded(folder, schema)[1]


def _loaded(folder: Path, schema: Schema) -> tuple[Rules, Policies]:
    try:
        rules = load_rules(folder)
        return rules, compile_rules(rules, schema, b"\0" * 32)
    except RuleError as error:
        first = f"{error.file}:{error.line}: {error.message}"
        raise Unusable(f"the rules have mistakes, see `opsgraph policy check {folder}`: {first}") from None


def _check(folder: Path, schema: Schema) -> int:
    try:
        rules = load_rules(folder)
    except RuleError as error:
        print(error)
        return 1
    found = check(rules, schema)
    for mistake in found:
        print(mistake)
    if not found:
        print(f"{len(rules.roles)} roles, {len(rules.coordinates)} classified coordinates: no mistakes")
    return int(bool(found))


def _test(folder: Path, schema: Schema) -> int:
    rules, policies = _loaded(folder, schema)
    failed = [*run_tests(policies), *run_examples(rules.writes, rules.write_examples)]
    for failure in failed:
        print(failure)
    expectations = sum(len(each.fields) + len(each.rows) for each in policies.examples)
    examples = len(policies.examples) + len(rules.write_examples)
    expectations += len(rules.write_examples)
    print(f"{examples} examples, {expectations} expectations: {len(failed) or 'none'} failed")
    return int(bool(failed))


def _matrix(policies: Policies, types: list[str], schema: Schema, paint: Paint) -> int:
    unknown = [each for each in types if each not in schema]
    if unknown:
        raise Unusable(f"the schema has no type `{unknown[0]}`: write it as `opsgraph schema` does")
    print(matrix(policies, types, paint))
    return 0


def _diff(before: Policies, after: Policies, paint: Paint) -> int:
    changes = difference(before, after)
    for change in changes:
        print(paint(str(change), change.kind))
    opened = sum(each.kind == "opens" for each in changes)
    closed = sum(each.kind == "closes" for each in changes)
    print(f"{opened} opened, {closed} closed, {len(changes) - opened - closed} changed otherwise")
    return int(bool(changes))


def _explain(policies: Policies, options: argparse.Namespace, paint: Paint) -> int:
    roles = frozenset(role.strip() for given in options.roles for role in given.split(",") if role.strip())
    known = {name.partition(PURPOSE)[2] for name in policies.tables} - {""}
    unknown = [each for each in options.purpose if each not in known]
    if unknown:
        raise Unusable(f"there is no purpose `{unknown[0]}`: one of {', '.join(sorted(known)) or 'none'} is possible")
    principal = Principal(
        "somebody",
        roles,
        regions=tuple(options.region),
        entities=tuple(options.entity),
        accounts=tuple(options.account),
        human=options.human,
        purposes=tuple(options.purpose),
    )
    try:
        print(explain(policies, principal, options.coordinate, paint))
    except KeyError as error:
        raise Unusable(error.args[0]) from None
    return 0


def _paint(text: str, kind: str) -> str:
    return f"\033[{_COLOURS[kind]}m{text}\033[0m"
