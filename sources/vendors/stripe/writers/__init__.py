"""What this billing system can be told to do: each command a deed that happens once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources import canonical as c
from sources.canonical import Record
from sources.canonical import commands as k
from sources.canonical.commands import Command
from sources.deeds import Deeds
from sources.vendors.stripe.client import Client
from sources.vendors.stripe.writers.changing import Changing, Previewing
from sources.vendors.stripe.writers.customers import PuttingCustomer
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import Desk
from sources.vendors.stripe.writers.ending import Cancelling
from sources.vendors.stripe.writers.features import Offering
from sources.vendors.stripe.writers.giving_back import Crediting, Returning, VoidingCredit
from sources.vendors.stripe.writers.invoices import GivingUp, Settling, VoidingInvoice
from sources.vendors.stripe.writers.pausing import Pausing, Resuming
from sources.vendors.stripe.writers.preparing import Preparing
from sources.vendors.stripe.writers.releasing import Dropping, Releasing

_DEEDS: Mapping[type[Command], type[Deed[Any]]] = {
    k.PutCustomer: PuttingCustomer,
    k.PrepareSubscription: Preparing,
    k.ReleaseSubscription: Releasing,
    k.DropSubscription: Dropping,
    k.PreviewChange: Previewing,
    k.ChangeSubscription: Changing,
    k.CancelSubscription: Cancelling,
    k.PauseSubscription: Pausing,
    k.ResumeSubscription: Resuming,
    k.CreditInvoice: Crediting,
    k.VoidCredit: VoidingCredit,
    k.VoidInvoice: VoidingInvoice,
    k.SettleInvoice: Settling,
    k.GiveUpInvoice: GivingUp,
    k.ReturnPayment: Returning,
    k.OfferFeature: Offering,
}

_SUBSCRIBED = (c.AccountSubscription, c.Amendment, c.Invoice)
_SETTLED = (c.Invoice, c.Payment, c.GatewayPayment)
TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {
    k.PutCustomer: (c.BillingCustomer,),
    k.PrepareSubscription: _SUBSCRIBED,
    k.ReleaseSubscription: (*_SUBSCRIBED, c.Entitlement, c.Payment, c.GatewayPayment, c.BillingCustomer),
    k.DropSubscription: _SUBSCRIBED,
    k.PreviewChange: (),
    k.ChangeSubscription: (*_SUBSCRIBED, c.Entitlement, c.Payment, c.GatewayPayment),
    k.CancelSubscription: (*_SUBSCRIBED, c.Entitlement, c.BillingCustomer),
    k.PauseSubscription: _SUBSCRIBED,
    k.ResumeSubscription: _SUBSCRIBED,
    k.CreditInvoice: (c.CreditMemo, c.Refund, c.BillingCustomer, *_SETTLED),
    k.VoidCredit: (c.CreditMemo, c.Invoice),
    k.VoidInvoice: (c.Invoice, c.AccountSubscription),
    k.SettleInvoice: (c.Invoice, c.AccountSubscription, c.BillingCustomer),
    k.GiveUpInvoice: (c.Invoice, c.AccountSubscription),
    k.ReturnPayment: (c.Refund, c.Payment, c.GatewayPayment, c.Invoice),
    k.OfferFeature: (c.Product, c.Entitlement),
}
"""Whose facts a command changes: what is remembered of them is to be forgotten when it was done."""


class StripeWriter(Deeds):
    """Fulfils `sources.ports.Writer` for one account."""

    commands: frozenset[type[Command]] = frozenset(_DEEDS)
    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(self, client: Client) -> None:
        desk = Desk(client)
        super().__init__(desk.name, {command: kind.way(desk) for command, kind in _DEEDS.items()})
