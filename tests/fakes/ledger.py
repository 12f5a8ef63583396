"""The systems behind the graph as one ledger in a file: every effect is a line, and it can refuse, hang and lose answers.

Whoever writes to it may be killed at any instant; what it had written down has happened. It keeps its word as a
`sources.ports.Writer`: the same key is one effect.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from resolvers.sagas.reserve import Release, Reserve
from sources import canonical as c
from sources.canonical import Record
from sources.canonical import commands as do
from sources.canonical.commands import Command, Written
from sources.errors import Held, Locked, OutcomeUnknown, Rejected, Remedy, SourceError, Unavailable
from sources.ports import Ask, Reading, Report, Rows, Writer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CREATES: Mapping[type[Command], str] = {
    do.PutOrder: "order",
    do.PlaceSalesOrder: "sales_order",
    do.PrepareSubscription: "subscription",
    do.CreditInvoice: "credit",
    do.OpenCase: "case",
    do.CreditPosted: "memo",
    Reserve: "reservation",
}
BILLED = ("PlaceSalesOrder", "ReleaseSubscription", "ResumeSubscription")
"""What both the ERP and billing reckon an order to: the same, so that the ERP's invoice of it is the one issued."""
INVOICES = ("ApproveSalesOrder", "ReleaseSubscription", "ResumeSubscription")
"""What an invoice is told of: this ERP makes one of each order that it approves, and what goes on has an older one."""
TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {do.CreditInvoice: (c.CreditMemo, c.Invoice)}
ENDS: Mapping[type[Command], str] = {
    do.CancelOrder: "order_key",
    do.CloseSalesOrder: "sales_order_key",
    do.DropSubscription: "subscription_key",
    do.VoidCredit: "credit_key",
    Release: "reservation",
}


class Effect(msgspec.Struct, frozen=True):
    """Something that happened: `key` is what it was sent under, `made` what it is called, `ended` what it took back."""

    key: str
    command: str
    operation: str
    made: str
    ended: str | None = None
    fields: Any = None


