"""A connector to a running Tryton, and commands to put to it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sources.canonical import UnitPrice
from sources.canonical.commands import PlaceSalesOrder, PostInvoice, PutDebtor, SoldLine
from sources.errors import TimedOut
from sources.pipeline.pipeline import Pipeline
from sources.ports import Call, Effect, Reply
from sources.settings import Secret
from sources.transport import Transport
from sources.vendors.tryton import facts
from sources.vendors.tryton.connector import TrytonConnector
from sources.vendors.tryton.settings import TrytonSettings
from sources.vendors.tryton.values import encoded
from sources.vendors.tryton.wire import Named, Row
from sources.vendors.tryton.writers.rows import Paid, Sold
from tests.sources.tryton.erp import Erp

WHO: dict[str, Any] = {"operation": "op-1", "correlation": "r-1"}
ENTITY: dict[str, Any] = {"legal_entity": "US", "currency": "USD"}


class Entry(Row, frozen=True, kw_only=True):
    """A ledger entry."""

    period: Named = msgspec.field(name="period.")


def fresh(prefix: str) -> str:
    """A name that nobody has used."""
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


class Wire:
    """The network to the server. `lose`: the answers of these operations are lost, once; `sent` are the writes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.lose: set[str] = set()
        self.sent: list[str] = []
        self.asked = 0

    async def send(self, call: Call) -> Reply:
        reply = await self._transport.send(call)
        if call.effect is Effect.READ:
            self.asked += 1
            return reply
        self.sent.append(call.operation)
        if call.operation in self.lose:
            self.lose.discard(call.operation)
            raise TimedOut("no answer")
        return reply


@asynccontextmanager
async def opened(erp: Erp, login: str = "svc-erp", **more: Any) -> AsyncIterator[tuple[TrytonConnector, Wire]]:
    """A connector through a pipeline, as a catalog has one."""
    table: dict[str, Any] = {
        "vendor": "tryton",
        "url": erp.url,
        "database": "erp",
        "company": int(erp.seeded["company"]),
    }
    table |= {"key": Secret(erp.seeded["keys"].get(login, login)), "credit_limits": True, "timeout": 60.0}
    settings = TrytonSettings(**{**table, **more})
    transport = Transport("erp", timeout=60.0)
    wire = Wire(transport)
    connector = TrytonConnector("erp", settings, Pipeline("erp", settings, wire.send).send)
    try:
        yield connector, wire
    finally:
        await connector.close()
        await transport.close()


async def party(connector: TrytonConnector) -> str:
    """The id of a new party."""
    command = PutDebtor(**WHO, **ENTITY, account_key=f"001{uuid.uuid4().hex[:15]}", name="Æther ✓ 株式会社")
    return (await connector.do(command, "k")).key


def line(key: str = "a", code: str = "GOLD", quantity: str = "2", price: str = "49.90") -> SoldLine:
    """A line of something that the books know."""
    unit = UnitPrice(Decimal(price), "USD")
    return SoldLine(key=key, product_code=code, quantity=Decimal(quantity), unit_price=unit)


def order(who: str, *lines: SoldLine, **more: Any) -> PlaceSalesOrder:
    """An order of two lines: 119.75 before 11.98 of tax."""
    sold = lines or (line(), line("b", "SILVER", "1", "19.95"))
    given: dict[str, Any] = {"order_key": fresh("801"), "ordered_on": date(2026, 11, 1), **more}
    return PlaceSalesOrder(**WHO, **ENTITY, party=who, lines=sold, **given)


def invoice(who: str, **more: Any) -> PostInvoice:
    """An invoice of one line: 99.80 before 9.98 of tax."""
    given: dict[str, Any] = {"issued_key": fresh("in"), "posted_on": date(2026, 11, 2), "lines": (line(),), **more}
    return PostInvoice(**WHO, **ENTITY, party=who, **given)


async def turned(connector: TrytonConnector, day: date, button: str, *, journals: bool = True) -> None:
    """Closes (`close`) or opens (`reopen`) the posting period of a day, as an accountant does. A period that is opened
    leaves its journals closed, unless they are opened too."""
    client, on = connector._client, encoded(day)
    within = [["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"]]
    [period] = await client.search(Sold, facts.PERIOD, within, ("state",))
    if period.state == ("open" if button == "close" else "closed"):
        await client.press(facts.PERIOD, period.id, button)
    shut = [["period", "=", period.id], ["state", "=", "closed"]]
    if button == "reopen" and journals:
        for journal in await client.search(Sold, facts.JOURNAL_PERIOD, shut, ("state",)):
            await client.press(facts.JOURNAL_PERIOD, journal.id, button)


async def closed_journals(connector: TrytonConnector, day: date) -> None:
    """Closes the journals in the posting period of a day, and leaves the period open."""
    on = encoded(day)
    within = [["period.start_date", "<=", on], ["period.end_date", ">=", on], ["state", "=", "open"]]
    for journal in await connector._client.search(Sold, facts.JOURNAL_PERIOD, within, ("state",)):
        await connector._client.press(facts.JOURNAL_PERIOD, journal.id, "close")


async def closed_petty_cash(connector: TrytonConnector, day: date) -> None:
    """Makes another journal of the kind that receipts are in, and closes it in the posting period of a day."""
    client, on = connector._client, encoded(day)
    journal = await client.create("account.journal", {"name": "Petty cash", "code": fresh("petty"), "type": "cash"})
    within = [["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"]]
    [period] = await client.search(Sold, facts.PERIOD, within, ("state",))
    made = await client.create(facts.JOURNAL_PERIOD, {"journal": journal, "period": period.id})
    await client.press(facts.JOURNAL_PERIOD, made, "close")


async def closed_adjustments(connector: TrytonConnector, day: date, key: str) -> None:
    """Makes a period of adjustments beside the posting period of a day, as at the end of a year, and closes in it the
    journal of a ledger entry."""
    client, on = connector._client, encoded(day)
    [entry] = await client.search(Paid, facts.MOVE, [["id", "=", int(key)]], ("journal", "state"))
    [year] = await client.search(Row, "account.fiscalyear", [["start_date", "<=", on], ["end_date", ">=", on]], ())
    values = {"name": fresh("adjustments"), "fiscalyear": year.id, "start_date": on, "end_date": on}
    period = await client.create(facts.PERIOD, {**values, "type": "adjustment"})
    made = await client.create(facts.JOURNAL_PERIOD, {"journal": entry.journal, "period": period})
    await client.press(facts.JOURNAL_PERIOD, made, "close")


async def period_of(connector: TrytonConnector, key: str) -> str:
    """The posting period of a ledger entry, by its name."""
    [found] = await connector._client.search(Entry, facts.MOVE, [["id", "=", int(key)]], ("period.name",))
    return str(found.period.name)
