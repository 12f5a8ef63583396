"""The commands of an ERP for tests: each with what has to be there before it, against the book by hand."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sources.canonical import (
    Money,
    UnitPrice,
)
from sources.canonical.commands import (
    Application,
    ApproveSalesOrder,
    CloseSalesOrder,
    Command,
    CreditPosted,
    PlaceSalesOrder,
    PostInvoice,
    PutDebtor,
    ReceivePayment,
    SetCredit,
    SoldLine,
    WriteOffBalance,
)
from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.writer_account import Erp

DAY, LOCKED_DAY = date(2026, 11, 20), date(2026, 10, 15)
WHO: dict[str, Any] = {"operation": "op-1", "correlation": "c-1"}
PARTY: dict[str, Any] = {**WHO, "party": "101", "legal_entity": "US", "currency": "USD"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(key: str = "l1", quantity: str = "3", price: str = "9.5", **more: Any) -> SoldLine:
    unit = UnitPrice(Decimal(price), more.pop("currency", "USD"))
    return SoldLine(key=key, product_code=more.pop("code", "team-monthly"), quantity=Decimal(quantity), unit_price=unit)


def order(**more: Any) -> PlaceSalesOrder:
    given = {"ordered_on": DAY, "lines": (line(),), "order_key": "801Z", "subscription_key": "sub_9", **more}
    return PlaceSalesOrder(**{**PARTY, **given})


def invoice(**more: Any) -> PostInvoice:
    given = {"posted_on": DAY, "lines": (line(),), "issued_key": "in_9", "number": "X-9", **more}
    return PostInvoice(**{**PARTY, **given})


def receipt(**more: Any) -> ReceivePayment:
    given = {"amount": usd(2_000), "received_on": DAY, "reference": "BANK-77", **more}
    return ReceivePayment(**{**WHO, "party": "101", "legal_entity": "US", **given})


async def placed(account: Erp) -> str:
    return (await account.connector.do(order(), "before-1")).key


async def approved(account: Erp) -> str:
    key = await placed(account)
    await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=key), "before-2")
    return key


async def posted(account: Erp) -> str:
    return (await account.connector.do(invoice(), "before-3")).key


Prepare = Callable[[Erp], Awaitable[Command]]


async def _debtor(_account: Erp) -> Command:
    return PutDebtor(**WHO, account_key=ACME[:17] + "Z", legal_entity="DE", name="Quill", currency="EUR")


async def _order(_account: Erp) -> Command:
    return order()


async def _approval(account: Erp) -> Command:
    return ApproveSalesOrder(**WHO, sales_order_key=await placed(account))


async def _closing(account: Erp) -> Command:
    return CloseSalesOrder(**WHO, sales_order_key=await placed(account))


async def _invoice(_account: Erp) -> Command:
    return invoice()


async def _billing(account: Erp) -> Command:
    return invoice(sales_order_key=await approved(account), lines=())


async def _credit(account: Erp) -> Command:
    return CreditPosted(
        **WHO, invoice_key=await posted(account), amount=usd(1_000), posted_on=DAY, issued_key="cn_9", reason="late"
    )


async def _receipt(account: Erp) -> Command:
    return receipt(applications=(Application(invoice_key=await posted(account), amount=usd(1_500)),))


async def _hold(_account: Erp) -> Command:
    return SetCredit(**WHO, party="101", limit=usd(500_000), hold=True)


async def _write_off(account: Erp) -> Command:
    return WriteOffBalance(**WHO, invoice_key=await posted(account), amount=usd(85), posted_on=DAY, reason="small")


# Each command, the effect it has there, and the operation by which it is sent.
DEEDS: dict[str, tuple[Prepare, str, str]] = {
    "debtor": (_debtor, "customer.create", "customers.create"),
    "order": (_order, "salesOrder.create", "sales_orders.place"),
    "approval": (_approval, "salesOrder.approve", "sales_orders.approve"),
    "closing": (_closing, "salesOrder.close", "sales_orders.close"),
    "invoice": (_invoice, "invoice.create", "invoices.post"),
    "billing": (_billing, "invoice.create", "invoices.post"),
    "credit": (_credit, "creditMemo.create", "credit_memos.post"),
    "receipt": (_receipt, "customerPayment.create", "payments.receive"),
    "hold": (_hold, "customer.credit", "customers.credit"),
    "write-off": (_write_off, "creditMemo.create", "credit_memos.post"),
}
