"""What Northwind Cloud sells: products, prices in five currencies, meters, features, and their ERP items."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from gateway.enterprise.amounts import CURRENCIES, listed, unrounded
from gateway.enterprise.mint import Mint
from sources.simulation.enterprise import BillFeature, BillMeter, BillPrice, BillProduct, CrmProduct, ErpCatalogItem


class Article(msgspec.Struct, frozen=True):
    """One product: its monthly list price in dollars and the features it brings."""

    code: str
    name: str
    family: str
    dollars: Decimal
    features: tuple[str, ...] = ()
    unit: str | None = None
    active: bool = True


ARTICLES = (
    Article("CLOUD-STARTER", "Cloud Starter", "plan", Decimal(12), ("api_access",), "seat"),
    Article("CLOUD-TEAM", "Cloud Team", "plan", Decimal(25), ("api_access", "sso"), "seat"),
    Article("CLOUD-BUSINESS", "Cloud Business", "plan", Decimal(45), ("api_access", "sso", "audit_log"), "seat"),
    Article(
        "CLOUD-ENTERPRISE", "Cloud Enterprise", "plan", Decimal(80),
        ("api_access", "sso", "audit_log", "data_residency"), "seat",
    ),
    Article("ADDON-ANALYTICS", "Analytics", "add-on", Decimal(8), ("analytics",), "seat"),
    Article("ADDON-SECURITY", "Security Suite", "add-on", Decimal(6), ("key_management",), "seat"),
    Article("SUPPORT-STANDARD", "Standard Support", "support", Decimal(49), ("support_standard",)),
    Article("SUPPORT-PREMIUM", "Premium Support", "support", Decimal(250), ("support_premium",)),
    Article("SUPPORT-PLATINUM", "Platinum Support", "support", Decimal(900), ("support_platinum",)),
    Article("USAGE-CLOUD", "Cloud Usage", "usage", Decimal(0), (), "unit"),
    Article("ONBOARDING", "Onboarding Package", "service", Decimal(1500)),
    Article("CLOUD-LEGACY", "Cloud Legacy", "plan", Decimal(20), ("api_access",), "seat", active=False),
)  # fmt: skip
FEATURES = {
    "api_access": "API access", "sso": "Single sign-on", "audit_log": "Audit log", "data_residency": "Data residency",
    "analytics": "Analytics", "key_management": "Own keys", "support_standard": "Standard support",
    "support_premium": "Premium support", "support_platinum": "Platinum support",
}  # fmt: skip
API_CALL_DOLLARS = Decimal("0.0004")
STORAGE_DOLLARS = Decimal("0.12")
FOUNDED = datetime(2019, 4, 1, tzinfo=UTC)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue with its look-ups."""

    crm: tuple[CrmProduct, ...]
    features: tuple[BillFeature, ...]
    products: tuple[BillProduct, ...]
    prices: tuple[BillPrice, ...]
    meters: tuple[BillMeter, ...]
    items: tuple[ErpCatalogItem, ...]
    price: dict[tuple[str, str, str], BillPrice]  # by code (or meter), currency, interval
    crm_product: dict[str, CrmProduct]  # by code
    item: dict[str, ErpCatalogItem]  # by code
    item_of_price: dict[str, ErpCatalogItem]  # by price id
    feature_ids: dict[str, tuple[str, ...]]  # by price id


def make_catalogue(mint: Mint) -> Catalogue:
    """The same catalogue at each call, but for its ids."""
    features = tuple(BillFeature(id=mint.billing("feat"), name=name, lookup_key=key) for key, name in FEATURES.items())
    meters = _meters(mint)
    product_ids = {article.code: mint.billing("prod", 14) for article in ARTICLES}
    priced = [row for article in ARTICLES for row in _prices(mint, article, product_ids[article.code], meters)]
    prices = {(code, price.currency, price.interval or "once"): price for code, price in priced if price.active}
    feature_ids = {feature.lookup_key: feature.id for feature in features}
    products = tuple(_product(article, product_ids, prices, feature_ids) for article in ARTICLES)
    crm = tuple(_crm_product(mint, article) for article in ARTICLES)
    items = {article.code: _item(mint, article) for article in ARTICLES}
    code_of = {product.id: product.code for product in products}
    features_of = {product.id: product.feature_ids for product in products}
    return Catalogue(
        crm=crm,
        features=features,
        products=products,
        prices=tuple(price for _, price in priced),
        meters=tuple(meters.values()),
        items=tuple(items.values()),
        price=prices,
        crm_product={product.code: product for product in crm},
        item=items,
        item_of_price={price.id: items[code_of[price.product_id]] for _, price in priced},
        feature_ids={price.id: features_of[price.product_id] for _, price in priced},
    )


