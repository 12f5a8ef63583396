"""Judges an order: gathers, settles, examines, asks the rules.

`validate_order` is the root of the graph; whoever submits an order calls `judge` with what `order_of` made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from policies.orders import OrderRules
from resolvers.batch import Read
from resolvers.context import Context
from resolvers.validation import amounts
from resolvers.validation.approvals import Approval, authority
from resolvers.validation.case import Case, settle
from resolvers.validation.checks.credit import Credit, credit_of, tcv_change
from resolvers.validation.checks.table import ALWAYS, CODES, examine, wanted
from resolvers.validation.checks.tax import PostingPeriod, TaxDetermination, Treatment, determination, posting_period
from resolvers.validation.findings import (
    Check,
    Finding,
    Outcome,
    Remark,
    Severity,
    State,
    outcome_of,
    severity_of,
)
from resolvers.validation.gather import gather
from resolvers.validation.inputs import OrderInput
from resolvers.validation.intake import Intake, order_of
from resolvers.validation.order import Kind, Order
from resolvers.validation.pricing import Invoiced, PricedLine, Totals
from resolvers.validation.proration import Proration
from resolvers.validation.token import Vouched, issue, prices_of
from sources import canonical as c

_INPUT, _PRICES, _TOKEN = "INPUT_INVALID", "PRICES_CHANGED", "token"
_DIGITS = 12  # of the digest that tells rules apart
_VALID = (Outcome.VALID, Outcome.VALID_WITH_APPROVAL)
_UNTAXED = frozenset({Treatment.REVERSE_CHARGE, Treatment.EXEMPT, Treatment.EXPORT})


class Weighed(msgspec.Struct, frozen=True):
    """An order with all that is known of it, and what the checks say: nobody has been asked who may submit it."""

    case: Case
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]


class Deltas(msgspec.Struct, frozen=True):
    """By how much an order changes recurring revenue and contract value; None where what was before is not known."""

    mrr: c.Money | None
    arr: c.Money | None
    tcv: c.Money | None


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `tax` is nothing where none is charged, and None where the tax engine has to say. `token` only for an
    order that is valid."""

    verdict: Outcome
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    approvals_required: tuple[Approval, ...] = ()
    entity_key: str | None = None
    parties: c.Parties | None = None
    posting_period: PostingPeriod | None = None
    tax_determination: TaxDetermination | None = None
    lines: tuple[PricedLine, ...] = ()
    tax: c.Money | None = None
    totals: Totals | None = None
    first_invoice: Invoiced | None = None
    proration: Proration | None = None
    deltas: Deltas | None = None
    credit: Credit | None = None
    start_on: date | None = None
    end_on: date | None = None
    rules_version: str
    valid_until: datetime
    token: str | None = None


async def validate_order(
    _parents: Sequence[None], read: Read, context: Context, *, input: OrderInput
) -> list[Validation]:
    """The root's computation: one answer, whatever the input is."""
    return [await judge(order_of(input, rules_of(context)), read, context)]


async def judge(
    intake: Intake,
    read: Read,
    context: Context,
    *,
    vouched: Vouched | None = None,
    reserved: Sequence[c.Money] = (),
    under_way: Sequence[c.Order] = (),
) -> Validation:
    """The same for an order as it was taken in, with all that was wrong with the input. Whoever submits one calls this
    before anything is written, and again after an approval.

    `vouched`: of a token that was opened (`open_token`): checks of catalogue, mapping, price and tax are then not made
    again, and facts that only they need are not read; who takes part, hold, exposure, period, duplicates, days and
    approvals always are, and prices are compared with those of the token. `reserved`: what other orders on their way
    have taken of the payer's credit; `under_way`: these orders, as the CRM will have them, each by its operation's key
    and without the one that is judged. `read` may read what NEEDS says.
    """
    rules, order = rules_of(context), intake.order
    checks, findings = _of_input(intake.remarks)
    if order is None:
        until = context.now + timedelta(minutes=rules.token_minutes)
        return Validation(
            verdict=Outcome.INVALID, findings=tuple(findings), checks=tuple(checks), rules_version=edition_of(context),
            valid_until=until,
        )  # fmt: skip
    found = await weighed(order, read, context, vouched=vouched, reserved=reserved, under_way=under_way)
    case = found.case
    allowed = authority(case, context.principal, context.rules)
    checks += [*found.checks, allowed.check]
    findings += [*found.findings, *allowed.findings]
    verdict = outcome_of(checks, findings, len(allowed.approvals))
    answer = _answer(case, context, verdict, checks, findings, allowed.approvals)
    return answer if vouched is not None else msgspec.structs.replace(answer, token=_token(case, context, answer))


async def weighed(
    order: Order,
    read: Read,
    context: Context,
    *,
    vouched: Vouched | None = None,
    reserved: Sequence[c.Money] = (),
    under_way: Sequence[c.Order] = (),
    only: frozenset[str] = CODES,
) -> Weighed:
    """An order with its facts and what the checks say of it: `only` these are made. The other arguments are those of
    `judge`."""
    rules = rules_of(context)
    skipped = CODES - (only & ALWAYS if vouched is not None else only)
    facts = await gather(order, read, context, wanted(skipped), max(rules.duplicate_days, 30), under_way, reserved)
    human = context.principal.human or context.principal.subject
    case = await settle(order, facts, rules, context.now, human, reserved)
    made, found = await examine(case, skipped)
    checks: list[Check] = []
    findings: list[Finding] = []
    if vouched is not None:
        checks += [_vouched_for(code, vouched) for code in sorted(skipped)]
        checks += _priced_as_before(case, vouched, findings)
    return Weighed(case, (*checks, *made), (*findings, *found))


