"""The generator as a whole: the same for the same arguments, of the size asked for, with every value there is."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.enterprise import generate
from gateway.enterprise.company import PLANS
from gateway.enterprise.deck import Deck
from gateway.enterprise.mint import Mint, checked
from gateway.enterprise.months import add_months
from gateway.enterprise.naming import company_name
from gateway.enterprise.streams import Streams
from tests.growth import growth

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


class TestDeterminism:
    def test_the_same_arguments_make_the_same_enterprise(self, enterprise):
        assert msgspec.msgpack.encode(generate(500, 7, NOW)) == msgspec.msgpack.encode(enterprise)

    def test_another_seed_makes_another(self, enterprise):
        other = generate(500, 8, NOW)
        assert other.crm.accounts != enterprise.crm.accounts
        assert other.billing.invoices != enterprise.billing.invoices

    def test_the_present_is_the_current_hour_unless_given(self):
        present = generate(60).now
        assert (present.minute, present.second, present.microsecond) == (0, 0, 0)
        assert timedelta(0) <= datetime.now(UTC) - present < timedelta(hours=1, minutes=1)

    def test_drawing_more_from_one_topic_leaves_the_others_alone(self):
        quiet, busy = Streams(7), Streams(7)
        for _ in range(100):
            busy("people").random()
        assert busy("deals").random() == quiet("deals").random()
        assert busy("people").random() != quiet("people").random()

    def test_more_accounts_leave_the_landmarks_as_they_are(self, enterprise):
        assert generate(200, 7, NOW).landmarks == enterprise.landmarks


class TestSize:
    def test_there_are_as_many_accounts_as_asked_for(self, enterprise):
        assert len(enterprise.crm.accounts) == 500

    def test_the_smallest_enterprise_has_room_for_the_landmarks(self):
        small = generate(1, 7, NOW)
        assert set(small.landmarks) == set(generate(500, 7, NOW).landmarks)
        assert 70 <= len(small.crm.accounts) < 90

    def test_ten_accounts_have_at_most_a_hundred_invoices(self, enterprise):
        counts = Counter(invoice.customer_id for invoice in enterprise.billing.invoices)
        assert len(enterprise.billing.invoices) / len(enterprise.crm.accounts) < 10
        assert sum(count > 10 for count in counts.values()) / len(enterprise.crm.accounts) < 0.1
        assert max(counts.values()) < 60

    def test_ten_times_the_accounts_take_ten_times_the_work(self):
        assert growth(lambda accounts: generate(accounts, 7, NOW), 100, 1_000) < 30

    def test_a_giant_has_as_many_invoices_as_asked_for(self):
        giant = generate(60, 7, NOW, giant_invoices=1_000)
        account_id = giant.landmarks["ten_thousand_invoices"]
        theirs = [invoice for invoice in giant.billing.invoices if invoice.account_id == account_id]
        assert len(theirs) == 1_000
        assert len({invoice.created_at for invoice in theirs}) == 1_000
        posted = {document.external_id for document in giant.erp.documents}
        assert all(f"stripe:{invoice.id}" in posted for invoice in theirs)

    def test_without_a_giant_there_is_no_such_landmark(self, enterprise):
        assert "ten_thousand_invoices" not in enterprise.landmarks


class TestIds:
    def test_the_check_letters_are_the_crms_own(self):
        assert checked("001D000000IRFma") == "001D000000IRFmaIAH"

    def test_ids_have_the_shapes_of_their_systems(self, any_enterprise):
        crm, billing = any_enterprise.crm, any_enterprise.billing
        shapes = {
            r"001\w{15}": crm.accounts,
            r"003\w{15}": crm.contacts,
            r"005\w{15}": crm.users,
            r"01t\w{15}": crm.products,
            r"800\w{15}": crm.contracts,
            r"006\w{15}": crm.opportunities,
            r"801\w{15}": crm.orders,
            r"550\w{15}": crm.entitlements,
            r"552\w{15}": crm.sla_processes,
            r"500\w{15}": crm.cases,
            r"cus_\w{14}": billing.customers,
            r"sub_\w{16}": billing.subscriptions,
            r"in_\w{16}": billing.invoices,
            r"pi_\w{16}": billing.payments,
            r"cn_\w{16}": billing.credit_notes,
            r"prod_\w{14}": billing.products,
            r"price_\w{16}": billing.prices,
            r"mtr_\w{16}": billing.meters,
            r"feat_\w{16}": billing.features,
            r"ent_\w{16}": billing.entitlements,
            r"\d+": (*any_enterprise.erp.documents, *any_enterprise.erp.customers, *any_enterprise.erp.entities),
        }
        for shape, rows in shapes.items():
            assert not [row.id for row in rows if not re.fullmatch(shape, row.id, re.ASCII)], shape

    def test_crm_ids_carry_their_check_letters(self, enterprise):
        assert all(checked(account.id[:15]) == account.id for account in enterprise.crm.accounts)

    def test_no_id_comes_twice(self, any_enterprise):
        books = (any_enterprise.crm, any_enterprise.billing, any_enterprise.erp, any_enterprise.support)
        for book in books:
            for name in book.__struct_fields__:
                rows = getattr(book, name)
                ids = [row.id for row in rows if hasattr(row, "id")] if isinstance(rows, tuple) else []
                assert len(ids) == len(set(ids)), name

    def test_a_hundred_thousand_billing_ids_are_all_different(self):
        mint = Mint(7)
        assert len({mint.billing("cus", 14) for _ in range(100_000)}) == 100_000


def values(rows: Iterable[object], field: str) -> set[Any]:
    return {getattr(row, field) for row in rows}


class TestEveryValueOccurs:
    def test_in_the_crm(self, enterprise):
        crm = enterprise.crm
        assert values(crm.accounts, "kind") == {"prospect", "customer", "partner", "other"}
        assert values(crm.accounts, "status") == {"prospect", "active", "inactive"}
        assert values(crm.accounts, "region") == {"AMER", "EMEA", "APAC", "LATAM", None}
        assert values(crm.accounts, "restriction") == {"legal_hold", "sanctions", "fraud", None}
        assert values(crm.contacts, "role") == {"business", "billing", "technical", "shipping"}
        assert values(crm.contacts, "support_authority") == {"none", "view", "open", "escalate", "admin"}
        assert values(crm.contracts, "status") == {"draft", "in_approval", "activated", "terminated", "expired"}
        assert values(crm.opportunities, "kind") == {"new", "renewal", "expansion"}
        assert values(crm.opportunities, "stage") == {"prospecting", "proposal", "negotiation", "won", "lost"}
        assert values(crm.orders, "status") == {"draft", "activated", "canceled", "expired"}
        assert values(crm.orders, "reduction") == {True, False}
        assert values(crm.entitlements, "status") == {"active", "expired", "inactive"}
        assert values(crm.entitlements, "coverage") == {"own", "affiliates", "listed"}
        assert values(crm.entitlements, "plan") == set(PLANS)
        assert values(crm.entitlements, "kind") == {"phone", "web"}
        assert {0, 1} <= values(crm.entitlements, "cases_remaining")
        assert values(crm.cases, "status") == {"new", "working", "escalated", "closed"}
        assert values(crm.cases, "priority") == {"high", "medium", "low"}
        assert values(crm.cases, "milestone") == {"compliant", "open_violation", "closed_violation", None}

    def test_in_billing_subscriptions(self, enterprise):
        subscriptions = enterprise.billing.subscriptions
        expected = "incomplete incomplete_expired trialing active past_due canceled unpaid paused"
        assert values(subscriptions, "status") == set(expected.split())
        assert values(subscriptions, "cancel_reason") == {"requested", "payment_failed", "payment_disputed", None}
        assert values(subscriptions, "collection") == {"automatic", "invoice"}
        assert values(subscriptions, "pause") == {"keep_as_draft", "mark_uncollectible", "void", None}
        schedules: set[str | None] = {"not_started", "active", "completed", "released", "canceled", None}
        assert values(subscriptions, "schedule") == schedules
        assert values(subscriptions, "renewal") == {"auto", "manual", "none"}
        assert values(subscriptions, "cancel_at_period_end") == {True, False}
        assert any(row.hold and row.hold_operation and row.hold_notice_at for row in subscriptions)
        assert any(row.pending_change for row in subscriptions)
        assert values(subscriptions, "currency") == {"USD", "EUR", "GBP", "JPY", "KWD"}

    def test_in_billing_documents(self, enterprise):
        billing = enterprise.billing
        assert values(billing.customers, "tax_exempt") == {"none", "exempt", "reverse"}
        assert values(billing.invoices, "status") == {"draft", "open", "paid", "uncollectible", "void"}
        reasons = {"subscription_create", "subscription_cycle", "subscription_update"}
        assert values(billing.invoices, "reason") == reasons
        expected = {"processing", "requires_action", "requires_method", "succeeded", "canceled"}
        assert values(billing.payments, "status") == expected
        disputes = {"needs_response", "under_review", "won", "lost", "warning_needs_response", None}
        assert values(billing.payments, "dispute_status") == disputes
        assert values(billing.payments, "method") == {"card", "sepa_debit", "customer_balance"}
        assert values(billing.credit_notes, "status") == {"issued", "void"}
        assert values(billing.credit_notes, "kind") == {"pre_payment", "post_payment"}
        causes = {"duplicate", "fraudulent", "order_change", "product_unsatisfactory", None}
        assert values(billing.credit_notes, "reason") == causes
        assert values(billing.prices, "interval") == {"day", "week", "month", "year", None}
        assert values(billing.prices, "usage") == {"licensed", "metered"}
        assert values(billing.meters, "aggregation") == {"sum", "count", "last"}

    @pytest.mark.parametrize(
        ("kind", "statuses"),
        {
            "invoice": "open paid pending_approval rejected voided",
            "sales_order": "pending_approval pending_fulfillment cancelled partially_fulfilled "
            "pending_billing_partial pending_billing billed closed",
            "credit_memo": "open applied voided",
            "payment": "unapproved not_deposited deposited voided",
            "write_off": "posted",
        }.items(),
    )
    def test_in_erp_documents(self, enterprise, kind, statuses):
        theirs = [document for document in enterprise.erp.documents if document.kind == kind]
        assert values(theirs, "status") == set(statuses.split())

    def test_in_the_rest_of_the_erp(self, enterprise):
        erp = enterprise.erp
        assert values(erp.customers, "hold") == {"auto", "on", "off"}
        assert values(erp.items, "kind") == {"service", "non_inventory", "kit"}
        assert values(erp.revenue, "state") == {"planned", "in_progress", "completed", "on_hold"}
        assert any(document.disputed for document in erp.documents)

    def test_in_support(self, enterprise):
        support = enterprise.support
        assert values(support.tickets, "status") == {"new", "open", "pending", "hold", "solved", "closed"}
        assert values(support.tickets, "priority") == {"urgent", "high", "normal", "low", None}
        assert values(support.tickets, "kind") == {"problem", "incident", "question", "task", None}
        clocks = [clock for ticket in support.tickets for clock in ticket.slas]
        assert values(clocks, "stage") == {"active", "paused", "achieved"}
        running = [clock for clock in clocks if clock.stage == "active"]
        assert any(clock.breach_at < enterprise.now for clock in running)
        assert any(clock.breach_at > enterprise.now for clock in running)
        assert values(support.users, "role") == {"end-user", "agent", "admin"}
        assert values(support.users, "suspended") == {True, False}
        assert values(support.organizations, "support_plan") == {*PLANS, None}
        assert values(support.organizations, "billing_status") == {"good", "delinquent", "credit_hold", None}

    def test_among_the_contradictions(self, enterprise):
        kinds = {"STATUS", "AMOUNT", "HIERARCHY", "DUPLICATE", "MISSING_RIGHT", "RIGHT_EFFECT", "WRITE_OFF_UNPOSTED"}
        assert values(enterprise.contradictions, "kind") == kinds


class TestSmallParts:
    def test_a_deck_deals_each_card_once_before_chance_decides(self):
        deck = Deck(Streams(7)("cards"), [(1, "rare"), (1000, "usual")])
        assert [deck.draw(), deck.draw()] == ["rare", "usual"]
        assert Counter(deck.draw() for _ in range(100))["usual"] > 90

    def test_a_month_later_is_the_last_day_where_the_month_is_shorter(self):
        assert add_months(datetime(2028, 1, 31, tzinfo=UTC), 1) == datetime(2028, 2, 29, tzinfo=UTC)
        assert add_months(datetime(2026, 1, 15, tzinfo=UTC), -1) == datetime(2025, 12, 15, tzinfo=UTC)

    def test_no_domain_comes_twice(self):
        assert len({company_name(number, "US")[1] for number in range(5_000)}) == 5_000
