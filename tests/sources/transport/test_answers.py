"""What comes over the wire, and what becomes of it: the same through both clients."""

import asyncio
import gzip
import zlib

import pytest

from sources.errors import Garbled, SourceError, TooLarge, Unavailable
from sources.ports import Call, Effect
from sources.transport import Kind, Transport
from tests.fakes.sick import SickServer, response, says

MOST = 100_000
JSON = b'{"a": 1}'
PACKED = gzip.compress(JSON * 10)
_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
UNFRAMED = _RAW.compress(JSON * 10) + _RAW.flush()


def coded(body: bytes, coding: str) -> bytes:
    return response(200, body, content_encoding=coding)


def chunked(*chunks: bytes, head: bytes = b"", trailer: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\n" + head + b"transfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailer + b"\r\n"


def answer(head: bytes, body: bytes = b"abc") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + head + b"content-length: %d\r\n\r\n" % len(body) + body


# What it is, its bytes, the status and the body that come of it. One that ends with its connection says so by a `$`.
ANSWERS = {
    "plain": (response(200, JSON), 200, JSON),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}", 200, b"{}"),
    "a reason in UTF-8": ("HTTP/1.1 200 Gut so, ähm\r\ncontent-length: 0\r\n\r\n".encode(), 200, b""),
    "a redirection": (response(302, b"", location="/elsewhere"), 302, b""),
    "no such status": (response(600, JSON), 600, JSON),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "304 with the length of what it stands for": (b"HTTP/1.1 304 X\r\ncontent-length: 50\r\netag: x\r\n\r\n", 304, b""),
    "empty": (response(200, b""), 200, b""),
    "chunks": (chunked(b"abc", b"de"), 200, b"abcde"),
    "no chunk": (chunked(), 200, b""),
    "many chunks": (chunked(*[b"x"] * 5000), 200, b"x" * 5000),
    "a chunk's extension": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n", 200, b"abc"),
    "a chunk's spaces": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 200, b"abc"),
    "trailers": (chunked(b"abc", trailer=b"x-sum: 1\r\nstatus: 500\r\n"), 200, b"abc"),
    "until the end $": (b"HTTP/1.1 200 OK\r\n\r\nabcdef", 200, b"abcdef"),
    "until the end, packed $": (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + PACKED, 200, JSON * 10),
    "HTTP/1.0 $": (b"HTTP/1.0 200 OK\r\n\r\nabcdef", 200, b"abcdef"),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", 200, b"abc"),
    "100 first": (b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, JSON), 200, JSON),
    "103 and 102 first": (b"HTTP/1.1 103 X\r\nlink: x\r\n\r\nHTTP/1.1 102 X\r\n\r\n" + response(200, JSON), 200, JSON),
    "an upgrade offered": (response(200, JSON, upgrade="h2,h2c", connection="Upgrade"), 200, JSON),
    "gzip": (coded(PACKED, "gzip"), 200, JSON * 10),
    "GZIP": (coded(PACKED, "GZIP"), 200, JSON * 10),
    "gzip in two members": (coded(PACKED + PACKED, "gzip"), 200, JSON * 20),
    "gzip in chunks": (chunked(PACKED[:3], PACKED[3:20], PACKED[20:], head=b"content-encoding: gzip\r\n"), 200, JSON * 10),
    "gzip of nothing": (coded(gzip.compress(b""), "gzip"), 200, b""),
    "nothing, said to be gzip": (coded(b"", "gzip"), 200, b""),
    "204, said to be gzip": (b"HTTP/1.1 204 X\r\ncontent-encoding: gzip\r\n\r\n", 204, b""),
    "deflate": (coded(zlib.compress(JSON * 10), "deflate"), 200, JSON * 10),
    "deflate without its frame": (coded(UNFRAMED, "deflate"), 200, JSON * 10),
    "identity": (coded(JSON, "identity"), 200, JSON),
    "bare line feeds": (b"HTTP/1.1 200 OK\ncontent-length: 3\n\nabc", 200, b"abc"),
    "empty lines first": (b"\r\n\r\n" + answer(b""), 200, b"abc"),
    "a value of nothing": (answer(b"x:\r\n"), 200, b"abc"),
    "as much as may be": (response(200, b"x" * MOST), 200, b"x" * MOST),
    "as much as may be, packed": (coded(gzip.compress(b"x" * MOST), "gzip"), 200, b"x" * MOST),
    "as much as may be, in chunks": (chunked(b"x" * (MOST - 1), b"x"), 200, b"x" * MOST),
}  # fmt: skip