def _meters(mint: Mint) -> dict[str, BillMeter]:
    rows = (
        ("api_calls", "API calls", "sum", True),
        ("storage_gb", "Storage", "last", True),
        ("sign_ins", "Sign-ins", "count", False),
    )
    return {
        event: BillMeter(id=mint.billing("mtr"), name=name, event_name=event, aggregation=how, active=active)
        for event, name, how, active in rows
    }


def _prices(mint: Mint, article: Article, product_id: str, meters: dict[str, BillMeter]) -> list[tuple[str, BillPrice]]:
    """Rows of (look-up code, price)."""
    if article.family == "usage":
        return [row for currency in CURRENCIES for row in _usage_prices(mint, product_id, currency, meters)]
    if article.family == "service":
        return [(article.code, _price(mint, article, product_id, currency, None)) for currency in CURRENCIES]
    intervals = [(currency, interval) for currency in CURRENCIES for interval in ("month", "year")]
    if article.code == "CLOUD-STARTER":
        intervals += [("USD", "day"), ("USD", "week")]
    return [(article.code, _price(mint, article, product_id, *row)) for row in intervals]


_FACTOR = {"day": Decimal("0.1"), "week": Decimal("0.4"), "month": Decimal(1), "year": Decimal(10)}


def _price(mint: Mint, article: Article, product_id: str, currency: str, interval: str | None) -> BillPrice:
    return BillPrice(
        id=mint.billing("price"),
        product_id=product_id,
        # A retired product keeps only its yearly prices, for those who still have them.
        active=article.active or interval == "year",
        currency=currency,
        unit_amount=listed(article.dollars * _FACTOR[interval or "month"], currency),
        interval=interval,
        interval_count=1,
        usage="licensed",
        meter_id=None,
        lookup_key=f"{article.code}-{interval or 'once'}-{currency}".lower(),
        nickname="Trial pass" if interval in ("day", "week") else None,
        created_at=FOUNDED,
    )


def _usage_prices(
    mint: Mint, product_id: str, currency: str, meters: dict[str, BillMeter]
) -> list[tuple[str, BillPrice]]:
    amounts = {"api_calls": unrounded(API_CALL_DOLLARS, currency), "storage_gb": None}
    return [
        (
            meter,
            BillPrice(
                id=mint.billing("price"),
                product_id=product_id,
                active=True,
                currency=currency,
                unit_amount=amount,
                interval="month",
                interval_count=1,
                usage="metered",
                meter_id=meters[meter].id,
                lookup_key=f"{meter}-{currency}".lower(),
                nickname=None,
                created_at=FOUNDED,
            ),
        )
        for meter, amount in amounts.items()
    ]


def _product(
    article: Article,
    ids: dict[str, str],
    prices: dict[tuple[str, str, str], BillPrice],
    features: dict[str, str],
) -> BillProduct:
    default = prices.get((article.code, "USD", "month")) or prices.get((article.code, "USD", "once"))
    return BillProduct(
        id=ids[article.code],
        name=article.name,
        code=article.code,
        description=f"{article.name} by Northwind Cloud" if article.active else None,
        unit_label=article.unit,
        tax_code="txcd_10103001" if article.family != "service" else None,
        active=article.active,
        default_price_id=default.id if default else None,
        feature_ids=tuple(features[key] for key in article.features),
        created_at=FOUNDED,
    )


def _crm_product(mint: Mint, article: Article) -> CrmProduct:
    return CrmProduct(
        id=mint.crm("01t"),
        price_id=mint.crm("01u"),
        name=article.name,
        code=article.code,
        family=article.family,
        active=article.active,
        list_price=listed(article.dollars, "USD"),
        currency="USD",
        more_prices=tuple((code, listed(article.dollars, code)) for code in CURRENCIES if code != "USD"),
    )


def _item(mint: Mint, article: Article) -> ErpCatalogItem:
    kinds = {"service": "non_inventory", "support": "service", "add-on": "kit"}
    return ErpCatalogItem(
        id=str(mint.number("item")),
        code=article.code,
        name=article.name,
        kind=kinds.get(article.family, "service"),
        inactive=not article.active,
        tax_schedule=None if article.code == "CLOUD-LEGACY" else "Electronically supplied services",
        revenue_rule=None if article.family == "service" else "Straight-line by day",
    )
