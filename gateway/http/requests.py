"""GraphQL over HTTP, as it is asked: which media types, and one question out of a request. Nothing here waits."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.engine.engine import NO_WISHES, Question, Wishes
from gateway.engine.manifests import digest_named

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
_CORRELATION = re.compile(rb"[A-Za-z0-9_\-.]{8,64}\Z")
_CHARSET = re.compile(r"charset=\"?([^\s;\"]+)", re.IGNORECASE)
_ONCE = frozenset({b"authorization", b"content-type", b"content-length", b"content-encoding"})
_SHOWN = 40  # bytes of a header that a message quotes
_LONGEST = 512  # bytes of a header that is remembered
_PARAMETERS = 20
_DURATION = re.compile(rb"(\d{1,9}(?:\.\d{1,9})?)(ms|s)?\Z")
PURPOSE = b"opsgraph-purpose"
_PURPOSES = re.compile(r"[a-z][a-z0-9_]{0,63}(?: *, *[a-z][a-z0-9_]{0,63}){0,4}\Z")
_DRAWN = 512  # correlation ids that are drawn at once: random bytes take a system call
_WISHES = (b"opsgraph-timeout", b"opsgraph-max-age", b"opsgraph-freshness")


class BadRequest(Exception):
    """A request that is no GraphQL request."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


def merged(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers of which some came twice: lists are joined; raises BadRequest for one that must stand alone."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in _ONCE:
            raise BadRequest(400, f"the header `{name.decode('latin-1')}` is given twice")
        found[name] = found[name] + b", " + value if name in found else value
    return found


_drawn: list[str] = []


def correlation_id(given: bytes | None) -> str:
    """The caller's own id where it is one, or a new one that nobody can guess."""
    if given is not None and _CORRELATION.match(given):
        return given.decode("ascii")
    try:
        return _drawn.pop()
    except IndexError:
        digits = secrets.token_hex(8 * _DRAWN)
        _drawn.extend(digits[start : start + 16] for start in range(16, len(digits), 16))
        return digits[:16]


# ---------------------------------------------------------------- media types


def accepted(header: bytes | None) -> str | None:
    """The media type to answer with; None where the client takes neither of ours."""
    if not header:
        return JSON
    return _accepted(header) if len(header) <= _LONGEST else _accepted.__wrapped__(header)


_OFFERED = {RESPONSE_JSON: RESPONSE_JSON, JSON: JSON, "*/*": JSON, "application/*": JSON, EVENT_STREAM: EVENT_STREAM}


@lru_cache(maxsize=256)
def _accepted(header: bytes) -> str | None:
    best: tuple[float, int, str] | None = None
    for index, part in enumerate(header.decode("latin-1").split(",")):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        offered = _OFFERED.get(name)
        quality = _quality(parameters)
        if offered is None or not quality > 0 or any(each == "charset=utf-16" for each in parameters):
            continue
        if best is None or (quality, -index) > best[:2]:
            best = (quality, -index, offered)
    return best[2] if best else None


def _quality(parameters: list[str]) -> float:
    for each in parameters:
        if each.startswith("q="):
            try:
                return float(each[2:])
            except ValueError:
                return 0.0
    return 1.0


def check_content_type(header: bytes) -> None:
    """Raises BadRequest for a body that is not sent as JSON in UTF-8."""
    if header != b"application/json":
        refused = _refused_type(header) if len(header) <= _LONGEST else _refused_type.__wrapped__(header)
        if refused is not None:
            raise BadRequest(415, *refused)


@lru_cache(maxsize=256)
def _refused_type(header: bytes) -> tuple[str, dict[str, str]] | None:
    name, _, parameters = header.decode("latin-1").partition(";")
    if name.strip().lower() != JSON:
        return f"send the request as `{JSON}`", {"accept-post": JSON}
    charset = _CHARSET.search(parameters)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        return f"`{charset[1]}` is not supported: send UTF-8", {}
    return None


# ---------------------------------------------------------------- wishes


def wishes(headers: Mapping[bytes, bytes]) -> Wishes:
    """What an asker wants of time and age; raises BadRequest for a header that cannot be understood.

    `Opsgraph-Timeout: 800ms | 1.2s | 1.2`, `Opsgraph-Max-Age: 30` (seconds; 0: read now), `Opsgraph-Freshness: TOKEN`.
    """
    timeout, max_age, freshness = map(headers.get, _WISHES)
    if timeout is None and max_age is None and freshness is None:
        return NO_WISHES
    return Wishes(
        _seconds("Opsgraph-Timeout", timeout) if timeout is not None else None,
        _seconds("Opsgraph-Max-Age", max_age, zero=True) if max_age is not None else None,
        freshness.decode("latin-1") if freshness is not None else None,
    )


def _seconds(name: str, given: bytes, *, zero: bool = False) -> float:
    found = _DURATION.match(given.strip())
    seconds = float(found[1]) / (1000 if found[2] == b"ms" else 1) if found else -1.0
    if seconds < 0 or not (seconds or zero):
        shown = given[:_SHOWN].decode("latin-1")
        least = "0 or more" if zero else "more than 0"
        raise BadRequest(400, f"the header `{name}` is `{shown}`: seconds such as `1.2` or `800ms`, {least}")
    return seconds


def purposes(header: bytes) -> tuple[str, ...]:
    """The purposes that a request acts with, each once: `Opsgraph-Purpose: reveal`; raises BadRequest."""
    given = header.decode("latin-1").strip()
    if _PURPOSES.match(given) is None:
        shown = given[:_SHOWN]
        raise BadRequest(400, f"the header `Opsgraph-Purpose` is `{shown}`: name a purpose, or up to five with commas")
    return tuple(dict.fromkeys(each.strip() for each in given.split(",")))


# ---------------------------------------------------------------- questions


def from_query(query_string: bytes, asked: Wishes = NO_WISHES) -> Question:
    """The question of a GET request; raises BadRequest."""
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_PARAMETERS)
    except ValueError:
        raise BadRequest(400, f"the address has more than {_PARAMETERS} parameters") from None
    given = dict(pairs)
    for name in ("query", "documentId", "id", "operationName", "variables", "extensions"):
        if sum(each == name for each, _ in pairs) > 1:
            raise BadRequest(400, f"`{name}` is given twice")
    return from_parameters(
        {
            **{name: given[name] for name in ("query", "documentId", "id") if name in given},
            "operationName": given.get("operationName") or None,
            "variables": _json_object("variables", given.get("variables")),
            "extensions": _json_object("extensions", given.get("extensions")),
        },
        asked,
        may_mutate=False,
    )


