"""An application of the other side on a socket of this machine."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette

HOST = "127.0.0.1"


class Listening:
    """An application on a socket: bound at once, so that its address is known before it runs."""

    def __init__(self, port: int = 0) -> None:
        # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, an answer may be 40 ms late.
        self.socket = socket.socket(proto=socket.IPPROTO_TCP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST, port))
        self.url = f"http://{HOST}:{self.socket.getsockname()[1]}"

    def server(self, app: Starlette) -> uvicorn.Server:
        """A server for it; the caller runs `serve([socket])`."""
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        return _Quiet(config)


class _Quiet(uvicorn.Server):
    """One of several servers in a process: signals are not its business."""

    def install_signal_handlers(self) -> None:
        """None of its own."""

    def capture_signals(self) -> Any:
        """None of its own."""
        return contextlib.nullcontext()
