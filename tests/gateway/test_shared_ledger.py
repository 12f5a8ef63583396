"""Gateways that share Redis share what a vendor allows an account."""

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.app import create_app
from gateway.settings import parse
from sources.ports import Call, Effect
from tests.peers import serving
from tests.sources.pipeline.test_ledger import REDIS, own_prefix


class Erp:
    """Counts how many ask it at once."""

    def __init__(self) -> None:
        self.answered = self.running = self.most = 0

    async def answer(self, _request: Request) -> Response:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.02)
        self.running -= 1
        self.answered += 1
        return Response("{}")


def gateway(url: str, prefix: str) -> Any:
    secret = {"env": "SECRET"}
    erp = {"vendor": "netsuite", "url": url, "client_id": "c", "certificate_id": "k", "private_key": secret}
    tree = {
        "sources": {"erp": {**erp, "concurrency": 1, "bulkhead": {"wait": 30.0}, "timeout": 60.0}},
        "cache": {"redis": REDIS, "prefix": prefix, "operation": 1.0},
    }
    return create_app(parse(tree, {"SECRET": "a key"}))


async def test_two_gateways_together_ask_no_more_at_once_than_one_account_may() -> None:
    erp = Erp()
    async with own_prefix() as prefix:
        with serving(Starlette(routes=[Route("/", erp.answer)])) as url:
            call = Call("GET", f"{url}/", effect=Effect.READ)
            one, other = gateway(url, prefix), gateway(url, prefix)
            async with one.router.lifespan_context(one), other.router.lifespan_context(other):
                sends = [app.state.catalog.sources["erp"].pipeline.send for app in (one, other)]
                await asyncio.gather(*(send(call) for send in sends * 6))
    assert erp.answered == 12
    assert erp.most == 1
