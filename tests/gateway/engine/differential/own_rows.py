"""One question to the oracle of our own schema: what it reads and judges, one record at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.engine.cursors import Cursors
from gateway.engine.grants import AllowAll, Grants
from resolvers.batch import Need, Read
from resolvers.context import Context
from sources.canonical import Account, BillingProfile, Record
from sources.errors import SourceError
from sources.ports import Ask, Page, Reading, Report, Rows
from tests.gateway.engine.differential.oracle import Path, Place
from tests.gateway.engine.differential.own_catalog import Shelves

_ENTITIES = "legal_entities"


class Row(msgspec.Struct, frozen=True, eq=False):
    """A value with the roles that see it."""

    value: Any
    roles: frozenset[str]


class _Named(msgspec.Struct, frozen=True):
    """An account of which nothing but its key is looked at."""

    key: str


class Asking:
    """Whoever asks, and what the answer has to tell besides its data."""

    def __init__(
        self, context: Context, catalog: Shelves, grants: Grants, names: Mapping[type[Record], str], cursors: Cursors
    ) -> None:
        self.context, self.catalog, self.grants, self.cursors = context, catalog, grants, cursors
        self._names = names
        self._roles: dict[int, tuple[Any, frozenset[str]]] = {}
        self.notes: list[Place] = []
        self.refusals: dict[Place, list[Path]] = {}  # each with where it was met
        self.masked: set[str] = set()

    # ------------------------------------------------------------ what is told

    def refuse(self, coordinate: str, path: Sequence[str | int]) -> None:
        """One refusal for a selection, however many rows it would have had."""
        lists = next((index for index, part in enumerate(path) if isinstance(part, int)), None)
        shown = tuple(path) if lists is None else (*path[:lists], "@")
        self.refusals.setdefault((shown, (), f"FORBIDDEN {coordinate}"), []).append(tuple(path))

    def note(self, info: Any, errors: Sequence[SourceError]) -> None:
        """Errors beside data."""
        locations = tuple(
            (node.loc.start_token.line, node.loc.start_token.column)
            for node in info.field_nodes
            if node.loc is not None
        )
        self.notes += [(tuple(info.path.as_list()), locations, error.code) for error in errors]

    def as_rows(self, value: Any, roles: frozenset[str]) -> Any:
        """Objects with the roles that see them: judged rows have their own, everything else its parent's."""
        if value is None or isinstance(value, Exception):
            return value
        if isinstance(value, (list, tuple)):
            return [self.as_rows(each, roles) for each in value]
        judged = self._roles.get(id(value))
        return Row(value, judged[1] if judged is not None else roles)

    # ------------------------------------------------------------ reads

    async def read(self, record: type[Record], by: str, key: str, page: Page) -> tuple[Rows | None, SourceError | None]:
        """What the catalog says of one key."""
        reading = await self.catalog.read(Ask(record, by, (key,), page))
        return reading.rows.get(key), reading.errors.get(key)

    def granting(self, type_name: str, name: str, roles: frozenset[str]) -> frozenset[str]:
        """The roles that grant a field alone."""
        if isinstance(self.grants, AllowAll):
            return roles
        verdicts = {role: self.grants.field(type_name, name, frozenset((role,))).verdict for role in roles}
        return frozenset(role for role, verdict in verdicts.items() if verdict != "deny")

    def reader(self, needs: Sequence[Need], granting: frozenset[str]) -> Read:
        """What a computation reads with: judged rows, of what it declared."""

        async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
            if (record, by) not in needs:
                raise RuntimeError(f"`{record.__name__}` by `{by}` is read but not declared")
            reading = Reading({}, Report(""))
            for key in dict.fromkeys(keys):
                rows, error = await self.read(record, by, key, page)
                if error is not None:
                    reading.errors[key] = error
                if rows is not None:
                    judged = [await self.seen(each, granting) for each in rows.records]
                    for failed in [each for each in judged if isinstance(each, SourceError)][:1]:
                        reading.errors.setdefault(key, failed)
                    visible = [each for each in judged if isinstance(each, Record)]
                    reading.rows[key] = Rows(visible, rows.more, rows.next)
            return reading

        return read

    # ------------------------------------------------------------ judging

    def known(self, record: Record) -> Record | None:
        """The record; None where this audience does not know its type."""
        return None if type(record) in self.context.unknown else record

    async def seen(self, record: Record | None, granting: frozenset[str]) -> Record | SourceError | None:
        """The record, None if no role sees it that also grants the field leading there, or why that cannot be said."""
        name = self._names.get(type(record)) if record is not None else None
        if name is None or record is None:
            return record
        rule = self.grants.rows(name)
        if rule.open:
            return record
        if rule.by_account and self._refused_for_its_key(_account_key(record)):
            self._roles[id(record)] = (record, frozenset())
            return None
        account, failed = (
            (record, None) if isinstance(record, Account) else await self._owner(record, rule.needs_account)
        )
        facts: Mapping[str, Any] = {}
        if _ENTITIES in rule.reads and account is not None:  # facts of an account that is not there say nothing
            facts, missing = await self._facts(_account_key(record))
            failed = missing or failed
        roles = rule.judge([record], [account], [facts], self.context.principal)[0]
        self._roles[id(record)] = (record, roles)
        if roles.isdisjoint(granting):
            return failed if not self.grants.external else None
        return record

    def _refused_for_its_key(self, key: str) -> bool:
        """Whether everybody's rules look at nothing of an account but its key, and refuse this one: then nothing is
        read, and nothing can fail."""
        rule = self.grants.rows(self._names[Account])
        if not key or rule.open or rule.needs_account or rule.reads - {"key"}:
            return False
        named = _Named(key)
        return not rule.judge([named], [named], [{}], self.context.principal)[0]

    async def _owner(self, record: Record, needed: bool) -> tuple[Record | None, SourceError | None]:
        key = _account_key(record)
        if not needed or not key:
            return None, None
        rows, error = await self.read(Account, "key", key, Page())
        return (rows.records[0] if rows is not None and rows.records else None), error

    async def _facts(self, key: str) -> tuple[Mapping[str, Any], SourceError | None]:
        if not key:
            return {}, None
        rows, error = await self.read(BillingProfile, "account", key, Page())
        if rows is None:
            return ({}, error) if error is not None else ({_ENTITIES: ()}, None)
        profiles = [each for each in rows.records if isinstance(each, BillingProfile)]
        return {_ENTITIES: tuple({each.legal_entity for each in profiles if each.legal_entity})}, None


def _account_key(record: Record) -> str:
    return record.key if isinstance(record, Account) else getattr(record, "account_key", "")
