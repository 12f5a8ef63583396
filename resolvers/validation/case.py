"""An order together with what is known about it: days, the selling entity, who pays, the prices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from policies.orders import OrderRules
from resolvers.sagas.rates import in_effect
from resolvers.sagas.reading import selling
from resolvers.validation import amounts, pricing
from resolvers.validation.facts import Fact, Facts
from resolvers.validation.order import Kind, Line, Order
from resolvers.validation.pricing import Invoiced, PricedLine, Totals
from resolvers.validation.proration import Proration, prorate
from sources import canonical as c

AT_ONCE = 100  # lines that are judged before the event loop has its turn
_LIVE = frozenset(
    {
        c.SubscriptionStatus.PENDING_ACTIVATION,
        c.SubscriptionStatus.TRIALING,
        c.SubscriptionStatus.ACTIVE,
        c.SubscriptionStatus.PAST_DUE,
        c.SubscriptionStatus.SUSPENDED,
    }
)


class Selected(msgspec.Struct, frozen=True):
    """A line with the list price and product it means, where they are known, and its days."""

    line: Line
    price: c.Price | None
    product: c.Product | None
    start_on: date
    end_on: date | None
    priced: PricedLine | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks look at. `today` and all days are the entity's. `end_on` None: nobody said, and nothing tells.

    `profile` is the bill-to's customer record of the entity in the currency, `payer` that of who pays (perhaps the
    same), `group` all whose debts count against the payer's credit, `reserved` what other orders on their way take of
    it. `complete`: every line could be priced. `invoice_on`: the day on which the first invoice is expected.
    """

    order: Order
    facts: Facts
    rules: OrderRules
    now: datetime
    human: str
    entity: c.LegalEntity | None
    zone: ZoneInfo
    today: date
    start_on: date
    end_on: date | None
    subscription: c.AccountSubscription | None
    anchor_end: date | None
    profile: c.BillingProfile | None
    payer: c.BillingProfile | None
    group: tuple[c.BillingProfile, ...]
    reserved: Sequence[c.Money]
    lines: tuple[Selected, ...]
    complete: bool
    totals: Totals | None
    invoice_on: date
    first_invoice: Invoiced | None
    proration: Proration | None

    @property
    def priced(self) -> tuple[PricedLine, ...]:
        """The lines that have a price."""
        return tuple(each.priced for each in self.lines if each.priced is not None)

    @property
    def terms(self) -> str | None:
        """The payment terms in force: those asked for, else the customer's own, else the usual ones."""
        own = self.profile.terms if self.profile is not None else None
        return self.order.terms or own or self.rules.terms_usual

    @property
    def live(self) -> list[c.AccountSubscription]:
        """The live subscriptions that the end customer uses."""
        user = self.order.end_customer_key
        found: Sequence[c.AccountSubscription] = self.facts.subscriptions.rows
        return [each for each in found if each.status in _LIVE and (each.end_customer_key or each.account_key) == user]

    @property
    def rates(self) -> dict[str, c.ExchangeRate]:
        """What other currencies are worth today in the entity's own; none where that cannot be relied on."""
        if self.entity is None or self.facts.rates.trouble is not None:
            return {}
        return in_effect(self.facts.rates.rows, self.entity.currency, self.today)

    def worth(self, currency: str, measure: str) -> Fraction | None:
        """How much of one currency a unit of another is worth today, by way of the entity's own where it is neither;
        None where no rate tells."""
        if currency == measure:
            return Fraction(1)
        rates = {name: Fraction(each.rate) for name, each in self.rates.items()}
        if self.entity is not None:
            rates[self.entity.currency] = Fraction(1)
        found, unit = rates.get(currency), rates.get(measure)
        return found / unit if found is not None and unit else None

    def converted(self, amount: c.Money, currency: str) -> c.Money | None:
        """An amount in another currency, half up to the minor unit; nothing is nothing without a rate."""
        if amount.currency == currency or not amount.minor:
            return c.Money(amount.minor, currency)
        worth = self.worth(amount.currency, currency)
        return amounts.money(amounts.major(amount) * worth, currency) if worth is not None else None

    @property
    def mrr_before(self) -> c.Money | None:
        """What the changed subscription brings in each month; None where it has no single figure."""
        return self.subscription.mrr if self.subscription is not None else None


