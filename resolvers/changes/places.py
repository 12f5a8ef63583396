"""Places: where in an input something is wrong, as the words of a refusal tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from policies.rows import camel
from resolvers.sagas.reading import NotThere
from sources.errors import BadAsk

_QUOTED = re.compile(r"`([^`]+)`")


def located(error: BadAsk, given: msgspec.Struct) -> BadAsk:
    """The same refusal with the path of what it speaks of. What stands in backticks is a field of the input, such as
    `lines.3`, or a value that the input has, such as a key that leads nowhere: its path is said, since it may be
    anything, somebody's address too."""
    if error.path is not None:
        return error
    values = dict(_values(given))
    if isinstance(error, NotThere):
        return error.at(values[error.key]) if error.key in values else error
    for said in _QUOTED.findall(error.message):
        path = said if said.partition(".")[0] in _fields(given) else values.get(said)
        if path is not None:
            return BadAsk(_without(error.message, given, values), path=path, source=error.source, unsent=True)
    return error


def _without(message: str, given: msgspec.Struct, values: Mapping[str, str]) -> str:
    """The message without the values of an input in backticks."""

    def shown(quoted: re.Match[str]) -> str:
        said = quoted[1]
        if said.partition(".")[0] in _fields(given) or said not in values:
            return quoted[0]
        return f"of `{values[said]}`"

    return _QUOTED.sub(shown, message)


def _fields(given: msgspec.Struct) -> set[str]:
    return {camel(each.removesuffix("_key")) for each in given.__struct_fields__}


def _values(given: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an input with its path, the last first: of two places with one text the first one stands."""
    if isinstance(given, str):
        yield given, path
    elif isinstance(given, msgspec.Struct):
        for name in reversed(given.__struct_fields__):
            yield from _values(getattr(given, name), _below(path, camel(name.removesuffix("_key"))))
    elif isinstance(given, Mapping):
        for name in reversed(list(given)):
            yield str(name), _below(path, camel(str(name)))
            yield from _values(given[name], _below(path, camel(str(name))))
    elif isinstance(given, (tuple, list)):
        for at in reversed(range(len(given))):
            yield from _values(given[at], _below(path, str(at)))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
