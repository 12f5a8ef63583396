"""The limits that orders are validated against, as the auditor reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from policies.yaml import Mapping as Node
from policies.yaml import Mistakes, Value, amount, entries, mapping, number, required, text, texts

ANY = "any"
_DAYS = frozenset(
    {
        "token_minutes",
        "lines",
        "backdating_days",
        "ahead_days",
        "term_months_least",
        "term_months_most",
        "renewal_late_days",
        "renewal_notice_days",
        "duplicate_days",
    }
)
_AMOUNTS = frozenset(
    {"discount_most", "cpq_approval_most", "uplift_most", "new_customer_credit", "purchase_order_from"}
)
_WORDS = frozenset({"version", "terms_usual", "revenue_rule_for", "approver_form"})
_TABLES = frozenset({"terms", "entities", "support_tiers", "not_applicable"})
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sells:
    """What one legal entity sells: ISO 4217 currencies, ISO 3166-1 countries (None: everywhere), but not `withheld`."""

    currencies: frozenset[str]
    countries: frozenset[str] | None = None
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The limits. Percentages and amounts are exact; amounts are in the legal entity's functional currency. `entities`
    None: nobody has said what each company sells. `terms`: days by the ERP's name. `approver_form`: how the identity
    provider names a person; None: no approval that CPQ states counts."""

    version: str = "1"
    token_minutes: int = 15
    lines: int = 1_000
    discount_most: Decimal = Decimal(60)
    cpq_approval_most: Decimal = Decimal(25)
    approver_form: re.Pattern[str] | None = None
    backdating_days: int = 30
    ahead_days: int = 730
    term_months_least: int = 1
    term_months_most: int = 60
    renewal_late_days: int = 30
    renewal_notice_days: int = 30
    uplift_most: Decimal = Decimal(7)
    duplicate_days: int = 30
    new_customer_credit: Decimal = Decimal(0)
    purchase_order_from: Decimal | None = None
    terms: Mapping[str, int] = field(default_factory=dict)
    terms_usual: str | None = None
    revenue_rule_for: str = "all"
    entities: Mapping[str, Sells] | None = None
    support_tiers: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)


def order_rules(source: Node) -> OrderRules:
    """Reads `orders.yaml`; raises RuleErrors with every mistake. An empty file has the limits of `OrderRules`."""
    if not source.items:
        return OrderRules()
    told, known = Mistakes(), _DAYS | _AMOUNTS | _WORDS | _TABLES
    told.of(mapping, source, "orders.yaml", known)
    told.of(required, source, "version")
    found: dict[str, object] = {}
    for name, value, _ in entries(source):
        if name in known:
            found[name] = told.of(_READERS[name], value) if name in _READERS else told.of(_plain, name, value)
    told.done()
    rules = OrderRules(**found)  # type: ignore[arg-type] # each by its own reader
    _check(rules, source)
    return rules


def _check(rules: OrderRules, source: Node) -> None:
    told = Mistakes()
    for check in (_usual, _revenue, _months):
        told.of(check, rules, source)
    told.done()


def _usual(rules: OrderRules, source: Node) -> None:
    if rules.terms_usual is not None and rules.terms_usual not in rules.terms:
        raise source.items["terms_usual"].place.error(
            f"`terms_usual` is `{rules.terms_usual}`: one of {', '.join(rules.terms) or 'none'} is expected"
        )


def _revenue(rules: OrderRules, source: Node) -> None:
    if rules.revenue_rule_for not in ("all", "recurring"):
        raise source.items["revenue_rule_for"].place.error(
            f"`revenue_rule_for` is `{rules.revenue_rule_for}`: `all` or `recurring` is expected"
        )


def _months(rules: OrderRules, source: Node) -> None:
    if rules.term_months_least > rules.term_months_most:
        raise source.place.error("`term_months_least` is more than `term_months_most`")


def _plain(name: str, value: Value) -> int | Decimal | str:
    if name in _DAYS:
        return number(value, f"`{name}`")
    return amount(value, f"`{name}`") if name in _AMOUNTS else text(value, f"`{name}`")


def _terms(value: Value) -> dict[str, int]:
    told = Mistakes()
    written = entries(mapping(value, "`terms`"))
    found = {name: told.of(number, days, f"the days of `{name}`") for name, days, _ in written}
    told.done()
    return found


def _form(value: Value) -> re.Pattern[str]:
    try:
        return re.compile(text(value, "`approver_form`"))
    except re.error as error:
        raise value.place.error(f"`approver_form` is no regular expression: {error}") from None


def _entities(value: Value) -> dict[str, Sells]:
    told = Mistakes()
    found = {code: told.of(_sells, code, each) for code, each, _ in entries(mapping(value, "`entities`"))}
    told.done()
    return found


def _sells(code: str, value: Value) -> Sells:
    what = f"what `{code}` sells"
    source = mapping(value, what, frozenset({"currencies", "countries", "withheld"}))
    countries = source.items.get("countries")
    anywhere = countries is None or [each.value for each in texts(countries, "`countries`")] == [ANY]
    withheld = source.items.get("withheld")
    return Sells(
        currencies=_codes(required(source, "currencies"), "`currencies`", _CURRENCY),
        countries=None if anywhere or countries is None else _codes(countries, "`countries`", _COUNTRY),
        withheld=frozenset(each.value for each in texts(withheld, "`withheld`"))
        if withheld is not None
        else frozenset(),
    )


def _codes(value: Value, what: str, form: re.Pattern[str]) -> frozenset[str]:
    found = texts(value, what)
    for each in found:
        if not form.fullmatch(each.value):
            raise each.place.error(f"{what} has `{each.value}`: a code in capital letters is expected")
    return frozenset(each.value for each in found)


def _tiers(value: Value) -> tuple[str, ...]:
    return tuple(each.value for each in texts(value, "`support_tiers`"))


def _reasons(value: Value) -> dict[str, str]:
    return {
        code: text(why, f"why `{code}` does not apply") for code, why, _ in entries(mapping(value, "`not_applicable`"))
    }


_READERS: Mapping[str, Callable[[Value], object]] = {
    "terms": _terms,
    "approver_form": _form,
    "entities": _entities,
    "support_tiers": _tiers,
    "not_applicable": _reasons,
}