class Ledger:
    """The book of effects: appended to by one write each, so that a kill leaves whole lines or none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: list[Effect] = []
        self._by_key: dict[str, Effect] = {}
        self._read_to = 0

    def effects(self, operation: str | None = None) -> list[Effect]:
        return [each for each in self._all() if operation in (None, each.operation)]

    def of(self, key: str) -> Effect | None:
        self._all()
        return self._by_key.get(key)

    def _all(self) -> list[Effect]:
        """What is in the file by now: only what is new in it is read."""
        if not self._path.exists():
            return self._known
        with self._path.open("rb") as book:
            book.seek(self._read_to)
            whole, newline, _being_written = book.read().rpartition(b"\n")
        self._read_to += len(whole) + len(newline)
        for line in whole.splitlines():
            effect = msgspec.json.decode(line, type=Effect)
            self._known.append(effect)
            self._by_key.setdefault(effect.key, effect)
        return self._known

    def add(self, effect: Effect) -> Effect:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, msgspec.json.encode(effect) + b"\n")
        finally:
            os.close(descriptor)
        return effect

    def open_records(self, operation: str) -> set[str]:
        """What was made and not taken back."""
        effects = self.effects(operation)
        ended = {each.ended for each in effects}
        kinds = {kind.__name__ for kind in CREATES}
        return {each.made for each in effects if each.command in kinds and each.made not in ended}


class FakeWriter:
    """One system. `faults[command name]` is what happens at each of the next sendings of it: `refuse`, `lock`, `held`, `away`
    (nothing was sent), `hang`, `lose` (it happened, no answer), `lose_before` (it did not), `late` (it hangs, and has
    happened), `half` (a part of it happened, and the rest is refused), `half_locked`, `crash_before`, `crash_after`.
    `looked` is what was looked for."""

    commands: frozenset[type[Command]] = frozenset(
        getattr(do, name)
        for name in do.__all__
        if issubclass(type(getattr(do, name)), type)
        and isinstance(getattr(do, name), type)
        and issubclass(getattr(do, name), Command)
    )

    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(
        self, ledger: Ledger, faults: Mapping[str, list[str]], name: str = "books", pause: float = 0.0
    ) -> None:
        self.name, self._ledger, self._pause = name, ledger, pause
        self.faults = {command: list(what) for command, what in faults.items()}
        self.sent: list[tuple[str, str]] = []
        self.looked: list[str] = []
        self.remedy = Remedy.READ

    async def do(self, command: Command, key: str) -> Written:
        name = type(command).__name__
        again = (name, key) in self.sent
        self.sent.append((name, key))
        await asyncio.sleep(self._pause)
        found = await self.find(command, key) if again else None
        known = self._ledger.of(key)
        if known is not None:
            return found or self._written(known, replayed=True)
        fault = self.fault(command, name, key)
        await self._before(fault, name)
        effect = self._ledger.add(self._effect(command, key))
        await asyncio.sleep(self._pause)
        if fault == "late":
            await asyncio.Future()
        if fault == "half":
            raise Rejected(f"`{name}` is refused", source=self.name)
        if fault == "half_locked":
            raise Locked("the rest is locked", source=self.name)
        if fault == "lose":
            raise OutcomeUnknown("no answer came", source=self.name, remedy=self.remedy)
        if fault == "crash_after":
            await self.die()
        return self._written(effect)

    def fault(self, command: Command, name: str, key: str) -> str | None:
        """What happens at this sending."""
        waiting = self.faults.get(name, [])
        return waiting.pop(0) if waiting else None

    async def die(self) -> None:
        """The process ends here."""
        os._exit(9)

    async def _before(self, fault: str | None, name: str) -> None:
        errors: dict[str, SourceError] = {
            "refuse": Rejected(f"`{name}` is refused", source=self.name, request_id="req-1"),
            "lock": Locked("the period is closed", source=self.name),
            "held": Held("the customer is on hold", source=self.name),
            "away": Unavailable("it does not answer", source=self.name, unsent=True),
            "lose_before": OutcomeUnknown("no answer came", source=self.name, remedy=self.remedy),
        }
        if fault in errors:
            raise errors[fault]
        if fault == "crash_before":
            await self.die()
        if fault == "hang":
            await asyncio.Future()

    async def find(self, command: Command, key: str) -> Written | None:
        await asyncio.sleep(self._pause)
        self.looked.append(type(command).__name__)
        if self.fault(command, f"find {type(command).__name__}", key) is not None:
            raise OutcomeUnknown("that cannot be told", source=self.name)
        known = self._ledger.of(key)
        return None if known is None else self._written(known, replayed=True)

    def _effect(self, command: Command, key: str) -> Effect:
        kind = CREATES.get(type(command), type(command).__name__.lower())
        ended = getattr(command, ENDS[type(command)]) if type(command) in ENDS else None
        made = f"{kind}-{len(self._ledger.effects()) + 1}"
        return Effect(key, type(command).__name__, command.operation, made, ended, msgspec.to_builtins(command))

    def _written(self, effect: Effect, *, replayed: bool = False) -> Written:
        amounts = {"total": c.Money(7_000, "USD"), "tax": c.Money(1_000, "USD")}
        return Written(
            source=self.name,
            key=effect.made,
            number=f"N-{effect.made}",
            at=NOW,
            amounts=amounts if effect.command in BILLED else {},
            invoice_key=f"invoice-of-{effect.made}" if effect.command in INVOICES else None,
            request_id="req-1",
            replayed=replayed,
        )


class FakeSystems:
    """Facts from a list of records, writes into the ledger."""

    def __init__(self, writer: FakeWriter, records: Iterable[Record] = ()) -> None:
        self.books = writer
        self.records = list(records)
        self.forgotten: list[str] = []
        self.away: SourceError | None = None

    async def read(self, ask: Ask) -> Reading:
        if self.away is not None:
            return Reading({}, Report("books"), dict.fromkeys(ask.keys, self.away))
        kind = [each for each in self.records if type(each) is ask.record]
        rows = {key: Rows([each for each in kind if _found(each, ask.by, key)]) for key in ask.keys}
        return Reading({key: each for key, each in rows.items() if each.records}, Report("books"))

    def writer(self, command: type[Command], entity: str | None = None) -> Writer:
        return self.books

    def wrote(self, source: str, tags: Iterable[str]) -> float:
        self.forgotten += tags
        return 0.0


def _found(record: Any, by: str, key: str) -> bool:
    if by == "day":
        return str(record.base) == key.partition("@")[0]  # whichever day: who asks takes the right one
    attribute = f"{by}_key" if by in ("account", "invoice", "subscription", "order") else by
    return by == "list" or getattr(record, attribute) == key


def _record(kind: type[Any], key: str, **given: Any) -> Any:
    return kind(key=key, source="books", source_id=key, as_of=NOW, **given)


def company(account: str = "A-1") -> list[Record]:
    """One customer of one legal entity, an invoice, a price book and an open period."""
    usd = lambda minor: c.Money(minor, "USD")  # noqa: E731 - a word for what is written often
    settled = c.Settlement(cash=usd(0), credit=usd(0), write_off=usd(0), withheld_tax=usd(0))
    return [
        _record(c.Account, account, name="Acme", lifecycle=c.Lifecycle.ACTIVE),
        _record(c.LegalEntity, "US", name="Opsgraph Inc.", currency="USD", time_zone="America/New_York"),
        _record(
            c.AccountingPeriod,
            "P-11",
            name="Nov 2026",
            start_on=datetime(2026, 11, 1, tzinfo=UTC).date(),
            end_on=datetime(2026, 11, 30, tzinfo=UTC).date(),
        ),
        _record(
            c.BillingProfile,
            "C-1",
            account_key=account,
            name="Acme",
            legal_entity="US",
            currency="USD",
            credit_limit=usd(10_000_000),
            balance=usd(0),
        ),
        _record(
            c.AccountSubscription,
            "sub_1",
            account_key=account,
            status=c.SubscriptionStatus.ACTIVE,
            legal_entity="US",
            currency="USD",
            mrr=usd(1_000_000),
        ),
        _record(
            c.Price,
            "price_1",
            product_key="prod_1",
            currency="USD",
            unit_price=c.UnitPrice(c.Money(10_000, "USD").amount, "USD"),
            interval=c.Interval.MONTH,
        ),
        _record(
            c.Invoice,
            "in_1",
            account_key=account,
            number="INV-1",
            status=c.InvoiceStatus.OPEN,
            legal_entity="US",
            currency="USD",
            subtotal=usd(100_000),
            tax=usd(0),
            total=usd(100_000),
            paid=usd(0),
            remaining=usd(100_000),
            settlement=settled,
            subscription_key="sub_1",
        ),
        _record(
            c.PostedInvoice,
            "9001",
            account_key=account,
            invoice_key="in_1",
            status=c.PostedStatus.OPEN,
            legal_entity="US",
            currency="USD",
            total=usd(100_000),
            paid=usd(0),
            remaining=usd(100_000),
        ),
        _record(c.SupportOrganization, "O-1", account_key=account, name="Acme", support_plan="standard"),
        _record(c.Case, "T-1", account_key=account, status=c.CaseStatus.OPEN),
    ]
