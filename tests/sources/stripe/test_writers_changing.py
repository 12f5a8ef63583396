"""Changes that cost what was shown, ends and pauses."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from sources.canonical import SubscriptionOverlay, SubscriptionStatus, SuspensionReason, UnitPrice
from sources.canonical.commands import (
    CancelSubscription,
    ChangeSubscription,
    Ending,
    PauseSubscription,
    PreviewChange,
    Proration,
    ReleaseSubscription,
    ResumeSubscription,
)
from sources.errors import Locked, Rejected
from tests.sources.stripe.commands_of import (
    CHARGED,
    OP,
    invoice_of,
    item_of,
    line,
    preparing,
    released,
    subscription,
    usd,
    waits_for_its_payment,
)
from tests.sources.stripe.writing import BAD, BUYER, GOOD, METERED, NOW, PLUS, SEAT, Billing


def change(key: str, item: str, quantity: int, price: str = SEAT, **more: Any) -> dict[str, Any]:
    return {"subscription_key": key, "lines": (line(price, quantity, item),), **more, **OP}


class TestChanging:
    @pytest.mark.parametrize("proration", [Proration.NEXT_INVOICE, Proration.INVOICE_NOW])
    @pytest.mark.parametrize(("price", "quantity"), [(SEAT, 9), (SEAT, 1), (PLUS, 5)])
    def test_it_costs_what_was_shown(self, account: Billing, proration: Proration, price: str, quantity: int) -> None:
        key = released(account)
        account.clock.advance(11 * 86_400 + 1_234)
        asked = change(key, item_of(account, key), quantity, price, proration=proration)
        shown = account.do(PreviewChange(party=BUYER, **asked))
        account.clock.advance(600)
        done = account.do(ChangeSubscription(prorate_at=shown.at, **asked), "op:change")
        assert done.amounts["proration"] == shown.amounts["proration"] != usd(0)
        if proration is Proration.INVOICE_NOW:
            assert done.amounts["total"] == shown.amounts["total"] == invoice_of(account, key).total
        assert subscription(account, key).items[0].quantity == quantity

    def test_one_that_waits_for_the_payment_of_a_change_takes_no_other(self, account: Billing) -> None:
        key = released(account, **CHARGED)
        waits_for_its_payment(account, key)
        when = account.clock.now() + timedelta(seconds=1)
        with pytest.raises(Locked, match="waits for its payment"):
            account.do(ChangeSubscription(prorate_at=when, **change(key, item_of(account, key), 3)), "op:change")

    def test_an_item_keeps_the_price_that_was_agreed(self, account: Billing) -> None:
        agreed = msgspec.structs.replace(line(), unit_price=UnitPrice(Decimal("9.50"), "USD"))
        key = released(account, lines=(agreed,))
        [item] = subscription(account, key).items
        asked = change(key, item.key, 7, item.price.key)
        shown = account.do(PreviewChange(party=BUYER, **asked))
        account.do(ChangeSubscription(prorate_at=shown.at, **asked), "op:change")
        assert subscription(account, key).mrr == usd(6_650)

    def test_one_change_after_another_costs_its_own_part_only(self, account: Billing) -> None:
        key = released(account)
        account.clock.advance(86_400)
        first = change(key, item_of(account, key), 6)
        account.do(ChangeSubscription(prorate_at=account.clock.now(), **first), "a")
        account.clock.advance(86_400)
        second = change(key, item_of(account, key), 7)
        shown = account.do(PreviewChange(party=BUYER, **second))
        done = account.do(ChangeSubscription(prorate_at=shown.at, **second), "b")
        assert done.amounts == {"proration": shown.amounts["proration"]}
        assert 0 < shown.amounts["proration"].minor < 1_000

    def test_items_are_added_and_taken_away(self, account: Billing) -> None:
        key = released(account)
        lines = (line(SEAT, 0, item_of(account, key)), line(PLUS, 2))
        when = account.clock.now() + timedelta(seconds=1)
        written = account.do(ChangeSubscription(subscription_key=key, lines=lines, prorate_at=when, **OP))
        assert written.parts == {PLUS: item_of(account, key)}
        assert [each.quantity for each in subscription(account, key).items] == [2]

    def test_a_charge_that_is_declined_changes_nothing(self, account: Billing) -> None:
        key = released(account, **CHARGED)
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": BAD})
        account.clock.advance(86_400)
        asked = change(key, item_of(account, key), 9, proration=Proration.INVOICE_NOW)
        with pytest.raises(Rejected):
            account.do(ChangeSubscription(prorate_at=account.clock.now(), **asked), "op:change")
        assert subscription(account, key).items[0].quantity == 5

    def test_a_declined_charge_is_tried_anew_under_the_same_key(self, account: Billing) -> None:
        key = released(account, **CHARGED)
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": BAD})
        account.clock.advance(86_400)
        asked = change(key, item_of(account, key), 9, proration=Proration.INVOICE_NOW)
        command = ChangeSubscription(prorate_at=account.clock.now(), **asked)
        for _ in range(2):
            with pytest.raises(Rejected):
                account.do(command, "op:change")
        account.change(f"customers/{BUYER}", **{"invoice_settings[default_payment_method]": GOOD})
        assert not account.do(command, "op:change").replayed
        assert subscription(account, key).items[0].quantity == 9
        assert account.do(command, "op:change").replayed

    def test_a_change_stands_though_nobody_can_say_what_it_costs(self, account: Billing) -> None:
        key = released(account)
        account.clock.advance(86_400)
        command = ChangeSubscription(prorate_at=account.clock.now(), **change(key, item_of(account, key), 9))

        async def unable(scope: Scope) -> Response | None:
            refused = JSONResponse({"error": {"type": "invalid_request_error"}}, 400)
            return refused if scope["path"].endswith("/create_preview") else None

        account.app.state.fault = unable
        written, again = (account.do(command, "op:change") for _ in range(2))
        assert (written.amounts, written.replayed, again.amounts, again.replayed) == ({}, False, {}, True)
        account.app.state.fault = None
        assert subscription(account, key).items[0].quantity == 9
        assert account.do(command, "op:change").amounts["proration"].minor > 0

    def test_a_new_item_of_nothing_is_refused_unless_it_is_metered(self, account: Billing) -> None:
        key = released(account)
        account.clock.advance(86_400)
        when = account.clock.now()
        nothing: dict[str, Any] = {"subscription_key": key, "lines": (line(PLUS, 0),), **OP}
        for command in (
            ChangeSubscription(prorate_at=when, **nothing),
            PreviewChange(party=BUYER, **nothing),
            preparing(lines=(line(PLUS, 0),)),
        ):
            with pytest.raises(Rejected, match="quantity"):
                account.do(command, "op:nothing")
        assert len(subscription(account, key).items) == 1
        metered = ChangeSubscription(prorate_at=when, **{**nothing, "lines": (line(METERED, 0),)})
        assert set(account.do(metered, "op:metered").parts) == {SEAT, METERED}

    def test_an_item_of_another_subscription_and_an_ended_one_are_refused(self, account: Billing) -> None:
        key = released(account)
        when = account.clock.now() + timedelta(seconds=1)
        with pytest.raises(Rejected, match="si_none"):
            account.do(ChangeSubscription(prorate_at=when, **change(key, "si_none", 9)), "a")
        item = item_of(account, key)
        account.do(CancelSubscription(subscription_key=key, ending=Ending.NOW, **OP), "b")
        with pytest.raises(Locked):
            account.do(ChangeSubscription(prorate_at=when, **change(key, item, 9)), "c")

    def test_a_preview_of_what_does_not_exist_yet_changes_nothing(self, account: Billing) -> None:
        written = account.do(PreviewChange(party=BUYER, lines=(line(SEAT, 3),), **OP))
        assert (written.amounts["total"], written.key) == (usd(3_000), "")
        assert not account.kinds()

    def test_an_older_key_is_remembered_when_others_came_after_it(self, account: Billing) -> None:
        key = released(account)
        for number in range(4):
            when = account.clock.now() + timedelta(seconds=1)
            account.clock.advance(60)
            command = ChangeSubscription(prorate_at=when, **change(key, item_of(account, key), number + 2))
            account.do(command, f"op:{number}")
        account.clock.advance(2 * 86_400)
        assert account.do(command, "op:0").replayed
        assert subscription(account, key).items[0].quantity == 5


class TestEnding:
    def test_the_end_of_a_period_and_a_day_are_scheduled(self, account: Billing) -> None:
        key = released(account)
        account.do(CancelSubscription(subscription_key=key, **OP), "a")
        found = subscription(account, key)
        assert (found.overlays, found.cancel_at) == ((SubscriptionOverlay.CANCEL_SCHEDULED,), found.period_end)
        account.do(ResumeSubscription(subscription_key=key, **OP), "b")
        assert subscription(account, key).overlays == ()
        on = date(2026, 12, 5)
        account.do(CancelSubscription(subscription_key=key, ending=Ending.ON_DATE, on=on, **OP), "c")
        assert subscription(account, key).cancel_at.date() == on  # type: ignore[union-attr]
        account.do(ResumeSubscription(subscription_key=key, **OP), "d")
        assert subscription(account, key).cancel_at is None

    def test_an_end_on_a_date_needs_one(self, account: Billing) -> None:
        with pytest.raises(Rejected, match="`on`"):
            account.do(CancelSubscription(subscription_key=released(account), ending=Ending.ON_DATE, **OP))

    def test_other_invoices_of_the_customer_are_collected_on(self, account: Billing) -> None:
        other = released(account)
        invoice = invoice_of(account, other).key
        assert account.raw(f"invoices/{invoice}")["auto_advance"] is True
        key = account.do(preparing(lines=(line(PLUS),)), "x:prepare").key
        account.do(ReleaseSubscription(subscription_key=key, **OP), "x:release")
        account.do(CancelSubscription(subscription_key=key, ending=Ending.NOW, **OP), "x:cancel")
        assert account.raw(f"invoices/{invoice}")["auto_advance"] is True
        assert subscription(account, key).status is SubscriptionStatus.CANCELED

    def test_who_has_paid_gets_the_rest_back_when_asked_for(self, account: Billing) -> None:
        key = released(account, **CHARGED)
        account.clock.advance(15 * 86_400)
        account.do(CancelSubscription(subscription_key=key, ending=Ending.NOW, credit=True, **OP), "op:cancel")
        balance = account.raw(f"customers/{BUYER}")["balance"]
        assert -3_000 < balance < -2_000

    def test_an_ended_one_is_not_ended_again_by_somebody_else(self, account: Billing) -> None:
        command = CancelSubscription(subscription_key=released(account), ending=Ending.NOW, **OP)
        account.do(command, "a")
        with pytest.raises(Locked, match="has ended already"):
            account.do(command, "b")
        assert account.do(command, "a").replayed

    def test_a_suspension_is_ours_until_it_is_lifted(self, account: Billing) -> None:
        key = released(account)
        pause = PauseSubscription(
            subscription_key=key, reason=SuspensionReason.HOLD, notice_sent_at=NOW, until=date(2027, 1, 1), **OP
        )
        account.do(pause, "a")
        found = subscription(account, key)
        assert found.status is SubscriptionStatus.SUSPENDED
        assert found.suspension is not None
        assert (found.suspension.reason, found.suspension.operation, found.suspension.notice_sent_at) == (
            SuspensionReason.HOLD, "op", NOW,
        )  # fmt: skip
        account.do(ResumeSubscription(subscription_key=key, **OP), "b")
        assert (subscription(account, key).status, subscription(account, key).suspension) == (
            SubscriptionStatus.ACTIVE, None,
        )  # fmt: skip

    def test_a_pause_without_a_reason_only_stops_collecting(self, account: Billing) -> None:
        key = released(account)
        account.do(PauseSubscription(subscription_key=key, **OP), "a")
        assert subscription(account, key).overlays == (SubscriptionOverlay.COLLECTION_PAUSED,)
        reason = SuspensionReason.DUNNING_EXHAUSTED
        with pytest.raises(Rejected, match="Stripe's own"):
            account.do(PauseSubscription(subscription_key=key, reason=reason, **OP), "b")

    def test_a_pause_is_no_suspension_because_there_was_one_before(self, account: Billing) -> None:
        key = released(account)
        until = NOW.date() + timedelta(days=2)
        suspended = PauseSubscription(
            subscription_key=key, reason=SuspensionReason.HOLD, notice_sent_at=NOW, until=until, **OP
        )
        account.do(suspended, "a")
        account.clock.advance(3 * 86_400)
        assert subscription(account, key).status is SubscriptionStatus.ACTIVE
        account.do(PauseSubscription(subscription_key=key, **OP), "b")
        found = subscription(account, key)
        assert (found.status, found.suspension, found.overlays) == (
            SubscriptionStatus.ACTIVE, None, (SubscriptionOverlay.COLLECTION_PAUSED,),
        )  # fmt: skip
