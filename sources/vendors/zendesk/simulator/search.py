"""The search language: `type:ticket organization:1 organization:2 status<solved`; the same key twice means or."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sources.vendors.zendesk.simulator.desk import Desk, texts, tokens
from sources.vendors.zendesk.simulator.facts import PRIORITIES, STATUSES
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Entry, look, stamp

_TERM = re.compile(r'(?P<not>-)?(?:(?P<key>\w+)(?P<sign>:|<=|>=|<|>))?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
_AGO = re.compile(r"(\d+)(minute|hour|day|week)s?")
_FIELDS = {
    "organization": "organization_id", "organization_id": "organization_id", "requester": "requester_id",
    "assignee": "assignee_id", "group": "group_id", "created": "created_at", "updated": "updated_at",
    "ticket_type": "type", "domain": "domain_names",
}  # fmt: skip
_KINDS = {singular: kind for kind, singular in SINGULAR.items()}
_SCALES = {"status": STATUSES, "priority": PRIORITIES}
_CONTROLS = frozenset({"order_by", "sort"})
_PEOPLE = {"requester_id": "users", "assignee_id": "users", "organization_id": "organizations", "group_id": "groups"}


class Term(msgspec.Struct, frozen=True):
    """One field's condition: `choices` of (sign, value) of which one must hold, or none where `negated`. `field` None
    is a word of the texts."""

    field: str | None
    negated: bool
    choices: tuple[tuple[str, str], ...]


class Query(msgspec.Struct, frozen=True):
    """What to look through, what must hold, and the order asked for within the query."""

    kinds: tuple[str, ...]
    terms: tuple[Term, ...]
    order_by: str | None = None
    sort: str | None = None


def parse(text: str) -> Query:
    """Reads a query; a key that no object has finds nothing."""
    kinds: list[str] = []
    controls: dict[str, str] = {}
    words: list[Term] = []
    choices: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for match in _TERM.finditer(text):
        key, negated = match["key"], match["not"] is not None
        value: str = match["quoted"] if match["quoted"] is not None else match["plain"]
        if key == "type" and value in _KINDS:
            kinds.append(_KINDS[value])
        elif key in _CONTROLS:
            controls[key] = value
        elif key is None:
            words.append(Term(None, negated, ((":", value.lower()),)))
        else:
            # Two bounds of a date narrow it; two values of one key widen it.
            group = key if match["sign"] == ":" else f"{key} {match['sign']}"
            choices.setdefault((group, negated), []).append((match["sign"], value))
    terms = [
        Term(_FIELDS.get(key.partition(" ")[0], key.partition(" ")[0]), negated, tuple(found))
        for (key, negated), found in choices.items()
    ]
    return Query(tuple(kinds) or tuple(SINGULAR), (*terms, *words), controls.get("order_by"), controls.get("sort"))


def find(desk: Desk, query: Query, now: datetime) -> list[tuple[str, Entry]]:
    """Everything that meets the query, as the search knows it at `now`, with its kind; in the order of ids."""
    found: list[tuple[str, Entry]] = []
    for kind in query.kinds:
        terms = [_resolved(desk, term) for term in query.terms]
        for candidate in _candidates(desk, kind, terms):
            seen = desk.searchable(kind, candidate, now.timestamp())
            if seen is not None and all(_holds(kind, seen, term, now) for term in terms):
                found.append((kind, seen))
    return found


def _candidates(desk: Desk, kind: str, terms: Sequence[Term]) -> Iterable[Entry]:
    """By an index where a term allows it, with those of which the index knows more than the search; else everything."""
    for term in terms:
        rows = _by_index(desk, kind, term)
        if rows is not None:
            late = desk.many("tickets", [str(key) for key in desk.unsettled()]) if kind == "tickets" else []
            by_id = {look(row, "id"): row for row in [*rows, *late]}
            return [by_id[key] for key in sorted(by_id)]
    return list(desk.tables[kind].values())


def _by_index(desk: Desk, kind: str, term: Term) -> list[Entry] | None:
    if term.negated:
        return None
    values = [value for sign, value in term.choices if sign == ":" and value != "none" and "*" not in value]
    if len(values) < len(term.choices):
        return None
    if term.field is not None:
        return desk.having(kind, term.field, values) if desk.indexed(kind, term.field) else None
    words = values[0].split()
    return desk.wording(kind, words[0]) if words else None


def _resolved(desk: Desk, term: Term) -> Term:
    """People, organizations and groups may also be named: `organization:"Acme"`, `requester:a@example.com`."""
    kind = _PEOPLE.get(term.field or "")
    if kind is None or all(value.isdecimal() or value == "none" for _, value in term.choices):
        return term
    choices: list[tuple[str, str]] = []
    for sign, value in term.choices:
        if value.isdecimal() or value == "none":
            choices.append((sign, value))
            continue
        by_email = "@" in value and kind == "users"
        named = desk.having(kind, "email", [value]) if by_email else _named(desk, kind, value)
        choices += [(sign, str(look(row, "id"))) for row in named]
    return Term(term.field, term.negated, tuple(choices))


def _named(desk: Desk, kind: str, name: str) -> list[Entry]:
    return [row for row in desk.tables[kind].values() if str(look(row, "name")).lower() == name.lower()]


def _holds(kind: str, found: Entry, term: Term, now: datetime) -> bool:
    if term.field is None:
        return _mentions(kind, found, term.choices[0][1]) is not term.negated
    field = term.field
    return any(_meets(look(found, field), field, sign, value, now) for sign, value in term.choices) is not term.negated


def _mentions(kind: str, found: Entry, word: str) -> bool:
    """A word of the texts; a phrase, and a word of a script without spaces, anywhere in them."""
    written = texts(kind, found)
    if " " in word or not word.isascii():
        return any(word in text.lower() for text in written)
    if word.endswith("*"):
        return any(token.startswith(word[:-1]) for token in tokens(written))
    return word in tokens(written)


def _meets(actual: Any, field: str, sign: str, value: str, now: datetime) -> bool:
    if value == "none":
        return actual is None or actual == []
    if actual is None:
        return False
    if isinstance(actual, list | tuple):
        return value.lower() in (str(each).lower() for each in actual)
    if field in _SCALES:
        scale = _SCALES[field]
        return value in scale and _compare(scale.index(actual), sign, scale.index(value))
    if field.endswith("_at"):
        return _in_time(str(actual), sign, value, now)
    if sign != ":":
        return actual.__class__ is not str and _number(value) is not None and _compare(actual, sign, _number(value))
    if value.endswith("*"):
        return str(actual).lower().startswith(value[:-1].lower())
    return str(actual).lower() == value.lower()


def _in_time(actual: str, sign: str, value: str, now: datetime) -> bool:
    """A day, an instant, or a time ago (`created<4hours` is more than four hours ago: the sign is that of the date)."""
    if ago := _AGO.fullmatch(value):
        value = stamp(now - timedelta(**{f"{ago[2]}s": int(ago[1])})) or ""
    if sign == ":":
        return actual.startswith(value)
    # A whole day compares as a day: `created>2026-01-01` begins on the second.
    return _compare(actual[: len(value)] if "T" not in value else actual, sign, value)


def _number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None


def _compare(left: Any, sign: str, right: Any) -> bool:
    match sign:
        case "<":
            return bool(left < right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
        case ">=":
            return bool(left >= right)
    return bool(left == right)
