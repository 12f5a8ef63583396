"""Bytes on a real socket that no vendor should send: each is an error of its class, with the source's name in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sources import canonical as c
from sources.errors import Garbled, SourceError, Throttled, TooLarge, Unavailable
from sources.pipeline.reading import reading
from sources.ports import Ask, Connector
from sources.settings import Secret
from sources.transport import Transport
from sources.vendors.netsuite import VENDOR as NETSUITE
from sources.vendors.salesforce import VENDOR as SALESFORCE
from sources.vendors.stripe import VENDOR as STRIPE
from sources.vendors.zendesk import VENDOR as ZENDESK
from tests.sources.netsuite.connector.account import KEY

pytestmark = pytest.mark.usefixtures("complaints")


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "content-type: application/json", *headers, "", ""]
    return "\r\n".join(head).encode() + body


TOKEN = http(b'{"access_token": "t", "token_type": "bearer", "expires_in": 7200}')
PAGE = b"<html><head><title>Down</title></head></html>"
FAULTS: dict[str, tuple[bytes, type[SourceError]]] = {
    "a page with 200": (http(PAGE), Garbled),
    "a page with 502": (http(PAGE, "502 Bad Gateway"), Unavailable),
    "a page with 503 and a wait": (http(PAGE, "503 Service Unavailable", "retry-after: 7"), Unavailable),
    "a page with 429": (http(PAGE, "429 Too Many Requests", "retry-after: 7"), Throttled),
    "a page with 404": (http(PAGE, "404 Not Found"), Garbled),
    "a redirection": (http(b"", "302 Found", "location: https://login.test/"), Garbled),
    "nothing with 200": (http(b""), Garbled),
    "nothing with 500": (http(b"", "500 Internal Server Error"), Unavailable),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", Garbled),
    "another shape": (http(b"[1, 2, 3]"), Garbled),
    "half of it": (http(b'{"data": [{"id": "1"'), Garbled),
    "no UTF-8": (http(b'{"\xff\xfe": 1}'), Garbled),
    "deep": (http(b"[" * 200_000), Garbled),
    "deep inside": (http(b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"), Garbled),
    "too much": (http(b" " * 1_000_001), TooLarge),
    "less than was said": (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{", Unavailable),
    "no HTTP": (b"220 mail.test ESMTP\r\n\r\n", Garbled),
    "a hang-up": (b"", Unavailable),
}
VENDORS: dict[str, tuple[Any, dict[str, Any], Ask]] = {
    "salesforce": (SALESFORCE, {"client_id": "c", "client_secret": Secret("s"), "window": 0.0}, Ask(c.Account, "list", ("",))),
    "stripe": (STRIPE, {"key": Secret("k")}, Ask(c.BillingCustomer, "key", ("cus_1",))),
    "netsuite": (
        NETSUITE,
        {"client_id": "c", "certificate_id": "k", "private_key": Secret(KEY), "algorithm": "ES256", "window": 0.0},
        Ask(c.LegalEntity, "list", ("",)),
    ),
    "zendesk": (ZENDESK, {"client_id": "c", "client_secret": Secret("s")}, Ask(c.SupportPlan, "list", ("",))),
}  # fmt: skip


class Server:
    """Answers calls for tokens, and everything else, with given bytes; then hangs up."""

    def __init__(self, token: bytes, answer: bytes) -> None:
        self._token, self._answer = token, answer
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
        await reader.readexactly(length)
        self.requests.append(head.splitlines()[0])
        writer.write(self._token if "/token" in self.requests[-1].partition("?")[0] else self._answer)
        writer.close()


@asynccontextmanager
async def asking(vendor: str, server: Server) -> AsyncIterator[tuple[Connector, Ask]]:
    offered, more, ask = VENDORS[vendor]
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    settings = offered.settings(vendor=vendor, url=f"http://127.0.0.1:{port}", **more)
    async with listening, Transport("source", timeout=5.0, max_bytes=1_000_000) as transport:
        connector = offered.open("source", settings, reading(transport.send))
        yield connector, ask
        await connector.close()


async def failed(connector: Connector, ask: Ask) -> SourceError:
    """The error of the one key there is."""
    try:
        told = await connector.read(ask)
    except SourceError as error:
        return error
    assert told.rows == {}
    return told.errors[ask.keys[0]]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_faulty_answer_is_an_error_of_its_class(vendor: str, fault: str) -> None:
    answer, kind = FAULTS[fault]
    server = Server(TOKEN, answer)
    async with asking(vendor, server) as (connector, ask):
        error = await failed(connector, ask)
    assert type(error) is kind
    assert (error.source, error.sick) == ("source", True)
    assert error.retry_after == (7.0 if b"retry-after" in answer else None)
    assert "Down" not in error.message
    assert len(server.requests) == (1 if vendor == "stripe" else 2)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if vendor != "stripe"])
async def test_a_faulty_token_is_an_error_of_its_class(vendor: str, fault: str) -> None:
    answer, kind = FAULTS[fault]
    server = Server(answer, TOKEN)
    async with asking(vendor, server) as (connector, ask):
        error = await failed(connector, ask)
    assert type(error) is kind
    assert (error.source, len(server.requests)) == ("source", 1)
