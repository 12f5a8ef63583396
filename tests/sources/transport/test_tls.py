"""TLS: whom a call goes to is proven before anything is said, and by the name that was asked for."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sources.errors import Garbled, TimedOut, Unavailable
from sources.ports import Call
from sources.transport import Kind, Transport
from tests.fakes.sick import SickServer, response, says


def certificate(folder: Path, *names: x509.GeneralName, days: int = 1) -> Path:
    """Key and certificate for these names, signed by itself, in one file; expired where `days` is less than nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{len(list(folder.iterdir()))}.pem"
    file.write_bytes(secret + made.public_bytes(pem))
    return file


def serving(file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


LOCAL = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), *LOCAL)


@pytest.fixture
def trusting(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(file))


async def refused(kind: Kind, url: str, tls: ssl.SSLContext | None) -> None:
    """No connection comes about, and it is said that nothing was sent."""
    async with Transport("billing", kind=kind, timeout=2.0, tls=tls) as transport:
        with pytest.raises(Unavailable) as caught:
            await transport.send(Call("GET", url))
    assert caught.value.unsent


async def test_an_answer_comes_back_and_the_connection_is_kept(
    kind: Kind, file: Path, trusting: ssl.SSLContext
) -> None:
    tls, asked = serving(file), []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    body = bytes(range(256)) * 2_000
    async with (
        SickServer(says(response(200, body)), tls=tls) as server,
        Transport("billing", kind=kind, tls=trusting) as transport,
    ):
        for _ in range(3):
            reply = await transport.send(Call("POST", f"https://localhost:{server.port}/", body=body))
            assert reply.body == body
    assert (server.asked, server.connections, asked) == (3, 1, ["localhost"])


async def test_a_machine_is_known_by_its_address_too(kind: Kind, file: Path, trusting: ssl.SSLContext) -> None:
    async with SickServer(tls=serving(file)) as server, Transport("billing", kind=kind, tls=trusting) as transport:
        assert (await transport.send(Call("GET", server.url))).status == 200


async def test_a_certificate_that_nobody_vouches_for_is_refused(kind: Kind, file: Path) -> None:
    async with SickServer(tls=serving(file)) as server:
        await refused(kind, server.url, None)
    assert server.asked == 0


async def test_a_certificate_for_another_name_is_refused(kind: Kind, tmp_path: Path) -> None:
    other = certificate(tmp_path, x509.DNSName("example.test"))
    async with SickServer(tls=serving(other)) as server:
        await refused(kind, f"https://localhost:{server.port}/", ssl.create_default_context(cafile=str(other)))
        await refused(kind, server.url, ssl.create_default_context(cafile=str(other)))
    assert server.asked == 0


async def test_a_certificate_that_has_expired_is_refused(kind: Kind, tmp_path: Path) -> None:
    old = certificate(tmp_path, *LOCAL, days=-1)
    async with SickServer(tls=serving(old)) as server:
        await refused(kind, server.url, ssl.create_default_context(cafile=str(old)))
    assert server.asked == 0


async def test_a_port_that_does_not_speak_tls_is_refused(kind: Kind, trusting: ssl.SSLContext) -> None:
    async def answers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200))
        writer.close()

    listening = await asyncio.start_server(answers, "127.0.0.1", 0)
    async with listening:
        await refused(kind, f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", trusting)


async def test_a_port_that_speaks_only_tls_gives_no_answer(kind: Kind, file: Path) -> None:
    async with SickServer(tls=serving(file)) as server, Transport("billing", kind=kind, timeout=2.0) as transport:
        with pytest.raises((Garbled, Unavailable)) as caught:
            await transport.send(Call("GET", server.url.replace("https", "http")))
    assert not caught.value.unsent


async def test_a_handshake_that_hangs_is_unsent(trusting: ssl.SSLContext) -> None:
    ended = asyncio.Semaphore(0)

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.release()

    listening = await asyncio.start_server(waits, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with listening, Transport("billing", timeout=0.2, tls=trusting, connections=1) as transport:
        for _ in range(2):
            with pytest.raises(TimedOut) as caught:
                await transport.send(Call("GET", url))
            assert caught.value.unsent
            await ended.acquire()  # the socket is closed, not left


async def test_a_connection_that_breaks_off_is_lost(kind: Kind, file: Path, trusting: ssl.SSLContext) -> None:
    raw = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"
    async with (
        SickServer(says(raw, then_closes=True), tls=serving(file)) as server,
        Transport("billing", kind=kind, tls=trusting, timeout=2.0) as transport,
    ):
        with pytest.raises(Unavailable) as caught:
            await transport.send(Call("GET", server.url))
        assert not caught.value.unsent
