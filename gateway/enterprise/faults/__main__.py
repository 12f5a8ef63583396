"""The fault proxies as a process of their own: `python -m gateway.enterprise.faults`.

Reads one line of JSON, `{"billing": {"url": "http://...", "tokens": ["/oauth/token"]}, ...}`, answers with one,
`{"proxies": {"billing": "http://..."}, "control": "http://..."}`, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Coroutine
from typing import Any

from gateway.enterprise.faults.control import control
from gateway.enterprise.faults.proxy import FaultProxy
from gateway.enterprise.listening import Listening


async def _main(targets: dict[str, Any], seed: int) -> None:
    proxies = {
        name: FaultProxy(name, target["url"], tokens=target.get("tokens", ()), seed=seed + number)
        for number, (name, target) in enumerate(sorted(targets.items()))
    }
    for proxy in proxies.values():
        await proxy.start()
    place = Listening()
    server = place.server(control(proxies))
    serving = asyncio.create_task(server.serve([place.socket]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    told = {"proxies": {name: proxy.url for name, proxy in proxies.items()}, "control": place.url}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await _parent_gone()
    server.should_exit = True
    await serving
    for proxy in proxies.values():
        await proxy.close()


async def _parent_gone() -> None:
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        if not os.read(sys.stdin.fileno(), 1024) and not gone.done():
            gone.set_result(None)

    loop.add_reader(sys.stdin.fileno(), look)
    await gone
    loop.remove_reader(sys.stdin.fileno())


def main() -> None:
    """Entry of the process."""
    # Not `sys.stdin.readline()`: its buffer would hide the end from the loop.
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 65536)
        if not piece:
            return
        line += piece
    with contextlib.suppress(KeyboardInterrupt):
        _run(_main(json.loads(line), seed=7))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where there is one: a request then costs 0.1 ms more than without the proxy."""
    try:
        import uvloop  # noqa: PLC0415 - not there on every system
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if __name__ == "__main__":
    main()
