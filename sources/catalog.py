"""Which source owns which type: finds the vendors, opens the configured sources, asks the owners."""

from __future__ import annotations

import asyncio
import pkgutil
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import cast

import msgspec

import sources.vendors
from sources import canonical as c
from sources.accounts import Accounts, Recall
from sources.cache import Cache, Cached
from sources.canonical import Record, System
from sources.canonical.commands import Command
from sources.continuation import Continuation
from sources.crosswalk import Crosswalk
from sources.doubles import Doubles
from sources.errors import BadAsk, SourceError, Unavailable
from sources.merging import Answer, merge, note_told, unmerged
from sources.ours import RECORDS, Ours
from sources.pipeline.ledger import Ledger, MemoryLedger
from sources.pipeline.pipeline import Pipeline
from sources.pipeline.telemetry import Observer
from sources.ports import Ask, Capability, Connector, Reading, Report, Vendor, Writer
from sources.settings import SourceSettings
from sources.transport import Transport

_CRM, _BILLING, _ERP, _SUPPORT = (System.CRM,), (System.BILLING,), (System.ERP,), (System.SUPPORT,)
DEFAULT_OWNERS: dict[type[Record], tuple[System, ...]] = {
    **dict.fromkeys(
        (c.Account, c.Contact, c.SubscriptionContract, c.Renewal, c.Order, c.CaseMirror, c.SlaProcess), _CRM
    ),
    **dict.fromkeys(
        (c.BillingCustomer, c.Product, c.Price, c.Meter, c.AccountSubscription, c.Amendment, c.UsageSummary), _BILLING
    ),
    **dict.fromkeys((c.Invoice, c.InvoiceLine, c.GatewayPayment, c.Refund, c.Dispute), _BILLING),
    **dict.fromkeys((c.BillingProfile, c.TaxProfile, c.PostedInvoice, c.SalesOrder, c.WriteOff, c.ErpItem), _ERP),
    **dict.fromkeys((c.RevenueSchedule, c.LedgerPosting, c.LegalEntity, c.AccountingPeriod, c.ExchangeRate), _ERP),
    **dict.fromkeys((c.SupportOrganization, c.Requester, c.Case, c.Sla, c.SupportPlan), _SUPPORT),
    c.Entitlement: (System.BILLING, System.CRM),
    c.Payment: (System.ERP, System.BILLING),
    c.CreditMemo: (System.ERP, System.BILLING),
}
"""Where a type has two owners both are asked side by side and merged by key; the first one's record stands."""
_DESK = (c.SupportOrganization, c.Requester, c.Sla)
"""Whose case it is and how long it may take is the desk's own: they go with `case` where nobody says otherwise."""


def vendors() -> dict[str, Vendor]:
    """Every vendor there is a folder for, by name."""
    found = {}
    for module in pkgutil.iter_modules(sources.vendors.__path__):
        vendor: Vendor | None = getattr(import_module(f"sources.vendors.{module.name}"), "VENDOR", None)
        if vendor is not None:
            found[vendor.name] = vendor
    return found


class Source(msgspec.Struct, frozen=True):
    """One open source: its connector, its settings, its transport, and the pipeline between the two."""

    connector: Connector
    settings: SourceSettings
    transport: Transport
    pipeline: Pipeline | None = None


