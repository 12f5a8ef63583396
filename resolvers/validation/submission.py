"""Judges an order that is submitted, as validations are: when it is accepted, before it begins, after approvals.

So is a change of what runs judged, by those checks that concern one.

While it is accepted, a token of a moment ago spares what it vouches for. What a source could not tell then refuses the
command, which may come again; a doubt that nobody here can clear rejects it. Before it begins everything is judged in
full, and what somebody has to decide waits with its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Protocol

import msgspec

from policies.orders import OrderRules
from policies.principal import Principal
from resolvers.context import Context
from resolvers.sagas.asking import Asking, asked_for
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.writes.changing import JUDGED, Change
from resolvers.sagas.writes.order import Judgement, SubmitOrder
from resolvers.validation.approvals import needs_credit
from resolvers.validation.case import Case
from resolvers.validation.checks.credit import added_by, credit_of
from resolvers.validation.checks.terms import is_usual
from resolvers.validation.facts import ASK_AGAIN
from resolvers.validation.findings import Finding as Found
from resolvers.validation.findings import Severity
from resolvers.validation.intake import Intake
from resolvers.validation.judge import Weighed, edition_of, rules_of, weighed
from resolvers.validation.order import Kind, Line, Order, Quote
from resolvers.validation.token import TokenRefused, Vouched, open_token
from sources import canonical as c
from sources.errors import Ambiguous, Unavailable
from sources.settings import Secret

_CREDIT, _FINANCE, _RECORDS = "credit_manager", "finance", "revops"
_OWNERS = {"CREDIT_HOLD": _CREDIT, "CREDIT_EXCEEDED": _CREDIT, "PERIOD_CLOSED": _FINANCE}
"""Who may let it go on later; whatever else is wrong is refused."""
_CODES = {"PERIOD_CLOSED": "PERIOD_LOCKED"}
_PATHS = {"paymentTerms": "dueDays", "termMonths": "endOn"}
_YEAR = 12  # months of an order without an end
_WINDOW = 30  # days at the least in which orders are compared


class UnderWay(Protocol):
    """What other orders on their way hold, by our own tables."""

    async def orders(self, account: str, since: datetime, without: str | None) -> Sequence[c.Order]:
        """Those of a sold-to that are not in the CRM yet, as it will have them."""
        ...

    async def reserved(self, payer: str, entity: str) -> Sequence[c.Money]:
        """What they have taken of a payer's credit, one amount for each currency."""
        ...


class Submission:
    """The judge of `submitOrder` (`resolvers.sagas.writes.order.Judge`), and with `change` that of amendments and
    renewals (`ChangeJudge`). `rules` gives the rules in force, `signing` is the key of validation tokens (none: nothing
    is vouched for). `under_way` is there once our own tables are open."""

    def __init__(self, rules: Callable[[], Any], signing: Secret | None) -> None:
        self._rules, self._signing = rules, signing
        self.under_way: UnderWay | None = None

    async def __call__(self, read: Read, order: SubmitOrder, now: datetime) -> Judgement:
        """See `Judge`. Raises TokenRefused for a token that does not stand for the order, Unavailable where a source
        did not say what has to be known."""
        who = asked_for()
        context = Context(principal_of(who), now, who.correlation, self._rules(), signing=self._signing)
        rules = rules_of(context)
        vouched = self._vouched(order, context, rules) if who.operation is None and order.token else None
        asked = _order(order, _terms(order.due_days, rules), _months(order))
        reserved = await self._reserved(asked)
        others: Sequence[c.Order] = ()
        if self.under_way is not None:
            since = now - timedelta(days=max(rules.duplicate_days, _WINDOW))
            others = await self.under_way.orders(asked.sold_to_key, since, who.operation)
        found = await weighed(asked, read, context, vouched=vouched, reserved=reserved, under_way=others)
        return _judgement(order, found, accepting=who.operation is None)

    async def change(self, read: Read, change: Change, now: datetime) -> Judgement:
        """See `ChangeJudge`. Raises Unavailable where a source did not say what has to be known."""
        who = asked_for()
        context = Context(principal_of(who), now, who.correlation, self._rules())
        asked = _changed(change)
        reserved = await self._reserved(asked)
        found = await weighed(asked, read, context, reserved=reserved, only=JUDGED)
        headroom = _headroom(found.case)
        adds_nothing = change.adds is not None and not change.adds
        known = {"CREDIT_EXCEEDED"} if adds_nothing or headroom is not None else set()
        findings = _findings(found.findings, accepting=who.operation is None)
        return Judgement(
            findings=tuple(_anywhere(each) for each in findings if each.code not in known),
            amount=change.adds if adds_nothing else added_by(found.case),
            headroom=headroom,
        )

    async def _reserved(self, asked: Order) -> Sequence[c.Money]:
        """What other writes on their way have taken of the payer's credit."""
        if self.under_way is None or asked.entity_key is None:
            return ()
        payer = asked.parties.payer_key or asked.bill_to_key
        return await self.under_way.reserved(payer, asked.entity_key)

    def _vouched(self, order: SubmitOrder, context: Context, rules: OrderRules) -> Vouched:
        """What the token says, whichever of the ways to say the same the order was validated in."""
        if self._signing is None:
            raise TokenRefused("TOKEN_INVALID", "nobody can open a token here: leave it out")
        terms, refused = _terms(order.due_days, rules), None
        usual = rules.terms.get(rules.terms_usual or "") == order.due_days
        for named, months, quoted in product((terms, None) if usual else (terms,), _lengths(order), (True, False)):
            intake = Intake(_order(order, named, months, quoted=quoted))
            try:
                edition = edition_of(context)
                return open_token(str(order.token), intake, context.principal, edition, context.now, self._signing)
            except TokenRefused as error:
                refused = refused or error
        raise refused or TokenRefused("TOKEN_OTHER_ORDER", "another order was validated: validate this one")


