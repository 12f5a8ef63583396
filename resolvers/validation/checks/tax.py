"""Tax and period: where it goes, how it is taxed there, and whether the first invoice can be posted.

What tax comes to is the tax engine's to say; here is only whether it will be able to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

import msgspec

from resolvers.validation.case import Case
from resolvers.validation.checks.rule import Rule
from resolvers.validation.checks.terms import is_closed, period_of
from resolvers.validation.findings import Remark, doubt, error, warning
from sources import canonical as c


class Treatment(StrEnum):
    """How it is taxed: at home, where we are registered abroad, by the customer, not at all, or abroad without us."""

    DOMESTIC = "DOMESTIC"
    NEXUS = "NEXUS"
    REVERSE_CHARGE = "REVERSE_CHARGE"
    EXEMPT = "EXEMPT"
    EXPORT = "EXPORT"


class TaxDetermination(msgspec.Struct, frozen=True):
    """How the order is taxed. `codes` are those of its products; `tax_number_known`: whether the customer has one."""

    treatment: Treatment | None
    ship_to_country: str | None
    entity_country: str | None
    codes: tuple[str, ...]
    tax_number_known: bool | None


class PostingPeriod(msgspec.Struct, frozen=True):
    """The period that the first invoice falls into; without a name where the ERP has none for the day yet."""

    invoice_on: date
    name: str | None
    start_on: date | None
    end_on: date | None
    open: bool | None


def determination(case: Case) -> TaxDetermination:
    """How an order is taxed, as far as it is known."""
    profile = _profile(case)
    codes = dict.fromkeys(each.product.tax_code for each in case.lines if each.product and each.product.tax_code)
    return TaxDetermination(
        treatment=_treatment(case),
        ship_to_country=_country(case),
        entity_country=case.entity.country if case.entity is not None else None,
        codes=tuple(code for code in codes if code),
        tax_number_known=profile.tax_number is not None if profile is not None else None,
    )


def posting_period(case: Case) -> PostingPeriod:
    """The period of the first invoice."""
    found = period_of(case, case.invoice_on)
    if found is None:
        return PostingPeriod(case.invoice_on, None, None, None, None)
    return PostingPeriod(case.invoice_on, found.name, found.start_on, found.end_on, not is_closed(found))


def _profile(case: Case) -> c.TaxProfile | None:
    """How the selling entity taxes the billed account."""
    rows: tuple[c.TaxProfile, ...] = case.facts.taxes.rows
    if case.entity is None:
        return None
    mine = [each for each in rows if each.legal_entity == case.entity.key]
    own = case.profile.key if case.profile is not None else None
    return next((each for each in mine if each.key == own), mine[0] if mine else None)


def _country(case: Case) -> str | None:
    found: c.Account | None = case.facts.accounts.by_key(case.order.ship_to_key)
    return found.country if found is not None else None


def _treatment(case: Case) -> Treatment | None:
    profile, country = _profile(case), _country(case)
    if profile is not None and profile.exempt:
        return Treatment.EXEMPT
    if profile is not None and profile.reverse_charge:
        return Treatment.REVERSE_CHARGE
    if country is None or case.entity is None or case.entity.country is None:
        return None
    if country == case.entity.country:
        return Treatment.DOMESTIC
    if profile is None:
        return None
    return Treatment.NEXUS if profile.nexus == country else Treatment.EXPORT


def _ship_to(case: Case) -> Iterator[Remark]:
    if case.facts.accounts.by_key(case.order.ship_to_key) is not None and _country(case) is None:
        yield error("the ship-to has no country", "parties", "shipTo", fix="give it one in the CRM")


def _nexus(case: Case) -> Iterator[Remark]:
    if case.facts.taxes.errors or case.entity is None or _country(case) is None:
        return
    if _treatment(case) is None:
        yield doubt(f"how `{case.entity.key}` taxes the customer is not in the ERP", "parties", "billTo",
                    fix="have finance make it a customer there")  # fmt: skip


def _code(case: Case) -> Iterator[Remark]:
    """What is charged once may go without: the ERP's item then decides."""
    for each in case.lines:
        recurring = each.price is not None and each.price.interval is not None
        if each.product is not None and each.product.tax_code is None:
            say = error if recurring else warning
            yield say(
                "the product has no tax code", "lines", each.line.place, fix="have finance give it one in billing"
            )


def _number(case: Case) -> Iterator[Remark]:
    profile = _profile(case)
    if profile is None or profile.tax_number is not None:
        return
    known = _treatment(case) is not None or (case.facts.accounts.whole and case.facts.entities.whole)
    say = error if known else doubt
    yield say("who owes the tax itself needs a tax number", "parties", "billTo", fix="ask for it")


def _no_reverse(case: Case) -> str | None:
    found = _treatment(case)
    if found is None or found is Treatment.REVERSE_CHARGE or case.facts.taxes.trouble is not None:
        return None
    return "the customer does not owe the tax itself"


def _no_exemption(case: Case) -> str | None:
    if case.facts.taxes.trouble is not None or _treatment(case) is Treatment.EXEMPT:
        return None
    return "the customer is not exempt"


def _exemption(_case: Case) -> Iterator[Remark]:
    yield doubt("until when the exemption holds is in no system that is asked", "parties", "billTo", fix="ask finance")


def _period(case: Case) -> Iterator[Remark]:
    if case.facts.periods.errors:
        return
    found = period_of(case, case.invoice_on)
    if found is not None:
        if is_closed(found):
            yield error(f"`{found.name}` is closed, and the first invoice falls into it", "startOn", fix="begin later")
        return
    last = max((each.end_on for each in case.facts.periods.rows), default=None)
    if last is not None and case.invoice_on > last:
        yield warning("the ERP has no period for the first invoice yet", "startOn", fix="have finance open one by then")
    else:
        yield error("the ERP has no period for the first invoice", "startOn", fix="have finance open one")


RULES = (
    Rule(code="TAX_SHIP_TO", needs=("accounts",), judge=_ship_to),
    Rule(code="TAX_NEXUS", needs=("taxes", "entities", "accounts"), judge=_nexus),
    Rule(code="TAX_CODE", needs=("products", "prices"), judge=_code),
    Rule(code="TAX_ID", needs=("taxes",), judge=_number, idle=_no_reverse),
    Rule(code="TAX_EXEMPTION", needs=("taxes",), judge=_exemption, idle=_no_exemption),
    Rule(code="PERIOD_CLOSED", needs=("periods", "entities"), judge=_period, always=True),
)
