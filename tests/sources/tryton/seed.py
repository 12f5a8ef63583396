"""Fills a fresh Tryton database. Runs in the environment of Tryton (GPL-3), as a process of its own, never imported.

Books: one company in USD (code US), the years 2025 (its January closed) to 2030, a tax of 10 % and one of 8.25 %,
two services, what the simulated company sells too, users.
"""

import datetime
import json
import sys
from decimal import Decimal

from proteus import Model, config

# The helpers that Tryton's own scenarios are written with.
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

PEOPLE = {
    "svc-erp": ("Accounting", "Sales", "Accounting Party", "Party Administration", "Account Credit Limit"),
    "svc-sales": ("Sales",),
    "svc-books": ("Accounting", "Accounting Party", "Party Administration"),
    "accountant": ("Accounting", "Accounting Administration"),
}
YEARS = range(2025, 2031)
COUNTRIES = (("US", "USA", "United States"), ("DE", "DEU", "Germany"), ("JP", "JPN", "Japan"))
settings = config.set_trytond("erp", config_file=sys.argv[1])


def one(model, *domain):
    [found] = Model.get(model).find(list(domain), limit=1)
    return found


def made(model, **values):
    record = Model.get(model)(**values)
    record.save()
    return record


def years(company):
    for year in YEARS:
        first = datetime.date(year, 1, 1)
        fiscal = create_fiscalyear(company, today=(first, datetime.date(year, 12, 31)))
        set_fiscalyear_invoice_sequences(fiscal).click("create_period")
    closed = one("account.period", ("start_date", "=", datetime.date(2025, 1, 1)))
    closed.click("close")
    return closed


def seat():
    """The party that the company is, where it is and what the tax office calls it."""
    countries = {code: made("country.country", code=code, code3=long, name=name) for code, long, name in COUNTRIES}
    party = Model.get("party.party")(name="Dunder Mifflin", code="US")
    [address] = party.addresses
    address.country = countries["US"]
    party.identifiers.new(type="us_ein", code="91-1144442")
    party.save()
    return party


def taxed(rate, company):
    tax = create_tax(Decimal(rate), company=company)
    tax.save()
    return tax


def category(name, accounts, tax):
    found = Model.get("product.category")(name=name, accounting=True)
    found.account_revenue, found.account_expense = accounts["revenue"], accounts["expense"]
    found.customer_taxes.append(tax)
    found.save()
    return found


def products(services, seats):
    """The last one is what the simulated CRM and billing sell under the same code, and tax the same."""
    unit = one("product.uom", ("name", "=", "Unit"))
    sold = (("GOLD", "Gold plan", "49.90", services), ("SILVER", "Silver plan ✓", "19.95", services))
    for code, name, price, within in (*sold, ("ADDON-SECURITY", "Security suite", "6.00", seats)):
        template = Model.get("product.template")(name=name, code=code, default_uom=unit, type="service", salable=True)
        template.list_price, template.account_category = Decimal(price), within
        template.save()


def people(company):
    keys = {}
    for login, groups in PEOPLE.items():
        user = Model.get("res.user")(name=login, login=login)
        for name in groups:
            for group in Model.get("res.group").find([("name", "=", name)]):
                user.groups.append(group)
        user.companies.append(Model.get("company.company")(company.id))
        user.company = Model.get("company.company")(company.id)
        user.save()
        key = f"test-key-of-{login}"
        application = made("res.user.application", user=user, application="rest", key=key)
        if application.state != "validated":
            application.click("validate_")
        keys[login] = key
    return keys


def invoices(company, accounts, party):
    """Four hundred drafts, of one cent more each: several pages."""
    line = {
        "type": "line",
        "quantity": 1,
        "account": accounts["revenue"].id,
        "description": "Use",
        "company": company.id,
    }
    line["currency"] = company.currency.id
    header = {"type": "out", "company": company.id, "party": party.id, "currency": company.currency.id}
    header |= {"invoice_address": party.addresses[0].id, "account": accounts["receivable"].id}
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(number % 300) for number in range(400)]
    values = [
        {
            **header,
            "reference": f"stripe:many_{number}",
            "invoice_date": day,
            "lines": [("create", [{**line, "unit_price": Decimal(number) / 100}])],
        }
        for number, day in enumerate(days)
    ]
    Model.get("account.invoice")._proxy.create(values, settings.context)


def main():
    currency = one("currency.currency", ("code", "=", "USD")) if Model.get("currency.currency").find([]) else None
    create_company(party=seat(), currency=currency)
    company = get_company()
    company.timezone = "America/New_York"
    company.save()
    settings._context = Model.get("res.user").get_preferences(True, settings.context)
    create_chart(company=company)
    accounts = get_accounts(company)
    closed = years(company)
    rates = (("Services", "0.10"), ("Seats", "0.0825"))
    products(*(category(name, accounts, taxed(rate, company)) for name, rate in rates))
    journal = one("account.journal", ("type", "=", "cash"))
    cash = one("account.account", ("code", "=", "1.1.1"), ("company", "=", company.id))
    made("account.invoice.payment.method", name="Bank", journal=journal, debit_account=cash, credit_account=cash)
    many = made("party.party", name="Many \u2713 \u682a\u5f0f\u4f1a\u793e", code="001MANY00000000AAA")
    invoices(company, accounts, many)
    term = create_payment_term()
    term.save()
    sys.stdout.write(
        json.dumps(
            {
                "keys": people(company),
                "company": str(company.id),
                "term": term.name,
                "currency": company.currency.code,
                "closed": str(closed.id),
                "many": str(many.id),
            }
        )
    )


main()