async def settle(
    order: Order, facts: Facts, rules: OrderRules, now: datetime, human: str, reserved: Sequence[c.Money] = ()
) -> Case:
    """Puts an order and its facts together: nothing is read. Others get their turn every AT_ONCE lines."""
    subscription = facts.subscription.by_key(order.subscription_key)
    entity = _entity(order, facts, subscription)
    zone = _zone(entity)
    today = now.astimezone(zone).date()
    anchor = _anchor(facts, subscription, zone)
    start = order.start_on or (anchor + timedelta(days=1) if order.kind is Kind.RENEW and anchor else today)
    end = _end(order, facts, start, anchor)
    lines: list[Selected] = []
    for at in range(0, len(order.lines), AT_ONCE):
        if at:
            await asyncio.sleep(0)
        lines += [_selected(each, order, facts, start, end) for each in order.lines[at : at + AT_ONCE]]
    complete = bool(lines) and all(each.priced is not None for each in lines)
    priced = [each.priced for each in lines if each.priced is not None]
    profile = _profile(facts, order.bill_to_key, entity, order.currency)
    payer = _payer(facts, order, profile, entity)
    invoice_on = max(start, today)
    return Case(
        order=order,
        facts=facts,
        rules=rules,
        now=now,
        human=human,
        entity=entity,
        zone=zone,
        today=today,
        start_on=start,
        end_on=end,
        subscription=subscription,
        anchor_end=anchor,
        profile=profile,
        payer=payer,
        group=_group(facts, payer),
        reserved=reserved,
        lines=tuple(lines),
        complete=complete,
        totals=pricing.totals(priced, order.currency) if complete else None,
        invoice_on=invoice_on,
        first_invoice=_invoice(order, lines, rules, profile, (start, invoice_on)) if complete else None,
        proration=prorate(subscription, priced, start, zone)
        if order.kind is Kind.AMEND and complete and subscription is not None
        else None,
    )


def lately(orders: Fact, now: datetime) -> list[c.Order]:
    """The orders of the 30 days before that stand."""
    since = now - timedelta(days=30)
    return [
        each
        for each in orders.rows
        if each.created_at is not None and each.created_at >= since
        if each.status is not c.OrderStatus.CANCELED and not each.reduction
    ]


def rates_asked(order: Order, facts: Facts, now: datetime, reserved: Sequence[c.Money]) -> str | None:
    """The rates that are needed, as `ExchangeRate.on` says it: today's of the selling entity, where an order, who pays,
    what is owed, reserved or was ordered lately is in another currency. None where it is not."""
    entity = _entity(order, facts, facts.subscription.by_key(order.subscription_key))
    if entity is None:
        return None
    payer = _payer(facts, order, _profile(facts, order.bill_to_key, entity, order.currency), entity)
    owed = [each for one in _group(facts, payer) for each in (one.balance, one.unbilled_orders)]
    ordered = [each.total for each in lately(facts.orders, now)]
    met = {order.currency, *({payer.currency} if payer is not None else ())}
    met |= {each.currency for each in (*owed, *ordered, *reserved) if each is not None and each.minor}
    if met == {entity.currency}:
        return None
    return c.ExchangeRate.on(entity.currency, now.astimezone(_zone(entity)).date())


# ---------------------------------------------------------------- where and when


def _entity(order: Order, facts: Facts, subscription: c.AccountSubscription | None) -> c.LegalEntity | None:
    """The entity that is named; else that of the subscription; else the only one that bills in the currency."""
    found: c.LegalEntity | None
    if order.entity_key is not None:
        found = facts.entities.by_key(order.entity_key)
        return found
    if subscription is not None and subscription.legal_entity is not None:
        found = facts.entities.by_key(subscription.legal_entity)
        return found
    billed = (each for each in facts.profiles.rows if each.account_key == order.bill_to_key)
    found = facts.entities.by_key(selling(billed, order.currency))
    return found


