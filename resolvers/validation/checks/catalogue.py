"""What is sold: products and prices there are, quote and discount in force, usage agreed, items mapped in the ERP."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from resolvers.validation.case import Case, Selected
from resolvers.validation.checks.rule import Rule
from resolvers.validation.findings import Remark, doubt, error, warning
from resolvers.validation.order import Line
from sources import canonical as c

# ---------------------------------------------------------------- products and prices


def _product(case: Case) -> Iterator[Remark]:
    if case.facts.products.errors or case.facts.prices.errors:
        return
    for each in case.lines:
        at = ("lines", each.line.place, "product" if each.line.product_key else "price")
        if each.product is None:
            if each.line.product_key is not None or each.price is not None:
                yield error("there is no such product", *at, fix="give the product's key in billing")
        elif not each.product.active:
            yield error(f"`{each.product.name}` is not sold any more", *at, fix="choose another one")


def _price(case: Case) -> Iterator[Remark]:
    if case.facts.prices.errors:
        return
    for each in case.lines:
        yield from _price_of(case, each, ("lines", each.line.place, "price"))


def _price_of(case: Case, each: Selected, at: tuple[str | int, ...]) -> Iterator[Remark]:
    price, currency = each.price, case.order.currency
    if price is None:
        if each.line.price_key is not None:
            yield error("there is no such price", *at, fix="give a list price's key in billing")
        elif each.product is not None:
            yield error(f"the product has no single price in `{currency}`", *at, fix="say which price")
        return
    if price.currency != currency:
        yield error(
            f"the price is in `{price.currency}`, the order in `{currency}`", *at, fix="one currency for all lines"
        )
        return
    if each.line.product_key is not None and price.product_key != each.line.product_key:
        yield error("the price is of another product", *at, fix="leave one of the two out")
    if not price.active and not _is_kept(case, price):
        yield error("the price is not in force any more", *at, fix="choose another one")
    metered = price.usage_type is c.UsageType.METERED
    if price.unit_price is None and not metered:
        yield doubt("the price has tiers, which are not read", *at, fix="price it in billing")
    if not metered and each.line.quantity != each.line.quantity.to_integral_value():
        yield error("billing counts whole units", "lines", each.line.place, "quantity", fix="order whole units")
    ends = each.end_on is not None and each.end_on >= each.start_on
    if each.priced is None and price.unit_price is not None and ends:
        yield doubt("the line could not be priced", *at)


def _is_kept(case: Case, price: c.Price) -> bool:
    """Whether the subscription that is changed has the price already: it keeps it."""
    return case.subscription is not None and any(item.price.key == price.key for item in case.subscription.items)


# ---------------------------------------------------------------- the quote, and what was given away


def _no_quote(case: Case) -> str | None:
    return None if case.order.quote is not None else "no quote was named"


def _expired(case: Case) -> Iterator[Remark]:
    quote = case.order.quote
    if quote is None:
        return
    if quote.valid_until is None:
        yield doubt("CPQ does not say how long the quote is valid", "quote", "validUntil", fix="send it")
    elif quote.valid_until < case.today:
        yield error("the quote has expired", "quote", "validUntil", fix="quote anew")


def _ordered(_case: Case) -> Iterator[Remark]:
    yield doubt("which quotes were ordered is in no system that is asked", "quote", "key")


def _total(case: Case) -> Iterator[Remark]:
    quote = case.order.quote
    if quote is None:
        return
    if quote.total is None:
        yield doubt("CPQ does not say what the quote comes to", "quote", "total", fix="send it")
    elif case.totals is None:
        yield doubt("the order could not be priced in full", "quote", "total")
    elif quote.total != case.totals.total.amount:
        ours = case.totals.total
        yield error(f"CPQ has another total than the list and the discounts give, {ours.amount} {ours.currency}",
                    "quote", "total", fix="quote anew")  # fmt: skip


def _discount(case: Case) -> Iterator[Remark]:
    for chosen in case.lines:
        if _is_tiered(chosen) and _is_agreed(chosen.line):
            yield doubt(
                "the list has tiers, which are not read: whether the agreed price is below them cannot be told",
                "lines", chosen.line.place, "usage", "overagePrice", fix="leave it out: then the tiers hold",
            )  # fmt: skip
    most = case.rules.discount_most
    for each in case.priced:
        if each.discount > most:
            yield error(f"more than {most} per cent are given away", "lines", each.line, fix="give less")
    if (
        case.totals is not None
        and case.totals.discount > most
        and not any(each.discount > most for each in case.priced)
    ):
        yield error(f"more than {most} per cent are given away in all", "lines", fix="give less")
    quote = case.order.quote
    approval = quote.approval if quote is not None else None
    if approval is None or case.totals is None or case.totals.discount <= 0:
        return
    at = ("quote", "approval")
    if not _is_person(case, approval.approver):
        yield warning(
            "this is not how the identity provider names people",
            *at,
            "approver",
            fix="give the approver's subject there",
        )
    elif _is_orderer(case, approval.approver):
        yield warning("who orders cannot have approved it", *at, "approver", fix="have somebody else approve it")
    elif approval.discount_limit < case.totals.discount:
        yield warning("the approval does not reach so far", *at, "discountLimit")


def approved_by_cpq(case: Case) -> bool:
    """Whether an approval that CPQ states reaches the discount: by somebody else, and within what may stand for
    ours."""
    approval = case.order.quote.approval if case.order.quote is not None else None
    if approval is None or case.totals is None or not _is_person(case, approval.approver):
        return False
    if _is_orderer(case, approval.approver):
        return False
    return case.totals.discount <= min(approval.discount_limit, case.rules.cpq_approval_most)


def _is_person(case: Case, approver: str) -> bool:
    """Whether somebody is named as the identity provider names people: a display name tells nobody from anybody."""
    form = case.rules.approver_form
    return form is not None and form.fullmatch(approver.strip()) is not None


def _is_orderer(case: Case, approver: str) -> bool:
    return approver.strip().casefold() == case.human.strip().casefold()


# ---------------------------------------------------------------- what is metered


def _no_meter(case: Case) -> str | None:
    return None if any(_is_metered(each) for each in case.lines) or case.facts.prices.errors else "nothing is metered"


def _is_metered(each: Selected) -> bool:
    return each.price is not None and each.price.usage_type is c.UsageType.METERED


def _is_tiered(each: Selected) -> bool:
    """Whether what is metered has tiers for a list price."""
    return _is_metered(each) and each.price is not None and each.price.unit_price is None


def _is_agreed(line: Line) -> bool:
    """Whether a price of its own was agreed for a line."""
    overage = line.usage.overage_price if line.usage is not None else None
    return overage is not None or line.unit_price is not None or bool(line.discount)


def _usage(case: Case) -> Iterator[Remark]:
    for each in filter(_is_metered, case.lines):
        at, usage = ("lines", each.line.place, "usage"), each.line.usage
        if usage is None or usage.included is None:
            yield error("what is included was not agreed", *at, "included", fix="say how much, or 0")
        listed = each.price is not None and (each.price.unit_price is not None or each.price.tiered)
        if not listed and (usage is None or usage.overage_price is None):
            yield error("what more costs was not agreed", *at, "overagePrice", fix="give the price of a further unit")
        if usage is not None and usage.committed is not None and usage.committed < (usage.included or Decimal(0)):
            yield error("less is paid for than is included", *at, "committed", fix="commit to as much at least")
        meter_key = each.price.meter_key if each.price is not None else None
        meter = case.facts.meters.by_key(meter_key)
        if meter_key is None or (meter is None and not case.facts.meters.errors):
            yield error("nothing counts it", "lines", each.line.place, "price", fix="give the price a meter in billing")
        elif meter is not None and not meter.active:
            yield error(f"`{meter.name}` is not counted any more", "lines", each.line.place, "price")


# ---------------------------------------------------------------- the ERP's items


def _items(case: Case) -> Iterator[tuple[Selected, c.ErpItem | None]]:
    """Each line with the ERP's item for its product; lines of unknown products are another check's."""
    known = {each.product_code: each for each in case.facts.items.rows}
    for each in case.lines:
        if each.product is not None:
            yield each, known.get(each.product.code or "")


def _unmapped(case: Case) -> Iterator[Remark]:
    if case.facts.items.errors:
        return
    for each, item in _items(case):
        at = ("lines", each.line.place)
        if each.product is not None and each.product.code is None:
            yield error("the product has no code of ours", *at, fix="give it one in billing: the ERP's item carries it")
        elif item is None:
            yield error("the ERP has no item for the product", *at, fix="have revops map it")
        elif item.inactive:
            yield error("the ERP's item is inactive", *at, fix="have revops map another one")


def _tax_category(case: Case) -> Iterator[Remark]:
    for each, item in _items(case):
        if item is not None and item.tax_schedule is None:
            yield error("the ERP's item has no tax schedule", "lines", each.line.place, fix="have finance set it")


def _revenue(case: Case) -> Iterator[Remark]:
    for each, item in _items(case):
        if each.price is None:
            continue  # whether it recurs is not known: that is the price's check
        if each.price.interval is None and case.rules.revenue_rule_for == "recurring":
            continue
        if item is not None and item.revenue_rule is None:
            yield error("the ERP's item has no revenue rule", "lines", each.line.place, fix="have finance set it")


_SOLD = ("products", "prices")
RULES = (
    Rule(code="PRODUCT_UNKNOWN", needs=_SOLD, judge=_product),
    Rule(code="PRICE_UNKNOWN", needs=("prices",), judge=_price),
    Rule(code="QUOTE_EXPIRED", needs=(), judge=_expired, idle=_no_quote, always=True),
    Rule(code="QUOTE_ORDERED", needs=(), judge=_ordered, idle=_no_quote, always=True),
    Rule(code="QUOTE_TOTAL_MISMATCH", needs=("prices",), judge=_total, idle=_no_quote),
    Rule(code="DISCOUNT_UNAPPROVED", needs=("prices",), judge=_discount, always=True),
    Rule(code="USAGE_TERMS", needs=("prices", "meters"), judge=_usage, idle=_no_meter),
    Rule(code="UNMAPPED_ITEM", needs=("items", "products"), judge=_unmapped),
    Rule(code="UNMAPPED_TAX", needs=("items", "products"), judge=_tax_category),
    Rule(code="REVENUE_RULE_MISSING", needs=("items", "products", "prices"), judge=_revenue),
)