def from_body(body: bytes, asked: Wishes = NO_WISHES) -> Question:
    """The question of a POST body; raises BadRequest."""
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(400, "the body is no JSON") from None
    if isinstance(parsed, list):
        raise BadRequest(400, "the body is a list: send one operation at a time")
    if not isinstance(parsed, dict):
        raise BadRequest(400, "the body is no JSON object")
    return from_parameters(parsed, asked, may_mutate=True)


def from_parameters(parameters: Mapping[str, Any], asked: Wishes = NO_WISHES, *, may_mutate: bool) -> Question:
    """The question of a request's parameters, whichever way they came; raises BadRequest."""
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "`extensions` is no object")
    digest, automatic = None, False
    if extensions is not None or "documentId" in parameters or "id" in parameters:
        digest, automatic = _document(parameters, extensions)
        query = "" if query is None and digest is not None else query
    if not isinstance(query, str):
        raise BadRequest(400, "`query` is missing: send the document as a text, or its `documentId`")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` is no object")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` is no text")
    return Question(query, variables, name, may_mutate, asked, None, digest, automatic)


def _document(parameters: Mapping[str, Any], extensions: Mapping[str, Any] | None) -> tuple[bytes | None, bool]:
    """The digest that a request names its document by, and whether it does so in the way of automatic persisted
    queries. `documentId` is that of GraphQL over HTTP, `id` says the same."""
    persisted = extensions.get("persistedQuery") if extensions is not None else None
    if persisted is None and "id" not in parameters:
        given = parameters.get("documentId")
        return (None if given is None else _digest("documentId", given)), False
    named = [(key, parameters[key]) for key in ("documentId", "id") if parameters.get(key) is not None]
    if persisted is not None:
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            raise BadRequest(400, "`extensions.persistedQuery` is not of version 1")
        named.append(("extensions.persistedQuery.sha256Hash", persisted.get("sha256Hash")))
    if not named:
        return None, False
    found = {_digest(key, value) for key, value in named}
    if len(found) > 1:
        raise BadRequest(400, f"`{named[0][0]}` and `{named[1][0]}` name two documents: send one of them")
    return found.pop(), persisted is not None


def _digest(name: str, given: Any) -> bytes:
    digest = digest_named(given) if isinstance(given, str) else None
    if digest is None:
        raise BadRequest(400, f"`{name}` is no id of a document: `sha256:` and 64 digits of 0-9a-f are expected")
    return digest


def _json_object(name: str, text: str | None) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest(400, f"`{name}` is no JSON") from None
