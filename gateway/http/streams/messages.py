"""Messages of `graphql-transport-ws`, as npm `graphql-ws` speaks it: what a client may say, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.engine.answer import encode

PROTOCOL = "graphql-transport-ws"
_LONGEST_ID = 256  # characters: an id is sent again with every answer
_KINDS = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


class BadMessage(Exception):
    """A message that is none of the protocol's."""


class Message(msgspec.Struct, frozen=True):
    """What a client says. `id` names an operation, where it speaks of one."""

    kind: str
    id: str
    payload: Mapping[str, Any]


def heard(text: str | None) -> Message:
    """One message. Raises BadMessage."""
    try:
        said = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadMessage("the message is no JSON") from None
    if not isinstance(said, dict) or said.get("type") not in _KINDS:
        raise BadMessage("the message has no type that a client sends")
    kind, name, payload = said["type"], said.get("id", ""), said.get("payload")
    speaks = kind in ("subscribe", "complete")
    if not isinstance(name, str) or (speaks and not 0 < len(name) <= _LONGEST_ID):
        raise BadMessage(f"`id` is a text of 1 to {_LONGEST_ID} characters")
    if not isinstance(payload, dict) and (payload is not None or kind == "subscribe"):
        raise BadMessage("`payload` is no object")
    return Message(kind, name, payload or {})


def headers(payload: Mapping[str, Any]) -> dict[bytes, bytes]:
    """What the first message says in the place of headers, by name in small letters; what is no text is left out."""
    return {
        name.lower().encode(): value.encode("latin-1", "replace")
        for name, value in payload.items()
        if isinstance(value, str)
    }


def ack(correlation_id: str) -> str:
    """The connection is good."""
    return _text({"type": "connection_ack", "payload": {"correlationId": correlation_id}})


def pong() -> str:
    """Still here."""
    return _text({"type": "pong"})


def following(name: str, body: Mapping[str, Any]) -> str:
    """An answer."""
    return _text({"id": name, "type": "next", "payload": body})


def failed(name: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """The operation is over, because of these errors."""
    return _text({"id": name, "type": "error", "payload": list(errors)})


def complete(name: str) -> str:
    """The operation is over."""
    return _text({"id": name, "type": "complete"})


def _text(said: Mapping[str, Any]) -> str:
    return encode(said).decode()
