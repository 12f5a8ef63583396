"""Subscriptions that wait: prepared, released, dropped."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sources.canonical import InvoiceStatus, SubscriptionOverlay, SubscriptionStatus, UnitPrice
from sources.canonical.commands import (
    CancelSubscription,
    Collection,
    DropSubscription,
    PauseSubscription,
    PreviewChange,
    ReleaseSubscription,
)
from sources.errors import Contended, Locked, Missing, OutcomeUnknown, Rejected, Remedy, TimedOut
from tests.sources.stripe.commands_of import (
    CHARGED,
    OP,
    invoice_of,
    item_of,
    line,
    prepared,
    preparing,
    released,
    subscription,
    usd,
    waits_for_its_payment,
)
from tests.sources.stripe.writing import ACCOUNT, BAD, BUYER, EURO, GOOD, NOW, OTHER, PLUS, SEAT, Billing


class TestPreparing:
    def test_a_prepared_one_asks_nobody_for_money_however_long_it_waits(self, account: Billing) -> None:
        written = account.do(preparing())
        assert written.amounts == {"total": usd(5_000), "tax": usd(0)}
        assert written.parts == {SEAT: item_of(account, written.key)}
        account.clock.advance(7 * 86_400)
        assert invoice_of(account, written.key).status is InvoiceStatus.DRAFT

    def test_it_belongs_to_the_account_of_its_customer(self, account: Billing) -> None:
        found = subscription(account, prepared(account))
        assert (found.account_key, found.legal_entity, found.status) == (ACCOUNT, "US", SubscriptionStatus.ACTIVE)

    def test_it_says_by_which_order_it_came_and_which_one_it_goes_on_for(self, account: Billing) -> None:
        old = prepared(account)
        new = account.do(preparing(order_key="801A", replaces=old), "op-2:prepare").key
        found = subscription(account, new)
        assert (found.order_key, found.replaces_key) == ("801A", old)
        assert (subscription(account, old).order_key, subscription(account, old).replaces_key) == (None, None)

    def test_a_co_termed_one_turns_with_the_other_and_costs_its_share_until_then(self, account: Billing) -> None:
        anchor = subscription(account, prepared(account))
        assert anchor.period_end
        account.clock.advance(10 * 86_400)
        written = account.do(
            preparing(start_at=NOW + timedelta(days=10), co_term=anchor.key, cycle_at=anchor.period_end), "op-2:prepare"
        )
        found = subscription(account, written.key)
        assert found.period_end == anchor.period_end
        assert SubscriptionOverlay.CO_TERMED in found.overlays
        assert SubscriptionOverlay.CO_TERMED not in anchor.overlays
        assert 3_000 < written.amounts["total"].minor < 3_500, "20 days of a month for 50.00"

    @pytest.mark.parametrize("days", [2, 10, 29])
    def test_one_that_started_days_ago_turns_on_that_day_and_costs_all_of_its_period(
        self, account: Billing, days: int
    ) -> None:
        start = NOW - timedelta(days=days)
        written = account.do(preparing(start_at=start))
        found = subscription(account, written.key)
        assert (found.start_at, found.period_start) == (start, start)
        assert found.period_end == start.replace(month=start.month + 1)
        assert written.amounts["total"] == usd(5_000)

    def test_one_that_starts_later_turns_by_itself(self, account: Billing) -> None:
        later = NOW + timedelta(days=10)
        with pytest.raises(Rejected, match="periods of its own"):
            account.do(preparing(start_at=later, co_term="sub_1", cycle_at=later + timedelta(days=5)))

    def test_one_to_be_charged_is_incomplete_until_it_is_released(self, account: Billing) -> None:
        key = prepared(account, **CHARGED)
        assert subscription(account, key).status is SubscriptionStatus.PENDING_ACTIVATION
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
        written = account.do(ReleaseSubscription(subscription_key=key, **OP))
        assert written.amounts["total"] == usd(5_000)
        assert subscription(account, key).status is SubscriptionStatus.ACTIVE
        assert invoice_of(account, key).status is InvoiceStatus.PAID

    def test_one_that_the_customers_credit_pays_is_released_without_a_charge(self, account: Billing) -> None:
        account.change(f"customers/{BUYER}", balance="-9000")
        key = prepared(account, **CHARGED)
        written = account.do(ReleaseSubscription(subscription_key=key, **OP))
        assert written.amounts["total"] == usd(5_000)
        assert subscription(account, key).status is SubscriptionStatus.ACTIVE
        assert invoice_of(account, key).status is InvoiceStatus.CREDITED

    def test_another_one_whose_change_waits_for_its_payment_is_in_nobodys_way(self, account: Billing) -> None:
        waiting = released(account, **CHARGED)
        waits_for_its_payment(account, waiting)
        assert account.do(preparing(), "op:second").key != waiting

    def test_a_declined_card_is_tried_anew_under_the_same_key_once_it_is_replaced(self, account: Billing) -> None:
        key = prepared(account, **CHARGED)
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": BAD})
        release = ReleaseSubscription(subscription_key=key, **OP)
        with pytest.raises(Rejected):
            account.do(release)
        assert account.find(release) is None
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
        assert not account.do(release).replayed
        assert account.kinds()["invoice.pay"] == 1

    def test_without_a_payment_method_it_is_refused_in_words_that_help(self, account: Billing) -> None:
        release = ReleaseSubscription(subscription_key=prepared(account, **CHARGED), **OP)
        with pytest.raises(Rejected, match="no payment method"):
            account.do(release)
        assert account.find(release) is None

    def test_one_that_has_lapsed_cannot_be_released(self, account: Billing) -> None:
        key = prepared(account, **CHARGED)
        account.clock.advance(30 * 3_600)
        with pytest.raises(Locked, match="prepare it again"):
            account.do(ReleaseSubscription(subscription_key=key, **OP))

    @pytest.mark.parametrize("later", [timedelta(0), timedelta(days=9)])
    def test_an_agreed_price_is_what_is_billed(self, account: Billing, later: timedelta) -> None:
        agreed = msgspec.structs.replace(line(), unit_price=UnitPrice(Decimal("9.50"), "USD"))
        key = prepared(account, lines=(agreed,), start_at=NOW + later)
        account.clock.advance(later.total_seconds() + 86_400)
        account.raw("subscriptions", customer=BUYER)
        key = account.raw(f"subscription_schedules/{key}")["subscription"] if later else key
        found = subscription(account, key)
        assert (found.items[0].price.unit_price, found.mrr) == (UnitPrice(Decimal("9.50"), "USD"), usd(4_750))
        assert invoice_of(account, key).total == usd(4_750)

    def test_the_lists_own_price_needs_no_other(self, account: Billing) -> None:
        agreed = msgspec.structs.replace(line(), unit_price=UnitPrice(Decimal("10.00"), "USD"))
        assert subscription(account, prepared(account, lines=(agreed,))).items[0].price.key == SEAT

    def test_a_price_is_agreed_in_its_own_currency(self, account: Billing) -> None:
        agreed = msgspec.structs.replace(line(), unit_price=UnitPrice(Decimal("9.50"), "EUR"))
        with pytest.raises(Rejected, match="is in `USD`"):
            account.do(preparing(lines=(agreed,)))
        assert not account.kinds()

    def test_one_that_starts_later_begins_by_itself(self, account: Billing) -> None:
        key = prepared(account, start_at=NOW + timedelta(days=9))
        release = ReleaseSubscription(subscription_key=key, **OP)
        with pytest.raises(Contended, match="has not begun"):
            account.do(release, "op:release")
        account.clock.advance(9 * 86_400 + 60)
        done, again = account.do(release, "op:release"), account.do(release, "op:release")
        begun = account.raw(f"subscription_schedules/{key}")
        assert (begun["status"], begun["subscription"], done.replayed) == ("active", done.key, False)
        assert (again.replayed, again.key, again.invoice_key) == (True, done.key, done.invoice_key)
        assert account.raw(f"invoices/{done.invoice_key}")["status"] == "open"
        assert account.kinds()["invoice.finalise"] == 1
        with pytest.raises(Locked, match="was released"):
            account.do(DropSubscription(subscription_key=key, **OP), "op:drop")

    def test_one_whose_plan_was_canceled_is_not_released(self, account: Billing) -> None:
        key = prepared(account, start_at=NOW + timedelta(days=9))
        account.do(DropSubscription(subscription_key=key, **OP), "op:drop")
        account.clock.advance(10 * 86_400)
        with pytest.raises(Locked, match="is `canceled` and has begun nothing"):
            account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release")

    def test_who_is_charged_pays_when_it_begins(self, account: Billing) -> None:
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
        key = prepared(account, **CHARGED, start_at=NOW + timedelta(days=9))
        account.clock.advance(9 * 86_400 + 60)
        done = account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release")
        assert account.raw(f"invoices/{done.invoice_key}")["status"] == "paid"
        assert account.kinds()["invoice.finalise"] == 1
        assert account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release").replayed

    def test_who_cannot_pay_when_it_begins_owes_nothing_once_it_is_dropped(self, account: Billing) -> None:
        key = prepared(account, collection=Collection.CHARGE, due_days=None, start_at=NOW + timedelta(days=9))
        account.clock.advance(9 * 86_400 + 60)
        for _ in range(2):
            with pytest.raises(Rejected, match="no payment method"):
                account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release")
        drop = DropSubscription(subscription_key=key, **OP)
        assert not account.do(drop, "op:drop").replayed
        assert account.do(drop, "op:drop").replayed
        begun = account.raw(f"subscription_schedules/{key}")["released_subscription"]
        found = account.raw(f"subscriptions/{begun}")
        assert found["status"] == "canceled"
        assert account.raw(f"invoices/{found['latest_invoice']}")["status"] == "void"

    def test_what_has_begun_and_billed_nothing_yet_is_dropped(self, account: Billing) -> None:
        key = prepared(account, start_at=NOW + timedelta(days=9))
        account.clock.advance(9 * 86_400 + 60)
        drop = DropSubscription(subscription_key=key, **OP)
        done, again = account.do(drop, "op:drop"), account.do(drop, "op:drop")
        begun = account.raw(f"subscription_schedules/{key}")["released_subscription"]
        assert (account.raw(f"subscriptions/{begun}")["status"], done.replayed, again.replayed) == (
            "canceled", False, True,
        )  # fmt: skip
        assert "invoice.finalise" not in account.kinds()

    def test_what_billing_finalised_before_we_came_is_released_as_it_is(self, account: Billing) -> None:
        key = prepared(account, start_at=NOW + timedelta(days=9))
        account.clock.advance(9 * 86_400 + 2 * 3_600)
        done = account.do(ReleaseSubscription(subscription_key=key, **OP), "op:release")
        assert done.replayed
        assert account.raw(f"invoices/{done.invoice_key}")["status"] == "open"

    def test_what_a_schedule_has_begun_is_changed_and_ended_under_the_schedules_name(self, account: Billing) -> None:
        key = prepared(account, start_at=NOW + timedelta(days=9))
        cancel = CancelSubscription(subscription_key=key, **OP)
        with pytest.raises(Locked, match="has not begun"):
            account.do(cancel, "op:cancel")
        asked: dict[str, Any] = {"party": BUYER, "subscription_key": key, "lines": (line(PLUS, 1),), **OP}
        with pytest.raises(Locked, match="has not begun"):
            account.do(PreviewChange(**asked))
        account.clock.advance(10 * 86_400)
        assert 2_300 < account.do(PreviewChange(**asked)).amounts["proration"].minor < 2_500
        found = account.do(cancel, "op:cancel").key
        assert subscription(account, found).overlays == (SubscriptionOverlay.CANCEL_SCHEDULED,)
        assert account.raw(f"subscription_schedules/{key}")["status"] == "released"
        assert account.do(cancel, "op:cancel").replayed
        assert account.do(PauseSubscription(subscription_key=key, **OP), "op:pause").key == found

    def test_it_is_made_once_though_its_start_has_come_meanwhile(self, account: Billing) -> None:
        command = preparing(start_at=NOW + timedelta(hours=1))
        first = account.do(command)
        account.clock.advance(7_200)
        again = account.do(command)
        assert (again.key, again.replayed) == (first.key, True)
        assert len(account.raw("subscriptions", customer=BUYER, status="all")["data"]) == 1

    def test_what_was_dropped_leaves_no_invoice_to_pay(self, account: Billing) -> None:
        key = prepared(account)
        account.do(DropSubscription(subscription_key=key, **OP), "op:drop")
        assert subscription(account, key).status is SubscriptionStatus.CANCELED
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT
        account.clock.advance(7 * 86_400)
        assert invoice_of(account, key).status is InvoiceStatus.DRAFT

    @pytest.mark.parametrize("collection", Collection)
    @pytest.mark.parametrize("lost", [None, "subscriptions.cancel", "invoices.update"])
    def test_other_invoices_of_the_customer_are_collected_on_when_one_is_dropped(
        self, account: Billing, collection: Collection, lost: str | None
    ) -> None:
        invoice = invoice_of(account, released(account)).key
        assert account.raw(f"invoices/{invoice}")["auto_advance"] is True
        key = account.do(preparing(lines=(line(PLUS),), collection=collection), "x:prepare").key
        command = DropSubscription(subscription_key=key, **OP)
        own = invoice_of(account, key).key
        if lost is not None:
            account.wire.loses.append(lost)
            with pytest.raises(TimedOut):
                account.do(command, "x:drop")
            assert account.find(command, "x:drop") is not None, "it has ended, whatever is left to collect"
        account.do(command, "x:drop")
        assert account.raw(f"invoices/{invoice}")["auto_advance"] is True
        assert account.raw(f"invoices/{own}")["auto_advance"] is False
        assert account.do(command, "x:drop").replayed
        assert account.kinds()["subscription.cancel"] == 1

    def test_what_was_released_cannot_be_dropped(self, account: Billing) -> None:
        with pytest.raises(Locked, match="was released"):
            account.do(DropSubscription(subscription_key=released(account), **OP), "op:drop")

    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({"party": "cus_nobody"}, Missing),
            ({"party": "../x"}, Missing),
            ({"lines": (line("price_none"),)}, Missing),
            ({"lines": (line(quantity=-1),)}, Rejected),
            ({"lines": (line(EURO), line(SEAT))}, Rejected),
        ],
    )
    def test_what_cannot_be_is_refused(self, account: Billing, changes: Any, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            account.do(preparing(**changes))
        assert not account.kinds()

    def test_another_command_under_the_same_key_is_not_done_and_what_came_of_the_first_is_asked(
        self, account: Billing
    ) -> None:
        account.do(preparing(), "op:same")
        with pytest.raises(OutcomeUnknown) as told:
            account.do(preparing(party=OTHER), "op:same")
        assert told.value.remedy is Remedy.READ
        assert account.kinds()["subscription.create"] == 1
