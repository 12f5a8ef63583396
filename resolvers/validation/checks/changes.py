"""What is there already: amend instead of adding, nothing pending, one end for all, nothing credited unpaid."""

from __future__ import annotations

from collections.abc import Iterator

from resolvers.sagas.against import COLLECT_FIRST, KEEP_TIER, broken, unpaid
from resolvers.validation.case import Case
from resolvers.validation.checks.rule import Rule
from resolvers.validation.facts import ASK_SOMEBODY
from resolvers.validation.findings import Remark, doubt, error, warning
from resolvers.validation.order import Kind
from sources import canonical as c

_OVER = frozenset(
    {
        c.SubscriptionStatus.CANCELED,
        c.SubscriptionStatus.TERMINATED,
        c.SubscriptionStatus.EXPIRED,
        c.SubscriptionStatus.NEVER_ACTIVATED,
    }
)


def _is_new(case: Case) -> str | None:
    return "nothing is changed" if case.order.kind is Kind.NEW else None


def _is_change(case: Case) -> str | None:
    return None if case.order.kind is Kind.NEW else "a subscription is changed, not added"


def _is_no_amendment(case: Case) -> str | None:
    return None if case.order.kind is Kind.AMEND else "nothing is amended"


def _subscription(case: Case) -> Iterator[Remark]:
    if case.facts.subscription.errors or case.order.subscription_key is None:
        return
    found = case.subscription
    holders = {case.order.account_key, case.order.end_customer_key}
    if found is None or not {found.account_key, found.end_customer_key} & holders:
        yield error("the account has no such subscription", "subscription", fix="give its key in billing")
    elif found.status in _OVER and (case.order.kind is Kind.AMEND or found.status is not c.SubscriptionStatus.EXPIRED):
        yield error("the subscription has ended", "subscription", fix="make a new order")
    elif case.entity is not None and found.legal_entity not in (None, case.entity.key):
        yield error(f"`{found.legal_entity}` sells the subscription", "legalEntity", fix="leave it out")


def _amend_required(case: Case) -> Iterator[Remark]:
    held = {item.product_key: each.key for each in case.live for item in each.items}
    for each in case.lines:
        if each.product is None or each.price is None or each.price.interval is None:
            continue
        if each.product.key in held:
            at = ("lines", each.line.place)
            fix = f"amend `{held[each.product.key]}`"
            yield error("the end customer has a live subscription of the product", *at, fix=fix)


def _pending(case: Case) -> Iterator[Remark]:
    """For a new order: any live subscription that has a product of the order."""
    sold = {each.product.key for each in case.lines if each.product is not None}
    asked = [case.subscription] if case.subscription is not None else []
    also = [each for each in case.live if sold & {item.product_key for item in each.items}]
    for each in asked if case.order.kind is not Kind.NEW else also:
        if each.pending_change or c.SubscriptionOverlay.AMENDMENT_PENDING in each.overlays:
            yield error(f"an amendment of `{each.key}` is under way", "subscription", fix="let it end, or take it back")


def _co_term(case: Case) -> Iterator[Remark]:
    anchor = case.anchor_end
    if not case.facts.contracts.whole:
        return
    if anchor is None:
        if case.subscription is not None:
            yield doubt("when the subscription ends is not known", "endOn")
        return
    fix = f"let it end on {anchor}"
    if case.end_on is not None and case.end_on != anchor:
        yield error("it does not end with the subscription", "endOn", fix=fix)
    for each in case.lines:
        if each.line.end_on is not None and each.line.end_on != anchor:
            yield error("it does not end with the subscription", "lines", each.line.place, "endOn", fix=fix)


def _unpaid(case: Case) -> Iterator[Remark]:
    subscription, proration = case.subscription, case.proration
    if subscription is None:
        return
    if proration is None:
        if case.complete:
            yield doubt("what of the running period is unused cannot be reckoned", "subscription")
        return
    if not proration.credit:
        return
    if subscription.latest_invoice_key is None:
        yield warning("no invoice of the running period is there to be credited", "subscription")
        return
    invoice = case.facts.base_invoice.by_key(subscription.latest_invoice_key)
    if invoice is None:
        yield doubt("the invoice of the running period is not there to be seen", "subscription", fix=ASK_SOMEBODY)
        return
    why = unpaid(invoice)
    if why is not None:
        yield error(why, "subscription", fix=COLLECT_FIRST)


def _tier(case: Case) -> Iterator[Remark]:
    """A lower support tier, while something is broken."""
    if case.subscription is None or not case.facts.cases.rows:
        return
    tiers = case.rules.support_tiers
    codes = {each.key: each.code for each in case.facts.products.rows}
    names = {item.price.key: item.price.lookup_key or "" for item in case.subscription.items}
    before = max((_rank(tiers, codes.get(each.product_key), names[each.price.key]) for each in case.subscription.items),
                 default=-1)  # fmt: skip
    if before >= 0 and not case.complete:
        yield doubt("which support tier is left cannot be told while lines have no price", "lines")
        return
    after = max((_rank(tiers, each.product_code, "") for each in case.priced), default=-1)
    if after < before:
        yield error(broken(case.facts.cases.rows), "lines", fix=KEEP_TIER)


def _rank(tiers: tuple[str, ...], code: str | None, name: str) -> int:
    """Where a product stands among the support tiers, by its code, or by how its price is called; -1: it is none."""
    if code is not None:
        return tiers.index(code) if code in tiers else -1
    return max((place for place, tier in enumerate(tiers) if name.upper().startswith(tier)), default=-1)


def _no_tiers(case: Case) -> str | None:
    if case.order.kind is Kind.NEW:
        return "nothing is changed"
    return None if case.rules.support_tiers else "no product is support"


def _currency(case: Case) -> Iterator[Remark]:
    """One billing customer is billed in one currency; a new order may get a customer of its own."""
    currency, found = case.order.currency, case.subscription
    if case.order.kind is not Kind.NEW:
        if found is not None and found.currency != currency:
            yield error(f"the subscription is in `{found.currency}`", "currency", fix=f"order in `{found.currency}`")
        return
    if case.entity is None:
        return
    mine = [
        each
        for each in case.facts.subscriptions.rows
        if each in case.live and each.account_key == case.order.account_key and each.legal_entity == case.entity.key
    ]
    if mine and all(each.currency != currency for each in mine):
        yield warning(
            f"the account is billed in `{mine[0].currency}` there: it gets a further billing customer", "currency"
        )


RULES = (
    Rule(code="SUBSCRIPTION_UNKNOWN", needs=("subscription",), judge=_subscription, idle=_is_new, always=True),
    Rule(
        code="AMEND_REQUIRED",
        needs=("subscriptions", "products", "prices"),
        judge=_amend_required,
        idle=_is_change,
        always=True,
    ),
    Rule(code="AMENDMENT_PENDING", needs=("subscriptions", "subscription", "products"), judge=_pending, always=True),
    Rule(code="COTERM_INVALID", needs=("subscription", "contracts"), judge=_co_term, idle=_is_no_amendment),
    Rule(
        code="UNPAID_PRORATION",
        needs=("subscription", "base_invoice"),
        judge=_unpaid,
        idle=_is_no_amendment,
        always=True,
    ),
    Rule(code="CURRENCY_CONFLICT", needs=("subscriptions", "subscription"), judge=_currency),
    Rule(
        code="ENTITLEMENT_CONFLICT", needs=("cases", "subscription", "products", "prices"), judge=_tier, idle=_no_tiers
    ),
)
