"""`opsgraph schema`: print the schema, or check the committed one."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from gateway.cli.errors import Unusable
from resolvers.schema import print_sdl


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--check", action="store_true", help="compare with the committed file instead of printing")
    command.add_argument("--write", action="store_true", help="write the file")
    command.add_argument("--file", type=Path, default=Path("schema.graphql"))
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints, writes or compares."""
    printed = print_sdl()
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
