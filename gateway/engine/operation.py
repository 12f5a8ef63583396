"""One running operation: its loads by key, what the policies let it see, and what it has to tell besides the data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec
from aiodataloader import DataLoader
from graphql import GraphQLError, GraphQLResolveInfo

from gateway.engine.cursors import Cursors
from resolvers.batch import Need, Read
from resolvers.context import Context
from sources.canonical import Account, BillingProfile, Record
from sources.catalog import Catalog
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Page, Position, Reading, Report, Rows

Info: TypeAlias = GraphQLResolveInfo[Any]
_FAN_OUT = 25
_ENTITIES = "legal_entities"  # of an account: held by its billing profiles, not by itself
_EXTRA = 5  # further pages read where the policies thinned one out


class Decision(Protocol):
    """What the policies say of one field."""

    @property
    def verdict(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def mask(self) -> Callable[[Any], Any] | None: ...


class Judge(Protocol):
    """The decisions of one principal, made by tables; see `gateway.engine.judge`."""

    roles: frozenset[str]
    external: bool
    sees_every_row: bool

    def field(self, type_name: str, field: str, roles: frozenset[str]) -> Decision: ...
    def needs_account(self, record: type[Record]) -> bool: ...
    def reads(self, record: type[Record]) -> frozenset[str]: ...
    def row(self, record: Record, account: Account | None, facts: Mapping[str, Any]) -> frozenset[str]: ...
    def pushed(self, record: type[Record]) -> tuple[str, str, tuple[str, ...]] | None: ...


class Found(msgspec.Struct):
    """What one key's load gave: rows and, perhaps besides them, what went wrong."""

    rows: Rows | None
    error: SourceError | None


