"""Cuts a SOQL query into words, values and signs."""

from __future__ import annotations

import re

import msgspec

from sources.vendors.salesforce.simulator.errors import query_error
from sources.vendors.salesforce.simulator.facts import LITERAL_CHARACTERS, Assumed

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*(?::\d+)?)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Token(msgspec.Struct, frozen=True):
    """`kind`: string, datetime, date, number, word, sign or end. The text of a string is without its quotes."""

    kind: str
    text: str
    at: int

    @property
    def upper(self) -> str:
        """A word as keywords are compared; nothing else is a keyword."""
        return self.text.upper() if self.kind == "word" else ""


def tokens(text: str) -> list[Token]:
    """The tokens of a query, an `end` token last."""
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _stray(text, at)
        kind = str(match.lastgroup)
        if kind == "string":
            found.append(Token(kind, _checked(text, match[0][1:-1], at), at))
        elif kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def unescaped(raw: str) -> str:
    """A string's value."""
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), raw)


def pattern(raw: str) -> str:
    r"""A LIKE pattern's value, in which `\` still protects `%`, `_` and itself."""
    return _ESCAPE.sub(lambda match: match[0] if match[1] in "%_\\" else _ESCAPES.get(match[1], match[1]), raw)


def _checked(text: str, raw: str, at: int) -> str:
    if len(raw) > LITERAL_CHARACTERS:
        code, message = Assumed.LONG_LITERAL
        raise query_error(code, text, at, message)
    for match in _ESCAPE.finditer(raw):
        if match[1] not in _ESCAPES and match[1] not in "%_":
            raise query_error("MALFORMED_QUERY", text, at + match.start(), f"invalid string escape '{match[0]}'")
    return raw


def _stray(text: str, at: int) -> Exception:
    if text[at] == "'":
        return query_error("MALFORMED_QUERY", text, at, "mismatched character '<EOF>' expecting '''")
    return query_error("MALFORMED_QUERY", text, at, f"unexpected token: '{text[at]}'")