def rules_of(context: Context) -> OrderRules:
    """The limits in force."""
    found: OrderRules | None = getattr(context.rules, "orders", None)
    return found if found is not None else OrderRules()


def edition_of(context: Context) -> str:
    """Which rules are in force: the version that is written in the limits, and the beginning of the digest of all rule
    files. A token is for these alone."""
    digest: str = getattr(context.rules, "digest", "")
    version = rules_of(context).version
    return f"{version}@{digest[:_DIGITS]}" if digest else version


def _vouched_for(code: str, vouched: Vouched) -> Check:
    if code in vouched.idle:
        return Check(code, State.NOT_APPLICABLE, _TOKEN, vouched.at, "it did not apply when the order was validated")
    return Check(code, State.PASSED, _TOKEN, vouched.at)


def _of_input(remarks: Iterable[Remark]) -> tuple[list[Check], list[Finding]]:
    said = [
        Finding(severity_of(each), _INPUT, ".".join(map(str, each.path)), each.message, "request", None, each.fix)
        for each in remarks
    ]
    state = State.FAILED if any(each.severity is Severity.ERROR for each in said) else State.PASSED
    return [Check(_INPUT, state, "request")], said


def _priced_as_before(case: Case, vouched: Vouched, findings: list[Finding]) -> list[Check]:
    if prices_of(case.priced) == vouched.prices:
        return [Check(_PRICES, State.PASSED, case.facts.prices.source, case.facts.prices.as_of)]
    if not case.complete and case.facts.prices.trouble is not None:
        return [Check(_PRICES, State.UNVERIFIED, case.facts.prices.source, None, case.facts.prices.trouble)]
    findings.append(
        Finding(Severity.ERROR, _PRICES, "lines", "prices have changed since it was validated",
                case.facts.prices.source, case.facts.prices.as_of, "validate it again")
    )  # fmt: skip
    return [Check(_PRICES, State.FAILED, case.facts.prices.source, case.facts.prices.as_of)]


# ---------------------------------------------------------------- the answer


def _answer(
    case: Case,
    context: Context,
    verdict: Outcome,
    checks: Sequence[Check],
    findings: Sequence[Finding],
    approvals: Sequence[Approval],
) -> Validation:
    tax = determination(case)
    # One bad line makes sums of the others misleading.
    whole = case.complete and not any(each.code == _INPUT for each in findings)
    return Validation(
        verdict=verdict,
        findings=tuple(findings),
        checks=tuple(checks),
        approvals_required=tuple(approvals),
        entity_key=case.entity.key if case.entity is not None else None,
        parties=case.order.parties,
        posting_period=posting_period(case),
        tax_determination=tax,
        lines=case.priced,
        tax=c.Money.zero(case.order.currency) if tax.treatment in _UNTAXED else None,
        totals=case.totals if whole else None,
        first_invoice=_first_invoice(case) if whole else None,
        proration=case.proration if whole else None,
        deltas=_deltas(case) if whole else None,
        credit=credit_of(case) if whole else None,
        start_on=case.start_on,
        end_on=case.end_on,
        rules_version=edition_of(context),
        valid_until=_until(case),
    )


def _token(case: Case, context: Context, answer: Validation) -> str | None:
    """A token for what was judged in full: one that is issued on another's word would never come to an end."""
    if context.signing is None or answer.verdict not in _VALID:
        return None
    idle = [each.code for each in answer.checks if each.state is State.NOT_APPLICABLE]
    return issue(case, context.principal, answer.valid_until, context.signing, rules=answer.rules_version, idle=idle)


def _until(case: Case) -> datetime:
    """No longer than the rules say, no further than this day where the entity is: days are judged by it."""
    midnight = datetime.combine(case.today + timedelta(days=1), time(), case.zone)
    return min(case.now + timedelta(minutes=case.rules.token_minutes), midnight.astimezone(case.now.tzinfo))


def _first_invoice(case: Case) -> Invoiced | None:
    """Of an amendment it is what proration comes to; what is credited in all leaves nothing to invoice."""
    if case.order.kind is not Kind.AMEND:
        return case.first_invoice
    if case.proration is None or case.first_invoice is None:
        return None
    net = case.proration.net
    amount = c.Money(max(net.minor, 0), net.currency)
    end = case.subscription.period_end if case.subscription is not None else None
    last = (end - timedelta(microseconds=1)).astimezone(case.zone).date() if end is not None else case.start_on
    return msgspec.structs.replace(case.first_invoice, amount=amount, period_end=max(last, case.start_on))


def _deltas(case: Case) -> Deltas | None:
    totals = case.totals
    if totals is None:
        return None
    if case.order.kind is Kind.NEW:
        return Deltas(totals.mrr, totals.arr, totals.total)
    before = case.mrr_before
    if before is None or before.currency != totals.mrr.currency:
        return Deltas(None, None, None)
    arr = totals.arr - amounts.part(before, amounts.TWELVE)
    return Deltas(totals.mrr - before, arr, tcv_change(case) if case.order.kind is Kind.AMEND else totals.total)
