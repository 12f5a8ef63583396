"""Everything adds up: within billing, within the ERP, and between the two except where it is meant not to."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest

from gateway.enterprise.amounts import CURRENCIES, exchange_rate, listed, part, rounded
from gateway.enterprise.documents import RECEIVABLE
from sources.canonical import Money
from sources.simulation.enterprise import Enterprise, ErpDocument

ZERO = Decimal(0)


def local_today(enterprise: Enterprise) -> dict[str, date]:
    return {row.id: enterprise.now.astimezone(ZoneInfo(row.time_zone)).date() for row in enterprise.erp.entities}


def by_customer(enterprise: Enterprise) -> dict[str, list[ErpDocument]]:
    found = defaultdict(list)
    for document in enterprise.erp.documents:
        found[document.customer_id].append(document)
    return found


class TestBilling:
    def test_an_invoice_is_the_sum_of_its_lines(self, any_enterprise):
        for invoice in any_enterprise.billing.invoices:
            assert invoice.subtotal == sum(line.amount for line in invoice.lines)
            assert invoice.tax == sum(line.tax for line in invoice.lines)
            assert invoice.total == invoice.subtotal + invoice.tax

    def test_what_remains_is_what_was_neither_paid_nor_credited(self, any_enterprise):
        for invoice in any_enterprise.billing.invoices:
            assert invoice.remaining == invoice.total - invoice.paid - invoice.credited_before >= 0
            assert invoice.remaining == 0 or invoice.status != "paid"

    def test_a_paid_invoice_was_paid_by_its_payments_or_by_the_bank(self, any_enterprise):
        payments = {payment.id: payment for payment in any_enterprise.billing.payments}
        for invoice in any_enterprise.billing.invoices:
            theirs = [payments[payment_id] for payment_id in invoice.payment_ids]
            through = sum(payment.amount for payment in theirs if payment.status == "succeeded")
            assert invoice.paid == through or (through == 0 and invoice.status == "paid")

    def test_credit_notes_add_up_to_what_an_invoice_says_was_credited(self, any_enterprise):
        noted: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for note in any_enterprise.billing.credit_notes:
            if note.status == "issued":
                noted[note.invoice_id, note.kind] += note.amount
        for invoice in any_enterprise.billing.invoices:
            assert noted[invoice.id, "pre_payment"] == invoice.credited_before
            assert noted[invoice.id, "post_payment"] == invoice.credited_after

    def test_no_more_is_refunded_than_was_paid(self, any_enterprise):
        for payment in any_enterprise.billing.payments:
            assert 0 <= payment.refunded <= payment.amount
            assert bool(payment.refund_ids) == bool(payment.refunded)
            assert (payment.dispute_id is None) == (payment.dispute_status is None)
            assert (payment.failure_code is None) == (payment.status != "requires_method")

    def test_a_customers_balance_is_the_credit_that_was_not_refunded(self, any_enterprise):
        refunded: defaultdict[str, Decimal] = defaultdict(Decimal)
        credited: defaultdict[str, Decimal] = defaultdict(Decimal)
        for payment in any_enterprise.billing.payments:
            refunded[payment.customer_id] += payment.refunded
        for invoice in any_enterprise.billing.invoices:
            credited[invoice.customer_id] += invoice.credited_after
        for customer in any_enterprise.billing.customers:
            assert customer.balance == refunded[customer.id] - credited[customer.id]

    def test_every_amount_can_be_said_in_minor_units(self, any_enterprise):
        for invoice in any_enterprise.billing.invoices:
            assert Money.of(invoice.total, invoice.currency).minor >= 0
            assert Money.of(invoice.tax, invoice.currency).minor >= 0
            assert invoice.currency != "KWD" or Money.of(invoice.total, "KWD").minor % 10 == 0

    def test_metered_lines_bill_what_was_used_in_the_period_before(self, enterprise):
        billing = enterprise.billing
        calls = next(meter.id for meter in billing.meters if meter.event_name == "api_calls")
        prices = {price.id for price in billing.prices if price.meter_id == calls}
        checked = 0
        for row in billing.subscriptions:
            item = next((item for item in row.items if item.price_id in prices), None)
            bills = [one for one in billing.invoices if one.subscription_id == row.id]
            if item is None or len(bills) < 2:
                continue
            start, end = bills[-2].period_start, bills[-2].period_end
            events = [one for one in billing.usage if one.customer_id == row.customer_id and one.meter_id == calls]
            line = next(line for line in bills[-1].lines if line.subscription_item_id == item.id)
            # Two metered subscriptions of one customer share their events.
            assert sum(one.quantity for one in events if start <= one.at < end) >= line.quantity
            checked += 1
        assert checked > 5


class TestErp:
    def test_postings_balance(self, any_enterprise):
        posted = 0
        for document in any_enterprise.erp.documents:
            assert sum(row.debit for row in document.postings) == sum(row.credit for row in document.postings)
            assert all(row.debit >= 0 and row.credit >= 0 for row in document.postings)
            assert len({row.line for row in document.postings}) == len(document.postings)
            posted += bool(document.postings)
        assert posted > len(any_enterprise.erp.documents) / 2

    def test_a_posted_invoice_owes_what_was_not_applied_to_it(self, any_enterprise):
        applied: defaultdict[str, Decimal] = defaultdict(Decimal)
        for document in any_enterprise.erp.documents:
            for invoice_id, amount in document.applied_to:
                applied[invoice_id] += amount
        for document in any_enterprise.erp.documents:
            if document.kind == "invoice" and document.status != "voided":
                assert document.paid == applied[document.id]
                assert document.remaining == document.total - document.paid >= 0
                assert (document.status == "paid") == (document.remaining == 0)

    def test_the_balance_is_open_invoices_less_what_is_unapplied(self, any_enterprise):
        documents = by_customer(any_enterprise)
        for customer in any_enterprise.erp.customers:
            theirs = documents[customer.id]
            open_ = sum((row.remaining for row in theirs if row.kind == "invoice" and row.status == "open"), ZERO)
            unapplied = sum((row.remaining for row in theirs if row.kind in ("payment", "credit_memo")), ZERO)
            assert customer.balance == open_ - unapplied

    def test_the_balance_is_what_the_receivable_account_says(self, any_enterprise):
        documents = by_customer(any_enterprise)
        for customer in any_enterprise.erp.customers:
            rows = [row for document in documents[customer.id] for row in document.postings]
            assert customer.balance == sum((r.debit - r.credit for r in rows if r.account == RECEIVABLE), ZERO)

    def test_what_is_overdue_is_judged_by_the_day_at_the_entitys_seat(self, any_enterprise):
        documents, today = by_customer(any_enterprise), local_today(any_enterprise)
        some = 0
        for customer in any_enterprise.erp.customers:
            late = [
                row
                for row in documents[customer.id]
                if row.kind == "invoice"
                and row.status == "open"
                and row.due_on
                and row.due_on < today[customer.entity_id]
            ]
            assert customer.overdue_balance == sum((row.remaining for row in late), ZERO)
            days = max(((today[customer.entity_id] - row.due_on).days for row in late if row.due_on), default=0)
            assert customer.days_overdue == days
            some += bool(late)
        assert some

    def test_unbilled_orders_are_those_that_wait_for_an_invoice(self, enterprise):
        documents = by_customer(enterprise)
        waiting = {"pending_fulfillment", "partially_fulfilled", "pending_billing_partial", "pending_billing"}
        for customer in enterprise.erp.customers:
            orders = [row for row in documents[customer.id] if row.kind == "sales_order" and row.status in waiting]
            assert (customer.unbilled_orders > 0) == bool(orders)
            assert customer.unbilled_orders <= sum((row.total for row in orders), ZERO)

    def test_revenue_is_either_recognised_or_deferred(self, any_enterprise):
        for row in any_enterprise.erp.revenue:
            assert row.allocated == row.recognised + row.deferred
            assert 0 <= row.recognised <= row.allocated
            assert row.state != "completed" or row.deferred == 0
            assert row.state != "planned" or row.recognised == 0

    def test_a_document_is_the_sum_of_its_lines(self, any_enterprise):
        for document in any_enterprise.erp.documents:
            if document.lines:
                assert document.total == sum(line.amount + line.tax for line in document.lines)

    def test_documents_are_in_the_customers_currency_and_entity(self, any_enterprise):
        customers = {customer.id: customer for customer in any_enterprise.erp.customers}
        for document in any_enterprise.erp.documents:
            customer = customers[document.customer_id]
            assert (document.currency, document.entity_id) == (customer.currency, customer.entity_id)

    def test_old_periods_are_closed_and_the_current_one_is_open(self, any_enterprise):
        today = any_enterprise.now.date()
        months = sorted((row for row in any_enterprise.erp.periods if row.posting), key=lambda row: row.start_on)
        assert len(months) == 24
        current = next(row for row in months if row.start_on <= today <= row.end_on)
        assert not any((current.closed, current.receivables_locked, current.all_locked))
        before = [row for row in months if row.end_on < current.start_on]
        assert [row.closed for row in before[-3:]] == [True, True, False]
        assert all(row.receivables_locked for row in before)
        assert [closed for closed, _ in groupby(row.closed for row in months)] == [True, False]


class TestBetweenThem:
    def test_a_finalised_invoice_is_posted_with_its_total_unless_it_is_a_known_contradiction(self, any_enterprise):
        posted = {row.external_id: row for row in any_enterprise.erp.documents if row.external_id}
        booked = {customer.external_id for customer in any_enterprise.erp.customers}
        known = {(row.kind, row.left.split()[1]) for row in any_enterprise.contradictions}
        compared = 0
        for invoice in any_enterprise.billing.invoices:
            if invoice.finalized_at is None or not invoice.total or invoice.account_id not in booked:
                continue
            document = posted.get(f"stripe:{invoice.id}")
            assert (document is None) == (("MISSING_RIGHT", invoice.id) in known)
            if document:
                assert (document.total != invoice.total) == (("AMOUNT", invoice.id) in known)
                assert document.tax == invoice.tax
                compared += 1
        assert compared > 50

    def test_what_is_open_in_one_is_open_in_the_other_unless_it_is_a_known_contradiction(self, any_enterprise):
        posted = {row.external_id: row for row in any_enterprise.erp.documents if row.external_id}
        known = {row.left.split()[1] for row in any_enterprise.contradictions}
        for invoice in any_enterprise.billing.invoices:
            document = posted.get(f"stripe:{invoice.id}")
            if document is None or invoice.id in known or document.status == "pending_approval":
                continue
            expected = invoice.remaining if invoice.status == "open" else 0
            assert document.remaining == expected

    def test_a_payment_in_the_erp_has_the_amount_of_the_one_in_billing(self, any_enterprise):
        payments = {f"stripe:{payment.id}": payment for payment in any_enterprise.billing.payments}
        notes = {f"stripe:{note.id}": note for note in any_enterprise.billing.credit_notes}
        seen = 0
        for document in any_enterprise.erp.documents:
            there = payments.get(document.external_id) or notes.get(document.external_id)
            if there:
                assert (document.total, document.currency) == (there.amount, there.currency)
                seen += 1
        assert seen > 20


class TestAmounts:
    @pytest.mark.parametrize("currency", CURRENCIES)
    def test_all_of_a_total_is_exactly_the_total(self, currency):
        total = listed(Decimal(45), currency)
        assert part(total, 100, currency) == total
        assert part(total, 40, currency) + part(total, 60, currency) == total

    def test_half_a_coin_is_rounded_up(self):
        assert rounded(Decimal("0.5"), "JPY") == 1
        assert str(rounded(Decimal("1.005"), "EUR")) == "1.01"
        assert str(rounded(Decimal("1.2345"), "KWD")) == "1.230"

    def test_an_exchange_rate_is_what_one_unit_is_worth(self):
        assert exchange_rate("EUR", "EUR") == 1
        assert exchange_rate("JPY", "USD") == Decimal("0.006667")
