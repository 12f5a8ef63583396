"""The search language: clauses joined by AND or by OR, never both."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.shapes import Object

_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>\w+)(?:\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\])?\s*
    (?P<sign>:|~|<=|>=|<|>)\s*(?:(?P<q>["'])(?P<text>(?:\\.|(?!(?P=q)).)*)(?P=q)|(?P<plain>[^\s"']+))""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s+(AND|OR)\s+|\s*$", re.IGNORECASE)
Test = Callable[[Object], bool]


def compile_query(kind: str, query: str) -> Test:
    """A test of objects; raises the vendor's 400."""
    if len(query) > facts.SEARCH_CHARACTERS:
        raise _bad("The query is too long.")
    tests: list[Test] = []
    joins: set[str] = set()
    at = 0
    while at < len(query):
        match = _CLAUSE.match(query, at)
        if match is None:
            raise _bad("We were unable to parse your search query.")
        tests.append(_clause(kind, match))
        joined = _JOIN.match(query, match.end())
        if joined is None:
            raise _bad("We were unable to parse your search query.")
        if joined[1]:
            joins.add(joined[1].upper())
        at = joined.end()
        if not joined[1] and at < len(query):
            raise _bad("We were unable to parse your search query.")
    if len(joins) > 1:
        raise _bad("AND and OR cannot be mixed in one query.")
    if not tests or len(tests) > facts.SEARCH_CLAUSES:
        raise _bad(f"A query has 1 to {facts.SEARCH_CLAUSES} clauses.")
    if joins == {"OR"}:
        return lambda found: any(test(found) for test in tests)
    return lambda found: all(test(found) for test in tests)


def _bad(message: str) -> Refusal:
    return Refusal(400, message, param="query")


def _clause(kind: str, match: re.Match[str]) -> Test:
    field, sign = match["field"], match["sign"]
    if field not in facts.SEARCHABLE[kind]:
        raise _bad(f"Field `{field}` is an unsupported search field for resource `{kind}`.")
    text = match["plain"] if match["plain"] is not None else re.sub(r"\\(.)", r"\1", match["text"])
    value = _reader(field, match["key"])
    negated = match["not"] is not None

    def test(found: Object) -> bool:
        return _compare(value(found), sign, text) is not negated

    return test


def _reader(field: str, key: str | None) -> Callable[[Object], Any]:
    if field == "metadata":
        return lambda found: (found.get("metadata") or {}).get(key)
    if field == "subscription":
        return lambda found: ((found.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    return lambda found: found.get(field)


def _compare(value: Any, sign: str, text: str) -> bool:
    if text == "null":
        return value is None
    if value is None:
        return False
    if isinstance(value, bool):
        return sign == ":" and text == str(value).lower()
    if isinstance(value, int):
        try:
            number = int(text)
        except ValueError:
            raise _bad(f"`{text}` is no number.") from None
        return {":": value == number, "<": value < number, ">": value > number}.get(
            sign, value <= number if sign == "<=" else value >= number
        )
    if sign == "~":
        return text.lower() in str(value).lower()
    return sign == ":" and str(value).lower() == text.lower()
