"""Subscriptions that are there by half, and what time and other people do to them before anybody comes back."""

from datetime import timedelta

import pytest

from sources.canonical import InvoiceStatus, SubscriptionStatus
from sources.canonical.commands import (
    CancelSubscription,
    DropSubscription,
    Ending,
    PauseSubscription,
    ReleaseSubscription,
    VoidInvoice,
)
from sources.errors import Locked
from tests.sources.stripe.commands_of import OP, invoice_of, prepared, preparing, released, subscription
from tests.sources.stripe.writing import BUYER, Billing, Crash

MONTH = 30 * 86_400 + 600  # the draft of the second period is there, and not finalised yet


def unheld(account: Billing) -> None:
    """A subscription whose draft nobody holds: who made it died."""
    account.wire.dies = "invoices.update"
    with pytest.raises(Crash):
        account.do(preparing(), "op:prepare")
    account.wire.dies = None


def later(account: Billing, seconds: float) -> None:
    account.clock.advance(seconds)
    account.raw("subscriptions", customer=BUYER, status="all")  # time passes when somebody asks


class TestHalfMade:
    def test_one_whose_draft_is_not_held_is_found_and_can_be_taken_back(self, account: Billing) -> None:
        unheld(account)
        found = account.find(preparing(), "op:prepare")
        assert found is not None
        account.do(DropSubscription(subscription_key=found.key, **OP), "op:drop")
        later(account, 7_200)
        assert subscription(account, found.key).status is SubscriptionStatus.CANCELED
        assert invoice_of(account, found.key).status is InvoiceStatus.DRAFT

    def test_one_that_was_finalised_before_it_was_held_is_said_each_time(self, account: Billing) -> None:
        unheld(account)
        later(account, 7_200)
        for _ in range(2):
            with pytest.raises(Locked, match="before it could be held"):
                account.do(preparing(), "op:prepare")
        found = account.find(preparing(), "op:prepare")
        assert found is not None
        assert invoice_of(account, found.key).status is InvoiceStatus.OPEN
        with pytest.raises(Locked, match="was released"):
            account.do(DropSubscription(subscription_key=found.key, **OP), "op:drop")

    def test_a_hold_that_comes_too_late_is_refused_and_leaves_no_key(self, account: Billing) -> None:
        async def the_hour_is_over() -> None:
            account.clock.advance(7_200)

        account.wire.before["invoices.update"] = the_hour_is_over
        for _ in range(2):
            with pytest.raises(Locked):
                account.do(preparing(), "op:prepare")

    def test_what_was_held_and_released_by_somebody_stays_prepared(self, account: Billing) -> None:
        key = prepared(account)
        account.do(ReleaseSubscription(subscription_key=key, **OP), "x:release")
        again = account.do(preparing(), "op:prepare")
        assert (again.key, again.replayed) == (key, True)


class TestReleasedBefore:
    release = staticmethod(lambda key: ReleaseSubscription(subscription_key=key, **OP))

    def test_the_draft_of_a_later_period_is_none_of_it(self, account: Billing) -> None:
        key = released(account)
        first = invoice_of(account, key).number
        later(account, MONTH)
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT
        again = account.do(self.release(key), "op:release")
        assert (again.replayed, again.number) == (True, first)
        assert account.find(self.release(key), "op:release") is not None
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT

    def test_the_draft_of_a_pause_stays_held(self, account: Billing) -> None:
        key = released(account)
        account.do(PauseSubscription(subscription_key=key, **OP), "op:pause")
        later(account, MONTH + 7_200)
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT
        assert account.do(self.release(key), "other:release").replayed
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT

    def test_what_was_voided_or_has_ended_since_was_released_by_its_key_and_by_no_other(self, account: Billing) -> None:
        key = released(account)
        account.do(VoidInvoice(invoice_key=invoice_of(account, key).key, **OP), "op:void")
        assert account.do(self.release(key), "op:release").replayed
        account.do(CancelSubscription(subscription_key=key, ending=Ending.NOW, **OP), "op:cancel")
        assert account.do(self.release(key), "op:release").replayed
        assert account.find(self.release(key), "op:release") is not None
        with pytest.raises(Locked):
            account.do(self.release(key), "other:release")

    def test_what_was_released_is_not_dropped_after_a_later_period(self, account: Billing) -> None:
        key = released(account)
        later(account, MONTH)
        with pytest.raises(Locked, match="was released"):
            account.do(DropSubscription(subscription_key=key, **OP), "op:drop")


def test_who_is_refused_because_another_was_quicker_under_the_same_key_is_answered(account: Billing) -> None:
    command = DropSubscription(subscription_key=prepared(account), **OP)

    async def dropped() -> None:
        await account.connector.do(command, "op:drop")

    account.wire.before["subscriptions.cancel"] = dropped
    assert account.do(command, "op:drop").replayed
    assert account.kinds()["subscription.cancel"] == 1


def test_a_start_that_lies_back_is_released_as_any_other(account: Billing) -> None:
    key = account.do(preparing(start_at=account.clock.now() - timedelta(days=3)), "op:prepare").key
    assert not account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release").replayed
    assert invoice_of(account, key).status is InvoiceStatus.OPEN
