"""What the desk holds: organizations, users, tickets, groups, policies, found by id and by index."""

from __future__ import annotations

import re
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sources.simulation.enterprise import DeskSla, DeskTicket, SupportBook
from sources.vendors.zendesk.simulator.errors import not_found
from sources.vendors.zendesk.simulator.shapes import Entry, Object, look, policy

_INDEXED = {
    "organizations": ("external_id", "domain_names"),
    "users": ("external_id", "email", "organization_id"),
    "tickets": ("external_id", "organization_id", "requester_id"),
    "groups": (),
}
_TEXTS = {"organizations": ("name", "domain_names", "notes"), "users": ("name", "email", "notes")}
_TICKET_TEXTS = ("subject", "description")
_WORD = re.compile(r"[^\s,;()<>\"']+")
_PART = re.compile(r"\w+")


class Applied(msgspec.Struct, frozen=True):
    """By which plan and priority a ticket got its targets."""

    plan: str | None
    priority: str | None


class Measures(msgspec.Struct, frozen=True):
    """What belongs to a ticket but is shown beside it."""

    slas: tuple[DeskSla, ...] = ()
    reopens: int = 0
    solved_at: datetime | None = None
    applied: Applied | None = None


class Desk:
    """Entries by kind and id in the order of ids, with indexes; a search sees a written ticket `lag` seconds later."""

    def __init__(self, book: SupportBook, integration: Object, lag: float = 0.0) -> None:
        self.integration, self._lag = integration, lag
        books: dict[str, Sequence[Entry]] = {
            "organizations": book.organizations,
            "users": book.users,
            "tickets": book.tickets,
            "groups": book.groups,
        }
        self.tables: dict[str, dict[int, Entry]] = {kind: {} for kind in books}
        self.policies = [policy(each) for each in sorted(book.policies, key=lambda each: each.position)]
        self.targets = {each.plan: each.targets for each in book.policies}
        self._booked = {each.id: each.support_plan for each in book.organizations}
        self.plans = {*self.targets, *(plan for plan in self._booked.values() if plan is not None)}
        self._index: dict[str, dict[str, dict[str, list[int]]]] = {
            kind: {name: {} for name in names} for kind, names in _INDEXED.items()
        }
        self._words: dict[str, dict[str, list[int]]] = {}
        self._measures: dict[int, Measures] = {}
        self._before: dict[int, list[tuple[float, Entry | None]]] = {}
        for kind, entries in books.items():
            for entry in sorted(entries, key=lambda each: int(look(each, "id"))):
                self.tables[kind][look(entry, "id")] = entry
                self._enter(kind, entry)

    # ------------------------------------------------------------ finding

    def at(self, kind: str, key: int | None) -> Entry | None:
        """The entry with the id; the integration is a user too, whom lists leave out."""
        if kind == "users" and key == self.integration["id"]:
            return self.integration
        return self.tables[kind].get(key) if key is not None else None

    def get(self, kind: str, key: str) -> Entry:
        """One entry; raises the vendor's 404."""
        found = self.at(kind, int(key)) if key.isdecimal() else None
        if found is None:
            raise not_found()
        return found

    def many(self, kind: str, keys: Iterable[str]) -> list[Entry]:
        """Those of the ids that exist, each once."""
        found = (self.at(kind, key) for key in dict.fromkeys(int(each) for each in keys if each.isdecimal()))
        return [each for each in found if each is not None]

    def having(self, kind: str, field: str, values: Iterable[str]) -> list[Entry]:
        """Those whose indexed `field` is one of the values."""
        index = self._index[kind][field]
        keys = (key for value in dict.fromkeys(values) for key in index.get(value.lower(), ()))
        return [self.tables[kind][key] for key in dict.fromkeys(keys)]

    def indexed(self, kind: str, field: str) -> bool:
        """Whether `having` knows the field."""
        return field in _INDEXED[kind]

    def wording(self, kind: str, word: str) -> list[Entry] | None:
        """Those with the word in their texts; None where only a look at each can tell."""
        if kind not in _TEXTS or not word.isascii() or word.endswith("*"):
            return None
        if kind not in self._words:
            words: dict[str, list[int]] = defaultdict(list)
            for key, entry in self.tables[kind].items():
                for each in tokens(texts(kind, entry)):
                    words[each].append(key)
            self._words[kind] = dict(words)
        return [self.tables[kind][key] for key in self._words[kind].get(word, ())]

    def measures(self, ticket: Entry) -> Measures:
        """What is shown beside the ticket."""
        if isinstance(ticket, DeskTicket):
            plan = self._booked.get(ticket.organization_id) if ticket.organization_id is not None else None
            return Measures(ticket.slas, ticket.reopens, ticket.solved_at, Applied(plan, ticket.priority))
        return self._measures.get(look(ticket, "id"), Measures())

    # ------------------------------------------------------------ what a search sees

    def unsettled(self) -> Iterator[int]:
        """Tickets of which a search may see another state than a read."""
        return iter(self._before)

    def searchable(self, kind: str, found: Entry, now: float) -> Entry | None:
        """The entry as the search knows it at `now`; None while it knows nothing of it."""
        key = look(found, "id")
        if kind != "tickets" or key not in self._before:
            return found
        pending = [each for each in self._before[key] if each[0] + self._lag > now]
        if not pending:
            del self._before[key]
            return found
        return pending[0][1]

    # ------------------------------------------------------------ writing

    def new_id(self, kind: str) -> int:
        """The next id."""
        return next(reversed(self.tables[kind]), 1_000) + 1

    def put(self, kind: str, made: Object) -> Object:
        """Adds or replaces."""
        before = self.tables[kind].get(made["id"])
        if before is not None:
            self._leave(kind, before)
        self.tables[kind][made["id"]] = made
        self._enter(kind, made)
        self._words.pop(kind, None)
        return made

    def put_ticket(self, made: Object, measures: Measures, now: float) -> Object:
        """Adds or replaces a ticket; the search learns of it later."""
        if self._lag > 0:
            before = self.tables["tickets"].get(made["id"])
            self._before.setdefault(made["id"], []).append((now, before))
        self._measures[made["id"]] = measures
        return self.put("tickets", made)

    def _enter(self, kind: str, entry: Entry) -> None:
        for field, value in _values(kind, entry):
            insort(self._index[kind][field].setdefault(value, []), look(entry, "id"))

    def _leave(self, kind: str, entry: Entry) -> None:
        for field, value in _values(kind, entry):
            self._index[kind][field][value].remove(look(entry, "id"))


def texts(kind: str, entry: Entry) -> list[str]:
    """What a search for words reads."""
    found: list[str] = []
    for name in _TEXTS.get(kind, _TICKET_TEXTS):
        value = look(entry, name)
        found += [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)] if value else []
    return found


def tokens(written: Iterable[str]) -> set[str]:
    """The words of texts, lower case: whole (`north-wind.com`) and in parts (`north`, `wind`, `com`)."""
    found: set[str] = set()
    for text in written:
        for word in _WORD.findall(text.lower()):
            found.add(word)
            found.update(_PART.findall(word))
    return found


def _values(kind: str, entry: Entry) -> Iterator[tuple[str, str]]:
    for field in _INDEXED[kind]:
        value: Any = look(entry, field)
        for each in dict.fromkeys(value) if isinstance(value, list | tuple) else [value]:
            if each is not None:
                yield field, str(each).lower()
