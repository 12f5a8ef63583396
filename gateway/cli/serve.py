"""`opsgraph serve`: the gateway alone."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.cli.errors import Unusable
from gateway.engine.manifests import ManifestErrors
from gateway.http.cuttable import CuttableSocket
from gateway.http.protocol import BoundedProtocol
from gateway.http.server import GracefulServer
from gateway.settings import GatewaySettings, Settings, SettingsError, StreamSettings, load
from policies.load import RuleError
from sources.errors import BadAsk

_IDLE = 75
_TURN = 0.0005  # seconds; at Python's own 5 ms a thread waits so long for its turn at every answer of our own tables


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--config", type=Path, default=Path("opsgraph.toml"), help="the settings file")
    command.add_argument("--host", help="address to listen on (default: the file's, 127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (default: the file's, 4000)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serves until a signal; exit status 0 after a graceful stop."""
    settings = read(options.config)
    host, port = options.host or settings.gateway.host, options.port or settings.gateway.port
    app = opened(settings)
    alive, longest = settings.streams.keep_alive, settings.gateway.body_bytes
    gateway = server(app, settings.gateway.drain, settings.gateway.notice, alive, longest)
    with listen(host, port) as listening:
        run_async(_serve(app, gateway, listening, f"opsgraph: serving http://{host}:{port}/graphql"))
    return 0


async def _serve(app: Starlette, gateway: GracefulServer, listening: socket.socket, line: str) -> None:
    await prepare(app)
    print(line, flush=True)
    await gateway.serve([listening])


async def prepare(app: Starlette) -> None:
    """Opens what has to be there before the first request; raises Unusable where it cannot be."""
    try:
        await app.state.writing.open()
    except SettingsError as error:
        raise Unusable(str(error)) from None


def read(path: Path) -> Settings:
    """The settings of a file; raises Unusable."""
    try:
        return load(path, os.environ)
    except SettingsError as error:
        raise Unusable(str(error)) from None


def opened(settings: Settings) -> Starlette:
    """The application; raises Unusable where settings, rules or manifests cannot be used."""
    try:
        return create_app(settings)
    except (SettingsError, RuleError, ManifestErrors, BadAsk) as error:
        raise Unusable(str(error)) from None


def listen(host: str, port: int) -> socket.socket:
    """A bound socket (port 0: a free one); raises Unusable when it is taken."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Unusable(f"`{host}:{port}` cannot be listened on ({error.strerror}): choose another `--port`") from None
    return listening


def server(
    app: Starlette,
    drain: float,
    notice: float = 0.0,
    keep_alive: float = StreamSettings().keep_alive,
    message_bytes: int = GatewaySettings().body_bytes,
) -> GracefulServer:
    """A uvicorn server that takes requests for `notice` seconds after it was told to stop, and then for `drain` seconds
    waits for what is under way. WebSockets: `keep_alive` seconds between signs of life, messages of so many bytes."""
    return GracefulServer(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws=CuttableSocket,
            ws_max_size=message_bytes,
            ws_ping_interval=keep_alive,
            ws_ping_timeout=keep_alive,
            ws_per_message_deflate=False,  # for each connection it costs more memory than all else that one holds
            lifespan="on",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=int(drain) or 1,
            timeout_keep_alive=_IDLE,
            server_header=False,
            proxy_headers=False,  # nothing here asks for a client's address, and a wrapper around every request costs
        ),
        notice,
    )


class Ending:
    """Ends the process with status 0 at a signal.

    What it raises is lost where Python ignores errors, as while objects are collected: a server that starts afterwards
    sees that it was `asked` to end, and does.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, *_: object) -> None:
        """The signal came."""
        self.asked = True
        sys.exit(0)


def end_on_signal() -> None:
    """SIGTERM ends the process with status 0; a server handles it first and raises it again when it has stopped."""
    if not isinstance(signal.getsignal(signal.SIGTERM), Ending):
        signal.signal(signal.SIGTERM, Ending())


def settle() -> None:
    """Takes what lives as long as the process out of the garbage collector's rounds, lets it go round less often, and
    lets threads take turns sooner.

    An answer is hundreds of small dictionaries in no cycle; looking through them again and again costs more than they.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # the higher they are, the larger a busy process grows
    sys.setswitchinterval(_TURN)


def run_async(work: Coroutine[Any, Any, Any]) -> None:
    """Runs until the end, or until a signal and what is under way is done: then the process ends with status 0.

    On uvloop where there is one: plain asyncio loops cost 40 ms a request with several processes.
    """
    end_on_signal()
    settle()
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
