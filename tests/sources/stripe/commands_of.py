"""Commands for a billing system, and what has to be there before them; `CASES` has one of every kind."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sources.canonical import AccountSubscription, Invoice, Money, SuspensionReason
from sources.canonical.commands import (
    CancelSubscription,
    ChangeSubscription,
    Collection,
    Command,
    CreditInvoice,
    DropSubscription,
    Ending,
    GiveUpInvoice,
    OfferFeature,
    PauseSubscription,
    PrepareSubscription,
    PutCustomer,
    ReleaseSubscription,
    ResumeSubscription,
    ReturnPayment,
    SettleInvoice,
    SubscriptionLine,
    VoidCredit,
    VoidInvoice,
)
from tests.sources.stripe.writing import BAD, BUYER, GOOD, NOW, PLUS, SEAT, Billing

OP: dict[str, Any] = {"operation": "op", "correlation": "req-1"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(price: str = SEAT, quantity: int = 5, item: str | None = None) -> SubscriptionLine:
    return SubscriptionLine(price_key=price, quantity=Decimal(quantity), item_key=item)


def preparing(**changes: Any) -> PrepareSubscription:
    given: dict[str, Any] = {"party": BUYER, "lines": (line(),), "start_at": NOW, **OP}
    return PrepareSubscription(**given | changes)


def prepared(account: Billing, **changes: Any) -> str:
    return account.do(preparing(**changes), "op:prepare").key


def released(account: Billing, **changes: Any) -> str:
    """A subscription that runs; charged ones have been paid."""
    if changes.get("collection") is Collection.CHARGE:
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
    key = prepared(account, **changes)
    account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release")
    return key


def subscription(account: Billing, key: str) -> AccountSubscription:
    [found] = account.read(AccountSubscription, "key", key)
    assert isinstance(found, AccountSubscription)
    return found


def invoice_of(account: Billing, key: str) -> Invoice:
    found = subscription(account, key).latest_invoice_key
    assert found is not None
    [invoice] = account.read(Invoice, "key", found)
    assert isinstance(invoice, Invoice)
    return invoice


def item_of(account: Billing, key: str) -> str:
    return subscription(account, key).items[0].key


def waits_for_its_payment(account: Billing, key: str) -> None:
    """A change of a subscription that is charged was declined, and is kept until somebody pays it."""
    account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": BAD})
    more = {"items[0][id]": item_of(account, key), "items[0][quantity]": "9"}
    more |= {"payment_behavior": "pending_if_incomplete", "proration_behavior": "always_invoice"}
    assert account.change(f"subscriptions/{key}", **more)["pending_update"]


Case = tuple[str, Callable[[Billing], Command]]
CHARGED = {"collection": Collection.CHARGE}


def _put(_account: Billing) -> Command:
    return PutCustomer(
        account_key="001New", name="New GmbH", email="new@new.example", currency="EUR", legal_entity="DE", **OP
    )


def _paid_invoice(account: Billing) -> str:
    return invoice_of(account, released(account, **CHARGED)).key


def _payment_of(account: Billing, invoice: str) -> str:
    [link] = account.raw("invoice_payments", invoice=invoice)["data"]
    return str(link["payment"]["payment_intent"])


def _credit(account: Billing) -> str:
    invoice = invoice_of(account, released(account)).key
    return account.do(CreditInvoice(invoice_key=invoice, amount=usd(700), **OP), "op:credit").key


def _changing(account: Billing, **changes: Any) -> Command:
    key = released(account, **changes)
    lines = (line(PLUS, 7, item_of(account, key)),)
    when = account.clock.now() + timedelta(seconds=1)
    return ChangeSubscription(subscription_key=key, lines=lines, prorate_at=when, **OP)


CASES: list[Case] = [
    ("customer", _put),
    ("prepare", lambda _: preparing()),
    ("prepare a charge", lambda _: preparing(**CHARGED)),
    ("prepare for later", lambda _: preparing(start_at=NOW + timedelta(days=9))),
    ("release", lambda a: ReleaseSubscription(subscription_key=prepared(a), **OP)),
    ("drop", lambda a: DropSubscription(subscription_key=prepared(a), **OP)),
    (
        "drop what comes later",
        lambda a: DropSubscription(subscription_key=prepared(a, start_at=NOW + timedelta(days=9)), **OP),
    ),
    ("change", _changing),
    ("cancel at the end", lambda a: CancelSubscription(subscription_key=released(a), **OP)),
    (
        "cancel on a day",
        lambda a: CancelSubscription(
            subscription_key=released(a), ending=Ending.ON_DATE, on=date(2026, 12, 1), **OP
        ),
    ),
    ("cancel now", lambda a: CancelSubscription(subscription_key=released(a), ending=Ending.NOW, credit=True, **OP)),
    ("pause", lambda a: PauseSubscription(subscription_key=released(a), reason=SuspensionReason.HOLD, **OP)),
    ("resume", lambda a: ResumeSubscription(subscription_key=_paused(a), **OP)),
    ("credit", lambda a: CreditInvoice(invoice_key=invoice_of(a, released(a)).key, amount=usd(700), **OP)),
    ("credit what was paid", lambda a: CreditInvoice(invoice_key=_paid_invoice(a), amount=usd(700), **OP)),
    ("void a credit", lambda a: VoidCredit(credit_key=_credit(a), **OP)),
    ("void an invoice", lambda a: VoidInvoice(invoice_key=invoice_of(a, released(a)).key, **OP)),
    ("settle an invoice", lambda a: SettleInvoice(invoice_key=invoice_of(a, released(a)).key, **OP)),
    ("give an invoice up", lambda a: GiveUpInvoice(invoice_key=invoice_of(a, released(a)).key, **OP)),
    (
        "refund",
        lambda a: ReturnPayment(payment_key=_payment_of(a, _paid_invoice(a)), amount=usd(1_000), reason="asked", **OP),
    ),
    ("offer a feature", lambda _: OfferFeature(product_key="prod_seat", feature="sso", name="Single sign-on", **OP)),
]  # fmt: skip


def _paused(account: Billing) -> str:
    key = released(account)
    account.do(PauseSubscription(subscription_key=key, **OP), "op:pause")
    return key


def writes(command: Command) -> list[str]:
    """The operations of the writes that a command makes, in order."""
    names = {
        "PutCustomer": ["customers.create", "customers.update"],
        "PrepareSubscription": ["subscriptions.create", "invoices.update"],
        "ReleaseSubscription": ["subscriptions.mark", "invoices.finalize"],
        "DropSubscription": ["subscriptions.cancel"],
        "ChangeSubscription": ["subscriptions.change"],
        "CancelSubscription": ["subscriptions.change"],
        "PauseSubscription": ["subscriptions.change"],
        "ResumeSubscription": ["subscriptions.change"],
        "CreditInvoice": ["credit_notes.create"],
        "VoidCredit": ["credit_notes.update", "credit_notes.void"],
        "VoidInvoice": ["invoices.update", "invoices.void"],
        "SettleInvoice": ["invoices.update", "invoices.settle"],
        "GiveUpInvoice": ["invoices.update", "invoices.give_up"],
        "OfferFeature": ["features.create", "features.offer", "features.update"],
        "ReturnPayment": ["refunds.create"],
    }
    if isinstance(command, PrepareSubscription) and command.collection is Collection.CHARGE:
        return ["subscriptions.create"]
    if isinstance(command, PrepareSubscription) and command.start_at > NOW:
        return ["schedules.create"]
    if isinstance(command, DropSubscription) and command.subscription_key.startswith("sub_sched"):
        return ["schedules.cancel"]
    if isinstance(command, CancelSubscription) and command.ending is Ending.NOW:
        return ["subscriptions.mark", "subscriptions.cancel", "invoices.update"]
    return names[type(command).__name__]
