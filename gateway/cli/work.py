"""`opsgraph work`: a process of its own that runs the governed writes which gateways accept."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from gateway.cli.errors import Unusable
from gateway.cli.serve import listen, prepare, read, run_async, server
from gateway.engine.manifests import ManifestErrors
from gateway.http.front import Front
from gateway.http.server import GracefulServer
from gateway.settings import Settings, SettingsError
from gateway.work import create_worker
from policies.load import RuleError
from sources.errors import BadAsk

_PORT = 4001
_LONGEST = 64


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--config", type=Path, default=Path("opsgraph.toml"), help="the settings file of the gateways")
    command.add_argument("--name", help="its name in the audit, no other process's (default: one of its own)")
    command.add_argument("--host", help="address of `/livez`, `/readyz`, `/metrics` (default: the file's, 127.0.0.1)")
    command.add_argument("--port", type=int, default=_PORT, help=f"their port (default: {_PORT}; 0: a free one)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Works until a signal: steps under way end, none begins; exit status 0."""
    settings = read(options.config)
    if options.name is not None and not 0 < len(options.name) <= _LONGEST:
        raise Unusable(f"`--name` has {len(options.name)} characters: 1 to {_LONGEST} are possible")
    app = _opened(settings, options.name)
    with listen(options.host or settings.gateway.host, options.port) as listening:
        run_async(_work(app, server(app, settings.gateway.drain), listening))
    return 0


async def _work(app: Front, worker: GracefulServer, listening: socket.socket) -> None:
    await prepare(app)
    host, port = listening.getsockname()[:2]
    name = app.state.writing.office.writes.room.chain
    print(f"opsgraph: working as {name}, http://{host}:{port}/readyz", flush=True)
    await worker.serve([listening])


def _opened(settings: Settings, name: str | None) -> Front:
    try:
        return create_worker(settings, name)
    except (SettingsError, RuleError, BadAsk, ManifestErrors) as error:
        raise Unusable(str(error)) from None
