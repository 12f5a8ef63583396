"""Makes an order of an input: whatever is wrong with it is a remark with its path, never an exception."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from policies.orders import OrderRules
from resolvers.ids import key_of
from resolvers.validation.findings import Remark, Severity, error, severity_of
from resolvers.validation.inputs import OrderInput, OrderLineInput, OrderQuoteInput
from resolvers.validation.order import Kind, Line, Order, Quote, QuoteApproval, Usage
from sources import canonical as c

_LONGEST = 255  # characters of anything that names something
_MOST = Decimal(1_000_000_000)  # of a quantity, and of a price in major units
_PLACES = 12  # decimals of a unit price or a quantity
_FREE = 120  # months
_PARTIES = {
    "sold_to": "soldTo",
    "bill_to": "billTo",
    "ship_to": "shipTo",
    "payer": "payer",
    "end_customer": "endCustomer",
    "reseller": "reseller",
}
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)


class Intake(msgspec.Struct, frozen=True):
    """An order with its good lines, and what is wrong with the rest; None where there is nothing to look anything up
    for."""

    order: Order | None
    remarks: tuple[Remark, ...] = ()

    @property
    def mistaken(self) -> bool:
        """Whether anything is wrong with it: then the order is not all that was asked for."""
        return any(severity_of(each) is Severity.ERROR for each in self.remarks)


def order_of(given: OrderInput, rules: OrderRules) -> Intake:
    """The order of an input."""
    remarks = [*_whole(given, rules)]
    lines = []
    for place, each in enumerate(given.lines if len(given.lines) <= rules.lines else ()):
        wrong = list(_line_remarks(place, each))
        remarks += wrong
        if not wrong:
            lines.append(_line(place, each))
    if _hopeless(given):
        return Intake(None, tuple(remarks))
    kind = Kind(given.kind)
    order = Order(
        kind=kind,
        account_key=key_of(given.account, c.Account),
        parties=_parties(given),
        entity_key=given.legal_entity,
        currency=given.currency,
        lines=tuple(lines),
        purchase_order=(given.purchase_order or "").strip() or None,
        terms=given.payment_terms,
        quote=_quote(given.quote) if given.quote is not None else None,
        subscription_key=_short(given.subscription),
        start_on=given.start_on if _is_possible(given.start_on) else None,
        end_on=given.end_on if _is_possible(given.end_on) else None,
        term_months=given.term_months if given.term_months and 0 < given.term_months <= 1_200 else None,
    )
    return Intake(order, tuple(remarks))


def _short(subscription: str | None) -> str | None:
    return key_of(subscription, c.AccountSubscription) if subscription and len(subscription) <= _LONGEST else None


def _hopeless(given: OrderInput) -> bool:
    """Whether there is nobody, or no money, to look anything up for."""
    return not given.account or len(given.account) > _LONGEST or not _is_currency(given.currency)


def _whole(given: OrderInput, rules: OrderRules) -> Sequence[Remark]:
    """What is wrong with the order as a whole."""
    found = []
    if not _is_currency(given.currency):
        found.append(error("it is no ISO 4217 code", "currency", fix="give one such as `EUR`"))
    if not given.lines:
        found.append(error("there is nothing in it", "lines", fix="give at least one line"))
    if len(given.lines) > rules.lines:
        found.append(error(f"{len(given.lines)} lines are more than {rules.lines}", "lines", fix="order in parts"))
    if (given.kind is not Kind.NEW) != bool(given.subscription):
        found.append(error("an amendment or a renewal names what it changes, a new order nothing", "subscription"))
    if given.end_on is not None and given.term_months is not None:
        found.append(error("the end is said twice", "termMonths", fix="give `endOn` or `termMonths`"))
    if given.term_months is not None and not 0 < given.term_months <= 1_200:
        found.append(error("it is no length of time", "termMonths", fix="give whole months, from 1"))
    for name, day in (("startOn", given.start_on), ("endOn", given.end_on)):
        if day is not None and not _is_possible(day):
            found.append(error("the day is out of reach", name, fix="give one between the years 2000 and 2100"))
    named = {
        "account": given.account or None,
        "legalEntity": given.legal_entity,
        "purchaseOrder": given.purchase_order,
        "paymentTerms": given.payment_terms,
        "subscription": given.subscription,
    }
    found += [error("it is too long to be one", name) for name, text in named.items() if text and len(text) > _LONGEST]
    found += [
        error("it is too long to be one", "parties", path)
        for name, path in _PARTIES.items()
        if len(getattr(given.parties, name, None) or "") > _LONGEST
    ]
    if not given.account:
        found.append(error("it says nobody", "account", fix="give the account's key"))
    return found + _quote_remarks(given.quote)


def _quote_remarks(given: OrderQuoteInput | None) -> list[Remark]:
    if given is None:
        return []
    found = []
    if given.total is not None and not _is_amount(given.total, least=Decimal(0)):
        found.append(error("it is no total", "quote", "total"))
    if given.approval is not None and not _is_share(given.approval.discount_limit):
        found.append(error("it is no percentage", "quote", "approval", "discountLimit", fix="give 0 to 100"))
    if given.approval is not None and len(given.approval.approver) > _LONGEST:
        found.append(error("it is too long to be one", "quote", "approval", "approver"))
    if not given.key or len(given.key) > _LONGEST:
        found.append(error("it names no quote", "quote", "key"))
    return found


def _line_remarks(place: int, given: OrderLineInput) -> Sequence[Remark]:
    at = ("lines", place)
    found = []
    if not (given.product or given.price):
        found.append(error("it says neither product nor price", *at, fix="give one of them"))
    found += [
        error("it is too long to be one", *at, name)
        for name, text in (("product", given.product), ("price", given.price))
        if text and len(text) > _LONGEST
    ]
    if not _is_amount(given.quantity) or given.quantity <= 0:
        found.append(error("it is no quantity", *at, "quantity", fix="order more than nothing, or leave the line out"))
    if given.unit_price is not None and given.discount is not None:
        found.append(error("the price is said twice", *at, "discount", fix="give `unitPrice` or `discount`"))
    if given.unit_price is not None and not _is_amount(given.unit_price, least=Decimal(0)):
        found.append(error("it is no price", *at, "unitPrice", fix="give major units, not less than nothing"))
    if given.discount is not None and not _is_share(given.discount):
        found.append(error("it is no percentage", *at, "discount", fix="give 0 to 100"))
    if not 0 <= given.free_months <= _FREE:
        found.append(error("so many months cannot be free", *at, "freeMonths", fix=f"give 0 to {_FREE}"))
    found += [
        error("the day is out of reach", *at, name, fix="give one between the years 2000 and 2100")
        for name, day in (("startOn", given.start_on), ("endOn", given.end_on))
        if day is not None and not _is_possible(day)
    ]
    usage = given.usage
    for name in ("included", "committed", "overage_price") if usage is not None else ():
        value = getattr(usage, name)
        if value is not None and not _is_amount(value, least=Decimal(0)):
            found.append(error("it is no amount", *at, "usage", "overagePrice" if name == "overage_price" else name))
    return found


def _line(place: int, given: OrderLineInput) -> Line:
    usage = given.usage
    return Line(
        place=place,
        product_key=key_of(given.product, c.Product) if given.product else None,
        price_key=key_of(given.price, c.Price) if given.price else None,
        quantity=given.quantity,
        unit_price=given.unit_price,
        discount=given.discount,
        free_months=given.free_months,
        start_on=given.start_on,
        end_on=given.end_on,
        usage=Usage(usage.included, usage.committed, usage.overage_price) if usage is not None else None,
    )


def _parties(given: OrderInput) -> c.Parties:
    said, account = given.parties, key_of(given.account, c.Account)
    keys = {name: key_of(text, c.Account) if (text := getattr(said, name, None)) else None for name in _PARTIES}
    kept = {name: key if key is not None and len(key) <= _LONGEST else None for name, key in keys.items()}
    return c.Parties(
        sold_to_key=kept["sold_to"] or account,
        bill_to_key=kept["bill_to"] or account,
        ship_to_key=kept["ship_to"] or account,
        payer_key=kept["payer"],
        end_customer_key=kept["end_customer"] or account,
        reseller_key=kept["reseller"],
    )


def _quote(given: OrderQuoteInput) -> Quote:
    stated = given.approval
    approval = QuoteApproval(stated.approver, stated.discount_limit) if stated is not None else None
    if approval is not None and not (_is_share(approval.discount_limit) and len(approval.approver) <= _LONGEST):
        approval = None
    total = given.total if given.total is not None and _is_amount(given.total, least=Decimal(0)) else None
    return Quote(key=given.key[:_LONGEST], valid_until=given.valid_until, total=total, approval=approval)


def _is_currency(code: str) -> bool:
    try:
        c.exponent(code)
    except c.MoneyError:
        return False
    return True


def _is_amount(value: Decimal, least: Decimal = -_MOST) -> bool:
    """Whether a number can be calculated with exactly: finite, of a usual size, with at most twelve decimals."""
    if not c.sensible(value) or not least <= value <= _MOST:
        return False
    places = value.normalize().as_tuple().exponent
    return isinstance(places, int) and -places <= _PLACES


def _is_share(value: Decimal) -> bool:
    return _is_amount(value, least=Decimal(0)) and value <= 100


def _is_possible(day: date | None) -> bool:
    return day is not None and _EARLIEST <= day <= _LATEST
