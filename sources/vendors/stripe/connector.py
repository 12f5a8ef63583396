"""One configured Stripe account as a connector of the billing system."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sources.canonical import BillingCustomer, Record, System
from sources.canonical.commands import Command, Written
from sources.errors import BadAsk
from sources.ports import Ask, Capability, Reading, Report, Send
from sources.vendors.stripe.client import Client
from sources.vendors.stripe.readers import READERS, capabilities
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.settings import StripeSettings
from sources.vendors.stripe.wire import Many, Named
from sources.vendors.stripe.writers import StripeWriter


class StripeConnector:
    """Answers asks about billing. A failing key is an error of that key; an ask that cannot be put raises BadAsk.
    It is a writer too."""

    vendor = "stripe"
    system = System.BILLING
    account_facet: type[Record] | None = BillingCustomer
    commands = StripeWriter.commands
    touches = StripeWriter.touches
    capabilities: Mapping[tuple[type[Record], str], Capability]

    def __init__(self, client: Client) -> None:
        self.name = client.name
        self.capabilities = capabilities(client.settings)
        self._client = client
        self._writer = StripeWriter(client)

    async def read(self, ask: Ask) -> Reading:
        """One reading; `report.milliseconds` is how long it took in all."""
        self._demand_possible(ask)
        if not ask.keys:
            return Reading({}, Report(self.name))
        inquiry, started = Inquiry(self._client, ask), time.perf_counter()
        await READERS[ask.record, ask.by].read(inquiry)
        inquiry.report.milliseconds = (time.perf_counter() - started) * 1000
        return inquiry.reading()

    def _demand_possible(self, ask: Ask) -> None:
        what = f"`{ask.record.__name__}` by `{ask.by}`"
        capability = self.capabilities.get((ask.record, ask.by))
        if capability is None:
            raise BadAsk(f"`{self.name}` cannot be asked for {what}", source=self.name)
        for each in ask.page.filters:
            if each.op not in capability.filters.get(each.field, ()):
                raise BadAsk(
                    f"{what} cannot be filtered by `{each.field} {each.op}`: {_offered(capability)}", source=self.name
                )
        order = ask.page.order
        if order is not None and order.field not in capability.orders:
            orders = ", ".join(capability.orders) or "none"
            raise BadAsk(f"{what} has no order `{order.field}`: {orders}", source=self.name)
        if order is not None and not order.descending and order.field in capability.descending_only:
            raise BadAsk(f"{what} is listed newest first only: order by `{order.field}` descending", source=self.name)
        if ask.page.first is not None and ask.page.first < 1:
            raise BadAsk(f"`first` is {ask.page.first}: at least 1 is expected", source=self.name)
        if ask.page.after is not None and len(ask.keys) > 1:
            raise BadAsk("a position belongs to one key: go on with one key at a time", source=self.name)
        wide = self._client.settings.wide
        if capability.fan_out and len(set(ask.keys)) > wide:
            raise BadAsk(f"{what} costs one call per key: ask for at most {wide} keys", source=self.name)

    async def do(self, command: Command, key: str) -> Written:
        """Carries a command out, once for its key."""
        return await self._writer.do(command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What became of a command."""
        return await self._writer.find(command, key)

    async def check(self) -> str:
        """Lists one customer: the key is good and may read."""
        await self._client.get(Many[Named], "/v1/customers", (("limit", "1"),), Report(self.name), "customers.list")
        return f"`{self.name}` answers (Stripe, version {self._client.settings.version})"

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._client.close()


def _offered(capability: Capability) -> str:
    offers = [f"{field} {'/'.join(operators)}" for field, operators in capability.filters.items()]
    return f"possible are {', '.join(offers)}" if offers else "it has no filters"


def open_connector(
    name: str, settings: StripeSettings, send: Send, clock: Callable[[], float] = time.time
) -> StripeConnector:
    """Opens a source without I/O. `clock` gives unix seconds."""
    return StripeConnector(Client(name, settings, send, clock))
