"""Each landmark is what its name says, in the smallest enterprise and in the ordinary one."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from sources.simulation.enterprise import Enterprise

NAMES = {
    "hero", "delinquent", "credit_hold", "credit_hold_auto", "overdue", "disputed", "merged", "merge_winner",
    "deleted", "prospect", "churned", "yen", "two_entities", "suspended", "unpaid_unrecorded", "renewal_grace",
    "future_start", "pack_one_left", "pack_exhausted", "parent_of_40", "child_with_own_plan", "affiliate_covered",
    "reseller", "end_customer", "sanctions", "ambiguous", "unlinked", "null_everything", "unicode",
    "past_due_in_grace", "past_due_grace_over", "breached_sla", "credit_hold_off", "credit_hold_overdue", "dinar",
}  # fmt: skip


def seen(enterprise: Enterprise, name: str) -> SimpleNamespace:
    """What the four books have of a landmark, by explicit links."""
    key = enterprise.landmarks[name]
    crm, billing, erp, support = enterprise.crm, enterprise.billing, enterprise.erp, enterprise.support
    customers = [row for row in billing.customers if row.account_id == key]
    booked = [row for row in erp.customers if (row.external_id or "").split(":")[0] == key]
    organizations = [row for row in support.organizations if row.account_id == key]
    return SimpleNamespace(
        account=next(row for row in crm.accounts if row.id == key),
        children=[row for row in crm.accounts if row.parent_id == key],
        contacts=[row for row in crm.contacts if row.account_id == key],
        contracts=[row for row in crm.contracts if row.account_id == key],
        opportunities=[row for row in crm.opportunities if row.account_id == key],
        orders=[row for row in crm.orders if row.account_id == key],
        rights=[row for row in crm.entitlements if row.account_id == key],
        cases=[row for row in crm.cases if row.account_id == key],
        customers=customers,
        subscriptions=[row for row in billing.subscriptions if row.account_id == key],
        invoices=[row for row in billing.invoices if row.account_id == key],
        payments=[row for row in billing.payments if row.customer_id in {one.id for one in customers}],
        notes=[row for row in billing.credit_notes if row.customer_id in {one.id for one in customers}],
        features=[row for row in billing.entitlements if row.customer_id in {one.id for one in customers}],
        usage=[row for row in billing.usage if row.customer_id in {one.id for one in customers}],
        booked=booked,
        documents=[row for row in erp.documents if row.customer_id in {one.id for one in booked}],
        organizations=organizations,
        tickets=[row for row in support.tickets if row.organization_id in {one.id for one in organizations}],
    )


@pytest.fixture
def look(any_enterprise):
    return lambda name: seen(any_enterprise, name)


def test_all_landmarks_exist(any_enterprise):
    assert set(any_enterprise.landmarks) == NAMES
    assert len(set(any_enterprise.landmarks.values())) == len(NAMES)


def test_the_hero_is_rich_in_everything(any_enterprise, look):
    hero, now = look("hero"), any_enterprise.now
    empty = [name for name, rows in vars(hero).items() if not rows]
    assert not empty
    assert hero.account.parent_id
    assert len(hero.children) == 2
    assert {contact.role for contact in hero.contacts} == {"business", "billing", "technical", "shipping"}
    assert len({contact.support_authority for contact in hero.contacts}) == 5
    assert len(hero.subscriptions) >= 2
    assert {"open", "paid"} <= {invoice.status for invoice in hero.invoices}
    assert any(invoice.due_at and invoice.due_at < now and invoice.status == "open" for invoice in hero.invoices)
    assert any(payment.refunded for payment in hero.payments)
    assert any(item.quantity is None for row in hero.subscriptions for item in row.items)
    assert any(row.kind == "renewal" and row.stage == "negotiation" for row in hero.opportunities)
    assert any(clock.stage == "active" and clock.breach_at > now for row in hero.tickets for clock in row.slas)
    assert any(order.reduction and order.original_order_id for order in hero.orders)


def test_the_hero_is_in_good_standing_though_an_invoice_is_three_days_late(look):
    hero = look("hero")
    assert not any(customer.delinquent for customer in hero.customers)
    assert 0 < hero.booked[0].days_overdue <= 4
    assert hero.organizations[0].billing_status == "good"
    assert hero.booked[0].balance < hero.booked[0].credit_limit


@pytest.mark.parametrize(("name", "days"), [("delinquent", range(33, 39)), ("overdue", range(9, 12))])
def test_debtors_are_past_due_and_not_on_hold(look, name, days):
    debtor = look(name)
    assert debtor.customers[0].delinquent
    assert debtor.subscriptions[0].status == "past_due"
    assert debtor.booked[0].hold == "auto"
    assert debtor.booked[0].days_overdue in days
    assert debtor.booked[0].overdue_balance > 10
    assert debtor.organizations[0].billing_status == "delinquent"


def test_holds_have_their_reasons(any_enterprise, look):
    assert look("credit_hold").booked[0].hold == "on"
    assert look("credit_hold").organizations[0].billing_status == "credit_hold"
    for name, hold in (("credit_hold_auto", "auto"), ("credit_hold_off", "off")):
        customer = look(name).booked[0]
        assert customer.hold == hold
        assert customer.balance + customer.unbilled_orders >= customer.credit_limit
        assert customer.days_overdue == 0
    old = look("credit_hold_overdue").booked[0]
    assert old.hold == "auto"
    assert old.balance < old.credit_limit
    assert old.days_overdue > any_enterprise.erp.hold_overdue_days
    assert any_enterprise.erp.hold_preference == "enforce"


def test_the_disputed_payment_is_disputed_in_both_systems(look):
    disputed = look("disputed")
    payment = next(payment for payment in disputed.payments if payment.dispute_status == "needs_response")
    document = next(row for row in disputed.documents if row.external_id == f"stripe:{payment.invoice_id}")
    assert document.disputed
    assert payment.dispute_respond_by


def test_a_merged_account_points_to_its_winner_and_keeps_its_customers(look):
    merged, winner = look("merged"), look("merge_winner")
    assert merged.account.merged_into_id == winner.account.id
    assert merged.account.deleted
    assert not winner.account.deleted
    assert not merged.customers[0].deleted
    assert merged.subscriptions[0].status == "active"


def test_lives_end_in_different_ways(look):
    assert look("deleted").account.deleted
    assert look("deleted").customers[0].deleted
    churned = look("churned")
    assert {row.status for row in churned.subscriptions} == {"canceled"}
    assert churned.account.status == "inactive"
    assert not churned.features
    prospect = look("prospect")
    assert prospect.account.kind == prospect.account.status == "prospect"
    assert prospect.opportunities[0].kind == "new"
    assert not prospect.customers
    assert not prospect.booked
    assert look("sanctions").account.restriction == "sanctions"


def test_yen_and_dinar_are_written_with_their_own_decimals(look):
    yen, dinar = look("yen").invoices[-1], look("dinar").invoices[-1]
    assert (yen.currency, yen.entity, yen.total.as_tuple().exponent) == ("JPY", "JP", 0)
    assert (dinar.currency, dinar.total.as_tuple().exponent) == ("KWD", -3)


def test_two_entities_sell_to_one_account_in_two_currencies(look):
    both = look("two_entities")
    assert {(row.entity, row.currency) for row in both.customers} == {("US", "USD"), ("DE", "EUR")}
    assert [row.external_id for row in both.booked] == [both.account.id, f"{both.account.id}:DE"]
    assert {invoice.entity for invoice in both.invoices} == {"US", "DE"}


def test_one_suspension_is_recorded_and_the_other_is_not(any_enterprise, look):
    suspended = look("suspended").subscriptions[0]
    assert suspended.hold
    assert suspended.pause == "keep_as_draft"
    assert suspended.hold_operation
    assert suspended.hold_notice_at < any_enterprise.now
    unrecorded = look("unpaid_unrecorded").subscriptions[0]
    assert (unrecorded.status, unrecorded.hold, unrecorded.hold_operation) == ("unpaid", False, None)


def test_rights_end_and_begin_around_today(any_enterprise, look):
    today = any_enterprise.now.date()
    grace = look("renewal_grace")
    assert grace.rights[0].status == "expired"
    assert timedelta(0) < today - grace.rights[0].end_on <= timedelta(days=30)
    assert grace.opportunities[0].stage == "negotiation"
    assert grace.opportunities[0].subscription_id == grace.subscriptions[0].id
    assert grace.subscriptions[0].schedule == "completed"
    future = look("future_start")
    assert future.rights[0].status == "inactive"
    assert future.rights[0].start_on > today
    assert future.subscriptions[0].start_at > any_enterprise.now
    assert future.subscriptions[0].schedule == "not_started"
    assert not future.invoices


@pytest.mark.parametrize(("name", "left"), [("pack_one_left", 1), ("pack_exhausted", 0)])
def test_packs_are_nearly_or_quite_used_up(look, name, left):
    pack = look(name).rights[0]
    assert (pack.per_incident, pack.cases_total, pack.cases_remaining) == (True, 5, left)


def test_forty_children_share_a_plan_and_one_has_its_own(look):
    parent = look("parent_of_40")
    assert len(parent.children) == 40
    assert (parent.rights[0].coverage, parent.rights[0].plan) == ("affiliates", "premium")
    child = look("child_with_own_plan")
    assert child.account.parent_id == parent.account.id
    assert child.rights[0].plan == child.organizations[0].support_plan == "platinum"
    covered = look("affiliate_covered")
    assert covered.account.parent_id == parent.account.id
    assert not covered.rights
    assert covered.organizations[0].support_plan == "premium"


def test_a_reseller_pays_for_what_its_end_customer_uses(look):
    reseller, end_customer = look("reseller"), look("end_customer")
    subscription, order = reseller.subscriptions[0], reseller.orders[0]
    assert reseller.account.kind == "partner"
    assert subscription.end_customer_id == order.end_customer_id == end_customer.account.id
    assert subscription.reseller_id == order.reseller_id == order.bill_to_id == reseller.account.id
    assert end_customer.rights
    assert not end_customer.customers


def test_an_ambiguous_customer_is_claimed_by_two_accounts_and_names_neither(any_enterprise, look):
    claimed = look("ambiguous").account.billing_id
    assert len([row for row in any_enterprise.crm.accounts if row.billing_id == claimed]) == 2
    assert next(row for row in any_enterprise.billing.customers if row.id == claimed).account_id is None


def test_an_unlinked_account_shares_only_a_domain_with_its_records(any_enterprise, look):
    unlinked = look("unlinked")
    assert not unlinked.customers
    assert not unlinked.booked
    assert not unlinked.organizations
    assert (unlinked.account.billing_id, unlinked.account.erp_id) == (None, None)
    domain = unlinked.account.website.removeprefix("https://www.")
    assert [row for row in any_enterprise.billing.customers if (row.email or "").endswith(f"@{domain}")]
    assert [row for row in any_enterprise.erp.customers if (row.email or "").endswith(f"@{domain}")]
    assert [row for row in any_enterprise.support.organizations if domain in row.domains]


def test_null_everything_has_nothing_that_may_be_absent(look):
    nothing = look("null_everything")
    present = {name for name in nothing.account.__struct_fields__ if getattr(nothing.account, name) is not None}
    required = {"id", "name", "kind", "status", "owner_id", "deleted", "created_at", "updated_at"}
    assert present == required | {"billing_id", "erp_id"}
    assert (nothing.customers[0].name, nothing.customers[0].email, nothing.customers[0].currency) == (None, None, None)
    assert nothing.contacts[0].email is None
    assert (nothing.organizations[0].domains, nothing.organizations[0].region) == ((), None)


def test_unicode_goes_through_all_four_systems(look):
    unicode = look("unicode")
    names = {unicode.account.name, *(row.name for row in (*unicode.customers, *unicode.booked, *unicode.organizations))}
    assert len(names) == 1
    assert {"🚀", "ü", "株", "'"} <= set(names.pop())


@pytest.mark.parametrize(("name", "days"), [("past_due_in_grace", 5), ("past_due_grace_over", 22)])
def test_charges_failed_before_and_after_the_end_of_the_grace(any_enterprise, look, name, days):
    failing = look(name)
    newest = failing.invoices[-1]
    assert failing.subscriptions[0].status == "past_due"
    assert (newest.status, newest.collection, newest.due_at) == ("open", "automatic", None)
    assert newest.attempts > 0
    assert (any_enterprise.now - newest.created_at).days == days
    assert newest.remaining > Decimal(10)


def test_a_promise_was_broken(any_enterprise, look):
    clocks = [clock for ticket in look("breached_sla").tickets for clock in ticket.slas]
    assert any(clock.stage == "active" and clock.breach_at < any_enterprise.now for clock in clocks)
    assert look("breached_sla").cases[0].milestone == "open_violation"
