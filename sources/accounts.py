"""Accounts: canonical keys in and out, also where a source calls its customers otherwise.

Each reading goes one of three ways: keys as they are; the source's own ids, which the crosswalk knows; or the record
by which the source knows an account, which is how the crosswalk learns them. `recall` goes the same ways with what is
known already, and never waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from sources.cache import Cached
from sources.canonical import Owned, Record
from sources.continuation import Continuation
from sources.crosswalk import Crosswalk
from sources.errand import current
from sources.errors import Ambiguous
from sources.merging import Answer
from sources.ports import Ask, Connector, Reading, Report, Rows

Recall: TypeAlias = Callable[[Ask], Reading | None]

_FEW = 5  # accounts up to which a list per customer is preferred to a search index
_OF_ONE = ("account", "customer")  # indexes whose rows all belong to the key


class Accounts:
    """Puts questions by account, and names the accounts of what comes back."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk

    def ready(self, connector: Connector, record: type[Record], key: str) -> bool:
        """Whether rows of an account can be read without asking first what the source calls it."""
        if record is connector.account_facet or own_index(connector, record, 1) is None:
            return True
        return self._crosswalk.knows(connector.name, key)

    # ------------------------------------------------------------ reading

    async def read(self, connector: Connector, ask: Ask, parts: Continuation) -> Answer:
        """The answer to a question by account; raises SourceError."""
        if ask.record is connector.account_facet and ask.page.first is None:
            known = self._known_ids(connector, ask) if _is_searched(connector, ask.record) else None
            if known is not None:
                return Answer(await connector.read(_by_own_id(ask, "key", known)), known)
            return Answer(await self._crosswalk.facets(connector, ask.keys))
        by = own_index(connector, ask.record, len(ask.keys))
        if by is None:
            return Answer(await parts.read(connector, ask))
        resolved = await self._crosswalk.own_ids(connector, ask.keys)
        accounts = {own: account for account, owned in resolved.links.items() for own in owned}
        reading = Reading({}, Report(connector.name))
        if accounts:
            reading = await parts.read(connector, _by_own_id(ask, by, accounts))
        reading.report.calls += resolved.report.calls
        reading.report.joined += resolved.report.joined
        reading.report.error = reading.report.error or resolved.report.error
        reading.reports += resolved.reports
        return Answer(reading, accounts, {key: each for key, each in resolved.errors.items() if key in ask.keys})

    def recall(self, connector: Connector, ask: Ask) -> Answer | None:
        """The same from memory, for any index; None where somebody has to be waited for."""
        recall = getattr(connector, "recall", None)
        if recall is None:
            return None
        answer = self._recalled(connector, ask, recall)
        return answer if answer is not None and self._name_at_once(connector, ask, answer) else None

    def recalling(self, connector: Cached, record: type[Record], by: str) -> Recall:
        """`recall_plain` for one index; of the source itself, where keys go to it as they are."""
        return (
            connector.recall_plain if _goes_straight(connector, record, by) else partial(self.recall_plain, connector)
        )

    def recall_plain(self, connector: Cached, ask: Ask) -> Reading | None:
        """The same where every account is one customer of the source, and nothing has to be done to what is known."""
        answer = self._recalled(connector, ask, connector.recall_plain)
        if answer is None or answer.renamed is None:
            return None if answer is None else answer.reading
        names, rows = answer.renamed, answer.reading.rows
        if len(set(names.values())) < len(names):
            return None
        told = {names[own]: mine for own, mine in rows.items()}
        for key in ask.keys:
            if key not in told:
                told[key] = Rows()
        return Reading(told, answer.reading.report)

    def _recalled(self, connector: Connector, ask: Ask, recall: Any) -> Answer | None:
        accounts: Mapping[str, str] | None = None
        facet = ask.by == "account" and ask.record is connector.account_facet
        by = own_index(connector, ask.record, len(ask.keys)) if ask.by == "account" and not facet else None
        if by is not None:
            accounts = self._known_ids(connector, ask)
            if accounts is None:
                return None
            ask = _by_own_id(ask, by, accounts)
        reading: Reading | None = recall(ask) if ask.keys else Reading({}, Report(connector.name))
        if reading is None:
            return None
        if facet and not all(
            (key in reading.rows and reading.rows[key].records) or self._crosswalk.is_unclaimed(connector, key)
            for key in ask.keys
        ):
            return None  # the CRM may note a record that does not name the account
        return Answer(reading, accounts)

    def _known_ids(self, connector: Connector, ask: Ask) -> dict[str, str] | None:
        """Own ids and the accounts they stand for; None where one account's are not known."""
        links = self._crosswalk.links(connector, ask.keys)
        return None if links is None else {own: account for account, owned in links.items() for own in owned}

    # ------------------------------------------------------------ naming

    async def name(self, connector: Connector, ask: Ask, reading: Reading) -> None:
        """Fills the canonical account key of records that carry only their source's own customer id. What that takes is
        told nowhere: nobody knows yet whether whoever asks may see the records."""
        nameless = _nameless(ask, reading)
        if not nameless:
            return
        resolved = await self._crosswalk.account_keys(connector, sorted(nameless))
        reading.report.error = reading.report.error or resolved.report.error
        for own, error in resolved.errors.items():
            if isinstance(error, Ambiguous) and own in reading.rows:  # the record itself was asked for: whose is it?
                reading.errors[own] = error
        _put_names(reading, resolved.links)

    def _name_at_once(self, connector: Connector, ask: Ask, answer: Answer) -> bool:
        """The same with what is known; whether that was enough."""
        nameless = _nameless(ask, answer.reading)
        if not nameless:
            return True
        answer.nameless = True
        links = self._crosswalk.names(connector.name, sorted(nameless))
        if links is None:
            return False
        _put_names(answer.reading, links)
        return True


