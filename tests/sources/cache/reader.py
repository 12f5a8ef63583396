"""A process of its own that asks one key many times at once: `python -m tests.sources.cache.reader PREFIX ASKERS`.

It opens its connections, says that it is ready, waits for a line, asks, and tells what it took.
"""

import asyncio
import json
import sys

from tests.sources.cache.book import Book, by_key, contact, keys_of
from tests.sources.cache.redis_of import gateways


async def main(prefix: str, askers: int) -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    book.delay = 0.3
    async with gateways(prefix, book) as (source,):
        await source.read(by_key("warm"))
        book.asked.clear()
        print("ready", flush=True)  # noqa: T201 - its parent waits for it
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        readings = await asyncio.gather(*(source.read(by_key("K")) for _ in range(askers)))
        told = {
            "calls": len(book.asked),
            "reported": sum(each.report.calls for each in readings),
            "answered": sum(keys_of(each) == {"K": ["K"]} for each in readings),
        }
        print(json.dumps(told), flush=True)  # noqa: T201 - this is its answer


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
