"""Judges rows: who of the principal's roles sees which, each account once in an operation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, NamedTuple

import msgspec

from gateway.engine.aside import Aside
from gateway.engine.decoys import ENTITIES, ENTITIES_BY, OWNERS, Decoys
from gateway.engine.grants import RowRule
from gateway.engine.graph import Graph
from gateway.engine.loads import Found, Loads
from gateway.engine.plan import Plan
from policies.principal import Principal
from sources.canonical import Account, BillingProfile, Record
from sources.errors import SourceError


class Seen:
    """One operation's judge of rows. A row that may not be seen is answered like one that does not exist."""

    def __init__(self, graph: Graph, plan: Plan, principal: Principal, loads: Loads, decoys: Decoys) -> None:
        self.graph, self.grants, self._rules = graph, plan.grants, plan.rules
        self._principal, self._loads = principal, loads
        self.decoys = decoys
        self._facts_by: Aside | None = None
        self._accounts: dict[str, frozenset[str]] = {}
        self._partly: dict[str, SourceError] = {}  # of accounts that some role sees: why others cannot be judged
        self._roles: dict[int, _Judged] = {}
        self._shown_ids: set[int] = set()  # of judged rows those that some place shows
        self._entities: dict[str, tuple[str, ...] | SourceError] = {}
        self.hidden: dict[int, Record] = {}  # by identity: rows of which nothing may show, not even how old they are
        self.refused: list[Record] = []  # of them, those that were asked for, and not only judged by

    @property
    def aside(self) -> Aside:
        """What judging reads by; most operations judge by what they have read."""
        if self._facts_by is None:
            self._facts_by = Aside(self._loads)
        return self._facts_by

    @property
    def calls(self) -> int:
        """How often somebody may have had to be called to judge."""
        return 0 if self._facts_by is None else self._facts_by.calls

    def rule(self, record: type) -> RowRule | None:
        """How rows of a class are judged for all roles; None where nothing is to be judged."""
        return self._rules[record]

    def roles_for(self, value: Any, otherwise: frozenset[str]) -> frozenset[str]:
        """The roles by which a value is seen; what was not judged is seen by those of its parent."""
        entry = self._roles.get(id(value))
        return entry.roles if entry is not None else otherwise

    def is_at_hand(self, rule: RowRule, by: str, keys: Sequence[str]) -> bool:
        """Whether rows found by these keys can be judged by their rule without reading anything."""
        if by == "list":
            return False  # its rule may be a filter of the question
        if rule.by_account:
            return by == "account" and all(key in self._accounts for key in keys)
        return not rule.needs_account and ENTITIES not in rule.reads

    def sees_all(self, rule: RowRule, records: Sequence[Record], granting: frozenset[str]) -> bool:
        """Whether all rows of one rule are seen, of which it `is_at_hand` who sees them; False also where some of them
        turn out to take more."""
        if not records:
            return True
        if not rule.by_account:
            seen = self._at_once(rule, records, records, [{}] * len(records), {})
        else:
            keys = [getattr(each, "account_key", "") for each in records]
            if any(key and key not in self._accounts for key in keys):
                return False
            seen = self._of_accounts(rule, records, keys, {})
        return all(map(is_, records, self._met(seen, granting)))

    def forget(self) -> None:
        """Judges from now on by what is read anew; who sees the rows that were judged stays known."""
        self._accounts.clear()
        self._partly.clear()
        self._entities.clear()

    async def visible(self, records: Sequence[Any], granting: frozenset[str]) -> list[Any]:
        """The records, with None for those that this principal may not see, and for what cannot be judged an error.

        `granting`: the roles that grant the field which leads to them. A row that only other roles see is not there: it
        would be one role's field with another's row.
        """
        if not records:
            return []
        shown = self._met(await self._judged(records), granting)
        if self.hidden:
            known = zip(records, shown, strict=True)
            self.refused += [record for record, one in known if one is None and record is not None]
        return shown

    def beside(self) -> Seen:
        """The same judge for rows of which it is not known yet whether anybody asked for them: see `join`."""
        twin = object.__new__(Seen)
        vars(twin).update(vars(self))
        twin.refused = []
        return twin

    def join(self, other: Seen, only: Collection[Record] | None = None) -> None:
        """Becomes part of another: they were asked for, all of them or some only."""
        if only is not None:
            asked = set(map(id, only))
            other.refused += [each for each in self.refused if id(each) in asked]
            return
        other.refused += self.refused
        self.refused = other.refused

    def _met(self, shown: list[Any], granting: frozenset[str]) -> list[Any]:
        """Judged rows without those that are seen only by roles that do not grant the field leading to them."""
        return shown if len(self.grants.roles) == 1 else [self._one_met(each, granting) for each in shown]

    def _one_met(self, value: Any, granting: frozenset[str]) -> Any:
        judged = self._roles.get(id(value))
        if judged is None:
            return value
        if not granting.isdisjoint(judged.roles):
            self._shown_ids.add(id(value))
            self.hidden.pop(id(value), None)
            return value
        if id(value) not in self._shown_ids:
            self.hidden[id(value)] = value
        return judged.failed if not self.grants.external else None

    async def _judged(self, records: Sequence[Any]) -> list[Any]:
        kinds = {type(record) for record in records}
        if len(kinds) == 1:
            rule = self.rule(kinds.pop())
            return list(records) if rule is None else await self._of_one_kind(rule, records)
        shown: list[Any] = list(records)
        for kind in kinds:
            rule = self.rule(kind)
            if rule is None:
                continue
            places = [index for index, record in enumerate(records) if type(record) is kind]
            judged = await self._of_one_kind(rule, [records[index] for index in places])
            for index, one in zip(places, judged, strict=True):
                shown[index] = one
        return shown

    def foresees(self, record: type) -> bool:
        """Whether judging a row of a class takes more than the row itself, and can be read beside it."""
        rule = self.rule(record)
        return rule is not None and record is Account and ENTITIES in rule.reads

    async def foresee(self, record: type, key: str) -> None:
        """Reads what judging a row by this key will take, beside the row itself: a hidden row then takes as long as one
        that is not there."""
        if self.foresees(record):
            await self.load_entities([key])

    def refused_by_key(self, record: type, key: str) -> bool:
        """Whether the rules refuse a row for its key alone."""
        return record is Account and bool(self._refuse([key]))

    def _refuse(self, accounts: Collection[str]) -> set[str]:
        """Of accounts those that the rules refuse for their keys alone: nobody has to read them."""
        rule = self.rule(Account)
        if rule is None or not self.is_judged_by_key():
            return set()
        stubs = [_Keyed(key) for key in accounts]
        roles = rule.judge(stubs, stubs, [{}] * len(stubs), self._principal)
        refused = {stub.key: by for stub, by in zip(stubs, roles, strict=True) if not by}
        self._accounts.update(refused)
        return set(refused)

    def is_judged_by_key(self) -> bool:
        """Whether the rules look at nothing of an account but its key."""
        rule = self.rule(Account)
        return rule is not None and not rule.needs_account and rule.reads <= {"key"}

    # ------------------------------------------------------------ one kind of rows

    async def _of_one_kind(self, rule: RowRule, records: Sequence[Record]) -> list[Any]:
        if rule.by_account:
            return await self._by_account(rule, records)
        return await self._by_rule(rule, records)

    async def _by_account(self, rule: RowRule, records: Sequence[Record]) -> list[Any]:
        known = self._accounts
        keys = [getattr(record, "account_key", "") for record in records]
        missing = {key for key in keys if key and key not in known}
        failed: Mapping[str, SourceError] = {}
        if missing:
            missing -= self._refuse(missing)
        if missing:
            failed = await self._judge_accounts(sorted(missing))
        return self._of_accounts(rule, records, keys, failed)

    def _of_accounts(
        self, rule: RowRule, records: Sequence[Record], keys: Sequence[str], failed: Mapping[str, SourceError]
    ) -> list[Any]:
        """Rows whose accounts were judged."""
        known, everybody = self._accounts, self.grants.roles
        if len(everybody) == 1 and not failed and all(known.get(key) == everybody for key in set(keys)):
            return list(records)  # of several roles each row's own are noted below: its parent may be seen by fewer
        ownerless: frozenset[str] | None = None
        shown = []
        for record, key in zip(records, keys, strict=True):
            roles = known.get(key)
            if roles is None:  # without an account only those see it who see every row
                if ownerless is None:
                    ownerless = rule.judge([record], [None], [{}], self._principal)[0]
                roles = ownerless
            shown.append(self._shown(record, roles, failed.get(key) or self._partly.get(key)))
        return shown

    async def _judge_accounts(self, keys: Sequence[str]) -> dict[str, SourceError]:
        found = await self.aside.of(*OWNERS, keys)
        rows = [each.rows.records[0] for each in found if each.rows is not None and each.rows.records]
        failed = _failures(keys, found)
        if rows:
            self.decoys.note(OWNERS, rows[-1].key)
        rule = self.rule(Account)
        if rule is None:
            self._accounts.update({row.key: self.grants.roles for row in rows})
            return failed
        judged = await self._by_rule(rule, rows)
        return failed | {row.key: one for row, one in zip(rows, judged, strict=True) if isinstance(one, SourceError)}

    async def _by_rule(self, rule: RowRule, records: Sequence[Record]) -> list[Any]:
        failed: dict[str, SourceError] = {}
        keys = [_account_key(record) for record in records]
        accounts: Sequence[Any] = records
        if rule.needs_account:
            accounts, failed = await self._owners(records, keys)
        facts: Sequence[Mapping[str, Any]] = [{}] * len(records)
        if ENTITIES in rule.reads and (rule.needs_account or isinstance(records[0] if records else None, Account)):
            # Facts about an account that is not there, or not known, decide nothing.
            wanted = {key for key, account in zip(keys, accounts, strict=True) if key and account is not None}
            failed |= await self.load_entities(sorted(wanted))
            facts = [self._facts(key) for key in keys]
        return self._at_once(rule, records, accounts, facts, failed)

    def _at_once(
        self,
        rule: RowRule,
        records: Sequence[Record],
        accounts: Sequence[Any],
        facts: Sequence[Mapping[str, Any]],
        failed: Mapping[str, SourceError],
    ) -> list[Any]:
        """Rows of which all is there that judging takes."""
        roles = rule.judge(records, accounts, facts, self._principal)
        if not failed:
            return [self._shown(record, by, None) for record, by in zip(records, roles, strict=True)]
        why = [failed.get(_account_key(record)) for record in records]
        return [self._shown(record, by, each) for record, by, each in zip(records, roles, why, strict=True)]

    async def _owners(self, records: Sequence[Record], keys: Sequence[str]) -> tuple[list[Any], dict[str, SourceError]]:
        wanted = sorted({key for key in keys if key})
        found = await self.aside.of(*OWNERS, wanted)
        owning = {
            key: each.rows.records[0]
            for key, each in zip(wanted, found, strict=True)
            if each.rows is not None and each.rows.records
        }
        if owning:
            self.decoys.note(OWNERS, next(reversed(owning)))
        return [owning.get(key) for key in keys], _failures(wanted, found)

    def _shown(self, record: Record, roles: frozenset[str], failed: SourceError | None) -> Any:
        if isinstance(record, Account) and (roles or failed is None):
            self._accounts[record.key] = roles
            if failed is not None:
                self._partly[record.key] = failed
        if not roles:
            self.hidden[id(record)] = record
            # What cannot be judged is denied; our own people are told why, outsiders see nothing there.
            return failed if failed is not None and not self.grants.external else None
        if len(self.grants.roles) > 1:
            self._roles[id(record)] = _Judged(record, roles, failed)
        return record

    # ------------------------------------------------------------ facts of accounts

    async def load_entities(self, keys: Iterable[str]) -> dict[str, SourceError]:
        """The legal entities that accounts buy from: a fact of the ERP, read where a row rule asks for it."""
        missing = [key for key in keys if key not in self._entities]
        found = await self.aside.of(*ENTITIES_BY, missing) if missing else []
        for key, each in zip(missing, found, strict=True):
            if each.rows is not None:
                if each.rows.records:
                    self.decoys.note(ENTITIES_BY, key)
                self._entities[key] = tuple(
                    {
                        row.legal_entity
                        for row in each.rows.records
                        if isinstance(row, BillingProfile) and row.legal_entity
                    }
                )
            elif each.error is not None:
                self._entities[key] = each.error
            else:
                self._entities[key] = ()
        return {key: known for key in keys if isinstance(known := self._entities.get(key), SourceError)}

    def _facts(self, key: str) -> Mapping[str, Any]:
        known = self._entities.get(key)
        return {ENTITIES: known} if isinstance(known, tuple) else {}


class _Judged(NamedTuple):
    """A row with the roles that see it, and why it cannot be said of the others; held so that its id stays its own."""

    row: Record
    roles: frozenset[str]
    failed: SourceError | None


class _Keyed(msgspec.Struct, frozen=True):
    """A row of which only the key is known."""

    key: str


def _failures(keys: Sequence[str], found: Sequence[Found]) -> dict[str, SourceError]:
    return {key: each.error for key, each in zip(keys, found, strict=True) if each.error is not None}


def _account_key(record: Record) -> str:
    return record.key if isinstance(record, Account) else getattr(record, "account_key", "")
