"""What was written to the ERP is what our own reader then sees there."""

import pytest

from sources import errors
from sources.canonical import (
    BillingProfile,
    CreditHoldOverride,
    CreditMemo,
    OrderStatus,
    Payment,
    PostedInvoice,
    PostedStatus,
    SalesOrder,
    WriteOff,
)
from sources.canonical.commands import (
    Application,
    ApproveSalesOrder,
    CloseSalesOrder,
    CreditPosted,
    PutDebtor,
    SetCredit,
    WriteOffBalance,
)
from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.writer_account import erp
from tests.sources.netsuite.writer_commands import (
    DAY,
    WHO,
    invoice,
    line,
    order,
    placed,
    posted,
    receipt,
    usd,
)

pytestmark = pytest.mark.usefixtures("complaints")


async def test_an_order_waits_is_approved_and_billed_in_full() -> None:
    async with erp() as account:
        key = await placed(account)
        [waiting] = await account.read(SalesOrder, "order", "801Z")
        assert (waiting.key, waiting.status, waiting.total, waiting.subscription_key) == (
            key, OrderStatus.SUBMITTED, usd(2_850), "sub_9",
        )  # fmt: skip
        await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=key), "k-2")
        billed = await account.connector.do(invoice(sales_order_key=key, lines=()), "k-3")
        [order_after] = await account.read(SalesOrder, "key", key)
        [found] = await account.read(PostedInvoice, "invoice", "in_9")
        assert order_after.status is OrderStatus.BILLED
        assert (found.key, found.number, found.status, found.total, found.tax) == (
            billed.key, "X-9", PostedStatus.OPEN, usd(3_085), usd(235),
        )  # fmt: skip
        assert billed.amounts == {"total": usd(3_085), "tax": usd(235)}
        assert billed.parts == {"l1": "1"}


async def test_an_order_is_billed_in_part_by_the_keys_of_its_lines() -> None:
    async with erp() as account:
        made = await account.connector.do(order(lines=(line("a"), line("b", "2", "20"))), "k-1")
        await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=made.key), "k-2")
        part = invoice(sales_order_key=made.key, lines=(line("b", "1", "20"),))
        billed = await account.connector.do(part, "k-3")
        assert (made.parts, billed.amounts["total"] - billed.amounts["tax"]) == ({"a": "1", "b": "2"}, usd(2_000))
        [after] = await account.read(SalesOrder, "key", made.key)
        assert after.status is OrderStatus.PENDING_BILLING
        with pytest.raises(errors.Rejected, match="line `c`"):
            await account.connector.do(invoice(sales_order_key=made.key, issued_key="in_8", lines=(line("c"),)), "k-4")
        with pytest.raises(errors.Locked, match="credit the invoice"):
            await account.connector.do(CloseSalesOrder(**WHO, sales_order_key=made.key), "k-5")


async def test_a_closed_order_is_closed_for_good() -> None:
    async with erp() as account:
        key = await placed(account)
        await account.connector.do(CloseSalesOrder(**WHO, sales_order_key=key), "k-1")
        [closed] = await account.read(SalesOrder, "key", key)
        assert closed.status is OrderStatus.CLOSED
        with pytest.raises(errors.Locked, match="place another one"):
            await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=key), "k-2")


async def test_credits_write_offs_and_receipts_settle_the_invoice_between_them() -> None:
    async with erp() as account:
        key = await posted(account)
        await account.connector.do(
            CreditPosted(**WHO, invoice_key=key, amount=usd(1_000), posted_on=DAY, issued_key="cn_9"), "k-1"
        )
        paid = await account.connector.do(
            receipt(applications=(Application(invoice_key=key, amount=usd(2_000)),)), "k-2"
        )
        await account.connector.do(
            WriteOffBalance(**WHO, invoice_key=key, amount=usd(85), posted_on=DAY, reason="small"), "k-3"
        )
        [credit] = await account.read(CreditMemo, "invoice", "in_9")
        [loss] = await account.read(WriteOff, "invoice", "in_9")
        [money] = await account.read(Payment, "invoice", "in_9")
        [settled] = await account.read(PostedInvoice, "key", key)
        assert (credit.key, credit.total, credit.unapplied) == ("cn_9", usd(1_000), usd(0))
        assert (loss.amount, loss.memo) == (usd(85), "small")
        assert (money.key, money.amount, money.reference) == (paid.key, usd(2_000), "BANK-77")
        assert (settled.status, settled.remaining) == (PostedStatus.PAID, usd(0))


async def test_a_credit_after_payment_stays_on_account() -> None:
    async with erp() as account:
        key = await posted(account)
        await account.connector.do(
            receipt(amount=usd(3_085), applications=(Application(invoice_key=key, amount=usd(3_085)),)), "k-1"
        )
        made = await account.connector.do(
            CreditPosted(**WHO, invoice_key=key, amount=usd(500), posted_on=DAY, issued_key="cn_8"), "k-2"
        )
        [credit] = await account.read(CreditMemo, "key", "cn_8")
        assert (made.amounts["total"], credit.unapplied) == (usd(500), usd(500))


async def test_a_debtor_of_another_entity_is_another_record_of_the_same_account() -> None:
    async with erp() as account:
        given = {**WHO, "account_key": ACME, "name": "Acme KK", "currency": "JPY", "legal_entity": "JP"}
        made = await account.connector.do(PutDebtor(**given, address={"country": "JP", "city": "Tokyo"}), "k-1")
        profiles = await account.read(BillingProfile, "account", ACME)
        assert {each.legal_entity for each in profiles} == {"US", "DE", "JP"}
        assert account.effects("customer.create")[0]["external_id"] == f"{ACME}:JP"
        known = await account.connector.do(PutDebtor(**{**given, "legal_entity": "US", "currency": "USD"}), "k-2")
        assert (known.key, known.replayed) == ("101", True)
        assert made.key not in ("101", "102")
        with pytest.raises(errors.Rejected, match="kept in USD"):
            await account.connector.do(PutDebtor(**{**given, "legal_entity": "US", "currency": "EUR"}), "k-3")


async def test_a_hold_is_put_on_and_taken_back_to_the_rules() -> None:
    async with erp() as account:
        seen = []
        for hold in (True, False):
            await account.connector.do(SetCredit(**WHO, party="101", hold=hold), f"k-{hold}")
            [profile] = await account.read(BillingProfile, "key", "101")
            seen.append(profile.credit_hold_override)
        assert seen == [CreditHoldOverride.ON, CreditHoldOverride.AUTO]
        with pytest.raises(errors.Rejected, match="limit in EUR"):
            await account.connector.do(SetCredit(**WHO, party="102", limit=usd(1)), "k-2")
