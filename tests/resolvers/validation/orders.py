"""A company, a customer and an order in which nothing is wrong, to be changed in one thing at a time."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from policies.load import load_rules
from policies.orders import OrderRules, Sells
from policies.principal import Principal
from resolvers.context import Context
from resolvers.validation.gather import NEEDS
from resolvers.validation.inputs import OrderInput, OrderLineInput, OrderPartiesInput, OrderQuoteInput
from resolvers.validation.judge import Validation, validate_order
from resolvers.validation.order import Kind
from sources import canonical as c
from sources.settings import Secret
from tests.resolvers import world
from tests.resolvers.world import ACCOUNT, NOW, Shelf

KEY = Secret("k" * 40)
WRITES = load_rules().writes
RULES = OrderRules(
    version="7",
    approver_form=re.compile(r"\w+@acme\.test"),
    terms={"Net 30": 30, "Net 60": 60, "Net 14": 14},
    terms_usual="Net 30",
    entities={"US": Sells(frozenset({"USD", "JPY"}), frozenset({"US", "CA"}), frozenset({"SECRET"}))},
    support_tiers=("SUPPORT-STANDARD", "SUPPORT-PREMIUM"),
    revenue_rule_for="recurring",
    purchase_order_from=Decimal(100_000),
    new_customer_credit=Decimal(5_000),
)
SELLER = Principal(subject="cpq", roles=frozenset({"cpq_service"}), human="ada@acme.test")
MARCH = date(2026, 3, 10)

# Where each fact is read.
INDEXES: dict[str, list[tuple[type[c.Record], str]]] = {
    "accounts": [(c.Account, "key")],
    "entities": [(c.LegalEntity, "list")],
    "periods": [(c.AccountingPeriod, "list")],
    "profiles": [(c.BillingProfile, "account")],
    "paying": [(c.BillingProfile, "payer")],
    "taxes": [(c.TaxProfile, "account")],
    "subscriptions": [(c.AccountSubscription, "account")],
    "subscription": [(c.AccountSubscription, "key")],
    "contracts": [(c.SubscriptionContract, "subscription")],
    "agreements": [(c.SubscriptionContract, "account")],
    "base_invoice": [(c.Invoice, "key")],
    "orders": [(c.Order, "account")],
    "products": [(c.Product, "key")],
    "prices": [(c.Price, "key")],
    "meters": [(c.Meter, "key")],
    "items": [(c.ErpItem, "product")],
    "cases": [(c.Case, "account")],
}


def record(kind: type[Any], key: str, source: str, given: Mapping[str, Any]) -> Any:
    return kind(**{"key": key, "source": source, "source_id": key, "as_of": NOW, **given})


def product(key: str = "prod_1", **given: Any) -> c.Product:
    plain = {"name": "Cloud", "code": "CLOUD", "tax_code": "txcd_1"}
    return record(c.Product, key, "billing", plain | given)  # type: ignore[no-any-return]


def price(key: str = "price_1", amount: str | None = "10.00", **given: Any) -> c.Price:
    currency = given.get("currency", "USD")
    unit = c.UnitPrice(Decimal(amount), currency) if amount is not None else None
    plain = {"product_key": "prod_1", "currency": currency, "unit_price": unit, "interval": c.Interval.MONTH}
    return record(c.Price, key, "billing", plain | given)  # type: ignore[no-any-return]


def item(code: str = "CLOUD", **given: Any) -> c.ErpItem:
    plain = {"product_code": code, "name": code, "tax_schedule": "S1", "revenue_rule": "Straight-line"}
    return record(c.ErpItem, f"item-{code}", "erp", plain | given)  # type: ignore[no-any-return]


def meter(**given: Any) -> c.Meter:
    plain = {"name": "API calls", "event_name": "api_calls", "aggregation": "sum"}
    return record(c.Meter, "mtr_1", "billing", plain | given)  # type: ignore[no-any-return]


def period(first: date, last: date, **given: Any) -> c.AccountingPeriod:
    plain = {"name": f"{first:%b %Y}", "start_on": first, "end_on": last}
    return record(c.AccountingPeriod, f"{first:%Y%m}", "erp", plain | given)  # type: ignore[no-any-return]


def periods(**march: Any) -> list[c.AccountingPeriod]:
    return [
        period(date(2026, 2, 1), date(2026, 2, 28), closed=True),
        period(date(2026, 3, 1), date(2026, 3, 31), **march),
        period(date(2026, 4, 1), date(2026, 4, 30)),
    ]


def tax_profile(key: str = "901", **given: Any) -> c.TaxProfile:
    plain = {"account_key": ACCOUNT, "source_account_id": key, "legal_entity": "US", "nexus": "US"}
    return record(c.TaxProfile, key, "erp", plain | given)  # type: ignore[no-any-return]


def profile(key: str = "901", **given: Any) -> c.BillingProfile:
    plain = {
        "credit_limit": world.usd(1_000_000), "balance": world.usd(10_000), "unbilled_orders": world.usd(0),
        "terms": "Net 30",
    }  # fmt: skip
    return world.profile(key, **plain | given)


def entity(**given: Any) -> c.LegalEntity:
    return world.entity("US", "America/New_York", **{"country": "US", **given})


def account(key: str = ACCOUNT, **given: Any) -> c.Account:
    return world.account(key, **{"country": "US", **given})


def subscription(key: str = "sub_1", **given: Any) -> c.AccountSubscription:
    """Ten units of `price_1`, in the middle of a period of thirty days, paid."""
    held = c.SubscriptionItem(key="si_1", price=price(), product_key="prod_1", quantity=10)
    plain: dict[str, Any] = {
        "legal_entity": "US",
        "items": (held,),
        "mrr": world.usd(10_000),
        "period_start": NOW.replace(hour=5) - timedelta(days=15),
        "period_end": NOW.replace(hour=5) + timedelta(days=15),
        "latest_invoice_key": "in_1",
    }
    return world.subscription(key=key, **plain | given)


def contract(key: str = "800A", **given: Any) -> c.SubscriptionContract:
    plain = {"account_key": ACCOUNT, "status": "ACTIVE", "end_on": date(2026, 9, 9), "term_months": 12}
    return record(c.SubscriptionContract, key, "crm", plain | given)  # type: ignore[no-any-return]


def order(key: str = "801A", **given: Any) -> c.Order:
    line = c.OrderLine(
        key="802A", product_code="CLOUD", product_name="Cloud", quantity=Decimal(10), unit_price=None, total=None
    )
    plain = {
        "account_key": ACCOUNT,
        "status": c.OrderStatus.APPROVED,
        "currency": "USD",
        "total": world.usd(120_000),
        "lines": (line,),
        "created_at": NOW - timedelta(days=5),
    }
    return record(c.Order, key, "crm", plain | given)  # type: ignore[no-any-return]


def shelf(*, changing: bool = False, **instead: Any) -> Shelf:
    """Everything in order. `instead`: other records by the name of their place; `changing`: there is a subscription."""
    places: dict[str, tuple[str, str, list[Any]]] = {
        "accounts": ("key", ACCOUNT, [account()]),
        "entities": ("list", "", [entity()]),
        "periods": ("list", "", periods()),
        "profiles": ("account", ACCOUNT, [profile()]),
        "taxes": ("account", ACCOUNT, [tax_profile()]),
        "products": ("key", "prod_1", [product()]),
        "prices": ("key", "price_1", [price()]),
        "items": ("product", "CLOUD", [item()]),
        "orders": ("account", ACCOUNT, []),
        "subscriptions": ("account", ACCOUNT, [subscription()] if changing else []),
        "subscription": ("key", "sub_1", [subscription()] if changing else []),
        "contracts": ("subscription", "sub_1", [contract(subscription_key="sub_1")] if changing else []),
        "invoices": ("key", "in_1", [world.invoice("PAID")] if changing else []),
        "cases": ("account", ACCOUNT, []),
    }
    filled = Shelf(NEEDS)
    for name, (by, key, records) in places.items():
        for each in instead.get(name, records):
            filled.put(by, each.key if by == "key" else key, each)
    assert instead.keys() <= places.keys()
    return filled


def line(**given: Any) -> OrderLineInput:
    return OrderLineInput(**{"product": "prod_1", "price": "price_1", "quantity": Decimal(10), **given})


def parties(**given: Any) -> OrderPartiesInput:
    return OrderPartiesInput(**given)


def quote(**given: Any) -> OrderQuoteInput:
    return OrderQuoteInput(**given)


def asked(**given: Any) -> OrderInput:
    """Ten units for a year, from today."""
    changed = given.get("kind", Kind.NEW) is not Kind.NEW
    plain: dict[str, Any] = {
        "kind": Kind.NEW,
        "account": ACCOUNT,
        "legal_entity": "US",
        "currency": "USD",
        "lines": [line()],
    }
    plain |= {"subscription": "sub_1"} if changed else {"term_months": 12}
    return OrderInput(**plain | given)


def context(rules: OrderRules = RULES, principal: Principal = SELLER, now: datetime = NOW) -> Context:
    written = type("Rules", (), {"orders": rules, "writes": WRITES, "entitlement": {}})()
    return Context(principal, now, "test", written, signing=KEY)


async def validated(
    given: OrderInput | None = None, on: Shelf | None = None, within: Context | None = None, **rules: Any
) -> Validation:
    """The answer to an order, by rules that differ in what is said."""
    within = within or context(replace(RULES, **rules))
    [answer] = await validate_order([None], on or shelf(), within, input=given or asked())
    return answer


def states(answer: Validation) -> dict[str, str]:
    return {each.code: each.state.value for each in answer.checks}


def said(answer: Validation, code: str) -> list[str]:
    """Severity and path of what a check found."""
    return [f"{each.severity.value} {each.path}" for each in answer.findings if each.code == code]