def principal_of(who: Asking) -> Principal:
    """Whoever asked, as the rules know callers."""
    return Principal(who.subject, who.roles, human=who.human)


def _terms(days: int, rules: OrderRules) -> str:
    """The terms of ours that have so many days, by their name."""
    return next((name for name, each in rules.terms.items() if each == days), f"{days} days")


def _months(order: SubmitOrder) -> int | None:
    return _YEAR if order.end_on is None else None


def _lengths(order: SubmitOrder) -> tuple[int | None, ...]:
    return (_YEAR, None) if order.end_on is None else (None,)


def _order(order: SubmitOrder, terms: str | None, months: int | None, *, quoted: bool = True) -> Order:
    """The order as a validation knows it."""
    return Order(
        account_key=order.account,
        parties=_whole(order.parties, order.account),
        entity_key=order.legal_entity,
        currency=order.currency,
        lines=tuple(
            Line(
                place=place,
                price_key=each.price,
                quantity=each.quantity,
                unit_price=each.unit_price,
                start_on=each.start_on,
                end_on=each.end_on,
            )
            for place, each in enumerate(order.lines)
        ),
        purchase_order=order.purchase_order,
        terms=terms,
        quote=Quote(key=order.quote) if order.quote and quoted else None,
        start_on=order.start_on,
        end_on=order.end_on,
        term_months=months,
    )


def _changed(change: Change) -> Order:
    """All that a subscription is to have, as a validation knows it."""
    subscription = change.subscription
    return Order(
        kind=Kind.RENEW if change.renews else Kind.AMEND,
        account_key=subscription.account_key,
        parties=_whole(change.parties, subscription.account_key),
        entity_key=subscription.legal_entity,
        currency=subscription.currency,
        lines=tuple(
            Line(place=place, price_key=each.price, quantity=each.quantity, unit_price=each.unit_price)
            for place, each in enumerate(change.items)
        ),
        subscription_key=subscription.key,
        start_on=change.start_on,
        end_on=change.end_on,
    )


def _whole(parties: c.Parties, account: str) -> c.Parties:
    """Who takes part: who is not named is the account, but for who pays and who resells."""
    return c.Parties(
        sold_to_key=parties.sold_to_key or account,
        bill_to_key=parties.bill_to_key or account,
        ship_to_key=parties.ship_to_key or account,
        payer_key=parties.payer_key,
        end_customer_key=parties.end_customer_key or account,
        reseller_key=parties.reseller_key,
    )


# -------------------------------------------------------------------------------------------------------- the judgement


def _judgement(order: SubmitOrder, found: Weighed, *, accepting: bool) -> Judgement:
    case = found.case
    findings = [*_products(order, case), *_findings(found.findings, accepting=accepting)]
    headroom = _headroom(case)
    if headroom is not None:
        findings = [each for each in findings if each.code != "CREDIT_EXCEEDED"]  # its write compares with it itself
    totals = case.totals
    return Judgement(
        findings=tuple(findings),
        amount=totals.total if totals is not None else None,
        discount=totals.discount if totals is not None else None,
        flags=_flags(case),
        headroom=headroom,
    )


def _anywhere(finding: Finding) -> Finding:
    """A change names no parties: what is wrong with one of them is wrong with the whole."""
    return finding if finding.path == "lines" else msgspec.structs.replace(finding, path=None)


def _flags(case: Case) -> dict[str, bool]:
    """What is stated to the write rules; what is not known, or needs more than the usual approver, is left out."""
    flags = {"backdated": case.start_on < case.today}
    usual = is_usual(case)
    if usual is not None and not needs_credit(case):
        flags["non_standard_terms"] = not usual
    return flags


def _headroom(case: Case) -> c.Money | None:
    """What is left of the payer's credit before this order and the others on their way in its currency: those are
    counted when it is reserved. None where the limit is in another currency."""
    credit = credit_of(case)
    if credit is None or credit.headroom is None or credit.order is None or credit.currency != case.order.currency:
        return None
    left = credit.headroom + credit.order
    return sum((each for each in case.reserved if each.currency == credit.currency), left)


def _products(order: SubmitOrder, case: Case) -> Iterator[Finding]:
    """The ERP is told the product by our code, billing by its price: both have to mean the same."""
    known: Mapping[int, Any] = {each.line.place: each.product for each in case.lines}
    for place, line in enumerate(order.lines):
        sold = known.get(place)
        if sold is not None and sold.code is not None and sold.code != line.product:
            message = f"the price is one of `{sold.code}`, not of `{line.product}`"
            yield Finding(code="PRODUCT_MISMATCH", message=message, path=f"lines.{place}.product")


def _findings(found: Sequence[Found], *, accepting: bool) -> Iterator[Finding]:
    for each in found:
        if each.severity is Severity.WARNING:
            continue
        if each.severity is Severity.UNVERIFIED and Ambiguous.code in each.message:
            yield Finding(code=Ambiguous.code, message=each.message, owner=_RECORDS)  # no repetition helps
            continue
        if each.severity is Severity.UNVERIFIED and each.fix == ASK_AGAIN:
            message = f"{each.code} could not be checked: {each.message}"
            raise Unavailable(message, source=each.source or "", unsent=True)
        owner = _OWNERS.get(each.code)
        if each.severity is Severity.UNVERIFIED and not accepting:
            owner = owner or (_FINANCE if each.code.startswith("TAX_") else _RECORDS)
        message = each.message if each.fix is None else f"{each.message}: {each.fix}"
        path = _PATHS.get(each.path, each.path) or None
        yield Finding(code=_CODES.get(each.code, each.code), message=message, path=path, owner=owner)
