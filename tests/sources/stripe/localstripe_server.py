"""Runs in localstripe's own environment: the published server, on the loopback address and a free port, which it prints."""

import asyncio
import sys

from aiohttp import web
from localstripe.server import app, store

type(store).dump_to_disk = lambda _: None


async def main() -> None:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the test that started it goes away


asyncio.run(main())
