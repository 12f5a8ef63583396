"""Every reference leads somewhere, and nothing has happened yet that is still to come."""

from datetime import datetime

from sources.simulation.enterprise import BillInvoice, Enterprise


def ids(rows) -> set:
    return {row.id for row in rows}


class TestReferencesResolve:
    def test_within_the_crm(self, any_enterprise):
        crm = any_enterprise.crm
        accounts, contacts = ids(crm.accounts), ids(crm.contacts)
        by_id = {account.id: account for account in crm.accounts}
        for account in crm.accounts:
            assert account.owner_id in ids(crm.users)
            assert account.parent_id is None or account.parent_id in accounts
            assert account.parent_id != account.id
            winner = by_id.get(account.merged_into_id)
            assert account.merged_into_id is None or (winner and not winner.deleted)
        for contact in crm.contacts:
            assert contact.account_id in accounts
            assert {contact.reports_to_id, contact.authorised_by} <= contacts | {None}
        for order in crm.orders:
            parties = {order.account_id, order.bill_to_id, order.ship_to_id, order.end_customer_id, order.reseller_id}
            assert parties <= accounts | {None}
            assert {line.product_id for line in order.lines} <= ids(crm.products)
            assert order.original_order_id is None or order.original_order_id in ids(crm.orders)
        for right in crm.entitlements:
            assert {right.account_id, *right.covers} <= accounts
            assert right.sla_process_id in ids(crm.sla_processes)

    def test_from_the_crm_to_the_others(self, any_enterprise):
        crm, billing, support = any_enterprise.crm, any_enterprise.billing, any_enterprise.support
        subscriptions, contracts = ids(billing.subscriptions) | {None}, ids(crm.contracts) | {None}
        for account in crm.accounts:
            assert account.billing_id is None or account.billing_id in ids(billing.customers)
            assert account.erp_id is None or account.erp_id in ids(any_enterprise.erp.customers)
        for row in (*crm.contracts, *crm.opportunities, *crm.entitlements):
            assert row.subscription_id in subscriptions
        for row in (*crm.opportunities, *crm.orders, *crm.entitlements):
            assert row.contract_id in contracts
        for case in crm.cases:
            assert int(case.ticket_id) in ids(support.tickets)
            assert case.entitlement_id is None or case.entitlement_id in ids(crm.entitlements)
            assert case.contact_id is None or case.contact_id in ids(crm.contacts)

    def test_within_billing(self, any_enterprise):
        billing = any_enterprise.billing
        customers, prices, payments = ids(billing.customers), ids(billing.prices), ids(billing.payments)
        subscriptions, invoices = ids(billing.subscriptions), ids(billing.invoices)
        items = {item.id for row in billing.subscriptions for item in row.items}
        for row in (
            *billing.subscriptions,
            *billing.invoices,
            *billing.payments,
            *billing.credit_notes,
            *billing.usage,
        ):
            assert row.customer_id in customers
        for row in billing.subscriptions:
            assert {item.price_id for item in row.items} <= prices
            assert row.latest_invoice_id is None or row.latest_invoice_id in invoices
            assert {price_id for price_id, _ in row.pending_change or ()} <= prices
        for invoice in billing.invoices:
            assert invoice.subscription_id in subscriptions
            assert set(invoice.payment_ids) <= payments
            assert {line.price_id for line in invoice.lines} <= prices
            assert {line.subscription_item_id for line in invoice.lines} <= items
        for note in billing.credit_notes:
            assert note.invoice_id in invoices

    def test_in_the_catalogue(self, enterprise):
        billing = enterprise.billing
        for price in billing.prices:
            assert price.product_id in ids(billing.products)
            assert price.meter_id is None or price.meter_id in ids(billing.meters)
        for product in billing.products:
            assert set(product.feature_ids) <= ids(billing.features)
            assert product.default_price_id is None or product.default_price_id in ids(billing.prices)
        codes = {product.code for product in billing.products}
        assert codes == {product.code for product in enterprise.crm.products}
        assert codes == {item.code for item in enterprise.erp.items}

    def test_the_latest_invoice_is_the_newest(self, any_enterprise):
        invoices: dict[str | None, list[BillInvoice]] = {}
        for invoice in any_enterprise.billing.invoices:
            invoices.setdefault(invoice.subscription_id, []).append(invoice)
        for row in any_enterprise.billing.subscriptions:
            newest = max(invoices.get(row.id, []), key=lambda invoice: invoice.created_at, default=None)
            assert row.latest_invoice_id == (newest.id if newest else None)

    def test_features_are_those_of_live_subscriptions(self, any_enterprise):
        billing = any_enterprise.billing
        granted = [(row.customer_id, row.feature_id) for row in billing.entitlements]
        live = {row.customer_id for row in billing.subscriptions if row.status in ("trialing", "active", "past_due")}
        assert len(granted) == len(set(granted))
        assert {customer_id for customer_id, _ in granted} <= live

    def test_within_the_erp(self, any_enterprise):
        erp = any_enterprise.erp
        customers, documents = ids(erp.customers), ids(erp.documents)
        invoices = {row.id for row in erp.documents if row.kind == "invoice"}
        posting = {row.id: row for row in erp.periods if row.posting}
        for customer in erp.customers:
            assert {customer.parent_id, customer.payer_id} <= customers | {None}
            assert customer.entity_id in ids(erp.entities)
        for document in erp.documents:
            assert document.customer_id in customers
            assert {invoice_id for invoice_id, _ in document.applied_to} <= invoices
            assert {line.item_id for line in document.lines} <= ids(erp.items) | {None}
            if document.kind != "sales_order":
                period = posting[document.period_id]
                assert period.start_on <= document.on <= period.end_on
        for row in erp.revenue:
            assert row.customer_id in customers
            assert row.document_id in documents

    def test_an_erp_customers_external_id_begins_with_the_account(self, any_enterprise):
        external = [row.external_id for row in any_enterprise.erp.customers if row.external_id]
        assert {one.split(":")[0] for one in external} <= ids(any_enterprise.crm.accounts)
        assert len(external) == len(set(external))
        assert {one.split(":")[1] for one in external if ":" in one} <= {"US", "DE", "JP"}

    def test_an_erp_documents_external_id_names_what_it_came_from(self, any_enterprise):
        billing = any_enterprise.billing
        sources = {f"stripe:{row.id}" for row in (*billing.invoices, *billing.payments, *billing.credit_notes)}
        sources |= {f"crm:{order.id}" for order in any_enterprise.crm.orders}
        external = [row.external_id for row in any_enterprise.erp.documents if row.external_id]
        assert set(external) <= sources
        assert len(external) == len(set(external))
        assert len(external) < len(any_enterprise.erp.documents)

    def test_within_support_and_back_to_the_crm(self, any_enterprise):
        support, crm = any_enterprise.support, any_enterprise.crm
        organizations, users = ids(support.organizations), ids(support.users)
        for organization in support.organizations:
            assert organization.account_id is None or organization.account_id in ids(crm.accounts)
        for user in support.users:
            assert user.organization_id is None or user.organization_id in organizations
            assert user.contact_id is None or user.contact_id in ids(crm.contacts)
        for ticket in support.tickets:
            assert ticket.organization_id in organizations
            assert {ticket.requester_id} <= users
            assert ticket.assignee_id is None or ticket.assignee_id in users
            assert ticket.group_id is None or ticket.group_id in ids(support.groups)

    def test_landmarks_and_contradictions_name_accounts(self, any_enterprise):
        accounts = ids(any_enterprise.crm.accounts)
        assert set(any_enterprise.landmarks.values()) <= accounts
        assert {row.account_id for row in any_enterprise.contradictions} <= accounts
        assert all(row.left != row.right for row in any_enterprise.contradictions)

    def test_some_customers_elsewhere_are_unknown_to_the_crm(self, enterprise):
        claimed = {account.billing_id for account in enterprise.crm.accounts}
        assert [row for row in enterprise.billing.customers if row.account_id is None and row.id not in claimed]


