"""The simulated enterprise, vendor-neutral: one book for each of the four systems, as that system tells the story.

A simulator loads its own book only. Ids and cross references are minted once, by whoever makes the enterprise
(`gateway/enterprise`), so that the books refer to each other as real systems do: by the other system's id in a custom
field. Where books disagree, they do so on purpose (`contradictions` lists where). Amounts are Decimal in major units;
instants are UTC datetimes, days are dates. Enumerated texts are listed in the comments, in lower case.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec


class _Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    pass


# ---------------------------------------------------------------- CRM


class User(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    email: str


class CrmAccount(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    kind: str  # prospect, customer, partner, other
    status: str  # prospect, active, inactive
    parent_id: str | None
    owner_id: str
    notes: str | None
    industry: str | None
    region: str | None  # AMER, EMEA, APAC, LATAM
    country: str | None  # ISO alpha-2
    city: str | None
    street: str | None
    postal_code: str | None
    website: str | None
    phone: str | None
    restriction: str | None  # legal_hold, sanctions, fraud
    billing_id: str | None  # customer id in billing, as copied into the CRM (first one)
    erp_id: str | None  # customer id in the ERP, as copied into the CRM (first one)
    merged_into_id: str | None
    deleted: bool
    created_at: datetime
    updated_at: datetime


class CrmContact(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    account_id: str
    first_name: str | None
    last_name: str
    email: str | None
    phone: str | None
    title: str | None
    role: str  # business, billing, technical, shipping
    support_authority: str  # none, view, open, escalate, admin
    authorised_by: str | None
    authorised_until: datetime | None
    reports_to_id: str | None
    deleted: bool
    created_at: datetime
    updated_at: datetime


class CrmProduct(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    price_id: str  # price book entry
    name: str
    code: str
    family: str
    active: bool
    list_price: Decimal
    currency: str
    more_prices: tuple[tuple[str, Decimal], ...] = ()  # list prices in further currencies


class CrmContract(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    number: str
    account_id: str
    status: str  # draft, in_approval, activated, terminated, expired
    start_on: date
    end_on: date
    term_months: int
    subscription_id: str | None  # in billing


class CrmOpportunity(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    account_id: str
    owner_id: str
    name: str
    kind: str  # new, renewal, expansion
    stage: str  # prospecting, proposal, negotiation, won, lost
    amount: Decimal
    currency: str
    close_on: date
    probability: int
    contract_id: str | None
    subscription_id: str | None


class CrmOrderLine(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    product_id: str
    quantity: Decimal
    unit_price: Decimal
    service_on: date
    end_on: date | None


class CrmOrder(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    number: str
    account_id: str
    contract_id: str | None
    status: str  # draft, activated, canceled, expired
    effective_on: date
    end_on: date | None
    currency: str
    lines: tuple[CrmOrderLine, ...]
    reduction: bool
    original_order_id: str | None
    entity: str | None
    bill_to_id: str | None  # account ids
    ship_to_id: str | None
    end_customer_id: str | None
    reseller_id: str | None
    created_at: datetime
    updated_at: datetime
    purchase_order: str | None = None


class CrmSlaProcess(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    plan: str  # standard, premium, platinum
    name: str
    active: bool


class CrmEntitlement(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    account_id: str
    name: str
    kind: str  # phone, web
    plan: str  # standard, premium, platinum
    status: str  # active, expired, inactive
    start_on: date | None
    end_on: date | None
    sla_process_id: str | None
    per_incident: bool
    cases_total: int | None
    cases_remaining: int | None
    coverage: str  # own, affiliates, listed
    covers: tuple[str, ...]  # account ids
    contract_id: str | None
    subscription_id: str | None
    time_zone: str | None


class CrmCase(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    number: str
    account_id: str
    contact_id: str | None
    entitlement_id: str | None
    ticket_id: str | None  # in the support desk
    subject: str
    status: str  # new, working, escalated, closed
    priority: str  # high, medium, low
    escalated: bool
    closed: bool
    stopped: bool
    milestone: str | None  # compliant, open_violation, closed_violation
    sla_start_at: datetime | None
    sla_exit_at: datetime | None
    created_at: datetime
    updated_at: datetime


class CrmBook(msgspec.Struct, frozen=True, kw_only=True):
    users: tuple[User, ...]
    accounts: tuple[CrmAccount, ...]
    contacts: tuple[CrmContact, ...]
    products: tuple[CrmProduct, ...]
    contracts: tuple[CrmContract, ...]
    opportunities: tuple[CrmOpportunity, ...]
    orders: tuple[CrmOrder, ...]
    sla_processes: tuple[CrmSlaProcess, ...]
    entitlements: tuple[CrmEntitlement, ...]
    cases: tuple[CrmCase, ...]


# ---------------------------------------------------------------- billing


class BillCustomer(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    account_id: str | None  # the CRM's account id; None = never linked
    name: str | None
    email: str | None
    entity: str | None  # legal entity code: US, DE, JP
    currency: str | None
    country: str | None
    balance: Decimal  # negative = credit
    delinquent: bool
    tax_exempt: str  # none, exempt, reverse
    deleted: bool
    created_at: datetime


class BillFeature(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    lookup_key: str


class BillProduct(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    code: str
    description: str | None
    unit_label: str | None
    tax_code: str | None
    active: bool
    default_price_id: str | None
    feature_ids: tuple[str, ...]
    created_at: datetime


class BillPrice(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    product_id: str
    active: bool
    currency: str
    unit_amount: Decimal | None  # major units; None = tiered
    interval: str | None  # day, week, month, year; None = one-time
    interval_count: int
    usage: str  # licensed, metered
    meter_id: str | None
    lookup_key: str | None
    nickname: str | None
    created_at: datetime


class BillMeter(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    event_name: str
    aggregation: str  # sum, count, last
    active: bool


class BillUsage(_Entry, frozen=True, gc=False, kw_only=True):
    customer_id: str
    meter_id: str
    at: datetime
    quantity: Decimal
    identifier: str


class BillItem(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    price_id: str
    quantity: int | None
    period_start: datetime
    period_end: datetime


class BillSubscription(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    customer_id: str
    account_id: str | None  # the CRM's account id, copied
    entity: str | None
    status: str  # incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid, paused
    items: tuple[BillItem, ...]
    currency: str
    start_at: datetime
    trial_end: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    ended_at: datetime | None
    cancel_reason: str | None  # requested, payment_failed, payment_disputed
    collection: str  # automatic, invoice
    days_until_due: int | None
    latest_invoice_id: str | None
    pause: str | None  # keep_as_draft, mark_uncollectible, void
    hold: bool  # a pause that is our own suspension
    hold_notice_at: datetime | None
    hold_operation: str | None
    pending_change: tuple[tuple[str, int], ...] | None  # (price id, quantity) lines waiting for payment
    schedule: str | None  # not_started, active, completed, released, canceled
    schedule_phases: tuple[tuple[datetime, datetime | None], ...]
    renewal: str  # auto, manual, none
    end_customer_id: str | None  # CRM account ids
    reseller_id: str | None
    created_at: datetime


class BillLine(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    description: str
    amount: Decimal  # without tax
    tax: Decimal
    quantity: int | None
    price_id: str | None
    subscription_id: str | None
    subscription_item_id: str | None
    proration: bool
    period_start: datetime
    period_end: datetime


class BillPayment(_Entry, frozen=True, gc=False, kw_only=True):
    """One payment attempt with its outcome; a charge exists when `status` is succeeded, failed or disputed."""

    id: str  # payment intent
    charge_id: str | None
    customer_id: str
    invoice_id: str | None
    amount: Decimal
    currency: str
    status: str  # processing, requires_action, requires_method, succeeded, canceled
    failure_code: str | None
    refunded: Decimal
    refund_ids: tuple[str, ...]  # one refund of `refunded` in all when one id
    dispute_id: str | None
    dispute_status: str | None  # needs_response, under_review, won, lost, warning_needs_response
    dispute_reason: str | None
    dispute_respond_by: datetime | None
    method: str  # card, sepa_debit, customer_balance
    created_at: datetime


class BillInvoice(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    number: str | None
    customer_id: str
    account_id: str | None
    entity: str | None
    subscription_id: str | None
    status: str  # draft, open, paid, uncollectible, void
    currency: str
    lines: tuple[BillLine, ...]
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal
    remaining: Decimal
    credited_before: Decimal  # credit notes before payment
    credited_after: Decimal
    collection: str  # automatic, invoice
    reason: str  # subscription_create, subscription_cycle, subscription_update, manual
    due_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    uncollectible_at: datetime | None
    period_start: datetime
    period_end: datetime
    payment_ids: tuple[str, ...]
    created_at: datetime


class BillCreditNote(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    number: str
    invoice_id: str
    customer_id: str
    status: str  # issued, void
    kind: str  # pre_payment, post_payment
    amount: Decimal
    currency: str
    reason: str | None  # duplicate, fraudulent, order_change, product_unsatisfactory
    case_id: str | None  # support ticket
    memo: str | None
    created_at: datetime


class BillEntitlement(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    customer_id: str
    feature_id: str


class BillingBook(msgspec.Struct, frozen=True, kw_only=True):
    customers: tuple[BillCustomer, ...]
    features: tuple[BillFeature, ...]
    products: tuple[BillProduct, ...]
    prices: tuple[BillPrice, ...]
    meters: tuple[BillMeter, ...]
    usage: tuple[BillUsage, ...]
    subscriptions: tuple[BillSubscription, ...]
    invoices: tuple[BillInvoice, ...]
    payments: tuple[BillPayment, ...]
    credit_notes: tuple[BillCreditNote, ...]
    entitlements: tuple[BillEntitlement, ...]


# ---------------------------------------------------------------- ERP


class ErpEntity(_Entry, frozen=True, gc=False, kw_only=True):
    id: str  # subsidiary id
    code: str  # US, DE, JP
    name: str
    country: str
    currency: str
    time_zone: str
    parent_id: str | None
    tax_number: str | None


class ErpPeriod(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    name: str
    start_on: date
    end_on: date
    closed: bool
    receivables_locked: bool
    all_locked: bool
    posting: bool  # False for quarters and years


class ErpRate(_Entry, frozen=True, gc=False, kw_only=True):
    """What one unit of a currency is worth in a base currency, from a day on."""

    id: str
    base: str
    currency: str
    effective_on: date
    rate: Decimal


class ErpCustomer(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    external_id: str | None  # the CRM's account id; a second customer of one account: `{account id}:{entity code}`
    number: str
    name: str
    parent_id: str | None
    payer_id: str | None
    entity_id: str
    currency: str
    inactive: bool
    terms: str | None
    credit_limit: Decimal | None
    hold: str  # auto, on, off
    balance: Decimal
    overdue_balance: Decimal
    unbilled_orders: Decimal
    days_overdue: int
    tax_number: str | None
    nexus: str | None
    tax_exempt: bool
    exemption_reason: str | None
    reverse_charge: bool
    country: str | None
    email: str | None
    updated_at: datetime


class ErpCatalogItem(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    code: str  # product code
    name: str
    kind: str  # service, non_inventory, kit
    inactive: bool
    tax_schedule: str | None
    revenue_rule: str | None


class ErpDocumentLine(_Entry, frozen=True, gc=False, kw_only=True):
    number: int
    item_id: str | None
    quantity: Decimal | None
    rate: Decimal | None
    amount: Decimal
    tax: Decimal


class ErpPosting(_Entry, frozen=True, gc=False, kw_only=True):
    line: int
    account: str  # ledger account name
    debit: Decimal
    credit: Decimal


class ErpDocument(_Entry, frozen=True, gc=False, kw_only=True):
    """A transaction: invoice, sales order, credit memo, payment, write-off."""

    id: str
    kind: str  # invoice, sales_order, credit_memo, payment, write_off
    external_id: str | None  # stripe:in_1, stripe:cn_1, stripe:pi_1, crm:801..., gw:...
    number: str
    customer_id: str
    entity_id: str
    currency: str
    exchange_rate: Decimal
    # invoice: open paid pending_approval rejected voided; sales_order: pending_approval pending_fulfillment cancelled
    # partially_fulfilled pending_billing_partial pending_billing billed closed; credit_memo: open applied voided;
    # payment: unapproved not_deposited deposited voided; write_off: posted
    status: str
    on: date
    due_on: date | None
    period_id: str | None
    total: Decimal
    tax: Decimal
    paid: Decimal
    remaining: Decimal  # of an invoice; unapplied of a credit memo or payment
    disputed: bool
    lines: tuple[ErpDocumentLine, ...]
    applied_to: tuple[tuple[str, Decimal], ...]  # (ERP invoice id, amount), of payments, credits, write-offs
    postings: tuple[ErpPosting, ...]
    subscription_id: str | None  # billing's id
    memo: str | None
    reference: str | None
    created_at: datetime
    updated_at: datetime


class ErpRevenue(_Entry, frozen=True, gc=False, kw_only=True):
    id: str
    customer_id: str
    entity_id: str
    document_id: str | None
    subscription_id: str | None
    obligation: str
    method: str
    state: str  # planned, in_progress, completed, on_hold
    start_on: date
    end_on: date
    allocated: Decimal
    recognised: Decimal
    deferred: Decimal
    currency: str
    block_reason: str | None


class ErpBook(msgspec.Struct, frozen=True, kw_only=True):
    entities: tuple[ErpEntity, ...]
    periods: tuple[ErpPeriod, ...]
    customers: tuple[ErpCustomer, ...]
    items: tuple[ErpCatalogItem, ...]
    documents: tuple[ErpDocument, ...]
    revenue: tuple[ErpRevenue, ...]
    hold_preference: str  # enforce, warn, ignore
    hold_overdue_days: int
    rates: tuple[ErpRate, ...] = ()


# ---------------------------------------------------------------- support


class DeskPlanTarget(_Entry, frozen=True, gc=False, kw_only=True):
    priority: str  # urgent, high, normal, low
    metric: str  # first_reply_time, next_reply_time, requester_wait_time, ...
    minutes: int
    business_hours: bool


class DeskPolicy(_Entry, frozen=True, gc=False, kw_only=True):
    id: int
    plan: str  # value of the organization's support_plan
    title: str
    position: int
    targets: tuple[DeskPlanTarget, ...]


class DeskOrganization(_Entry, frozen=True, gc=False, kw_only=True):
    id: int
    account_id: str | None  # the CRM's account id
    name: str
    domains: tuple[str, ...]
    support_plan: str | None
    billing_status: str | None
    region: str | None
    arr: Decimal | None
    tags: tuple[str, ...]
    notes: str | None
    created_at: datetime
    updated_at: datetime


class DeskUser(_Entry, frozen=True, gc=False, kw_only=True):
    id: int
    contact_id: str | None  # the CRM's contact id
    name: str
    email: str | None
    role: str  # end-user, agent, admin
    organization_id: int | None
    phone: str | None
    suspended: bool
    created_at: datetime
    updated_at: datetime


class DeskGroup(_Entry, frozen=True, gc=False, kw_only=True):
    id: int
    name: str


class DeskSla(_Entry, frozen=True, gc=False, kw_only=True):
    metric: str
    stage: str  # active, paused, achieved
    breach_at: datetime | None


class DeskTicket(_Entry, frozen=True, gc=False, kw_only=True):
    id: int
    account_external_id: str | None  # external_id of the ticket, e.g. an operation's id
    organization_id: int | None
    requester_id: int
    assignee_id: int | None
    group_id: int | None
    subject: str
    description: str
    status: str  # new, open, pending, hold, solved, closed
    priority: str | None  # urgent, high, normal, low
    kind: str | None  # problem, incident, question, task
    tags: tuple[str, ...]
    slas: tuple[DeskSla, ...]
    reopens: int
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None


class SupportBook(msgspec.Struct, frozen=True, kw_only=True):
    policies: tuple[DeskPolicy, ...]
    groups: tuple[DeskGroup, ...]
    organizations: tuple[DeskOrganization, ...]
    users: tuple[DeskUser, ...]
    tickets: tuple[DeskTicket, ...]


# ---------------------------------------------------------------- all four


class Contradiction(_Entry, frozen=True, gc=False, kw_only=True):
    """Where two books disagree on purpose."""

    account_id: str
    kind: str  # STATUS, AMOUNT, HIERARCHY, DUPLICATE, MISSING_RIGHT, RIGHT_EFFECT, WRITE_OFF_UNPOSTED, ...
    left: str  # system and what it says
    right: str


class Enterprise(msgspec.Struct, frozen=True, kw_only=True):
    """The whole company at the instant `now`."""

    seed: int
    now: datetime
    crm: CrmBook
    billing: BillingBook
    erp: ErpBook
    support: SupportBook
    contradictions: tuple[Contradiction, ...] = ()
    landmarks: dict[str, str] = msgspec.field(default_factory=dict)
    """Names for accounts that demonstrations and tests need, e.g. `delinquent`, `credit_hold`, `merged`, `yen`,
    `hero` (rich in everything), `ten_thousand_invoices`: name -> CRM account id."""