class Operation:
    """State of one operation; everything is loaded once for each (record, index, page, key)."""

    def __init__(self, context: Context, catalog: Catalog, judge: Judge, cursors: Cursors) -> None:
        self.context, self.catalog, self.judge, self.cursors = context, catalog, judge, cursors
        self.reports: dict[str, Report] = {}
        self.refusals: dict[tuple[str, str], GraphQLError] = {}
        self.masked: set[str] = set()
        self.partial: list[GraphQLError] = []
        self._loaders: dict[Any, DataLoader[str, Found]] = {}
        self.batches: dict[Any, DataLoader[Any, Any]] = {}
        self._seen_by: dict[int, tuple[Any, frozenset[str]]] = {}

    # ------------------------------------------------------------ loads

    async def load(self, record: type[Record], by: str, keys: Sequence[str], page: Page) -> list[Found]:
        """Facts by key, unjudged; one call for all who ask in the same turn of the loop."""
        loader = self._loader(record, by, page)
        # Shielded: the loader's future is shared, one asker's cancellation must not take it from the others.
        return list(await asyncio.shield(loader.load_many(keys)))

    def _loader(self, record: type[Record], by: str, page: Page) -> DataLoader[str, Found]:
        loader = self._loaders.get((record, by, page))
        if loader is None:
            loader = self._loaders[record, by, page] = DataLoader(self._batch(record, by, page), max_batch_size=2_000)
        return loader

    def _prime(self, records: Sequence[Record]) -> None:
        """Records that came by another way need not be read again by key: accounts, because rows are judged by them,
        and what came along with an answer."""
        for record in records:
            self._loader(type(record), "key", Page()).prime(record.key, Found(Rows([record]), None))

    def _batch(self, record: type[Record], by: str, page: Page) -> Callable[[list[str]], Any]:
        async def fetch(keys: list[str]) -> list[Found]:
            capability = self.catalog.capability(record, by)
            if page.after is not None and len(keys) > 1:
                refused: SourceError = BadAsk("`after` goes on with one list: ask for one parent at a time")
                return [Found(None, refused) for _ in keys]
            if capability is not None and capability.fan_out and len(keys) > _FAN_OUT:
                refused = BadAsk(
                    f"`{record.__name__}` is read with one call a parent: {len(keys)} parents are more than {_FAN_OUT}"
                )
                return [Found(None, refused) for _ in keys]
            reading = await self.read(Ask(record, by, tuple(keys), page))
            return [Found(reading.rows.get(key), reading.errors.get(key)) for key in keys]

        return fetch

    async def read(self, ask: Ask) -> Reading:
        """One question to the catalog, counted in the operation's reports."""
        reading = await self.catalog.read(ask)
        self._prime([row for rows in reading.rows.values() for row in rows.records] if ask.record is Account else ())
        self._prime(reading.along)
        for report in reading.reports or [reading.report]:
            total = self.reports.setdefault(report.source, Report(report.source))
            total.calls += report.calls
            total.joined += report.joined
            total.cached += report.cached
            total.milliseconds += report.milliseconds
            total.error = report.error or total.error
        return reading

    def bound(self, needs: Sequence[Need]) -> Read:
        """A reader for one computation: only what it declared, and only rows this principal may see."""
        allowed = frozenset(needs)

        async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
            if (record, by) not in allowed:
                raise RuntimeError(f"`{record.__name__}` by `{by}` is read but not declared in `needs`")
            unique = list(dict.fromkeys(keys))
            found = await self.load(record, by, unique, page) if unique else []
            reading = Reading({}, Report(""))
            for key, each in zip(unique, found, strict=True):
                if each.error is not None:
                    reading.errors[key] = each.error
                if each.rows is not None:
                    visible = [row for row in await self.visible(each.rows.records) if row is not None]
                    reading.rows[key] = Rows(visible, each.rows.more, each.rows.next)
            return reading

        return read

    # ------------------------------------------------------------ policies

    async def visible(self, records: Sequence[Record]) -> list[Record | None]:
        """The records, with None for those that this principal may not see."""
        if self.judge.sees_every_row or not records:
            return list(records)
        owning = await self._owning_accounts(records)
        entities = await self._entities(records)
        return [self._judged(record, owning, entities) for record in records]

    def _judged(
        self, record: Record, owning: Mapping[str, Account], entities: Mapping[str, tuple[str, ...]]
    ) -> Record | None:
        key = _account_key(record)
        account = record if isinstance(record, Account) else owning.get(key)
        facts = {_ENTITIES: entities[key]} if key in entities else {}
        roles = self.judge.row(record, account, facts)
        if not roles:
            return None
        self.attribute(record, roles)
        return record

    async def _owning_accounts(self, records: Sequence[Record]) -> dict[str, Account]:
        keys = {
            _account_key(record)
            for record in records
            if not isinstance(record, Account) and self.judge.needs_account(type(record))
        } - {""}
        if not keys:
            return {}
        ordered = sorted(keys)
        found = await self.load(Account, "key", ordered, Page())
        return {
            key: row
            for key, each in zip(ordered, found, strict=True)
            if each.rows is not None
            for row in each.rows.records
            if isinstance(row, Account)
        }

    async def _entities(self, records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
        """The legal entities that accounts buy from: a fact of the ERP, read where a row rule asks for it."""
        keys = {
            _account_key(record)
            for record in records
            if (isinstance(record, Account) or self.judge.needs_account(type(record)))
            and _ENTITIES in self.judge.reads(type(record))
        } - {""}
        if not keys:
            return {}
        ordered = sorted(keys)
        found = await self.load(BillingProfile, "account", ordered, Page())
        return {
            key: tuple(
                {row.legal_entity for row in each.rows.records if isinstance(row, BillingProfile) and row.legal_entity}
            )
            for key, each in zip(ordered, found, strict=True)
            if each.rows is not None
        }

    def attribute(self, value: Any, roles: frozenset[str]) -> None:
        """Remembers by which of the principal's roles a value is seen, where these are not all of them."""
        if roles != self.judge.roles:
            self._seen_by[id(value)] = (value, roles)  # the value is held so that its id stays its own

    def roles_for(self, value: Any) -> frozenset[str]:
        """The roles by which a value is seen; fields of the others are not combined with it."""
        entry = self._seen_by.get(id(value))
        return entry[1] if entry is not None else self.judge.roles

    def refuse(self, info: Info, coordinate: str, decision: Decision) -> None:
        """One FORBIDDEN error for a selection, however many rows it would have had."""
        path = _wildcard(info.path.as_list())
        seen = (coordinate, ".".join(map(str, path)))
        if seen in self.refusals:
            return
        extensions = {"code": "FORBIDDEN", "coordinate": coordinate, "retryable": False}
        if not self.judge.external:
            extensions["rule"] = decision.rule
        self.refusals[seen] = GraphQLError(
            f"`{coordinate}` is not for your role", nodes=info.field_nodes, path=path, extensions=extensions
        )

    def note(self, info: Info, error: SourceError) -> None:
        """An error beside data: a part of a list could not be read."""
        self.partial.append(
            GraphQLError(error.message, nodes=info.field_nodes, path=info.path.as_list(), original_error=error)
        )

    # ------------------------------------------------------------ pages

    async def fill(
        self, ask: Callable[[Page], Ask], page: Page, rows: Rows
    ) -> tuple[list[Record], list[Position | None], bool, SourceError | None]:
        """Visible rows of a page with their positions; reads on where judging thinned it out."""
        kept: list[Record] = []
        positions: list[Position | None] = []
        first = page.first if page.first is not None else len(rows.records)
        for attempt in range(_EXTRA + 1):
            judged = await self.visible(rows.records)
            places: Sequence[Position | None] = rows.positions or [None] * len(judged)
            for index, (row, place) in enumerate(zip(judged, places, strict=True)):
                if row is None:
                    continue
                if len(kept) == first:
                    return kept, positions, True, None
                kept.append(row)
                positions.append(place)
                if len(kept) == first and all(each is None for each in judged[index + 1 :]) and not rows.more:
                    return kept, positions, False, None
            if not rows.more or len(kept) >= first or attempt == _EXTRA:
                break
            question = ask(msgspec.structs.replace(page, after=rows.next))
            reading = await self.read(question)
            if question.keys[0] in reading.errors:
                return kept, positions, True, reading.errors[question.keys[0]]
            rows = reading.rows.get(question.keys[0], Rows())
        return kept, positions, rows.more, None


def _account_key(record: Record) -> str:
    return record.key if isinstance(record, Account) else getattr(record, "account_key", "")


def _wildcard(path: list[str | int]) -> list[str | int]:
    for index, part in enumerate(path):
        if isinstance(part, int):
            return [*path[:index], "@"]
    return path
