"""Whether the customer may owe more: hold, limit, exposure of the payer group; and whether it is ordered twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from resolvers.sagas.reading import hold_reason
from resolvers.validation import amounts, pricing
from resolvers.validation.case import Case
from resolvers.validation.checks.rule import Rule
from resolvers.validation.findings import Remark, doubt, error, warning
from resolvers.validation.order import Kind
from sources import canonical as c

_NAME_ANOTHER = "name a payer that is"


class Credit(msgspec.Struct, frozen=True):
    """The payer's credit, in the currency of its record. `exposure`: open receivables and unbilled orders of the payer
    and of all whom it pays for; `order`: what this order adds; `headroom`: what is left after it. None where it is not
    known, or the payer has no limit. `fx_rate`: how much of `currency` one unit of the order's is worth; `fx_date`:
    since when."""

    currency: str
    limit: c.Money | None
    exposure: c.Money | None
    order: c.Money | None
    headroom: c.Money | None
    fx_rate: Decimal | None
    fx_date: date | None


def credit_of(case: Case) -> Credit | None:
    """The credit that an order uses; None where there is no customer record to look at."""
    payer = case.payer
    if payer is None:
        return None
    currency = payer.currency
    exposure = _exposure(case, currency)
    for each in case.reserved:
        reserved = case.converted(each, currency)
        exposure = exposure + reserved if exposure is not None and reserved is not None else None
    added = added_by(case)
    order = case.converted(added, currency) if added is not None else None
    headroom = None
    if payer.credit_limit is not None and exposure is not None and order is not None:
        headroom = payer.credit_limit - exposure - order
    worth = case.worth(case.order.currency, currency)
    rate = amounts.decimal(worth) if worth is not None else None
    return Credit(currency, payer.credit_limit, exposure, order, headroom, rate, _since(case, currency))


def _since(case: Case, currency: str) -> date | None:
    """From which day the rate is: the older one, where it comes of two."""
    if currency == case.order.currency:
        return case.today
    return min(
        (case.rates[each].effective_on for each in {currency, case.order.currency} & case.rates.keys()), default=None
    )


def _exposure(case: Case, currency: str) -> c.Money | None:
    """None where somebody of the group is missing, or the ERP does not say what one owes, or one owes in another
    currency and no rate of the day tells what that is."""
    if not (case.facts.profiles.whole and case.facts.paying.whole):
        return None
    owed = [each for one in case.group for each in (one.balance, one.unbilled_orders)]
    known = [case.converted(each, currency) for each in owed if each is not None]
    told = [each for each in known if each is not None]
    return amounts.total(told, currency) if len(told) == len(owed) else None


def added_by(case: Case) -> c.Money | None:
    """What an order adds to the exposure: all of a new one and of a renewal, of an amendment what it adds until its
    end."""
    if case.totals is None:
        return None
    if case.order.kind is not Kind.AMEND:
        return case.totals.total
    change = tcv_change(case)
    return c.Money(max(change.minor, 0), change.currency) if change is not None else None


def tcv_change(case: Case) -> c.Money | None:
    """By how much an amendment changes the total contract value, from its day to the end: by its months of the change
    in recurring revenue, and what is charged once. None where that is not known."""
    if case.totals is None or case.mrr_before is None or case.end_on is None:
        return None
    if case.mrr_before.currency != case.order.currency:
        return None
    return case.totals.total - _before(case, case.mrr_before, case.end_on)


def _before(case: Case, mrr: c.Money, last: date) -> c.Money:
    """What the subscription would come to as it is: by its items, as lines are, where recurring revenue is all theirs;
    else by recurring revenue, which knows of discounts."""
    listed = pricing.listed_items(case.subscription) if case.subscription is not None else None
    if listed is None:
        return amounts.part(mrr, amounts.months_of(case.start_on, last))
    whole = (amounts.part(each, amounts.periods_of(price, case.start_on, last)) for price, each in listed)
    return amounts.total(whole, mrr.currency)


def _hold(case: Case) -> Iterator[Remark]:
    """The bill-to's own hold and the payer's; the cause is not told."""
    if case.payer is None and case.profile is not None and case.profile.payer_id is not None:
        yield doubt("who pays has no customer record that is for you to see", "parties", "payer", fix=_NAME_ANOTHER)
    own = [each for each in case.facts.profiles.rows if each.account_key == case.order.bill_to_key]
    for path, found in (("billTo", own), ("payer", [case.payer] if case.payer is not None else [])):
        if any(hold_reason(each) is not None for each in found):
            yield error("the customer is on credit hold", "parties", path, fix="refer to finance")
            return
        warned = [msgspec.structs.replace(each, hold_preference=c.HoldPreference.ENFORCE) for each in found
                  if each.hold_preference is c.HoldPreference.WARN_ONLY]  # fmt: skip
        if any(hold_reason(each) is not None for each in warned):
            yield warning("the customer would be on credit hold, and the ERP only warns", "parties", path)


def _exceeded(case: Case) -> Iterator[Remark]:
    if not (case.facts.profiles.whole and case.facts.paying.whole):
        return
    added = added_by(case)
    if added is not None and not added.minor:
        return  # what adds nothing is no matter of credit
    at = ("parties", "payer")
    if case.payer is None:
        if case.profile is not None or case.order.parties.payer_key is not None:
            yield doubt("who pays has no customer record that is for you to see", *at, fix=_NAME_ANOTHER)
        return
    credit = credit_of(case)
    if credit is None or credit.limit is None:
        return
    if any(each.balance is None or each.unbilled_orders is None for each in case.group):
        yield doubt("what is owed already is not in the ERP", *at, fix="refer to the credit manager")
    elif credit.exposure is None or credit.fx_rate is None:
        rates = case.facts.rates
        why = rates.trouble or "no rate of the day is there to compare amounts of different currencies"
        yield doubt(why, *at, fix=rates.remedy if rates.trouble is not None else None)
    elif credit.order is None:
        yield doubt("what the order adds is not known", *at)
    elif credit.headroom is not None and credit.headroom.minor < 0:
        yield error("the order is above what is left of the credit", *at, fix="refer to the credit manager")


def _duplicate(case: Case) -> Iterator[Remark]:
    """The same sold-to, products and quantities, and the same purchase order where both have one, not long ago; or of
    ours and still a draft: an order that starts later is one until then."""
    ours = Counter(_line(each.product.code, each.line.quantity) for each in case.lines if each.product is not None)
    if not ours or len(case.lines) != ours.total():
        return
    since = case.now - timedelta(days=case.rules.duplicate_days)
    for each in case.facts.orders.rows:
        if each.reduction or each.status is c.OrderStatus.CANCELED or each.created_at is None:
            continue
        waits = each.status is c.OrderStatus.DRAFT and each.operation is not None
        if each.created_at < since and not waits:
            continue
        theirs = Counter(_line(line.product_code, line.quantity) for line in each.lines)
        numbers = {each.purchase_order, case.order.purchase_order} - {None}
        if theirs == ours and len(numbers) < 2:
            yield error(f"order `{each.number or each.key}` is the same", "lines", fix="go on with that one")


def _line(code: str | None, quantity: Decimal) -> tuple[str | None, Decimal]:
    return code, quantity.normalize()


RULES = (
    Rule(code="CREDIT_HOLD", needs=("profiles", "paying"), judge=_hold, always=True),
    Rule(code="CREDIT_EXCEEDED", needs=("profiles", "paying", "prices"), judge=_exceeded, always=True),
    Rule(code="DUPLICATE_ORDER", needs=("orders", "products"), judge=_duplicate, always=True),
)
