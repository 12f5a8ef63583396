"""What Tryton can be told to do: each command, who carries it out, how it is found again, what it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from sources.canonical import BillingProfile, CreditMemo, Payment, PostedInvoice, Record, SalesOrder
from sources.canonical.commands import (
    ApproveSalesOrder,
    CloseSalesOrder,
    Command,
    CreditPosted,
    PlaceSalesOrder,
    PostInvoice,
    PutDebtor,
    ReceivePayment,
    SetCredit,
    Written,
)
from sources.errors import BadAsk
from sources.vendors.tryton.books import Books
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.writers.debtors import Debtors
from sources.vendors.tryton.writers.desk import Desk
from sources.vendors.tryton.writers.invoices import Invoices
from sources.vendors.tryton.writers.orders import Orders
from sources.vendors.tryton.writers.receipts import Receipts

# Facts of these classes are no longer true once a command has been carried out: balances move with every posting.
TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {
    PutDebtor: (BillingProfile,),
    PlaceSalesOrder: (SalesOrder,),
    ApproveSalesOrder: (SalesOrder, PostedInvoice, BillingProfile),
    CloseSalesOrder: (SalesOrder, BillingProfile),
    PostInvoice: (PostedInvoice, SalesOrder, BillingProfile),
    CreditPosted: (CreditMemo, PostedInvoice, BillingProfile),
    ReceivePayment: (Payment, PostedInvoice, BillingProfile),
    SetCredit: (BillingProfile,),
}


class _Deed(msgspec.Struct, frozen=True):
    """How one command is carried out, and how it is found."""

    do: Callable[[Any, str], Awaitable[Written]]
    find: Callable[[Any, str], Awaitable[Written | None]]


class TrytonWriter:
    """One company's. Fulfils `Writer`, for those who share a process: a document's reference is not unique in Tryton,
    so that the same change has to be sent by one process at a time. Here it waits for itself."""

    commands: frozenset[type[Command]] = frozenset(TOUCHES)

    def __init__(self, source: str, client: Client, books: Books) -> None:
        self._source = source
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        desk = Desk(source, client, books)
        orders, invoices, debtors, receipts = Orders(desk), Invoices(desk), Debtors(desk), Receipts(desk)
        self._deeds: dict[type[Command], _Deed] = {
            PutDebtor: _Deed(debtors.put, debtors.find_put),
            PlaceSalesOrder: _Deed(orders.place, orders.find_placed),
            ApproveSalesOrder: _Deed(orders.approve, orders.find_approved),
            CloseSalesOrder: _Deed(orders.close, orders.find_closed),
            PostInvoice: _Deed(invoices.post, invoices.find),
            CreditPosted: _Deed(invoices.credit, invoices.find_credit),
            ReceivePayment: _Deed(receipts.receive, receipts.find),
            SetCredit: _Deed(debtors.set_credit, debtors.find_credit),
        }

    async def do(self, command: Command, key: str) -> Written:
        """Carries it out once."""
        deed = self._deed(command)
        turn = self._turns.setdefault(f"{type(command).__name__}:{key}", asyncio.Lock())
        async with turn:
            return await deed.do(command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What became of it, read from the records themselves."""
        return await self._deed(command).find(command, key)

    def _deed(self, command: Command) -> _Deed:
        deed = self._deeds.get(type(command))
        if deed is None:
            raise BadAsk(f"`{self._source}` cannot be told `{type(command).__name__}`", source=self._source)
        return deed
