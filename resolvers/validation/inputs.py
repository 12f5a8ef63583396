"""What CPQ sends: the inputs of `validateOrder`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import strawberry

from resolvers.validation import order

OrderKind = strawberry.enum(order.Kind, name="OrderKind", description="What an order does.")


@strawberry.input(description="Who plays which part: each by its key in the CRM or by its `id`; left out: the account.")
class OrderPartiesInput:
    """Who plays which part."""

    sold_to: strawberry.ID | None = strawberry.field(default=None, description="Who orders.")
    bill_to: strawberry.ID | None = strawberry.field(default=None, description="Whom invoices are for.")
    ship_to: strawberry.ID | None = strawberry.field(default=None, description="Where it goes: tax follows it.")
    payer: strawberry.ID | None = strawberry.field(
        default=None, description="Who pays: whose credit it is. Left out: whoever the ERP has pay for the bill-to."
    )
    end_customer: strawberry.ID | None = strawberry.field(default=None, description="Who uses it.")
    reseller: strawberry.ID | None = strawberry.field(default=None, description="Who resells it; left out: nobody.")


@strawberry.input(description="What was agreed about something metered, for each billing period.")
class UsageTermsInput:
    """What was agreed about something metered."""

    included: Decimal | None = strawberry.field(default=None, description="Units that cost nothing more.")
    committed: Decimal | None = strawberry.field(default=None, description="Units that are paid in any case.")
    overage_price: Decimal | None = strawberry.field(
        default=None, description="The price of one further unit; left out: the list's, or its tiers."
    )


@strawberry.input(description="One line. A ramp is several lines of one product, each with its own days.")
class OrderLineInput:
    """One line."""

    product: strawberry.ID | None = strawberry.field(
        default=None, description="The product's key in billing. Without a `price` its only one in the currency counts."
    )
    price: strawberry.ID | None = strawberry.field(default=None, description="The list price's key in billing.")
    quantity: Decimal = strawberry.field(default=Decimal(1), description="More than nothing.")
    unit_price: Decimal | None = strawberry.field(
        default=None, description="Net, in major units, for one billing period. Either this or `discount`."
    )
    discount: Decimal | None = strawberry.field(default=None, description="Per cent off the list price.")
    free_months: int = strawberry.field(default=0, description="Months at the start that cost nothing.")
    start_on: date | None = strawberry.field(default=None, description="The first day; left out: the order's.")
    end_on: date | None = strawberry.field(default=None, description="The last day; left out: the order's.")
    usage: UsageTermsInput | None = strawberry.field(default=None, description="Needed where the price is metered.")


@strawberry.input(description="A discount that CPQ has approved itself.")
class QuoteApprovalInput:
    """A discount that CPQ has approved itself."""

    approver: str = strawberry.field(description="The approver as the identity provider names him, never who orders.")
    discount_limit: Decimal = strawberry.field(description="Up to how many per cent.")


@strawberry.input(description="The quote that the order comes from, as CPQ has it.")
class OrderQuoteInput:
    """The quote that the order comes from."""

    key: strawberry.ID = strawberry.field(description="What CPQ calls it.")
    valid_until: date | None = strawberry.field(default=None, description="Its last day.")
    total: Decimal | None = strawberry.field(
        default=None, description="What it comes to over the whole term, before tax, in major units."
    )
    approval: QuoteApprovalInput | None = strawberry.field(default=None, description="Who approved its discount.")


@strawberry.input(description="An order that is to be validated.")
class OrderInput:
    """An order that is to be validated."""

    kind: OrderKind = strawberry.field(default=order.Kind.NEW, description="NEW, if left out.")  # type: ignore[valid-type]
    account: strawberry.ID = strawberry.field(description="The customer: its key in the CRM, or its `id`.")
    parties: OrderPartiesInput | None = strawberry.field(default=None, description="Where others take part.")
    legal_entity: str | None = strawberry.field(
        default=None, description="Which of our companies sells; left out: the one that bills the account."
    )
    currency: str = strawberry.field(description="ISO 4217 code, for every line.")
    lines: list[OrderLineInput] = strawberry.field(
        description="In an amendment or a renewal all that the subscription is to have: what is left out goes."
    )
    purchase_order: str | None = strawberry.field(default=None, description="The customer's own number.")
    payment_terms: str | None = strawberry.field(default=None, description="As the ERP calls them, such as `Net 30`.")
    quote: OrderQuoteInput | None = strawberry.field(default=None, description="The quote it comes from.")
    subscription: strawberry.ID | None = strawberry.field(
        default=None, description="What is amended or renewed: its key in billing, or its `id`."
    )
    start_on: date | None = strawberry.field(
        default=None, description="The first day, in the legal entity's time zone; left out: today."
    )
    end_on: date | None = strawberry.field(default=None, description="The last day. Either this or `termMonths`.")
    term_months: int | None = strawberry.field(default=None, description="How long it runs.")