class Catalog:
    """The configured sources and what each owns. `read` is the one way to facts.

    `owners` overrides DEFAULT_OWNERS by record class name in lower case (`invoice = ["tryton"]`, source names).
    """

    def __init__(
        self,
        opened: Sequence[Source],
        owners: Mapping[str, Sequence[str]] | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.sources = {source.connector.name: source for source in opened}
        self.ours = Ours()  # what we know ourselves of governed writes
        self._owners = self._resolve_owners(owners or {})
        self._indexed: dict[tuple[type[Record], str], tuple[Connector, ...]] = {}
        self._recalling: dict[tuple[type[Record], str], Recall | None] = {}
        self._recalls = any(getattr(source.connector, "recalls", False) for source in opened)
        crm = self if self.capability(c.Account, "external") is not None else None
        self.crosswalk = Crosswalk(sharers=self._sharers, crm=crm)
        self._accounts = Accounts(self.crosswalk)
        self.cache = cache or Cache()
        self.states: dict[str, str] = {}  # how the last call of each source went: OK, or an error code

    def _resolve_owners(self, chosen: Mapping[str, Sequence[str]]) -> dict[type[Record], tuple[Connector, ...]]:
        connectors = [source.connector for source in self.sources.values()]
        owners: dict[type[Record], tuple[Connector, ...]] = {
            record: tuple(each for system in systems for each in connectors if each.system == system)
            for record, systems in DEFAULT_OWNERS.items()
        }
        owners |= dict.fromkeys(RECORDS, (cast(Connector, self.ours),))
        by_name = {record.__name__.lower(): record for record in DEFAULT_OWNERS}
        for name, wanted in chosen.items():
            if name not in by_name:
                raise BadAsk(f"`[owners] {name}` is no type: one of {', '.join(sorted(by_name))}")
            for source in wanted:
                if source not in self.sources:
                    raise BadAsk(f"`[owners] {name}` names `{source}`, which is not among [sources]")
            owners[by_name[name]] = tuple(self.sources[source].connector for source in wanted)
        if c.Case.__name__.lower() in chosen:
            owners |= {each: owners[c.Case] for each in _DESK if each.__name__.lower() not in chosen}
        return owners

    def owners(self, record: type[Record]) -> tuple[Connector, ...]:
        """Who answers for a type, most authoritative first."""
        return self._owners.get(record, ())

    def capability(self, record: type[Record], by: str) -> Capability | None:
        """What can be asked of the first owner that has this index; None where nobody has."""
        for connector in self.owners(record):
            if (record, by) in connector.capabilities:
                return connector.capabilities[record, by]
        return None

    def ready(self, record: type[Record], by: str, key: str) -> bool:
        """Whether rows of this index may be read before it is known that anybody needs them: without asking first what
        their sources call the account, and from sources that are at ease."""
        able = self._able(record, by)
        known = by != "account" or all(self._accounts.ready(connector, record, key) for connector in able)
        return known and all(map(self._is_at_ease, able))

    def _is_at_ease(self, connector: Connector) -> bool:
        source = self.sources.get(connector.name)
        return source is None or source.pipeline is None or source.pipeline.is_at_ease

    async def read(self, ask: Ask) -> Reading:
        """Asks every owner that has the index, side by side, and merges by key. Never raises for a source's failure:
        it is an error of the keys it touches. Account keys are canonical, in and out."""
        able = self._able(ask.record, ask.by)
        if not able:
            return self._nobody(ask)
        parts = Continuation.of(ask)
        if len(able) == 1:
            answer = await self._ask(able[0], ask, parts)
            return unmerged(ask, answer) or merge(ask, [answer], parts)
        answers = await asyncio.gather(*(self._ask(each, ask, parts) for each in able))
        doubles = Doubles(ask, able, answers, parts)
        if doubles.unknown:
            await doubles.look(lambda owner, asked: self._ask(owner, asked, Continuation()))
        return merge(ask, answers, parts, doubles)

    def _able(self, record: type[Record], by: str) -> tuple[Connector, ...]:
        """The owners that have an index."""
        known = self._indexed.get((record, by))
        if known is None:
            known = tuple(each for each in self.owners(record) if (record, by) in each.capabilities)
            self._indexed[record, by] = known
        return known

    @property
    def recalls(self) -> bool:
        """Whether any source hands over facts from memory."""
        return self._recalls

    def recall(self, ask: Ask) -> Reading | None:
        """The answer, where every source that owns it has it in memory; None where somebody has to be waited for."""
        if not self._recalls or ask.page.after is not None:
            return None
        recall = self._alone(ask.record, ask.by)
        if recall is not None and (told := recall(ask)) is not None:
            return told
        answers = []
        for connector in self._able(ask.record, ask.by):
            answer = self._accounts.recall(connector, ask)
            if answer is None:
                return None
            answers.append(answer)
        if not answers:
            return None
        whole = unmerged(ask, answers[0]) if len(answers) == 1 else None
        if whole is None:
            doubles = Doubles(ask, self._able(ask.record, ask.by), answers)
            return None if doubles.unknown else merge(ask, answers, Continuation(), doubles)
        if not answers[0].nameless:
            note_told(answers[0], whole)
        return whole

    def _alone(self, record: type[Record], by: str) -> Recall | None:
        """How the owner of an index tells what it remembers, where there is but one that does."""
        try:
            return self._recalling[record, by]
        except KeyError:
            able = self._able(record, by)
            alone = able[0] if len(able) == 1 else None
            told = self._accounts.recalling(alone, record, by) if isinstance(alone, Cached) else None
            self._recalling[record, by] = told
            return told

    def _nobody(self, ask: Ask) -> Reading:
        name = ask.record.__name__
        error = Unavailable(f"no configured source answers `{name}` by `{ask.by}`: add one under [sources]")
        return Reading({}, Report("none", error=error.code), dict.fromkeys(ask.keys, error))

    async def _ask(self, connector: Connector, ask: Ask, parts: Continuation) -> Answer:
        try:
            if ask.by == "account":
                answer = await self._accounts.read(connector, ask, parts)
            else:
                answer = Answer(await parts.read(connector, ask))
            await self._accounts.name(connector, ask, answer.reading)
            if ask.record is c.Account:
                self.crosswalk.note([record for rows in answer.reading.rows.values() for record in rows.records])
            answer.settle()
            self._remember(answer.reading)
            return answer
        except SourceError as error:
            self.states[connector.name] = error.code
            return Answer(Reading({}, Report(connector.name, error=error.code), dict.fromkeys(ask.keys, error)))

    def _remember(self, reading: Reading) -> None:
        if reading.report.calls or reading.report.error:
            self.states[reading.report.source] = reading.report.error or "OK"

    # ------------------------------------------------------------ writing

    def writer(self, command: type[Command], entity: str | None = None) -> Writer:
        """Who carries a command out: of the owners of its target, the first that can and that serves the legal entity.
        Raises Unavailable where nobody does."""
        for connector in self.owners(command.target):
            inner = connector.inner if isinstance(connector, Cached) else connector
            served = self.sources[connector.name].settings.entities
            able = command in getattr(inner, "commands", ())
            if able and (entity is None or not served or entity in served):
                return cast(Writer, inner)
        whose = f" of the legal entity `{entity}`" if entity else ""
        raise Unavailable(
            f"no configured source carries out `{command.__name__}`{whose}: add one under [sources]", unsent=True
        )

    # ------------------------------------------------------------ forgetting

    def forget(self, tags: Iterable[str]) -> int:
        """Forgets all that speaks of any of these (`account:KEY`, `invoice:KEY`, ..., see `sources.cache.tags`), in
        every process: something happened to them. How many facts that were here."""
        wanted = list(tags)
        for each in tuple(wanted):
            kind, _, key = each.partition(":")
            if kind == "account":
                wanted += [f"customer:{own}" for own in self.crosswalk.forget(key)]
            elif kind == "customer":
                self.crosswalk.forget_own(key)
        return self.cache.forget(wanted)

    def wrote(self, source: str, tags: Iterable[str]) -> float:
        """The same for a writer whose write was acknowledged. Returns the instant (unix seconds) that an errand's
        `not_before[source]` needs in order to see it."""
        self.forget(tags)
        return self.cache.wrote(source, ())

    async def _sharers(self, accounts: Sequence[str]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        known = await self.read(Ask(c.Account, "key", tuple(accounts)))
        domains = {
            key: record.domain
            for key, rows in known.rows.items()
            for record in rows.records
            if isinstance(record, c.Account) and record.domain
        }
        if not domains:
            return {}
        sharing = await self.read(Ask(c.Account, "domain", tuple(dict.fromkeys(domains.values()))))
        return {
            account: (domain, tuple(record.key for record in sharing.rows[domain].records))
            for account, domain in domains.items()
            if domain in sharing.rows
        }

    async def close(self) -> None:
        """Closes every source."""
        for source in self.sources.values():
            await source.connector.close()
            if source.pipeline is not None:
                await source.pipeline.close()
        await self.cache.close()
        for source in self.sources.values():
            await source.transport.close()


def open_catalog(
    configured: Mapping[str, SourceSettings],
    owners: Mapping[str, Sequence[str]] | None = None,
    *,
    cache: Cache | None = None,
    ledger: Ledger | None = None,
    observers: Sequence[Observer] = (),
) -> Catalog:
    """Opens each configured source without I/O. Facts are remembered as `cache` has it (without one: as the default
    settings do). `ledger` counts what vendors allow an account over all processes (without one: over this one),
    `observers` are told of calls and circuits."""
    known, cache = vendors(), cache or Cache()
    ledger = ledger or MemoryLedger(time.monotonic)
    opened = []
    for name, settings in configured.items():
        transport = Transport(
            name,
            kind=settings.transport,
            connections=settings.connections,
            timeout=settings.timeout,
            max_bytes=settings.max_bytes,
        )
        vendor = known[settings.vendor]
        pipeline = Pipeline(
            name,
            settings,
            transport.send,
            allowance=vendor.allowance(settings),
            limits=vendor.limits,
            ledger=ledger,
            observers=observers,
        )
        connector = Cached(vendor.open(name, settings, pipeline.send), cache, settings.zone)
        opened.append(Source(connector, settings, transport, pipeline))
    return Catalog(opened, owners, cache)
