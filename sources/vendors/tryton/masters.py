"""What sales rest on, as canonical records: the company, its periods, how it taxes parties, the items it sells."""

from __future__ import annotations

from sources import canonical as c
from sources.vendors.tryton.mapping import Origin, code_of, owned, plain, word
from sources.vendors.tryton.wire import Company, Item, Party, Period

PERIOD_STATUS = {"open": (False, False), "closed": (True, False), "locked": (True, True)}


def entity_code(row: Company) -> str:
    """What a company goes by: its party's code, or its id."""
    return row.party.code or str(row.id)


def country(row: Company) -> str | None:
    """Where a company is: the country of the first address of its party that names one."""
    return next((each.country.code for each in row.party.addresses if each.country and each.country.code), None)


def legal_entity(row: Company, origin: Origin) -> c.LegalEntity:
    """A company."""
    return c.LegalEntity(
        **plain(entity_code(row), row.id, origin),
        name=row.party.name or "",
        country=country(row),
        currency=code_of(row.currency, "company.currency"),
        time_zone=row.timezone or "UTC",
        tax_number=row.party.tax_identifier.code if row.party.tax_identifier else None,
    )


def period(row: Period, origin: Origin) -> c.AccountingPeriod:
    """A period: closed for postings, or locked for good."""
    closed, locked = word(PERIOD_STATUS, "period.state", row.state)
    return c.AccountingPeriod(
        **plain(str(row.id), row.id, origin),
        name=row.name,
        start_on=row.start_date.value,
        end_on=row.end_date.value,
        closed=closed,
        receivables_locked=closed,
        all_locked=locked,
    )


def tax_profile(row: Party, origin: Origin) -> c.TaxProfile:
    """How a party is taxed: as the items say, from where the company is. What would change that is a tax rule, and a
    party that has one is refused when something is sold to it: so nobody here is exempt or owes the tax himself."""
    return c.TaxProfile(
        **owned(str(row.id), row.id, row, origin),
        legal_entity=origin.entity,
        tax_number=row.tax_identifier.code if row.tax_identifier else None,
        country=origin.country,
    )


def item(row: Item, origin: Origin) -> c.ErpItem:
    """A product. Its taxes are those of its accounting category; revenue is recognised when it is posted, on the
    account that the category names. A category that leaves either to its parent names none, and is refused on writing.
    """
    category = row.template.account_category
    taxes = [each.name or str(each.id) for each in category.customer_taxes] if category is not None else []
    account = category.account_revenue if category is not None else None
    return c.ErpItem(
        **plain(str(row.id), row.id, origin),
        product_code=row.code or "",
        name=row.name or row.code or "",
        item_type=row.type,
        inactive=not (row.active and row.salable),
        tax_schedule=", ".join(taxes) or None,
        revenue_rule=(account.name or str(account.id)) if account is not None else None,
    )
