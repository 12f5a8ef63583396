"""Origins: which pages may open a stream. A browser sends whatever a page asks it to, wherever the page is from."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def admitted(headers: Mapping[bytes, bytes], allowed: tuple[str, ...]) -> bool:
    """Whether a request comes from no page, from one of this host, or from one that is allowed."""
    origin = headers.get(b"origin")
    if origin is None:
        return True
    text = origin.decode("latin-1")
    if text in allowed:
        return True
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return bool(host) and urlsplit(text).netloc.lower() == host
