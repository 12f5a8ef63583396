"""`opsgraph check`: whether the settings are right, and whether every source answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from gateway.cli.serve import opened, read
from sources.catalog import Catalog
from sources.errors import SourceError


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--config", type=Path, default=Path("opsgraph.toml"), help="the settings file")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """One line a source; exit status 1 when one of them does not answer."""
    app = opened(read(options.config))
    sys.stdout.write("settings and rules: fine\n")
    return asyncio.run(_ask(app.state.catalog))


async def _ask(catalog: Catalog) -> int:
    failed = 0
    for name, source in sorted(catalog.sources.items()):
        try:
            said = await source.connector.check()
        except SourceError as error:
            said, failed = f"{error.message} ({error.code})", 1
        sys.stdout.write(f"{name}: {said}\n")
    await catalog.close()
    return failed
