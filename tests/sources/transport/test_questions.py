"""A call on the wire: both clients say the same, and nothing in it can be taken for a second question."""

import asyncio
import socket

import pytest
from yarl import URL

from sources.errors import SourceError
from sources.ports import Call
from sources.transport import KINDS, Kind, Transport
from sources.transport.requests import BadAddress, BadHead, encoded
from tests.fakes.sick import SickServer

CALLS = {
    "a read": Call("GET", "/a/b?c=d&e=f%20g", {"Accept": "application/json", "X-One": "1"}),
    "no path": Call("GET", ""),
    "no path, but a query": Call("GET", "?a=b"),
    "letters of every case": Call("GET", "/aAkKsS\u017f\u212a?sS=kK"),
    "a fragment": Call("GET", "/a?b=c#d?e"),
    "characters that are not for addresses": Call("GET", "/ä b?c=ü{}"),
    "everything that may stand as it is": Call("GET", "/a%2Fb/../c;d=1,2/(e)'!*$&?q=[x]|{y}\"<>^`\\"),
    "a body": Call("POST", "/", {"content-type": "application/json"}, b"{}"),
    "a body of an unnamed type": Call("PATCH", "/", {}, b"{}"),
    "a body of nothing": Call("PUT", "/", {}, b""),
    "a write without a body": Call("POST", "/"),
    "a deletion": Call("DELETE", "/"),
    "another host": Call("GET", "/", {"Host": "example.test"}),
    "other agents and codings": Call("GET", "/", {"user-agent": "me", "Accept-Encoding": "identity", "accept": "a/b"}),
    "a value beyond ASCII": Call("GET", "/", {"x": "é"}),
    "a value of nothing": Call("GET", "/", {"x": ""}),
}


def lines(question: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Request line, headers in the order of their names, body; without the agent that each client says it is."""
    head, _, body = question.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    named = [(name.lower(), value.strip()) for name, _, value in (each.partition(b":") for each in headers)]
    return first, sorted(b"%b: %b" % each for each in named if not each[1].startswith((b"Python/", b"opsgraph"))), body


@pytest.mark.parametrize("name", CALLS)
async def test_both_clients_say_the_same(name: str) -> None:
    call = CALLS[name]
    async with SickServer() as server:
        for kind in KINDS:
            async with Transport("billing", kind=kind) as transport:
                await transport.send(Call(call.method, server.url + call.url, call.headers, call.body))
    first, second = map(lines, server.questions)
    if call.body is None:  # of which aiohttp says a type all the same
        second[1][:] = [each for each in second[1] if not each.startswith(b"content-type")]
    assert first == second


async def test_a_user_in_the_address_is_basic_authentication(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        await transport.send(Call("GET", f"http://me:p%40ss@127.0.0.1:{server.port}/"))
    assert b"authorization: basic bwu6cebzcw==" in server.questions[0].lower()


async def test_a_name_with_several_addresses_is_tried_at_all_of_them(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:  # it listens at one of them
        assert (await transport.send(Call("GET", f"http://localhost:{server.port}/"))).status == 200
    assert f"host: localhost:{server.port}".encode() in server.questions[0].lower()


async def test_a_machine_without_a_name(kind: Kind) -> None:
    try:
        listening = await asyncio.start_server(_answers, "::1", 0, family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = listening.sockets[0].getsockname()[1]
    async with listening, Transport("billing", kind=kind) as transport:
        reply = await transport.send(Call("GET", f"http://[::1]:{port}/"))
    assert reply.body == f"[::1]:{port}".encode()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says which host was asked for."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    host = next(line[6:] for line in head.split("\r\n") if line.startswith("host: "))
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(host)}\r\n\r\n{host}".encode())
    writer.close()


async def test_proxies_of_the_environment_are_not_asked(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        assert (await transport.send(Call("GET", server.url))).status == 200


@pytest.mark.parametrize("value", ["a\r\nx: b", "a\nb", "a\rb", "a\0b", "a\r\n\r\nGET / HTTP/1.1"])
async def test_a_value_with_a_line_of_its_own_is_not_sent(kind: Kind, value: str) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        with pytest.raises(SourceError) as caught:
            await transport.send(Call("GET", server.url, {"x-key": value}))
        assert (await transport.send(Call("GET", server.url))).status == 200
    assert not caught.value.sick
    assert server.asked == 1


BAD_HEADS = {
    "a value with a control character": Call("GET", "http://a.test/", {"x": "a\x01"}),
    "a name with a colon": Call("GET", "http://a.test/", {"x: y\r\nz": "a"}),
    "a name with a space": Call("GET", "http://a.test/", {"x y": "a"}),
    "a name of nothing": Call("GET", "http://a.test/", {"": "a"}),
    "a method with a space": Call("GET / HTTP/1.1\r\nx:", "http://a.test/"),
    "a tunnel": Call("CONNECT", "http://a.test/"),
    "a length of its own": Call("POST", "http://a.test/", {"Content-Length": "5"}, b"abc"),
    "a framing of its own": Call("POST", "http://a.test/", {"transfer-encoding": "chunked"}, b"abc"),
    "a connection of its own": Call("GET", "http://a.test/", {"connection": "upgrade"}),
}


@pytest.mark.parametrize("name", BAD_HEADS)
async def test_a_head_that_cannot_be_sent_is_refused(name: str) -> None:
    with pytest.raises(BadHead):
        encoded(BAD_HEADS[name])
    async with Transport("billing") as transport:
        with pytest.raises(SourceError, match="cannot be sent") as caught:
            await transport.send(BAD_HEADS[name])
    assert (caught.value.sick, caught.value.source) == (False, "billing")


@pytest.mark.parametrize("url", ["http://Kiosk.test", "HTTPS://KIOSK.test:8443/a?b", "http://xn--kisk-5qa.test?b"])
def test_a_call_goes_where_its_address_says(url: str) -> None:
    origin, head = encoded(Call("GET", url))
    wanted = URL(url)
    assert (origin.name, origin.port, origin.tls) == (wanted.raw_host, wanted.port, wanted.scheme == "https")
    assert head.startswith(b"GET %b HTTP/1.1\r\n" % wanted.raw_path_qs.encode())


NOWHERE = ["", "nowhere", "/a", "//a.test/", "ftp://a.test/", "file:///etc/hosts", "unix:/run/x", "javascript:x"]
MACHINELESS = ["http://", "http:///a", "http://:80/", "http://a.test:x/", "http://a.test:99999/", "http://[::1/"]


@pytest.mark.parametrize("url", [*NOWHERE, *MACHINELESS])
def test_an_address_that_is_none_goes_nowhere(url: str) -> None:
    with pytest.raises(BadAddress):
        encoded(Call("GET", url))


def test_no_address_carries_a_second_line() -> None:
    for bad in ("http://a.test/\r\nx: y", "http://a.test/ HTTP/1.1\r\nx: y", "http://a.test/\0", "http://a.test\r\n/"):
        try:
            _, head = encoded(Call("GET", bad))
        except BadAddress:
            continue
        assert head.count(b"\r\n") == encoded(Call("GET", "http://a.test/"))[1].count(b"\r\n")
        assert head.split(b"\r\n")[0].count(b" ") == 2
