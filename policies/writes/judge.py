"""Turns what an ask states into exact figures in functional currency; None is what nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation

from policies.writes.ask import Ask, Money, Reason
from policies.writes.records import Bounds, Total, WriteRule
from policies.yaml import Place

_DIGITS = 30
_EXACT = Context(prec=300, traps=[Inexact, InvalidOperation])
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Judged:
    """`alone` are the figures for who acts alone, parts counted as one; `approver` those for approvers, which hold the
    totals that went over their bounds too. `reasons` are those totals: nobody acts alone over them.
    """

    alone: Mapping[str, Decimal | None]
    approver: Mapping[str, Decimal | None]
    reasons: tuple[Reason, ...]
    amount_reason: str


def judged(rule: WriteRule, units: Mapping[str, str], ask: Ask) -> Judged:
    """What the bounds of a rule are compared with."""
    figures = {name: _figure(unit, ask.figures.get(name), ask) for name, unit in units.items() if name != "amount"}
    asked = None if ask.amount is None else functional(ask.amount, ask)
    joined = [_with(asked, ask.totals.get(total.key)) for total in rule.totals if total.joins]
    amount = _largest([asked, *joined])
    over = [(total, reason) for total in rule.totals if not total.joins and (reason := _over(total, asked, ask))]
    money = [_with(asked, ask.totals.get(total.key)) for total, _ in over if total.count is None]
    return Judged(
        alone={**figures, "amount": amount},
        approver={**figures, "amount": _largest([amount, *money])},
        reasons=tuple(reason for _, reason in over),
        amount_reason=_why_unknown(asked, ask),
    )


def outside(reach: Bounds, figures: Mapping[str, Decimal | None], ask: Ask, unknown: str) -> Iterator[Reason]:
    """What of an ask is beyond bounds; `unknown` is the code for an amount that cannot be compared."""
    for name, most in reach.figures.items():
        value = figures.get(name)
        if value is None:
            yield reason(unknown if name == "amount" else "FIGURE_UNKNOWN", name, reach.place)
        elif value > most:
            yield reason("ABOVE_LIMIT", name, reach.place)
    for flag in reach.needs:
        if ask.flags.get(flag) is not True:
            yield reason("FLAG_NOT_STATED" if flag not in ask.flags else "FLAG_MISSING", flag, reach.place)
    for flag in reach.unless:
        if ask.flags.get(flag) is not False:
            yield reason("FLAG_NOT_STATED" if flag not in ask.flags else "FLAG_SET", flag, reach.place)


def reason(code: str, about: str, place: Place) -> Reason:
    """A reason at a line."""
    return Reason(code, about, place.file, place.line)


def functional(money: Money, ask: Ask) -> Decimal | None:
    """An amount in the legal entity's currency, exactly; None without a rate or for what is no amount."""
    if not ask.functional or not usable(money.amount) or money.amount < 0:
        return None
    if money.currency == ask.functional:
        return money.amount
    rate = ask.rates.get(money.currency)
    if rate is None or not usable(rate) or rate <= 0:
        return None
    return _EXACT.multiply(money.amount, rate)


def usable(value: Decimal) -> bool:
    """Whether a number can be compared and added without losing digits."""
    return value.is_finite() and (value == 0 or abs(value.adjusted()) <= _DIGITS) and -_exponent(value) <= _DIGITS


def _exponent(value: Decimal) -> int:
    found = value.as_tuple().exponent
    return found if isinstance(found, int) else -_DIGITS - 1


def _figure(unit: str, value: Money | Decimal | None, ask: Ask) -> Decimal | None:
    if isinstance(value, Money):
        return functional(value, ask) if unit == "money" else None
    return value if value is not None and unit != "money" and usable(value) else None


def _with(amount: Decimal | None, earlier: Decimal | None) -> Decimal | None:
    if amount is None or earlier is None or not usable(earlier) or earlier < 0:
        return None
    return _EXACT.add(amount, earlier)


def _largest(amounts: list[Decimal | None]) -> Decimal | None:
    known = [each for each in amounts if each is not None]
    return max(known) if len(known) == len(amounts) else None


def _over(total: Total, asked: Decimal | None, ask: Ask) -> Reason | None:
    sum_of = _with(Decimal(1) if total.count is not None else asked, ask.totals.get(total.key))
    if sum_of is None:
        return reason("TOTAL_UNKNOWN", total.key, total.place)
    if total.count is not None and sum_of > total.count:
        return reason("TOTAL_ABOVE", total.key, total.place)
    if total.amount is not None and sum_of > total.amount:
        return reason("TOTAL_ABOVE", total.key, total.place)
    if total.arr_percent is None:
        return None
    if ask.arr is None or not usable(ask.arr) or ask.arr < _ZERO:
        return reason("ARR_UNKNOWN", total.key, total.place)
    if _EXACT.multiply(sum_of, Decimal(100)) > _EXACT.multiply(ask.arr, total.arr_percent):
        return reason("TOTAL_ABOVE", total.key, total.place)
    return None


def _why_unknown(asked: Decimal | None, ask: Ask) -> str:
    if ask.amount is None:
        return "AMOUNT_UNKNOWN"
    return "NO_RATE" if asked is None else "TOTAL_UNKNOWN"