def instants(enterprise: Enterprise):
    """Every instant at which something is said to have happened."""
    past = ("created_at", "updated_at", "finalized_at", "paid_at", "voided_at", "uncollectible_at", "solved_at", "at")
    for book in (enterprise.crm, enterprise.billing, enterprise.erp, enterprise.support):
        for name in book.__struct_fields__:
            rows = getattr(book, name)
            for row in rows if isinstance(rows, tuple) else ():
                for field in past:
                    if isinstance(value := getattr(row, field, None), datetime):
                        yield name, field, value


class TestTime:
    def test_nothing_has_happened_that_is_still_to_come(self, any_enterprise):
        late = [(name, field) for name, field, at in instants(any_enterprise) if at > any_enterprise.now]
        assert not late

    def test_every_instant_is_utc(self, any_enterprise):
        assert not [name for name, _, at in instants(any_enterprise) if at.utcoffset() is None or at.utcoffset()]

    def test_nothing_is_changed_before_it_is_made(self, any_enterprise):
        rows = (*any_enterprise.crm.accounts, *any_enterprise.crm.orders, *any_enterprise.support.tickets)
        assert not [row for row in (*rows, *any_enterprise.erp.documents) if row.updated_at < row.created_at]

    def test_a_live_subscription_is_in_its_period(self, any_enterprise):
        for row in any_enterprise.billing.subscriptions:
            if row.status in ("active", "past_due", "trialing", "unpaid"):
                assert all(item.period_start <= any_enterprise.now < item.period_end for item in row.items)
            assert (row.status == "canceled") == (row.ended_at is not None)

    def test_no_invoice_is_older_than_the_periods(self, any_enterprise):
        months = (any_enterprise.now - min(row.created_at for row in any_enterprise.billing.invoices)).days / 30
        assert 10 < months < 15
