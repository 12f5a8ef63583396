"""What Stripe says, as the canonical model says it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import (
    AmendmentKind,
    CreditMemoStatus,
    CreditReason,
    DisputeStatus,
    InvoiceOverlay,
    InvoiceStatus,
    Money,
    PaymentStatus,
    RenewalMode,
    SubscriptionOverlay,
    SubscriptionStatus,
    SuspensionReason,
)
from sources.errors import UnknownValue
from sources.vendors.stripe import wire as w
from sources.vendors.stripe import wire_documents as d
from sources.vendors.stripe.mapping import catalogue, credit_notes, customers, invoices, payments, subscriptions
from sources.vendors.stripe.mapping.amendments import amendments
from sources.vendors.stripe.mapping.origin import Origin, money
from tests.sources.stripe import objects as o
from tests.sources.stripe.objects import DAY, NOW, Object

AT = Origin("billing", datetime.fromtimestamp(NOW, UTC))
SAMPLES = Path(__file__).resolve().parents[3] / "sources/vendors/stripe/samples"
Make = Callable[[Object], Any]


def reads(shape: Any, mapping: Callable[..., Any]) -> Make:
    return lambda row: mapping(msgspec.json.decode(json.dumps(row), type=shape), AT)


subscription = reads(w.Subscription, subscriptions.account_subscription)
invoice = reads(d.Invoice, invoices.invoice)
payment = reads(d.PaymentIntent, payments.payment)
gateway_payment = reads(d.PaymentIntent, payments.gateway_payment)
credit_memo = reads(d.CreditNote, credit_notes.credit_memo)
customer = reads(w.Customer, customers.billing_customer)
price = reads(w.Price, catalogue.price)
product = reads(w.Product, catalogue.product)
meter = reads(w.Meter, catalogue.meter)
refund = reads(d.Refund, lambda row, at: payments.refund(row, "cus_1", "pi_1", at))
dispute = reads(d.Dispute, lambda row, at: payments.dispute(row, "cus_1", "pi_1", at))
invoice_line = reads(d.Line, lambda row, at: invoices.invoice_line(row, "in_1", at))
entitlement = reads(w.ActiveEntitlement, lambda row, at: customers.entitlement(row, "cus_1", at))

KINDS: dict[str, Make] = {
    "subscription": subscription, "invoice": invoice, "payment": payment, "gateway_payment": gateway_payment,
    "credit_memo": credit_memo, "customer": customer, "price": price, "product": product, "meter": meter,
    "refund": refund, "dispute": dispute, "invoice_line": invoice_line, "entitlement": entitlement,
}  # fmt: skip


def said(value: Any) -> Any:
    """A record as a sample writes it: without what is absent."""
    if isinstance(value, dict):
        return {name: said(each) for name, each in value.items() if each not in (None, [], "")}
    return [said(each) for each in value] if isinstance(value, list) else value


def samples() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(SAMPLES.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("case", samples())
def test_a_sample_of_the_wire_becomes_its_canonical_record(case: Any) -> None:
    record = KINDS[case["kind"]](case["wire"])
    assert said(json.loads(msgspec.json.encode(record))) == case["canonical"]


def test_every_kind_of_record_has_a_sample() -> None:
    assert {case.values[0]["kind"] for case in samples()} == set(KINDS)


# ---------------------------------------------------------------- subscriptions


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "incomplete"}, "PENDING_ACTIVATION"),
        ({"status": "incomplete_expired"}, "NEVER_ACTIVATED"),
        ({"status": "trialing"}, "TRIALING"),
        ({"status": "active"}, "ACTIVE"),
        ({"status": "past_due"}, "PAST_DUE"),
        ({"status": "unpaid"}, "SUSPENDED"),
        ({"status": "paused"}, "SUSPENDED"),
        ({"status": "canceled"}, "CANCELED"),
        ({"status": "canceled", "cancellation_details": None}, "CANCELED"),
        ({"status": "canceled", "cancellation_details": {"reason": "cancellation_requested"}}, "CANCELED"),
        ({"status": "canceled", "cancellation_details": {"reason": "canceled_by_retention_policy"}}, "TERMINATED"),
        ({"status": "canceled", "cancellation_details": {"reason": "payment_failed"}}, "TERMINATED"),
        ({"status": "canceled", "cancellation_details": {"reason": "payment_disputed"}}, "TERMINATED"),
        ({"status": "canceled", "schedule": o.schedule("completed")}, "EXPIRED"),
    ],
)
def test_a_subscription_status_is_told_as_one_base_status(fields: Object, status: str) -> None:
    record = subscription(o.subscription(**fields))
    assert record.status == SubscriptionStatus(status)
    assert record.status_evidence[0].raw_value == fields["status"]


def test_unpaid_is_suspended_by_dunning_and_nobody_decided_it() -> None:
    assert subscription(o.subscription(status="unpaid")).suspension == msgspec.convert(
        {"reason": "DUNNING_EXHAUSTED"}, type(subscription(o.subscription(status="unpaid")).suspension)
    )


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (None, "TRIAL_NO_PAYMENT"),
        ("trial_end_without_payment_method", "TRIAL_NO_PAYMENT"),
        ("final_payment_failure", "DUNNING_EXHAUSTED"),
        ("first_payment_failure", "DUNNING_EXHAUSTED"),
        ("pause_requested", "CUSTOMER_REQUEST"),
        ("system", "HOLD"),
    ],
)
def test_paused_says_why_and_since_when_without_an_operation(cause: str | None, reason: str) -> None:
    details = {"paused": {"type": "subscription", "transitioned_at": NOW - DAY, "subscription": {"type": cause}}}
    record = subscription(o.subscription(status="paused", status_details=details if cause else None))
    assert record.suspension.reason == SuspensionReason(reason)
    assert record.suspension.operation is None
    assert (record.suspension.since == AT.as_of - timedelta(days=1)) == (cause is not None)


@pytest.mark.parametrize(("word", "reason"), [("hold", "HOLD"), ("customer_request", "CUSTOMER_REQUEST")])
@pytest.mark.parametrize("status", ["active", "past_due", "trialing", "unpaid"])
def test_a_pause_that_our_metadata_explain_is_a_recorded_suspension(word: str, reason: str, status: str) -> None:
    noted = {"suspension": word, "suspension_operation": "op-1", "suspension_notice_at": "2026-11-20T09:00:00+01:00"}
    record = subscription(
        o.subscription(status=status, pause_collection={"behavior": "void", "resumes_at": None}, metadata=noted)
    )
    assert record.status is SubscriptionStatus.SUSPENDED
    assert record.overlays == ()
    assert record.suspension.reason == SuspensionReason(reason)
    assert record.suspension.operation == "op-1"
    assert record.suspension.notice_sent_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert {each.field for each in record.status_evidence} >= {"subscription.metadata.suspension"}


def test_a_pause_that_is_not_ours_is_an_overlay() -> None:
    record = subscription(o.subscription(pause_collection={"behavior": "keep_as_draft"}))
    assert (record.status, record.overlays) == (
        SubscriptionStatus.ACTIVE,
        (SubscriptionOverlay.COLLECTION_PAUSED,),
    )
    assert record.suspension is None


def test_our_metadata_without_a_pause_suspend_nothing() -> None:
    record = subscription(o.subscription(metadata={"suspension": "hold", "suspension_operation": "op-1"}))
    assert (record.status, record.suspension, record.overlays) == (SubscriptionStatus.ACTIVE, None, ())


def test_a_planned_end_and_a_pending_change_are_overlays() -> None:
    record = subscription(
        o.subscription(cancel_at_period_end=True, pending_update={"expires_at": NOW + DAY, "subscription_items": []})
    )
    assert record.overlays == (SubscriptionOverlay.CANCEL_SCHEDULED, SubscriptionOverlay.AMENDMENT_PENDING)
    assert record.cancel_at == record.period_end == AT.as_of + timedelta(days=20)
    assert record.pending_change


def test_an_ended_subscription_has_no_overlays_and_no_revenue() -> None:
    record = subscription(o.subscription(status="canceled", cancel_at=NOW - DAY, ended_at=NOW - DAY))
    assert (record.overlays, record.mrr) == ((), Money(0, "EUR"))
    assert record.status_since == AT.as_of - timedelta(days=1)


@pytest.mark.parametrize(("word", "mode"), [("auto", "AUTO"), ("manual", "MANUAL"), ("none", "NONE"), (None, "AUTO")])
def test_the_renewal_is_what_our_metadata_say(word: str | None, mode: str) -> None:
    noted = {"renewal": word} if word else {}
    assert subscription(o.subscription(metadata=noted)).renewal_mode == RenewalMode(mode)


def test_the_next_phase_is_the_first_one_to_come() -> None:
    phases = [
        {"start_date": NOW - 5 * DAY, "end_date": NOW + 5 * DAY, "items": []},
        {"start_date": NOW + 35 * DAY, "end_date": None, "items": []},
        {"start_date": NOW + 5 * DAY, "end_date": NOW + 35 * DAY, "items": []},
    ]
    record = subscription(o.subscription(schedule=o.schedule(phases=phases)))
    assert record.next_phase.start == AT.as_of + timedelta(days=5)
    assert record.next_phase.end == AT.as_of + timedelta(days=35)


def test_a_period_lives_on_the_items() -> None:
    items = o.many(o.item(), o.item("si_2", priced=o.price(interval="year"), current_period_end=NOW + 300 * DAY))
    record = subscription(o.subscription(items=items))
    assert record.period_start == AT.as_of - timedelta(days=10)
    assert record.period_end == AT.as_of + timedelta(days=300)


@pytest.mark.parametrize(
    ("after", "kind", "delta"),
    [
        ([o.item(quantity=10)], "UPGRADE", Money(10_000, "EUR")),
        ([o.item(quantity=2)], "DOWNGRADE", Money(-6_000, "EUR")),
        ([o.item(), o.item("si_2", 1, o.price("price_2"))], "ADD", Money(2_000, "EUR")),
        ([o.item(priced=o.price("price_2", "3000"))], "UPGRADE", Money(5_000, "EUR")),
        ([o.item(priced=o.price("price_2", None, billing_scheme="tiered"))], "PRICE_CHANGE", None),
        ([o.item()], "RENEW", Money(0, "EUR")),
    ],
)
def test_a_pending_update_is_an_amendment(after: list[Object], kind: str, delta: Money | None) -> None:
    wire = o.subscription(pending_update={"expires_at": NOW + DAY, "subscription_items": after})
    (record,) = amendments(msgspec.convert(wire, w.Subscription), AT)
    assert (record.kind, record.mrr_delta, record.pending) == (AmendmentKind(kind), delta, True)
    assert (record.key, record.subscription_key, record.documents) == ("sub_1:pending_update", "sub_1", ("in_1",))


def test_phases_to_come_and_the_end_are_amendments() -> None:
    phases = [
        {"start_date": NOW - DAY, "end_date": NOW + DAY, "items": [{"price": "price_1", "quantity": 5}]},
        {"start_date": NOW + DAY, "end_date": NOW + 9 * DAY, "items": [{"price": "price_1", "quantity": 9}]},
        {"start_date": NOW + 9 * DAY, "end_date": NOW + 19 * DAY, "items": []},
    ]
    wire = o.subscription(schedule=o.schedule(phases=phases, end_behavior="cancel"))
    told = list(amendments(msgspec.convert(wire, w.Subscription), AT))
    assert [record.kind for record in told] == [AmendmentKind.UPGRADE, AmendmentKind.RENEW, AmendmentKind.TERMINATE]
    assert told[-1].effective_at == AT.as_of + timedelta(days=19)
    assert told[-1].mrr_delta == Money(-10_000, "EUR")


def test_a_planned_cancellation_is_an_amendment() -> None:
    wire = o.subscription(cancel_at=NOW + 3 * DAY)
    (record,) = amendments(msgspec.convert(wire, w.Subscription), AT)
    assert (record.kind, record.effective_at) == (AmendmentKind.TERMINATE, AT.as_of + timedelta(days=3))


def test_fewer_lines_are_a_removal() -> None:
    items = o.many(o.item(), o.item("si_2", 1, o.price("price_2")))
    wire = o.subscription(items=items, pending_update={"expires_at": NOW, "subscription_items": [o.item()]})
    (record,) = amendments(msgspec.convert(wire, w.Subscription), AT)
    assert record.kind is AmendmentKind.REMOVE


# ---------------------------------------------------------------- invoices


@pytest.mark.parametrize(
    ("fields", "status", "overlays"),
    [
        ({"status": "draft", "number": None}, "DRAFT", ()),
        ({"status": "open"}, "OPEN", ()),
        ({"status": "open", "amount_paid": 4_000}, "PARTIALLY_PAID", ()),
        ({"status": "paid"}, "PAID", ()),
        ({"status": "paid", "total": 0, "amount_paid": 0}, "PAID", ()),
        ({"status": "paid", "amount_paid": 0, "pre_payment_credit_notes_amount": 11_900}, "CREDITED", ()),
        ({"status": "paid", "amount_paid": 0, "starting_balance": -20_000, "ending_balance": -8_100}, "CREDITED", ()),
        ({"status": "paid", "amount_paid": 9_900, "pre_payment_credit_notes_amount": 2_000}, "PAID", ()),
        ({"status": "paid", "post_payment_credit_notes_amount": 11_900}, "PAID", ()),
        ({"status": "uncollectible"}, "OPEN", ("COLLECTION_STOPPED",)),
        ({"status": "uncollectible", "amount_paid": 1}, "PARTIALLY_PAID", ("COLLECTION_STOPPED",)),
        ({"status": "void"}, "VOID", ()),
    ],
)
def test_an_invoice_status_is_a_base_with_overlays(fields: Object, status: str, overlays: tuple[str, ...]) -> None:
    record = invoice(o.invoice(**fields))
    assert record.status == InvoiceStatus(status)
    assert record.overlays == tuple(InvoiceOverlay(each) for each in overlays)
    assert record.status_evidence[0].raw_value == fields["status"]


def test_no_invoice_is_written_off_by_stripe() -> None:
    assert invoices.wire_statuses(frozenset({InvoiceStatus.WRITTEN_OFF})) == frozenset()


def test_a_settlement_tells_cash_from_credit() -> None:
    record = invoice(o.invoice(status="paid", amount_paid=9_900, pre_payment_credit_notes_amount=2_000))
    assert (record.settlement.cash, record.settlement.credit) == (Money(9_900, "EUR"), Money(2_000, "EUR"))
    assert record.total == record.settlement.cash + record.settlement.credit


def test_why_collection_stopped_is_evidence() -> None:
    details = {"uncollectible": {"reason": "subscription_paused"}}
    record = invoice(o.invoice(status="uncollectible", status_details=details))
    assert [(each.field, each.raw_value) for each in record.status_evidence] == [
        ("invoice.status", "uncollectible"),
        ("invoice.status_details.uncollectible.reason", "subscription_paused"),
    ]


def test_a_contested_or_pending_payment_is_an_overlay_and_never_a_base() -> None:
    rows = [o.invoice_payment("pi_1"), o.invoice_payment("pi_2", "open"), o.invoice_payment("pi_3", "canceled")]
    wire = msgspec.convert(o.invoice(amount_paid=100, payments=o.many(*rows)), d.Invoice)
    record = invoices.invoice(wire, AT)
    known = invoices.Underway(frozenset({"pi_1"}), frozenset({"pi_2", "pi_3"}))
    told = invoices.overlaid(record, wire, known)
    assert told.status is InvoiceStatus.PARTIALLY_PAID
    assert told.overlays == (InvoiceOverlay.PAYMENT_PENDING, InvoiceOverlay.DISPUTED)
    assert invoices.overlaid(record, wire, invoices.Underway()) is record


def test_the_legal_entity_is_the_document_s_before_the_source_s() -> None:
    only = msgspec.structs.replace(AT, entity="JP")
    bare = o.invoice(metadata={}, parent=None)
    assert invoice(o.invoice()).legal_entity == "DE"
    assert invoice(bare).legal_entity is None
    assert invoices.invoice(msgspec.convert(bare, d.Invoice), only).legal_entity == "JP"
    assert invoice(o.invoice(metadata={"legal_entity": "US"})).legal_entity == "US"


def test_the_customer_s_link_outranks_what_a_document_noted() -> None:
    linked = msgspec.structs.replace(AT, accounts={"cus_1": "001B"})
    assert invoices.invoice(msgspec.convert(o.invoice(), d.Invoice), linked).account_key == "001B"
    assert invoice(o.invoice()).account_key == "001A"
    assert invoice(o.invoice(metadata={})).account_key == ""
    assert invoice(o.invoice(metadata={})).source_account_id == "cus_1"


@pytest.mark.parametrize(
    ("taxes", "without", "tax"),
    [([{"amount": 100}, {"amount": 50}], None, 150), ([], 1, 0), (None, 10_000, 1_900), (None, None, 0)],
)
def test_tax_is_the_sum_of_taxes_or_what_is_left(taxes: Any, without: int | None, tax: int) -> None:
    record = invoice(o.invoice(total_taxes=taxes, total_excluding_tax=without))
    assert record.tax == Money(tax, "EUR")


def test_a_line_of_a_proration_knows_its_subscription_from_either_shape() -> None:
    details = {"invoice_item": "ii_1", "subscription": "sub_9", "proration": True}
    parent = {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None}
    record = invoice_line(o.line(parent=parent, quantity=None, quantity_decimal="2.5", amount=-500))
    assert (record.subscription_key, record.proration, record.quantity) == ("sub_9", True, Decimal("2.5"))
    assert record.amount == Money(-500, "EUR")


# ---------------------------------------------------------------- payments and what comes of them


@pytest.mark.parametrize(
    ("wire", "disputes", "status"),
    [
        (o.intent(), (), "SUCCEEDED"),
        (o.intent(status="processing"), (), "PENDING"),
        (o.intent(status="requires_action"), (), "PENDING"),
        (o.intent(status="requires_confirmation"), (), "PENDING"),
        (o.intent(status="requires_capture"), (), "PENDING"),
        (o.intent(status="requires_payment_method"), (), "PENDING"),
        (o.intent(status="requires_payment_method", last_payment_error={"code": "card_declined"}), (), "FAILED"),
        (o.intent(status="requires_payment_method", latest_charge=o.charge(status="failed")), (), "FAILED"),
        (
            o.intent(status="requires_payment_method", latest_charge=o.charge(failure_balance_transaction="txn_1")),
            (),
            "REVERSED",
        ),
        (o.intent(status="canceled"), (), "CANCELED"),
        (o.intent(latest_charge=o.charge(amount_refunded=1)), (), "PARTIALLY_REFUNDED"),
        (o.intent(latest_charge=o.charge(amount_refunded=11_900, refunded=True)), (), "REFUNDED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("needs_response",), "DISPUTED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("under_review",), "DISPUTED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("appeal_under_review",), "DISPUTED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("lost",), "DISPUTE_LOST"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("lost", "needs_response"), "DISPUTED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("won",), "SUCCEEDED"),
        (o.intent(latest_charge=o.charge(disputed=True)), ("warning_needs_response",), "SUCCEEDED"),
        (o.intent(latest_charge=o.charge(disputed=True)), None, "DISPUTED"),
        (o.intent(latest_charge="ch_1"), None, "SUCCEEDED"),
    ],
)
def test_a_payment_s_status_is_told_from_intent_charge_and_disputes(wire: Object, disputes: Any, status: str) -> None:
    given_disputes = None if disputes is None else [msgspec.convert(o.dispute(status=s), d.Dispute) for s in disputes]
    record = payments.payment(msgspec.convert(wire, d.PaymentIntent), AT, disputes=given_disputes)
    assert record.status == PaymentStatus(status)


def test_how_much_of_a_payment_is_applied_is_known_only_where_all_of_it_was_read() -> None:
    wire = msgspec.convert(o.intent(), d.PaymentIntent)
    part = msgspec.convert(o.invoice_payment(amount_paid=4_000), d.InvoicePayment)
    whole = msgspec.convert(o.invoice_payment(), d.InvoicePayment)
    waiting = msgspec.convert(o.invoice_payment(status="open"), d.InvoicePayment)
    assert payments.payment(wire, AT, paid=(part,)).applied is None
    assert payments.payment(wire, AT, paid=(whole,)).unapplied == Money(0, "EUR")
    complete = payments.payment(wire, AT, paid=(part, waiting), complete=True)
    assert (complete.applied, complete.unapplied) == (Money(4_000, "EUR"), Money(7_900, "EUR"))
    assert [(each.invoice_key, each.amount) for each in complete.applications] == [("in_1", Money(4_000, "EUR"))]
    assert payments.payment(wire, AT, complete=True).on_account
    assert not payments.payment(wire, AT).on_account


@pytest.mark.parametrize(
    ("fields", "status", "unapplied"),
    [
        ({"kind": "pre_payment"}, "APPLIED", 0),
        ({"kind": "post_payment"}, "OPEN", 2_000),
        ({"kind": "post_payment", "refunds": [{"amount_refunded": 2_000}]}, "APPLIED", 0),
        ({"kind": "post_payment", "refunds": [{"amount_refunded": 500}], "out_of_band_amount": 500}, "OPEN", 1_000),
        ({"kind": "mixed", "pre_payment_amount": 1_500, "post_payment_amount": 500}, "OPEN", 500),
        ({"kind": "pre_payment", "status": "void"}, "VOID", 0),
        ({"kind": "post_payment", "status": "void"}, "VOID", 0),
    ],
)
def test_a_credit_is_open_as_far_as_it_stays_on_the_balance(fields: Object, status: str, unapplied: int) -> None:
    record = credit_memo(o.credit_note(**fields))
    assert (record.status, record.unapplied) == (CreditMemoStatus(status), Money(unapplied, "EUR"))


@pytest.mark.parametrize(
    ("word", "reason"),
    [("duplicate", "BILLING_ERROR"), ("order_change", "RETURN"), ("product_unsatisfactory", "SERVICE_LEVEL")],
)
def test_a_credit_s_reason_is_one_of_ours(word: str, reason: str) -> None:
    assert credit_memo(o.credit_note(reason=word)).reason == CreditReason(reason)


@pytest.mark.parametrize("word", ["fraudulent", None])
def test_a_reason_we_do_not_have_stays_in_the_evidence(word: str | None) -> None:
    record = credit_memo(o.credit_note(reason=word))
    assert record.reason is None
    assert ("credit_note.reason", word or "null") in [(each.field, each.raw_value) for each in record.status_evidence]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("warning_needs_response", "WARNING"), ("warning_under_review", "WARNING"), ("warning_closed", "PREVENTED"),
        ("needs_response", "NEEDS_RESPONSE"), ("under_review", "UNDER_REVIEW"), ("won", "WON"), ("lost", "LOST"),
        ("appeal_needs_response", "NEEDS_RESPONSE"), ("appeal_under_review", "UNDER_REVIEW"), ("prevented", "PREVENTED"),
    ],
)  # fmt: skip
def test_a_dispute_s_status_is_one_of_ours(word: str, status: str) -> None:
    assert dispute(o.dispute(status=word)).status == DisputeStatus(status)


def test_a_dispute_nobody_may_answer_has_no_deadline() -> None:
    assert dispute(o.dispute(evidence_details={"due_by": 0})).respond_by is None


# ---------------------------------------------------------------- money, text, nulls


@pytest.mark.parametrize(
    ("code", "wire", "told"),
    [
        ("eur", 1_050, Money(1_050, "EUR")),
        ("jpy", 1_050, Money(1_050, "JPY")),
        ("kwd", 10_500, Money(10_500, "KWD")),
        ("isk", 50_000, Money(500, "ISK")),
        ("ugx", 50_000, Money(500, "UGX")),
        ("mga", 500, Money(50_000, "MGA")),
        ("usd", -1, Money(-1, "USD")),
    ],
)
def test_an_amount_is_told_in_the_minor_units_of_iso_4217(code: str, wire: int, told: Money) -> None:
    assert money(wire, code, "field") == told


def test_an_amount_that_its_currency_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownValue, match=r"in `invoice.total`") as caught:
        money(550, "isk", "invoice.total")
    assert caught.value.value == 550


def test_a_unit_price_keeps_all_its_decimals() -> None:
    record = price(o.price(amount="0.000000000001", currency="usd"))
    assert record.unit_price.amount == Decimal("0.00000000000001")
    assert price(o.price(amount=None, unit_amount=5, currency="jpy")).unit_price.amount == Decimal(5)


def test_a_price_in_tiers_has_no_unit_price() -> None:
    record = price(o.price(amount=None, billing_scheme="tiered"))
    assert (record.unit_price, record.tiered) == (None, True)


def test_a_credit_balance_is_negative_and_names_are_any_script() -> None:
    record = customer(o.customer(balance=-500, currency="jpy", name="北斗ロボティクス株式会社 🚀", email="ü@例え.jp"))
    assert record.balance == Money(-500, "JPY")
    assert (record.name, record.email) == ("北斗ロボティクス株式会社 🚀", "ü@例え.jp")


def test_a_deleted_customer_is_told_as_deleted() -> None:
    record = customer({"id": "cus_1", "object": "customer", "deleted": True})
    assert (record.deleted, record.account_key, record.balance) == (True, "", None)


@pytest.mark.parametrize(
    ("kind", "row", "needed"),
    [
        ("customer", o.customer(), {"id"}),
        ("product", o.product(), {"id", "name", "active", "created"}),
        ("price", o.price(), {"id", "currency", "product", "billing_scheme", "type", "created", "active"}),
        (
            "subscription",
            o.subscription(),
            {"id", "status", "customer", "currency", "created", "items", "discounts", "cancel_at_period_end"},
        ),
        (
            "payment",
            o.intent(),
            {"id", "amount", "amount_received", "currency", "created", "status", "payment_method_types"},
        ),
        ("refund", o.refund(), {"id", "amount", "currency", "created", "status"}),
        ("dispute", o.dispute(), {"id", "amount", "currency", "created", "status", "charge"}),
        (
            "credit_memo",
            o.credit_note(),
            {"id", "status", "type", "currency", "created", "total", "invoice", "refunds"},
        ),
        ("invoice_line", o.line(), {"id", "amount", "currency"}),
    ],
)
def test_everything_that_may_be_null_may_be_null(kind: str, row: Object, needed: set[str]) -> None:
    nulls = {"deleted": False} | {name: value if name in needed else None for name, value in row.items()}
    nulls.pop("object", None)
    assert KINDS[kind](nulls).key == row["id"]


# ---------------------------------------------------------------- unknown values

PLACES: list[tuple[str, str, Callable[[str], Object]]] = [
    ("subscription", "subscription.status", lambda v: o.subscription(status=v)),
    (
        "subscription",
        "subscription.cancellation_details.reason",
        lambda v: o.subscription(status="canceled", cancellation_details={"reason": v}),
    ),
    ("subscription", "subscription_schedule.status", lambda v: o.subscription(schedule=o.schedule(v))),
    (
        "subscription",
        "subscription.pause_collection.behavior",
        lambda v: o.subscription(pause_collection={"behavior": v}),
    ),
    (
        "subscription",
        "subscription.metadata.suspension",
        lambda v: o.subscription(pause_collection={"behavior": "void"}, metadata={"suspension": v}),
    ),
    ("subscription", "subscription.metadata.renewal", lambda v: o.subscription(metadata={"renewal": v})),
    (
        "subscription",
        "subscription.status_details.paused.subscription.type",
        lambda v: o.subscription(status="paused", status_details={"paused": {"subscription": {"type": v}}}),
    ),
    ("invoice", "invoice.status", lambda v: o.invoice(status=v)),
    ("payment", "payment_intent.status", lambda v: o.intent(status=v)),
    ("gateway_payment", "payment_intent.status", lambda v: o.intent(status=v)),
    ("refund", "refund.status", lambda v: o.refund(status=v)),
    ("dispute", "dispute.status", lambda v: o.dispute(status=v)),
    ("credit_memo", "credit_note.status", lambda v: o.credit_note(status=v)),
    ("credit_memo", "credit_note.type", lambda v: o.credit_note(type=v)),
    ("credit_memo", "credit_note.reason", lambda v: o.credit_note(reason=v)),
    ("customer", "customer.tax_exempt", lambda v: o.customer(tax_exempt=v)),
    ("customer", "currency", lambda v: o.customer(currency=v)),
    ("price", "price.billing_scheme", lambda v: o.price(billing_scheme=v)),
    ("price", "price.type", lambda v: o.price(type=v)),
    ("price", "price.recurring.interval", lambda v: o.price(interval=v)),
    ("price", "price.recurring.usage_type", lambda v: o.price(recurring={"interval": "month", "usage_type": v})),
    ("meter", "billing.meter.status", lambda v: o.meter(status=v)),
    ("meter", "billing.meter.default_aggregation.formula", lambda v: o.meter(default_aggregation={"formula": v})),
]


@pytest.mark.parametrize(("kind", "field", "made"), PLACES, ids=[f"{kind} {field}" for kind, field, _ in PLACES])
@given(tail=st.text(max_size=12))
def test_a_value_no_vocabulary_has_is_named_and_never_guessed(
    kind: str, field: str, made: Callable[[str], Object], tail: str
) -> None:
    value = f"unheard_of_{tail}"
    with pytest.raises(UnknownValue) as caught:
        KINDS[kind](made(value))
    assert (caught.value.vendor, caught.value.field, caught.value.value) == ("stripe", field, value)


@given(word=st.text(min_size=1, max_size=16) | st.sampled_from(sorted(subscriptions.STATUSES)))
def test_every_subscription_status_maps_or_is_unknown(word: str) -> None:
    if word in subscriptions.STATUSES:
        assert subscription(o.subscription(status=word)).status in SubscriptionStatus
        return
    with pytest.raises(UnknownValue) as caught:
        subscription(o.subscription(status=word))
    assert caught.value.value == word


@pytest.mark.parametrize("instant", ["tomorrow", "2026-13-01"])
def test_a_notice_without_an_instant_is_named(instant: str) -> None:
    noted = {"suspension": "hold", "suspension_notice_at": instant}
    with pytest.raises(UnknownValue, match="suspension_notice_at"):
        subscription(o.subscription(pause_collection={"behavior": "void"}, metadata=noted))


@given(seconds=st.integers(253_402_300_800, 2**63 - 1) | st.integers(-(2**63), -70_000_000_000))
def test_an_instant_beyond_the_calendar_is_named(seconds: int) -> None:
    with pytest.raises(UnknownValue) as caught:
        invoice(o.invoice(due_date=seconds))
    assert caught.value.field == "invoice.due_date"