def _zone(entity: c.LegalEntity | None) -> ZoneInfo:
    try:
        return ZoneInfo(entity.time_zone if entity is not None else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _anchor(facts: Facts, subscription: c.AccountSubscription | None, zone: ZoneInfo) -> date | None:
    """The last day of a subscription's term: the contract's, else that of its end in billing, else of its period."""
    if subscription is None:
        return None
    ends: list[date] = [
        each.end_on for each in facts.contracts.rows if each.end_on and each.status in ("ACTIVE", "EXPIRED")
    ]
    if ends:
        return max(ends)
    after = subscription.cancel_at or subscription.period_end
    return (after - timedelta(microseconds=1)).astimezone(zone).date() if after is not None else None


def _end(order: Order, facts: Facts, start: date, anchor: date | None) -> date | None:
    """The last day: as said; an amendment runs until its subscription ends, a renewal as long as the last term."""
    if order.end_on is not None:
        return order.end_on
    months = order.term_months
    if months is None and order.kind is Kind.AMEND:
        return anchor
    if months is None and order.kind is Kind.RENEW:
        months = next((each.term_months for each in facts.contracts.rows if each.term_months), None)
    return amounts.add_months(start, months) - timedelta(days=1) if months is not None else None


# ---------------------------------------------------------------- what


def _selected(line: Line, order: Order, facts: Facts, start: date, end: date | None) -> Selected:
    price = _price(line, order, facts)
    begins, ends = line.start_on or start, line.end_on or end
    key = line.product_key or (price.product_key if price is not None else None)
    product: c.Product | None = facts.products.by_key(key)
    if price is None or price.currency != order.currency:
        return Selected(line, price, product, begins, ends)
    last = ends or (amounts.period_end(price, begins) if price.interval is None else None)
    priced = None
    if last is not None and last >= begins:
        priced = pricing.priced_line(line, price, product, begins, last)
    return Selected(line, price, product, begins, ends, priced)


def _price(line: Line, order: Order, facts: Facts) -> c.Price | None:
    """The price that is named; else the product's only active one in the currency, else its default one."""
    found: c.Price | None = facts.prices.by_key(line.price_key)
    if line.price_key is not None:
        return found
    offered: list[c.Price] = [
        each
        for each in facts.prices.rows
        if each.product_key == line.product_key and each.active and each.currency == order.currency
    ]
    if len(offered) == 1:
        return offered[0]
    product: c.Product | None = facts.products.by_key(line.product_key)
    usual = product.default_price_key if product is not None else None
    return next((each for each in offered if each.key == usual), None)


def _invoice(
    order: Order,
    lines: Sequence[Selected],
    rules: OrderRules,
    profile: c.BillingProfile | None,
    days: tuple[date, date],
) -> Invoiced:
    own = profile.terms if profile is not None else None
    due = rules.terms.get(order.terms or own or rules.terms_usual or "")
    whole = [
        (each.priced, each.price, each.line) for each in lines if each.priced is not None and each.price is not None
    ]
    return pricing.first_invoice(whole, order.currency, days, due)


# ---------------------------------------------------------------- who pays


def _profile(facts: Facts, account: str | None, entity: c.LegalEntity | None, currency: str) -> c.BillingProfile | None:
    """An account's customer record of an entity, in the currency where there are several."""
    of: list[c.BillingProfile] = [
        each
        for each in facts.profiles.rows
        if each.account_key == account and entity is not None and each.legal_entity == entity.key
    ]
    return next((each for each in of if each.currency == currency), of[0] if of else None)


def _payer(
    facts: Facts, order: Order, profile: c.BillingProfile | None, entity: c.LegalEntity | None
) -> c.BillingProfile | None:
    """Who pays: as the order says, else as the ERP has it, else the bill-to. None: not known, or not to be seen."""
    if order.parties.payer_key is not None:
        return _profile(facts, order.parties.payer_key, entity, order.currency)
    if profile is None or profile.payer_id is None:
        return profile
    found: c.BillingProfile | None = facts.profiles.by_key(profile.payer_id) or facts.paying.by_key(profile.payer_id)
    return found


def _group(facts: Facts, payer: c.BillingProfile | None) -> tuple[c.BillingProfile, ...]:
    """The payer, and all whom it pays for: the ERP's limit counts none of them together."""
    if payer is None:
        return ()
    rows = {each.key: each for each in (*facts.profiles.rows, *facts.paying.rows)}
    return (payer, *(each for key, each in rows.items() if each.payer_id == payer.key and key != payer.key))
