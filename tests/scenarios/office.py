"""Governed writes over the simulated systems, and short ways to ask for them and to look at what came of them."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from policies.load import Rules, load_rules
from resolvers.desk import Desk
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.room import Pace
from resolvers.sagas.writes.order import SubmitOrder
from resolvers.sagas.writes.order_terms import OrderedLine, last_day
from sources import canonical as c
from sources.cache.tags import changed
from sources.canonical import Record
from sources.canonical import commands as do
from sources.catalog import Catalog
from sources.ports import Ask
from sources.store import reservations
from sources.store.operations import Operation, Outcome, State
from tests.resolvers.sagas.conftest import House
from tests.scenarios.town import Town

R = TypeVar("R", bound=Record)


class Shipped:
    """The rules that come with the code."""

    rules: Rules = load_rules(Path(__file__).resolve().parents[2] / "policies" / "rules")


POLICIES = Shipped()
PACE = Pace(tries=2, pause=0.05, longest=20.0, pauses=(0.1,), patience=0.3, settling=(0.1,), attention=600.0)
TODAY = datetime.now(UTC).date()


class Noon:
    """Time that goes on from noon of today, when it is the same day at all seats of the company."""

    def __init__(self) -> None:
        self._ahead = datetime.combine(TODAY, time(12), UTC) - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def jump(self, by: timedelta) -> None:
        self._ahead += by


def person(name: str, *roles: str) -> Asker:
    return Asker(subject=name, roles=frozenset(roles))


CPQ = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human="hana")
HANA = person("hana", "finance_controller")
AGENT, LEAD = person("ada", "support_agent"), person("lea", "support_lead")
FINANCE, CONTROLLER = person("finn", "finance"), person("cora", "finance_controller")
REVOPS, CREDIT = person("rita", "revops"), person("carl", "credit_manager")


class Office(House):
    """A house over a real catalog."""

    def __init__(self, town: Town, catalog: Catalog, writes: Writes) -> None:
        self.town, self.catalog, self.writes = town, catalog, writes
        self.store, self.durable, self.desk = writes.room.store, writes.durable, Desk(writes)
        self._keys = (f"key-{number}" for number in itertools.count())

    def account(self, landmark: str) -> str:
        return self.town.landmarks[landmark]

    # ------------------------------------------------------------ reading

    async def read(self, record: type[R], by: str, key: str) -> list[R]:
        """As our own readers see it, from memory where something is remembered."""
        reading = await self.catalog.read(Ask(record, by, (key,)))
        assert reading.errors == {}
        rows = reading.rows.get(key)
        return [each for each in rows.records if isinstance(each, record)] if rows is not None else []

    async def one(self, record: type[R], by: str, key: str) -> R:
        [found] = await self.read(record, by, key)
        return found

    async def new(self, record: type[R], account: str, before: Iterable[Record]) -> R:
        """The one record of an account that was not there before."""
        known = {each.key for each in before}
        [found] = [each for each in await self.read(record, "account", account) if each.key not in known]
        return found

    async def price(self, code: str, currency: str) -> c.Price:
        wanted = f"{code}-month-{currency}".lower()
        return next(each for each in await self.read(c.Price, "list", "") if each.lookup_key == wanted)

    async def reserved(self, account: str, entity: str, currency: str) -> int:
        return await self.store.read(reservations.held, "credit", f"{account}/{entity}", currency)

    # ------------------------------------------------------------ what others do

    async def comes(self, at: datetime, answer: Answer) -> None:
        """It is `at` now, here and in all four systems, and a run that waits sees it."""
        ours = self.writes.room.clock
        assert isinstance(ours, Noon)
        self.town.clock.set(at)
        ours.jump(at - ours())
        await self.look(answer)

    async def posted(self, invoice: c.Invoice, order: c.Order | None = None) -> c.PostedInvoice:
        """Posts an invoice as billing issued it, from the order's sales order where there is one."""
        sales = await self.read(c.SalesOrder, "order", order.key) if order is not None else []
        profiles = await self.read(c.BillingProfile, "account", invoice.account_key)
        [party] = [each.key for each in profiles if each.legal_entity == invoice.legal_entity]
        command = do.PostInvoice(
            operation="posting",
            party=party,
            legal_entity=invoice.legal_entity or "",
            currency=invoice.currency,
            posted_on=TODAY,
            number=invoice.number,
            issued_key=invoice.key,
            subscription_key=invoice.subscription_key,
            sales_order_key=sales[0].key if sales else None,
            expected_total=invoice.total,
        )
        writer = self.catalog.writer(do.PostInvoice, invoice.legal_entity)
        written = await writer.do(command, f"posting:{invoice.key}")
        self.catalog.wrote(written.source, changed(command, written, writer.touches[do.PostInvoice]))
        return await self.one(c.PostedInvoice, "invoice", invoice.key)

    async def agreed(self, reseller: str) -> None:
        """A reseller's agreement, as somebody records it in the CRM: its own contract, for no subscription."""
        first = TODAY.replace(day=1)
        command = do.SetContract(
            operation="agreement", account_key=reseller, start_on=first, end_on=last_day(first, 24), active=True
        )
        writer = self.catalog.writer(do.SetContract)
        written = await writer.do(command, f"agreement:{reseller}")
        self.catalog.wrote(written.source, changed(command, written, writer.touches[do.SetContract]))

    # ------------------------------------------------------------ asking

    async def order(
        self,
        account: str,
        *,
        entity: str = "US",
        currency: str = "USD",
        quantity: int = 10,
        code: str = "ADDON-SECURITY",
        **given: Any,
    ) -> SubmitOrder:
        """Seats of a product at list, from today on."""
        price = await self.price(code, currency)
        assert price.unit_price
        line = OrderedLine(
            product=code, price=price.key, quantity=Decimal(quantity), unit_price=price.unit_price.amount
        )
        standing: dict[str, Any] = {
            "account": account,
            "legal_entity": entity,
            "currency": currency,
            "lines": (line,),
            "start_on": TODAY,
        }
        return SubmitOrder(**standing | given)

    async def completed(self, answer: Answer) -> Operation:
        assert answer.member is not Outcome.REJECTED, answer.findings
        operation = await self.ended(answer)
        assert (operation.state, operation.reason) == (State.COMPLETED, None), await self.steps(answer)
        return operation

    async def approve(self, who: Asker, answer: Answer) -> None:
        """Approves whatever an operation waits for."""
        for asked in await self.approvals(answer):
            await self.desk.approve(who, asked.id, asked.evidence_hash)

    async def resolve(self, who: Asker, answer: Answer, action: Action, **changes: Any) -> None:
        """Says how an operation goes on that needs somebody."""
        raised = (await self.exceptions(answer))[-1]
        await self.desk.resolve(who, raised.id, action, "looked into it", changes or None)
