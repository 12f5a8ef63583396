"""Several subscriptions of one customer end at once: what else it owes is collected on, whoever is overtaken by whom."""

from collections.abc import Callable

import pytest

from sources.canonical.commands import CancelSubscription, Command, DropSubscription, Ending, ReleaseSubscription
from sources.errors import TimedOut
from sources.vendors.stripe import facts
from sources.vendors.stripe.writers import collecting
from tests.sources.stripe.commands_of import OP, invoice_of, line, preparing, released
from tests.sources.stripe.writing import PLUS, Billing

DAY = 86_400
Making = Callable[[Billing, str], Command]


def dropping(account: Billing, key: str) -> DropSubscription:
    """Of a subscription that was prepared for it."""
    made = account.do(preparing(lines=(line(PLUS),)), f"{key}:prepare").key
    return DropSubscription(subscription_key=made, **OP)


def cancelling(account: Billing, key: str) -> CancelSubscription:
    """At once, of a subscription that runs."""
    made = dropping(account, key).subscription_key
    account.do(ReleaseSubscription(subscription_key=made, **OP), f"{key}:release")
    return CancelSubscription(subscription_key=made, ending=Ending.NOW, **OP)


def half(account: Billing, command: Command, key: str) -> None:
    """It has ended, and nobody has heard of it: nothing is collected on yet."""
    account.wire.loses.append("subscriptions.cancel")
    with pytest.raises(TimedOut):
        account.do(command, key)


def some(account: Billing) -> list[str]:
    """Four open invoices that are collected by themselves."""
    keys = [account.do(preparing(), f"{number}:prepare").key for number in range(4)]
    for key in keys:
        account.do(ReleaseSubscription(subscription_key=key, **OP), f"{key}:release")
    return [invoice_of(account, key).key for key in keys]


def collects(account: Billing, invoice: str) -> bool:
    return bool(account.raw(f"invoices/{invoice}")["auto_advance"])


@pytest.mark.parametrize("lost", [None, "subscriptions.mark", "subscriptions.cancel", "invoices.update"])
@pytest.mark.parametrize("page", [facts.PAGE, 1])
@pytest.mark.parametrize("second", [dropping, cancelling])
@pytest.mark.parametrize("first", [dropping, cancelling])
def test_what_another_end_has_stopped_and_turns_on_again_meanwhile_is_collected_on(
    account: Billing, monkeypatch: pytest.MonkeyPatch, first: Making, second: Making, page: int, lost: str | None
) -> None:
    monkeypatch.setattr(facts, "PAGE", page)
    invoice = invoice_of(account, released(account)).key
    one, other = first(account, "x"), second(account, "y")
    half(account, one, "x:end")
    assert not collects(account, invoice)

    async def meanwhile() -> None:
        await account.connector.do(one, "x:end")
        account.wire.loses += [lost] if lost in ("subscriptions.cancel", "invoices.update") else []

    account.wire.before["subscriptions.cancel"] = meanwhile
    if lost is not None:
        account.wire.loses += [lost] if lost == "subscriptions.mark" else []
        with pytest.raises(TimedOut):
            account.do(other, "y:end")
    account.do(other, "y:end")
    assert account.do(one, "x:end").replayed
    assert account.do(other, "y:end").replayed
    assert collects(account, invoice)


def test_what_somebody_has_stopped_long_after_an_end_stays_so(account: Billing) -> None:
    invoice = invoice_of(account, released(account)).key
    one, other = dropping(account, "x"), dropping(account, "y")
    account.do(one, "x:end")
    account.change(f"invoices/{invoice}", auto_advance="false")
    account.clock.advance(DAY + 60)
    account.do(other, "y:end")
    assert not collects(account, invoice)


def test_what_no_end_has_noted_stays_as_it_is(account: Billing) -> None:
    invoice = invoice_of(account, released(account)).key
    account.change(f"invoices/{invoice}", auto_advance="false")
    one, other = dropping(account, "x"), dropping(account, "y")
    account.do(one, "x:end")
    account.do(other, "y:end")
    assert not collects(account, invoice)


def test_ends_of_others_are_looked_for_only_where_something_is_not_collected(account: Billing) -> None:
    released(account)
    command = dropping(account, "x")
    account.wire.calls.clear()
    account.do(command, "x:end")
    assert "subscriptions.list" not in [each.operation for each in account.wire.calls]


@pytest.mark.parametrize(
    "lost", [None, "invoices.mark", "subscriptions.mark", "subscriptions.cancel", "invoices.update"]
)
@pytest.mark.parametrize("making", [dropping, cancelling])
def test_more_invoices_than_a_subscription_can_remember_are_collected_on(
    account: Billing, monkeypatch: pytest.MonkeyPatch, making: Making, lost: str | None
) -> None:
    monkeypatch.setattr(collecting, "_MOST", 1)
    invoices = some(account)
    stays = invoices.pop()
    account.change(f"invoices/{stays}", auto_advance="false")
    command = making(account, "x")
    if lost is not None:
        account.wire.loses.append(lost)
        with pytest.raises(TimedOut):
            account.do(command, "x:end")
    account.do(command, "x:end")
    assert [collects(account, each) for each in (*invoices, stays)] == [True, True, True, False]
    assert account.do(command, "x:end").replayed
    assert account.kinds()["subscription.cancel"] == 1


def test_more_than_a_subscription_can_remember_are_taken_over_from_another_end(
    account: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_MOST", 1)
    invoices = some(account)
    one, other = dropping(account, "x"), dropping(account, "y")
    half(account, one, "x:end")

    async def meanwhile() -> None:
        await account.connector.do(one, "x:end")

    account.wire.before["subscriptions.cancel"] = meanwhile
    account.do(other, "y:end")
    assert all(collects(account, each) for each in invoices)
