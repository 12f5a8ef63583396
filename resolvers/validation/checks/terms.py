"""The deal's frame: payment terms, purchase order, selling entity, days and length."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from resolvers.validation import amounts
from resolvers.validation.case import Case, Selected
from resolvers.validation.checks.rule import Rule
from resolvers.validation.findings import Remark, doubt, error, warning
from resolvers.validation.order import Kind
from sources import canonical as c

# ---------------------------------------------------------------- payment terms and purchase order


def _terms(case: Case) -> Iterator[Remark]:
    terms = case.terms
    if terms is None or not case.rules.terms:
        yield doubt("which payment terms are allowed is not written down", "paymentTerms")
    elif terms not in case.rules.terms:
        named = case.order.terms is not None
        say = error if named else warning
        yield say(f"`{terms}` are no terms of ours", "paymentTerms", fix=f"one of {', '.join(case.rules.terms)}")


def is_usual(case: Case) -> bool | None:
    """Whether payment is due no later than the customer's own terms have it; None where they could not be read."""
    days = case.rules.terms.get(case.terms or "")
    own = case.profile.terms if case.profile is not None else None
    usual = case.rules.terms.get(own or case.rules.terms_usual or "")
    if case.profile is None and not case.facts.profiles.whole:
        return None
    return days is not None and usual is not None and days <= usual


def _po_missing(case: Case) -> Iterator[Remark]:
    least = case.rules.purchase_order_from
    if case.order.purchase_order or least is None:
        return
    if case.totals is None or case.entity is None:
        yield doubt("how large the order is in the company's own currency is not known", "purchaseOrder")
        return
    total = case.converted(case.totals.total, case.entity.currency)
    if total is None:
        rates = case.facts.rates
        why = rates.trouble or "there is no rate to tell whether a purchase order is needed"
        yield doubt(why, "purchaseOrder", fix=rates.remedy if rates.trouble is not None else None)
    elif total.amount >= least:
        yield error("an order of this size needs the customer's purchase order", "purchaseOrder", fix="ask for it")


def _no_po(case: Case) -> str | None:
    return None if case.order.purchase_order else "no purchase order was given"


def _po_remaining(_case: Case) -> Iterator[Remark]:
    yield doubt("what is left of a purchase order is in no system", "purchaseOrder", fix="ask the customer")


def _po_used(case: Case) -> Iterator[Remark]:
    """Amendments and renewals go on under the purchase order of what they change."""
    said = _spelled(case.order.purchase_order)
    for each in case.facts.orders.rows:
        if each.status is not c.OrderStatus.CANCELED and said and _spelled(each.purchase_order) == said:
            say = error if case.order.kind is Kind.NEW else warning
            yield say(f"order `{each.number or each.key}` has it already", "purchaseOrder", fix="ask for another one")


def _spelled(number: str | None) -> str:
    return "".join((number or "").split()).casefold()


# ---------------------------------------------------------------- the selling entity


def _entity(case: Case) -> Iterator[Remark]:
    at, entity = "legalEntity", case.entity
    if entity is None:
        if case.order.entity_key is None:
            if not case.facts.profiles.whole:
                yield doubt("which of our companies sells could not be found out", at, fix="name one")
            elif not case.facts.entities.errors:
                yield error("nothing tells which of our companies sells", at, fix="name one")
        elif not case.facts.entities.errors:
            yield error("there is no such company of ours", at, fix="give its code")
        return
    if entity.inactive:
        yield error("the company sells nothing any more", at, fix="name another one")
    sells = case.rules.entities
    if sells is None:
        yield doubt("what each company sells is not written down", at)
        return
    allowed = sells.get(entity.key)
    if allowed is None:
        yield error(f"`{entity.key}` sells nothing", at, fix=f"one of {', '.join(sells)}")
        return
    if case.order.currency not in allowed.currencies:
        fix = f"one of {', '.join(sorted(allowed.currencies))}"
        yield error(f"`{entity.key}` does not sell in `{case.order.currency}`", "currency", fix=fix)
    ship_to = case.facts.accounts.by_key(case.order.ship_to_key)
    country = ship_to.country if ship_to is not None else None
    if allowed.countries is not None and country is not None and country not in allowed.countries:
        yield error(f"`{entity.key}` does not sell to `{country}`", "parties", "shipTo", fix="let another company sell")
    for each in case.lines:
        code = each.product.code if each.product is not None else None
        if code in allowed.withheld:
            yield error(f"`{entity.key}` does not sell `{code}`", "lines", each.line.place, "product")


def _entity_account(case: Case) -> Iterator[Remark]:
    if case.entity is None or not case.facts.profiles.whole:
        return
    if case.profile is None:
        yield warning(
            f"the billed account is no customer of `{case.entity.key}` yet", "parties", "billTo",
            fix="it is made one when the order is submitted",
        )  # fmt: skip


# ---------------------------------------------------------------- days


def _term(case: Case) -> Iterator[Remark]:
    rules, order = case.rules, case.order
    recurring = [each for each in case.lines if each.price is not None and each.price.interval is not None]
    if case.end_on is None and any(each.end_on is None for each in recurring):
        told = case.order.kind is Kind.NEW or (case.facts.contracts.whole and case.facts.subscription.whole)
        say = error if told else doubt
        yield say("nobody says how long it runs", "endOn", fix="give `endOn` or `termMonths`")
    if case.end_on is not None:
        yield from _length(case)
    if case.start_on < case.today - timedelta(days=rules.backdating_days):
        yield error(f"the start is more than {rules.backdating_days} days ago", "startOn", fix="begin later")
    if case.start_on > case.today + timedelta(days=rules.ahead_days):
        yield error(f"the start is more than {rules.ahead_days} days ahead", "startOn", fix="begin sooner")
    if case.start_on < case.today and order.kind is not Kind.RENEW:
        yield from _backdated(case)
    for each in case.lines:
        yield from _line_days(case, each)


