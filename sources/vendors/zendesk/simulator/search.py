"""The search language: `type:ticket organization:1 organization:2 status<solved`; the same key twice means or."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Test = Callable[[Object], bool]

_TERM = re.compile(r'(?P<not>-)?(?:(?P<key>\w+)(?P<sign>:|<=|>=|<|>))?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
_STATUS = ("new", "open", "pending", "hold", "solved", "closed")
_PRIORITY = ("low", "normal", "high", "urgent")
_FIELDS = {
    "organization": "organization_id",
    "requester": "requester_id",
    "assignee": "assignee_id",
    "group": "group_id",
    "created": "created_at",
    "updated": "updated_at",
    "ticket_type": "type",
}
_KINDS = {"ticket": "tickets", "organization": "organizations", "user": "users"}


def compile_query(query: str) -> tuple[list[str], Test]:
    """The kinds that are looked through, and a test of each object."""
    kinds: list[str] = []
    words: list[str] = []
    terms: dict[tuple[str, bool], list[tuple[str, str]]] = defaultdict(list)
    for match in _TERM.finditer(query):
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        if match["key"] == "type" and value in _KINDS:
            kinds.append(_KINDS[value])
        elif match["key"] is None:
            words.append(value.lower())
        else:
            terms[match["key"], match["not"] is not None].append((match["sign"], value))

    def test(found: Object) -> bool:
        if not all(_mentions(found, word) for word in words):
            return False
        for (key, negated), choices in terms.items():
            if any(_holds(found, key, sign, value) for sign, value in choices) is negated:
                return False
        return True

    return kinds or list(_KINDS.values()), test


def _mentions(found: Object, word: str) -> bool:
    texts = [found.get(name) or "" for name in ("name", "subject", "description", "email", "notes")]
    return any(word in str(text).lower() for text in [*texts, *(found.get("domain_names") or [])])


def _holds(found: Object, key: str, sign: str, value: str) -> bool:
    actual = found.get(_FIELDS.get(key, key))
    if key == "tags":
        return value in (found.get("tags") or [])
    if value == "none":
        return actual is None
    if actual is None:
        return False
    if key == "status":
        return _ordered(_STATUS, str(actual), sign, value)
    if key == "priority":
        return _ordered(_PRIORITY, str(actual), sign, value)
    if sign == ":":
        return str(actual).lower() == value.lower()
    left, right = str(actual), value if "T" in value else f"{value}T00:00:00Z"
    return {"<": left < right, ">": left > right, "<=": left <= right}.get(sign, left >= right)


def _ordered(scale: tuple[str, ...], actual: str, sign: str, value: str) -> bool:
    if value not in scale:
        return False
    left, right = scale.index(actual), scale.index(value)
    answers = {":": left == right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
    return answers[sign]
