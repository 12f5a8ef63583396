"""An order as it is asked for, and what has to be said of it before it may begin."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from resolvers.sagas.reading import claimed, entity, held, many, periods, profile_of, today
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.writes.order_terms import OrderedLine, contract_value, discount
from sources import canonical as c
from sources.canonical import Money, MoneyError
from sources.canonical.commands import Collection
from sources.errors import BadAsk

_MOST_LINES = 1_000


class BillingAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a buyer is billed, and by what tax is reckoned; `country` as ISO 3166-1 alpha-2."""

    country: str
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Days are in the selling entity's zone, both inclusive; `token` is that of a validation a moment ago.

    `billing_email` is where invoices go; None: where the ERP sends them already. `billing_address` None: what billing
    and the ERP have of the buyer stays, and a new customer gets the account's country. `co_term` is a subscription with
    which its periods turn and its term ends.
    """

    account: str
    legal_entity: str
    currency: str
    lines: tuple[OrderedLine, ...]
    start_on: date
    end_on: date | None = None
    parties: c.Parties = c.Parties()
    purchase_order: str | None = None
    collection: Collection = Collection.INVOICE
    due_days: int = 30
    support_tier: str | None = None
    contract: str | None = None
    co_term: str | None = None
    opportunity: str | None = None
    billing_email: str | None = None
    billing_address: BillingAddress | None = None
    quote: str | None = None
    token: str | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What validation says of an order at this moment. `headroom`: how much credit is left for the payer, None where
    there is no limit. What is None or left out of `flags` is not known, and then needs approval."""

    findings: tuple[Finding, ...] = ()
    amount: Money | None = None
    discount: Decimal | None = None
    flags: dict[str, bool] = msgspec.field(default_factory=dict)
    headroom: Money | None = None


class Judge(Protocol):
    """Judges an order: hold, exposure, period, duplicates and authority always, the rest unless its token says that it
    was judged a moment ago. Raises SourceError where what it must know cannot be read."""

    async def __call__(self, read: Read, order: SubmitOrder, now: datetime) -> Judgement: ...


async def plain_judge(read: Read, order: SubmitOrder, now: datetime) -> Judgement:
    """The least there is to judge: the order's own figures against the price book, the payer's hold and limit, and the
    period of its first day."""
    seller = await entity(read, order.legal_entity)
    if seller is None or seller.inactive:
        message = f"there is no legal entity `{order.legal_entity}` that sells"
        return Judgement(findings=(Finding(code="ENTITY_NOT_ALLOWED", message=message, path="legalEntity"),))
    payer = order.parties.payer_key or order.parties.bill_to_key or order.account
    (profiles, unlinked), book, (_, shut) = await asyncio.gather(
        claimed(read, c.BillingProfile, payer), many(read, c.Price, "list", ""), periods(read, order.start_on)
    )
    prices = {price.key: price for price in book}
    profile = profile_of(profiles, order.legal_entity)
    amount = contract_value(order.lines, prices, order.currency, order.start_on, order.end_on)
    return Judgement(
        findings=(*_unpriced(order, prices), *unlinked, *held(profile), *shut),
        amount=amount,
        discount=discount(order.lines, prices),
        flags={"backdated": order.start_on < today(seller, now), "non_standard_terms": order.due_days > 30},
        headroom=headroom(profile),
    )


def _unpriced(order: SubmitOrder, prices: dict[str, c.Price]) -> list[Finding]:
    found = []
    for number, line in enumerate(order.lines):
        price = prices.get(line.price)
        if price is None or not price.active:
            message = f"there is no active price `{line.price}`"
            found.append(Finding(code="PRICE_UNKNOWN", message=message, path=f"lines.{number}.price"))
        elif price.currency != order.currency:
            message = f"the price is in {price.currency}, the order in {order.currency}"
            found.append(Finding(code="CURRENCY_CONFLICT", message=message, path=f"lines.{number}.price"))
    return found


def headroom(profile: c.BillingProfile | None) -> Money | None:
    """What is left of a credit limit after what is owed and what was ordered; None where there is no limit."""
    if profile is None or profile.credit_limit is None:
        return None
    zero = Money.zero(profile.currency)
    return profile.credit_limit - (profile.balance or zero) - (profile.unbilled_orders or zero)


def sound(order: SubmitOrder) -> None:
    """Raises BadAsk for what no judge could make sense of."""
    if not order.lines or len(order.lines) > _MOST_LINES:
        raise BadAsk(f"`lines` are {len(order.lines)}: an order has 1 to {_MOST_LINES}")
    for number, line in enumerate(order.lines):
        if not (
            line.quantity.is_finite() and line.quantity > 0 and line.unit_price.is_finite() and line.unit_price >= 0
        ):
            raise BadAsk(f"`lines.{number}`: a quantity above zero and a price of zero or more are expected")
    if order.end_on is not None and order.end_on < order.start_on:
        raise BadAsk(f"`endOn` {order.end_on} is before `startOn` {order.start_on}")
    try:
        Money.zero(order.currency).amount  # noqa: B018 - raises for what is no currency
    except MoneyError as error:
        raise BadAsk(f"`currency`: {error}") from None