# What it is, its bytes, and the errors that it may be.
REFUSED: dict[str, tuple[bytes, tuple[type[SourceError], ...]]] = {
    "nothing": (b"", (Unavailable,)),
    "half a status line": (b"HTTP/1.1 200 O", (Unavailable,)),
    "only an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n", (Unavailable,)),
    "less than was said": (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", (Unavailable,)),
    "half a chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc", (Unavailable,)),
    "no last chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", (Unavailable,)),
    "half a last chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", (Unavailable,)),
    "bytes": (b"\x00\xff\xfe garbage that is not HTTP\r\n\r\n", (Garbled,)),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", (Garbled,)),
    "another version": (b"HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n", (Garbled,)),
    "small letters": (b"http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (Garbled,)),
    "a status of letters": (b"HTTP/1.1 abc OK\r\n\r\n", (Garbled,)),
    "a status of two digits": (b"HTTP/1.1 99 OK\r\n\r\n", (Garbled,)),
    "a length of letters": (b"HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n{}", (Garbled,)),
    "a length below nothing": (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}", (Garbled,)),
    "a length with a sign": (b"HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc", (Garbled,)),
    "a length beyond numbers": (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nabc", (Garbled,)),
    "two lengths": (answer(b"content-length: 4\r\n"), (Garbled,)),
    "one length twice": (answer(b"content-length: 3\r\n"), (Garbled,)),
    "a list of lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc", (Garbled,)),
    "a length and chunks": (chunked(b"abc", head=b"content-length: 3\r\n"), (Garbled,)),
    "a chunk's size of letters": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n", (Garbled,)),
    "a chunk's size below nothing": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n", (Garbled,)),
    "a chunk's size beyond numbers": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n", (Garbled,)),
    "a carriage return in a value": (answer(b"x: a\rb\r\n"), (Garbled,)),
    "a NUL in a value": (answer(b"x: a\0b\r\n"), (Garbled,)),
    "a space in a name": (answer(b"x y: a\r\n"), (Garbled,)),
    "a space behind a name": (answer(b"x : a\r\n"), (Garbled,)),
    "no name": (answer(b": a\r\n"), (Garbled,)),
    "no colon": (answer(b"abc\r\n"), (Garbled,)),
    "a head without an end": (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, (Garbled,)),
    "a head that is too long": (answer(b"x: " + b"y" * 100_000 + b"\r\n"), (Garbled,)),
    "not gzip": (coded(b"abc", "gzip"), (Garbled, Unavailable)),
    "not deflate": (coded(b"\xff\xff\xff\xff", "deflate"), (Garbled, Unavailable)),
    "bytes behind gzip": (coded(PACKED + b"garbage", "gzip"), (Garbled, Unavailable)),
    "bytes behind deflate": (coded(zlib.compress(JSON) + b"xx", "deflate"), (Garbled, Unavailable)),
    "half of deflate": (coded(zlib.compress(JSON * 10)[:-4], "deflate"), (Garbled,)),
    "a coding that nobody asked for": (coded(JSON, "br"), (Garbled,)),
    "more than may be": (response(200, b"x" * (MOST + 1)), (TooLarge,)),
    "more than may be, in chunks": (chunked(b"x" * MOST, b"x"), (TooLarge,)),
    "more than may be, to the end": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST + 1), (TooLarge,)),
    "more than may be, packed": (coded(gzip.compress(b"x" * (MOST + 1)), "gzip"), (TooLarge,)),
    "a bomb": (coded(gzip.compress(b"0" * 20_000_000), "gzip"), (TooLarge,)),
    "a bomb in members": (coded(gzip.compress(b"0" * 1_000) * 101, "gzip"), (TooLarge,)),
}  # fmt: skip

