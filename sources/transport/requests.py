"""A call as bytes: where it goes, and its head with nothing in it that could be taken for a second request."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

import msgspec
from yarl import URL

from sources.ports import Call
from sources.transport.codings import ACCEPTED

# Origin, target, fragment: printable ASCII without spaces, each ending where the next may begin.
_ADDRESS = re.compile(r"([hH][tT]{2}[pP][sS]?://[!\"$-.0->@-~]+)([/?][!\"$-~]*)?(?:#[!-~]*)?\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FRAMING = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # a request without a body does not say so


class BadAddress(ValueError):
    """An address that cannot be called."""


class BadHead(ValueError):
    """A method or a header that cannot be sent."""


class Origin(msgspec.Struct, frozen=True):
    """Whom connections are kept to. `name`: of the machine, as DNS has it; `host`: what the header of that name says;
    `credentials`: what `authorization` says where the address has a user in it, or nothing."""

    name: str
    port: int
    tls: bool
    host: str
    credentials: str


def encoded(call: Call) -> tuple[Origin, bytes]:
    """Whom a call goes to, and its head; its body follows as it is. Raises BadAddress, BadHead."""
    found = _ADDRESS.match(call.url) or _ADDRESS.match(_quoted(call.url))
    if found is None:
        raise BadAddress(call.url)
    origin, target = _origin(found[1]), found[2] or "/"
    if not target.startswith("/"):
        target = "/" + target
    headers, body = call.headers, call.body
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or _CONTROL.search(lines):
        raise BadHead("a header's value has a character that no header may have")
    ours = _ours(origin.host, origin.credentials, call.method, tuple(headers), body is not None)
    length = f"content-length: {len(body)}\r\n" if body is not None else ""
    return origin, f"{call.method} {target} HTTP/1.1\r\n{ours}{length}{lines}\r\n".encode()


def _quoted(url: str) -> str:
    try:
        return str(URL(url))
    except ValueError:
        raise BadAddress(url) from None


@lru_cache(maxsize=256)
def _ours(host: str, credentials: str, method: str, names: tuple[str, ...], has_body: bool) -> str:
    """The lines that a head has besides the caller's; raises BadHead."""
    if not _TOKEN.match(method) or method == "CONNECT":
        raise BadHead(f"`{method}` is no method of a call")
    given = {name.lower() for name in names}
    for name in names:
        if not _TOKEN.match(name):
            raise BadHead(f"`{name}` is no name of a header")
    if found := given & _FRAMING:
        raise BadHead(f"the header `{min(found)}` belongs to the transport")
    lines = {"host": host, "accept": "*/*", "accept-encoding": ACCEPTED, "user-agent": "opsgraph"}
    if credentials:
        lines["authorization"] = credentials
    if has_body:
        lines["content-type"] = "application/octet-stream"
    elif method not in _BODILESS:
        lines["content-length"] = "0"
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items() if name not in given)


@lru_cache(maxsize=256)
def _origin(text: str) -> Origin:
    """The origin of an address up to its path; raises BadAddress."""
    try:
        url = URL(text, encoded=True)
        name, port, host = url.raw_host, url.port, url.host_port_subcomponent
        user, password = url.user, url.password
    except ValueError:
        raise BadAddress(text) from None
    if not name or not port or host is None:
        raise BadAddress(text)
    secret = base64.b64encode(f"{user or ''}:{password or ''}".encode()).decode()
    credentials = f"Basic {secret}" if user is not None or password is not None else ""
    return Origin(name.lower(), port, url.scheme == "https", host, credentials)
