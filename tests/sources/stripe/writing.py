"""A Stripe account to write into, over a socket: a small book, a connector whose wire can lose answers or die."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import httpx2
import msgspec
from starlette.applications import Starlette

from sources.canonical import Record
from sources.canonical.commands import Command, Written
from sources.errors import TimedOut
from sources.pipeline.pipeline import Pipeline
from sources.pipeline.reading import reading
from sources.ports import Ask, Call, Reply
from sources.settings import RetrySettings, Secret
from sources.simulation.enterprise import (
    BillCustomer,
    BillingBook,
    BillPrice,
    BillProduct,
    CrmBook,
    Enterprise,
    ErpBook,
    SupportBook,
)
from sources.simulation.kit import Clock
from sources.transport import Transport
from sources.vendors.stripe.connector import StripeConnector, open_connector
from sources.vendors.stripe.settings import StripeSettings
from sources.vendors.stripe.simulator import DEVELOPMENT, Limits, create_simulator
from tests.peers import serving

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MONTH, YEAR = Decimal("10.00"), Decimal("100.00")
SEAT, PLUS, YEARLY, EURO, YEN = "price_seat", "price_plus", "price_yearly", "price_euro", "price_yen"
METERED = "price_metered"
BUYER, OTHER = "cus_buyer", "cus_other"
ACCOUNT = "001Buyer0000000AAA"
GOOD, BAD = "pm_card_visa", "pm_card_chargeCustomerFail"
T = TypeVar("T")


class Crash(Exception):
    """The process dies."""


def _price(key: str, amount: str, currency: str = "USD", interval: str = "month", usage: str = "licensed") -> BillPrice:
    return BillPrice(
        id=key, product_id="prod_seat", active=True, currency=currency, unit_amount=Decimal(amount), interval=interval,
        interval_count=1, usage=usage, meter_id=None, lookup_key=key, nickname=None, created_at=NOW,
    )  # fmt: skip


def _customer(key: str, account: str | None, **changes: Any) -> BillCustomer:
    one = BillCustomer(
        id=key, account_id=account, name="Buyer", email=f"{key}@buyer.example", entity="US", currency="USD",
        country="US", balance=Decimal(0), delinquent=False, tax_exempt="none", deleted=False, created_at=NOW,
    )  # fmt: skip
    return msgspec.structs.replace(one, **changes)


def _empty(book: type[Any]) -> Any:
    return book(**dict.fromkeys((field.name for field in msgspec.structs.fields(book)), ()))


def enterprise() -> Enterprise:
    seat = BillProduct(
        id="prod_seat", name="Seat", code="SEAT", description=None, unit_label="seat", tax_code=None, active=True,
        default_price_id=None, feature_ids=(), created_at=NOW,
    )  # fmt: skip
    billing = msgspec.structs.replace(
        _empty(BillingBook),
        customers=(_customer(BUYER, ACCOUNT), _customer(OTHER, "001Other0000000AAA")),
        products=(seat,),
        prices=(
            _price(SEAT, "10.00"), _price(PLUS, "25.00"), _price(YEARLY, "100.00", interval="year"),
            _price(EURO, "9.00", "EUR"), _price(YEN, "1500", "JPY"),
            _price(METERED, "0.10", usage="metered"),
        ),
    )  # fmt: skip
    return Enterprise(
        seed=1, now=NOW, crm=_empty(CrmBook), billing=billing, erp=_empty(ErpBook), support=_empty(SupportBook)
    )


class Wire:
    """Sends calls. `dies` before the calls of an operation are sent; `loses` the answer of the next one of each;
    `before` happens once, just before the next one of an operation, to whoever else is at work."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.calls: list[Call] = []
        self.dies: str | None = None
        self.loses: list[str] = []
        self.before: dict[str, Callable[[], Awaitable[object]]] = {}

    async def send(self, call: Call) -> Reply:
        if call.operation == self.dies:
            raise Crash(call.operation)
        if call.operation in self.before:
            await self.before.pop(call.operation)()
        self.calls.append(call)
        reply = await self._transport.send(call)
        if call.operation in self.loses:
            self.loses.remove(call.operation)
            raise TimedOut("no answer in time")
        return reply


class Billing:
    """One account: told commands, asked records, and looked at behind its API."""

    def __init__(self, app: Starlette, url: str, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.url, self.clock, self._loop = app, url, clock, loop
        self._transport = Transport("billing", timeout=20.0)
        self.wire = Wire(self._transport)

    @property
    def connector(self) -> StripeConnector:
        """A new one each time, as after a restart: it remembers nothing."""
        settings = StripeSettings(vendor="stripe", url=self.url, key=Secret(DEVELOPMENT.key))
        return open_connector("billing", settings, reading(self.wire.send), lambda: self.clock.now().timestamp())

    def piped(self) -> StripeConnector:
        """One behind the whole pipeline, which repeats what may be repeated, at once."""
        retry = RetrySettings(attempts=8, base=0.02, cap=0.05, throttled=0.02, floor=1_000)
        settings = StripeSettings(vendor="stripe", url=self.url, key=Secret(DEVELOPMENT.key), retry=retry)
        send = Pipeline("billing", settings, self.wire.send).send
        return open_connector("billing", settings, send, lambda: self.clock.now().timestamp())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def do(self, command: Command, key: str = "op:step") -> Written:
        return self.run(self.connector.do(command, key))

    def find(self, command: Command, key: str = "op:step") -> Written | None:
        return self.run(self.connector.find(command, key))

    def read(self, record: type[Record], by: str, key: str) -> list[Any]:
        reading_ = self.run(self.connector.read(Ask(record, by, (key,))))
        assert not reading_.errors, reading_.errors
        return list(reading_.rows[key].records) if key in reading_.rows else []

    def raw(self, path: str, **parameters: str) -> Any:
        return self._asked("GET", path, params=parameters)

    def change(self, path: str, **parameters: str) -> Any:
        return self._asked("POST", path, data=parameters)

    def remove(self, path: str) -> Any:
        return self._asked("DELETE", path)

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        headers = {"authorization": f"Bearer {DEVELOPMENT.key}"}
        answer = httpx2.request(method, f"{self.url}/v1/{path}", headers=headers, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def effects(self) -> list[dict[str, Any]]:
        """Every effect, in order."""
        found: list[dict[str, Any]] = httpx2.get(f"{self.url}/_simulator/written").json()["written"]
        return found

    def kinds(self) -> Mapping[str, int]:
        """How many effects of each kind there were."""
        found: dict[str, int] = httpx2.get(f"{self.url}/_simulator/written").json()["kinds"]
        return found

    def work(self, seconds: float) -> None:
        """From now on a write takes so long, and holds its object meanwhile."""
        self.app.state.account.limits = Limits(work=seconds)

    def lag(self, seconds: float) -> None:
        """From now on searches find what was written so much later."""
        self.app.state.account.limits = Limits(search_lag=seconds)

    def close(self) -> None:
        self.run(self._transport.close())


@contextmanager
def billing() -> Iterator[Billing]:
    """An account of its own, at NOW."""
    clock, loop = Clock(NOW), asyncio.new_event_loop()
    app = create_simulator(enterprise(), clock=clock)
    with serving(app) as url:
        account = Billing(app, url, clock, loop)
        try:
            yield account
        finally:
            account.close()
            loop.close()
