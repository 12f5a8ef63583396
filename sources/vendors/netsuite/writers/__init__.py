"""What NetSuite can be told to do: each command, who carries it out, how it is found again, what it changes."""

from __future__ import annotations

from collections.abc import Mapping

from sources.canonical import (
    BillingProfile,
    CreditMemo,
    LedgerPosting,
    Payment,
    PostedInvoice,
    Record,
    RevenueSchedule,
    SalesOrder,
    TaxProfile,
    WriteOff,
)
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
    WriteOffBalance,
)
from sources.deeds import Deeds, Way
from sources.vendors.netsuite.client import Client
from sources.vendors.netsuite.writers.debtors import Debtors
from sources.vendors.netsuite.writers.documents import Documents
from sources.vendors.netsuite.writers.invoices import Invoices
from sources.vendors.netsuite.writers.lookups import Lookups
from sources.vendors.netsuite.writers.orders import Orders
from sources.vendors.netsuite.writers.settlements import Settlements

# Facts of these classes are no longer true once a command has been carried out: balances move with every posting.
TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {
    PutDebtor: (BillingProfile, TaxProfile),
    PlaceSalesOrder: (SalesOrder,),
    ApproveSalesOrder: (SalesOrder, BillingProfile),
    CloseSalesOrder: (SalesOrder, BillingProfile),
    PostInvoice: (PostedInvoice, SalesOrder, BillingProfile, LedgerPosting, RevenueSchedule),
    CreditPosted: (CreditMemo, PostedInvoice, BillingProfile, LedgerPosting, RevenueSchedule),
    ReceivePayment: (Payment, PostedInvoice, BillingProfile, LedgerPosting),
    SetCredit: (BillingProfile,),
    WriteOffBalance: (WriteOff, PostedInvoice, BillingProfile, LedgerPosting),
}


class NetSuiteWriter(Deeds):
    """One account's. Fulfils `Writer`."""

    commands: frozenset[type[Command]] = frozenset(TOUCHES)

    def __init__(self, source: str, client: Client) -> None:
        lookups = Lookups(source, client)
        documents = Documents(source, client, lookups)
        orders, invoices = Orders(documents), Invoices(documents)
        settlements, debtors = Settlements(documents), Debtors(source, client, lookups)
        credit = Way(settlements.credit, settlements.find_credit)
        ways: dict[type[Command], Way] = {
            PutDebtor: Way(debtors.put, debtors.find_put),
            PlaceSalesOrder: Way(orders.place, orders.find_placed),
            ApproveSalesOrder: Way(orders.approve, orders.find_approved),
            CloseSalesOrder: Way(orders.close, orders.find_closed),
            PostInvoice: Way(invoices.post, invoices.find),
            CreditPosted: credit,
            ReceivePayment: Way(settlements.receive, settlements.find_receipt),
            SetCredit: Way(debtors.set_credit, debtors.find_credit),
            WriteOffBalance: credit,
        }
        super().__init__(source, ways)