# What aiohttp takes for an answer, and our own client does not.
STRICTER = {
    "a change of protocol": b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nabc",
    "a status of nothing": b"HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n",
    "half of gzip": coded(PACKED[:-9], "gzip"),
    "gzip without its sum": coded(PACKED[:-4], "gzip"),
    "a coding of a coding": coded(gzip.compress(PACKED), "gzip, gzip"),
    "an unknown coding": coded(JSON, "pack200-gzip"),
    "a transfer coding that nobody asked for": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
    "a transfer coding below the chunks": chunked(b"abc").replace(b": chunked", b": gzip, chunked"),
    "a control character in a value": answer(b"x: a\x01b\r\n"),
    "a value over two lines": answer(b"x: a\r\n b\r\n"),
    "an extension without an end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;" + b"x" * 200_000,
    "a trailer without an end": chunked(b"abc")[:-2] + b"x: " + b"y" * 200_000,
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_understood(kind: Kind, name: str) -> None:
    raw, status, body = ANSWERS[name]
    fault = says(raw, then_closes=name.endswith("$"))
    async with SickServer(fault) as server, Transport("billing", kind=kind, timeout=2.0, max_bytes=MOST) as transport:
        for _ in range(2):  # the second says that the first has left nothing behind
            reply = await transport.send(Call("GET", server.url, effect=Effect.READ))
            assert (reply.status, reply.body) == (status, body)
            assert type(reply.body) is bytes
    assert server.asked == 2


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_answer_is_an_error_of_its_class(kind: Kind, name: str) -> None:
    raw, errors = REFUSED[name]
    await refused(kind, raw, errors)


@pytest.mark.parametrize("name", STRICTER)
async def test_our_own_client_does_not_guess(name: str) -> None:
    await refused("bare", STRICTER[name], (Garbled,))


async def refused(kind: Kind, raw: bytes, errors: tuple[type[SourceError], ...]) -> None:
    fault = says(raw, then_closes=True)
    async with SickServer(fault) as server, Transport("billing", kind=kind, timeout=2.0, max_bytes=MOST) as transport:
        with pytest.raises(SourceError) as caught:
            await transport.send(Call("GET", server.url))
        assert type(caught.value) in errors
        assert (caught.value.source, caught.value.sick, caught.value.unsent) == ("billing", True, False)
        assert server.asked == 1
        await asyncio.sleep(0.01)  # until it is known that the server has hung up
        server.fault = says(response(200))
        assert (await transport.send(Call("GET", server.url))).status == 200


async def test_headers_are_as_they_came(kind: Kind) -> None:
    raw = answer(b"X-One:   a b\t \r\nx-two: \xc3\xa9\r\nX-three: \xe9\r\nX-Four: first\r\nx-four: last\r\n")
    async with SickServer(says(raw)) as server, Transport("billing", kind=kind) as transport:
        headers = (await transport.send(Call("GET", server.url))).headers
    assert headers == {"x-one": "a b", "x-two": "é", "x-three": "\udce9", "x-four": "last", "content-length": "3"}


async def test_interim_headers_and_trailers_are_not_the_answers(kind: Kind) -> None:
    raw = b"HTTP/1.1 103 X\r\nx-early: 1\r\n\r\n" + chunked(b"abc", trailer=b"x-late: 1\r\n")
    async with SickServer(says(raw)) as server, Transport("billing", kind=kind) as transport:
        headers = (await transport.send(Call("GET", server.url))).headers
    assert headers == {"transfer-encoding": "chunked"}


async def test_the_answer_to_head_has_no_body(kind: Kind) -> None:
    raw = b"HTTP/1.1 200 OK\r\ncontent-length: 500000\r\ncontent-encoding: gzip\r\n\r\n"
    async with SickServer(says(raw)) as server, Transport("billing", kind=kind, max_bytes=MOST) as transport:
        reply = await transport.send(Call("HEAD", server.url))
        assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "500000")
        server.fault = says(response(201))
        assert (await transport.send(Call("GET", server.url))).status == 201
