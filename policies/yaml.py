"""YAML with lines: every scalar stays a text until its type is known (`NO` is Norway), every value knows its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

P = ParamSpec("P")
T = TypeVar("T")


class RuleError(ValueError):
    """A mistake in the rules: one line that names file, line and cure."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message = file, line, message


class RuleErrors(RuleError):
    """Several mistakes, one line each; file and line are those of the first."""

    def __init__(self, errors: list[RuleError]) -> None:
        first = errors[0]
        super().__init__(first.file, first.line, first.message)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


class Mistakes:
    """Reads on after a mistake: what can be read apart is read apart, and in the end every mistake is told."""

    def __init__(self) -> None:
        self.found: list[RuleError] = []

    def of(self, read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `read` gives; after a mistake None in its place, for nobody to see: `done` raises before."""
        try:
            return read(*args, **named)
        except RuleErrors as errors:
            self.found += errors.errors
        except RuleError as error:
            self.found.append(error)
        return cast(T, None)

    def part(self, otherwise: T, read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `read` gives; after a mistake `otherwise`, to read on with."""
        before = len(self.found)
        found = self.of(read, *args, **named)
        return found if len(self.found) == before else otherwise

    def add(self, errors: Iterable[RuleError]) -> None:
        """Mistakes that were found without anything being read."""
        self.found += errors

    def done(self) -> None:
        """Raises RuleErrors if there was a mistake."""
        if self.found:
            raise RuleErrors(self.found)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str
    line: int

    def error(self, message: str) -> RuleError:
        """A mistake at this place."""
        return RuleError(self.file, self.line, message)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, always as text."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Value, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with unique text keys; `keys` keeps each key's own place."""

    items: dict[str, Value]
    keys: dict[str, Place]
    place: Place


Value: TypeAlias = Text | Sequence | Mapping


def read(path: Path, shown: str) -> Mapping:
    """The mapping in a file; `shown` is how errors name it."""
    try:
        node = YAML(typ="rt").compose(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleError(shown, line, f"no YAML: {error.problem}") from None
    except FileNotFoundError:
        raise RuleError(shown, 1, "the file is missing: write it, even if it is empty") from None
    except RecursionError:
        raise RuleError(shown, 1, "it is nested too deeply: write it flat, as the shipped rules are") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise RuleError(shown, 1, f"cannot be read: {str(error).splitlines()[0]}") from None
    if node is None:
        return Mapping({}, {}, Place(shown, 1))
    value = _value(node, shown)
    if not isinstance(value, Mapping):
        raise value.place.error("a mapping is expected at the top of the file")
    return value


def _value(node: Node, file: str) -> Value:
    place = Place(file, node.start_mark.line + 1)
    if node.anchor is not None:
        raise place.error(f"the anchor `&{node.anchor}` is not allowed: write the value out, an auditor reads this")
    if isinstance(node, ScalarNode):
        return Text(str(node.value), place)
    if isinstance(node, SequenceNode):
        told = Mistakes()
        found = tuple(told.of(_value, each, file) for each in node.value)
        told.done()
        return Sequence(found, place)
    if isinstance(node, MappingNode):
        return _mapping(node, file, place)
    raise place.error("a text, a list or a mapping is expected")


def _mapping(node: MappingNode, file: str, place: Place) -> Mapping:
    items: dict[str, Value] = {}
    keys: dict[str, Place] = {}
    told = Mistakes()
    for key_node, value_node in node.value:
        at = Place(file, key_node.start_mark.line + 1)
        key = told.of(_key, key_node, keys, at)
        value = told.of(_value, value_node, file)
        if key not in items:
            items[key], keys[key] = value, at
    told.done()
    return Mapping(items, keys, place)


def _key(node: Node, before: dict[str, Place], at: Place) -> str:
    if not isinstance(node, ScalarNode):
        raise at.error("a key must be a text")
    key = str(node.value)
    if key in before:
        raise at.error(f"duplicate key `{key}`: it stands already in line {before[key].line}, keep one of them")
    return key


def text(value: Value, what: str) -> str:
    """A scalar's text."""
    if not isinstance(value, Text):
        raise value.place.error(f"{what} must be a text")
    return value.value


def texts(value: Value, what: str) -> list[Text]:
    """A list of scalars; a single scalar counts as a list of one."""
    if isinstance(value, Text):
        return [value]
    if not isinstance(value, Sequence) or not all(isinstance(each, Text) for each in value.items):
        raise value.place.error(f"{what} must be a list of texts")
    return [each for each in value.items if isinstance(each, Text)]


def mapping(value: Value, what: str, allowed: frozenset[str] | None = None) -> Mapping:
    """A mapping, with only the `allowed` keys."""
    if not isinstance(value, Mapping):
        raise value.place.error(f"{what} must be a mapping")
    unknown = [] if allowed is None else [key for key in value.keys if key not in allowed]
    if allowed is not None and unknown:
        expected = f"in {what}: one of {', '.join(sorted(allowed))} is expected"
        raise RuleErrors([value.keys[key].error(f"unknown key `{key}` {expected}") for key in unknown])
    return value


def entries(source: Mapping) -> list[tuple[str, Value, Place]]:
    """Key, value and the key's place of each entry."""
    return [(key, value, source.keys[key]) for key, value in source.items.items()]


def required(source: Mapping, key: str) -> Value:
    """The value of a key that must be there."""
    if key not in source.items:
        raise source.place.error(f"`{key}` is missing: add it")
    return source.items[key]


def number(value: Value, what: str) -> int:
    """A whole number that is not negative."""
    written = text(value, what)
    if not (written.isascii() and written.isdigit()):
        raise value.place.error(f"{what} is `{written}`: a whole number is expected")
    return int(written)


def amount(value: Value, what: str) -> Decimal:
    """An exact amount that is not negative, such as `10.00`."""
    written = text(value, what)
    if not re.fullmatch(r"\d+(\.\d+)?", written, re.ASCII):
        raise value.place.error(f"{what} is `{written}`: an amount such as `10.00` is expected")
    return Decimal(written)


def items(value: Value, what: str) -> tuple[Value, ...]:
    """The elements of a list."""
    if not isinstance(value, Sequence):
        raise value.place.error(f"{what} must be a list")
    return value.items
