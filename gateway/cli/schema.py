"""`opsgraph schema`: print the schema, as a whole or as an audience is shown it, or check the committed one."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from graphql import GraphQLSchema

from gateway.cli.errors import Unusable
from gateway.engine.audience import pruned
from gateway.engine.shapes import shapes
from policies.compile import compile_rules
from policies.load import RULES, RuleError, load_rules
from resolvers.printing import printed
from resolvers.schema import build_schema, print_sdl


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--check", action="store_true", help="compare with the committed file instead of printing")
    command.add_argument("--write", action="store_true", help="write the file")
    command.add_argument("--file", type=Path, default=Path("schema.graphql"))
    command.add_argument("--as", dest="roles", metavar="ROLE[,ROLE]", help="print what these roles are shown of it")
    command.add_argument("--rules", type=Path, default=RULES, help="the folder of the rules that `--as` asks")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints, writes or compares."""
    if options.roles is not None and (options.check or options.write):
        raise Unusable("`--as` only prints: the committed file is the whole schema")
    printed = print_sdl() if options.roles is None else _shown_to(options.roles.split(","), options.rules)
    if options.write:
        options.file.write_text(printed, encoding="utf-8")
        return 0
    if not options.check:
        sys.stdout.write(printed)
        return 0
    if not options.file.is_file():
        raise Unusable(f"`{options.file}` does not exist: write it with `opsgraph schema --write`")
    committed = options.file.read_text(encoding="utf-8")
    if committed == printed:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(committed.splitlines(True), printed.splitlines(True), "committed", "generated", n=1)
    )
    raise Unusable(f"`{options.file}` is not what the code says: review the difference, then `opsgraph schema --write`")


def _shown_to(roles: list[str], folder: Path) -> str:
    """The schema of an audience; our own people are shown all of it."""
    schema = build_schema()._schema
    try:
        policies = compile_rules(load_rules(folder), shapes(schema), b"\0" * 32)
    except RuleError as error:
        raise Unusable(f"the rules have mistakes, see `opsgraph policy check`: {error}") from None
    unknown = [role for role in roles if role not in policies.tables]
    if unknown:
        raise Unusable(f"there is no role `{unknown[0]}`: one of {', '.join(policies.tables)} is possible")
    if policies.external().isdisjoint(roles):
        return print_sdl()
    return _printed(pruned(schema, policies.grants(roles)), roles)


def _printed(schema: GraphQLSchema, roles: list[str]) -> str:
    return f"# What {', '.join(sorted(roles))} may see of the schema, by `opsgraph schema --as`.\n\n{printed(schema)}\n"