def own_index(connector: Connector, record: type[Record], accounts: int) -> str | None:
    """The index by which a source is asked for accounts by its own ids: a list per customer instead of a search index
    where they are few, or where a search index is not new enough; None where it takes canonical keys."""
    capability = connector.capabilities[record, "account"]
    lag = capability.search_lag
    listed = lag > 0 and (record, "customer") in connector.capabilities
    if listed and (accounts <= _FEW or _is_demanding(connector.name, lag)):
        return "customer"
    return "account" if capability.own_account_ids else None


def _goes_straight(connector: Connector, record: type[Record], by: str) -> bool:
    """Whether a source is asked an index by the keys as they are, whoever asks for however many."""
    if by != "account":
        return True
    capability = connector.capabilities[record, "account"]
    listed = capability.search_lag > 0 and (record, "customer") in connector.capabilities
    return record is not connector.account_facet and not listed and not capability.own_account_ids


def _is_demanding(source: str, lag: float) -> bool:
    errand = current()
    return source in errand.not_before or (errand.max_age is not None and errand.max_age < lag)


def _is_searched(connector: Connector, record: type[Record]) -> bool:
    """Whether the record by which a source knows an account is found by a search that is not new enough."""
    capability = connector.capabilities.get((record, "account"))
    lag = capability.search_lag if capability is not None else 0.0
    return lag > 0 and (record, "key") in connector.capabilities and _is_demanding(connector.name, lag)


def _by_own_id(ask: Ask, by: str, accounts: Mapping[str, str]) -> Ask:
    return Ask(ask.record, by, tuple(accounts), ask.page, accounts)


def _nameless(ask: Ask, reading: Reading) -> set[str]:
    """The source's own ids of customers whose records do not say which account they are."""
    found: set[str] = set()
    if issubclass(ask.record, Owned):
        of_one = ask.by in _OF_ONE
        for rows in reading.rows.values():
            records: Any = rows.records[:1] if of_one else rows.records
            for record in records:
                if not record.account_key and record.source_account_id:
                    found.add(record.source_account_id)
    for record in reading.along:
        if isinstance(record, Owned) and not record.account_key and record.source_account_id:
            found.add(record.source_account_id)
    return found


def _put_names(reading: Reading, links: Mapping[str, tuple[str, ...]]) -> None:
    """Rows are shared with whoever else reads them: those that change are made anew."""
    name = partial(_name, links=links)
    for key, rows in reading.rows.items():
        named = tuple(name(record) for record in rows.records)
        if any(one is not other for one, other in zip(named, rows.records, strict=True)):
            reading.rows[key] = msgspec.structs.replace(rows, records=named)
    reading.along = [name(record) for record in reading.along]


def _name(record: Record, links: Mapping[str, tuple[str, ...]]) -> Record:
    if not isinstance(record, Owned) or record.account_key:
        return record
    keys = links.get(record.source_account_id, ())
    return msgspec.structs.replace(record, account_key=keys[0]) if len(keys) == 1 else record