def _length(case: Case) -> Iterator[Remark]:
    rules, last = case.rules, case.end_on
    if last is None or last < case.start_on:
        yield error("the end is before the start", "endOn", fix="let it end later")
        return
    months = amounts.months_of(case.start_on, last)
    if months < rules.term_months_least and case.order.kind is not Kind.AMEND and not _is_once(case):
        yield error(f"it is shorter than {rules.term_months_least} months", "endOn", fix="let it end later")
    if months > rules.term_months_most:
        yield error(f"it is longer than {rules.term_months_most} months", "endOn", fix="let it end sooner")


def _is_once(case: Case) -> bool:
    return all(each.price is not None and each.price.interval is None for each in case.lines)


def _line_days(case: Case, each: Selected) -> Iterator[Remark]:
    at = ("lines", each.line.place)
    own = each.line.start_on is not None or each.line.end_on is not None
    if own and each.end_on is not None and each.end_on < each.start_on:
        yield error("the line ends before it starts", *at, "endOn", fix="let it end later")
    if each.start_on < case.start_on:
        yield error("the line starts before the order", *at, "startOn", fix="begin later")
    if case.end_on is not None and each.end_on is not None and each.end_on > case.end_on:
        yield error("the line ends after the order", *at, "endOn", fix="let it end sooner")


def _backdated(case: Case) -> Iterator[Remark]:
    """What begins in the past begins in an open period."""
    if case.facts.periods.errors:
        yield doubt("whether the period of the start is open could not be read", "startOn")
        return
    period = period_of(case, case.start_on)
    if period is None or is_closed(period):
        yield error("the start is in a period that is closed", "startOn", fix="begin in an open one")


def period_of(case: Case, day: object) -> c.AccountingPeriod | None:
    """The posting period of a day: the shortest, where a year or a quarter has it too."""
    found = [each for each in case.facts.periods.rows if each.start_on <= day <= each.end_on]
    return min(found, key=lambda each: each.end_on - each.start_on, default=None)


def is_closed(period: c.AccountingPeriod) -> bool:
    """Whether no invoice can be posted to it."""
    return period.closed or period.receivables_locked or period.all_locked


def _no_renewal(case: Case) -> str | None:
    return None if case.order.kind is Kind.RENEW else "nothing is renewed"


def _renewal(case: Case) -> Iterator[Remark]:
    subscription, rules = case.subscription, case.rules
    if subscription is None:
        return
    if subscription.renewal_mode is c.RenewalMode.NONE:
        yield error("the subscription is not to be renewed", "subscription", fix="make a new order")
    if not case.facts.contracts.whole:
        return
    if case.anchor_end is None:
        yield doubt("when the subscription ends is not known", "subscription")
        return
    late = (case.today - case.anchor_end).days
    if late > rules.renewal_late_days:
        yield error(f"the subscription ended {late} days ago", "subscription", fix="make a new order")
    if case.start_on != case.anchor_end + timedelta(days=1):
        yield error(
            "a renewal begins the day after the term ends", "startOn", fix=f"{case.anchor_end + timedelta(days=1)}"
        )
    raised = [each for each in case.lines if (uplift(case, each) or 0) > 0]
    automatic = subscription.renewal_mode is c.RenewalMode.AUTO
    if raised and automatic and (case.anchor_end - case.today).days < rules.renewal_notice_days:
        yield error(
            f"a higher price is told {rules.renewal_notice_days} days before it renews by itself", "subscription",
            fix="renew at the present price",
        )  # fmt: skip
    for each in raised:
        if (uplift(case, each) or 0) * 100 > Fraction(rules.uplift_most):
            at = ("lines", each.line.place, "unitPrice")
            yield error(f"it is raised by more than {rules.uplift_most} per cent", *at, fix="raise it by less")


def uplift(case: Case, each: Selected) -> Fraction | None:
    """By which share a unit price is above that of the same price now, or of the same product and interval; None where
    there is none to compare with."""
    unit, price = each.priced.unit_price if each.priced is not None else None, each.price
    if case.subscription is None or price is None or unit is None:
        return None
    held = [item.price for item in case.subscription.items]
    like = [one for one in held if one.key == price.key] or [
        one
        for one in held
        if (one.product_key, one.interval, one.interval_count)
        == (price.product_key, price.interval, price.interval_count)
    ]
    now = max((one.unit_price.amount for one in like if one.unit_price is not None), default=None)
    return Fraction(unit.amount) / Fraction(now) - 1 if now else None


RULES = (
    Rule(code="TERMS_NOT_ALLOWED", needs=("profiles",), judge=_terms),
    Rule(code="PO_MISSING", needs=(), judge=_po_missing),
    Rule(code="PO_REMAINING", needs=(), judge=_po_remaining, idle=_no_po),
    Rule(code="PO_USED", needs=("orders",), judge=_po_used, idle=_no_po, always=True),
    Rule(code="ENTITY_NOT_ALLOWED", needs=("entities", "accounts", "products"), judge=_entity),
    Rule(code="ENTITY_ACCOUNT", needs=("profiles",), judge=_entity_account),
    Rule(code="TERM_INVALID", needs=("entities", "prices"), judge=_term, always=True),
    Rule(code="RENEWAL_TERMS", needs=("subscription", "contracts", "prices"), judge=_renewal, idle=_no_renewal),
)
