"""How payloads, answers and signals are written down: as JSON, never as pickles."""

from __future__ import annotations

from typing import Any

import msgspec
from dbos import Serializer

_EXCEPTION = "__exception__"


class RecordedError(Exception):
    """An exception as it comes out of the database again: its class is only a word by then."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.message = kind, message


class JsonSerializer(Serializer):
    """The engine's serialiser. Whatever we hand to it is an object with a key of ours, so that an exception is
    recognised by its own."""

    def serialize(self, data: Any) -> str:
        return msgspec.json.encode(_flat(data)).decode()

    def deserialize(self, serialized_data: str) -> Any:
        found = msgspec.json.decode(serialized_data)
        if isinstance(found, dict) and found.keys() == {_EXCEPTION}:
            return RecordedError(*found[_EXCEPTION])
        return found

    def name(self) -> str:
        return "opsgraph_json"


def _flat(data: Any) -> Any:
    if not isinstance(data, BaseException):
        return data
    if isinstance(data, RecordedError):
        return {_EXCEPTION: [data.kind, data.message]}
    return {_EXCEPTION: [type(data).__name__, str(data)]}


def boxed(value: Any) -> dict[str, Any]:
    """A value in its box, made of what JSON has."""
    return {"value": msgspec.to_builtins(value)}


def unboxed(box: Any) -> Any:
    """What is in the box, as JSON has it; what is no box (a text that could not be read) as it is."""
    return box["value"] if isinstance(box, dict) and "value" in box else box
