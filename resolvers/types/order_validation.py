"""The answer to CPQ: may this order be placed, what does it cost, who has to approve it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import strawberry

from resolvers.batch import link
from resolvers.registry import value
from resolvers.types import references as ref
from resolvers.types.order import Parties
from resolvers.types.product import Interval
from resolvers.types.scalars import Money, UnitPrice
from resolvers.validation import findings
from resolvers.validation.checks import tax
from sources import canonical as c

OrderVerdict = strawberry.enum(findings.Outcome, name="OrderVerdict", description="The verdict on an order.")
CheckState = strawberry.enum(findings.State, name="CheckState", description="What became of a check.")
FindingSeverity = strawberry.enum(findings.Severity, name="FindingSeverity", description="How bad a finding is.")
TaxTreatment = strawberry.enum(tax.Treatment, name="TaxTreatment", description="How an order is taxed.")


@value
class OrderFinding:
    """Something that is wrong, or could not be found out, and what to do about it."""

    severity: FindingSeverity | None  # type: ignore[valid-type]
    code: str | None = strawberry.field(description="The check's stable code.")
    path: str | None = strawberry.field(description="Where in the input: `lines.3.quantity`; empty: everywhere.")
    message: str | None
    source: str | None
    evidence_as_of: datetime | None
    fix: str | None


@value
class OrderCheck:
    """One check that was made, passed or not."""

    code: str | None
    state: CheckState | None  # type: ignore[valid-type]
    source: str | None
    as_of: datetime | None
    reason: str | None


@value
class OrderApproval:
    """An approval that is needed before the order goes on."""

    rule: str | None
    role: str | None
    persons: int | None
    amount: Money | None
    reasons: list[str | None] | None
    others: list[str | None] | None


@value
class PostingPeriod:
    """The period that the first invoice falls into."""

    invoice_on: date | None
    name: str | None
    start_on: date | None
    end_on: date | None
    open: bool | None


@value
class TaxDetermination:
    """How the order is taxed. What the tax comes to is the tax engine's to say."""

    treatment: TaxTreatment | None  # type: ignore[valid-type]
    ship_to_country: str | None
    entity_country: str | None
    codes: list[str | None] | None
    tax_number_known: bool | None


@value
class PricedLine:
    """One line of the order with its price."""

    line: int | None
    product: ref.ProductRef | None = link(c.Product, key="product_key")
    price: ref.PriceRef | None = link(c.Price, key="price_key")
    product_code: str | None
    product_name: str | None
    quantity: Decimal | None
    list_price: UnitPrice | None
    unit_price: UnitPrice | None
    interval: Interval | None  # type: ignore[valid-type]
    interval_count: int | None
    metered: bool | None
    start_on: date | None
    end_on: date | None
    list_amount: Money | None
    amount: Money | None
    list_total: Money | None
    total: Money | None
    mrr: Money | None
    arr: Money | None
    discount: Decimal | None


@value
class OrderTotals:
    """The order as a whole, before tax: sums of its lines."""

    list: Money | None
    total: Money | None
    mrr: Money | None
    arr: Money | None
    discount: Decimal | None


@value
class FirstInvoice:
    """What will be invoiced first."""

    invoice_on: date | None
    due_on: date | None
    period_start: date | None
    period_end: date | None
    amount: Money | None


@value
class Proration:
    """What an amendment does to the running period."""

    date: datetime | None
    share: Decimal | None
    credit: Money | None
    charge: Money | None
    net: Money | None


@value
class OrderDeltas:
    """By how much the order changes recurring revenue and contract value."""

    mrr: Money | None
    arr: Money | None
    tcv: Money | None


@value
class OrderCredit:
    """What the order does to the payer's credit."""

    currency: str | None
    limit: Money | None
    exposure: Money | None
    order: Money | None
    headroom: Money | None
    fx_rate: Decimal | None
    fx_date: date | None


@value
class OrderValidation:
    """A verdict with everything it rests on. It has no effects; the token lets submission skip what stays true."""

    verdict: OrderVerdict | None  # type: ignore[valid-type]
    findings: list[OrderFinding | None] | None
    checks: list[OrderCheck | None] | None
    approvals_required: list[OrderApproval | None] | None
    entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="entity_key")
    parties: Parties | None
    posting_period: PostingPeriod | None
    tax_determination: TaxDetermination | None
    lines: list[PricedLine | None] | None
    tax: Money | None
    totals: OrderTotals | None
    first_invoice: FirstInvoice | None
    proration: Proration | None
    deltas: OrderDeltas | None
    credit: OrderCredit | None
    start_on: date | None
    end_on: date | None
    rules_version: str | None
    valid_until: datetime | None
    token: str | None
