"""Features that a customer may use now: those of the products of his live subscriptions."""

from __future__ import annotations

from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object

_LIVE = frozenset({"trialing", "active", "past_due"})


def entitle(office: Office, subscription: Object, before: Object | None = None) -> None:
    """Brings a customer's rights in line after one of his subscriptions changed, and says what it was `before`. Rights
    that it did not bring are left alone."""
    customer = subscription["customer"]
    features = {product.id: product.feature_ids for product in office.store.book.products}
    granted: set[str] = set()
    for key in office.store.ids("subscriptions", "customer", customer):
        found = office.get("subscriptions", key)
        if found["status"] in _LIVE:
            granted |= _features(found, features)
    rights = [office.get("active_entitlements", key) for key in _rights(office, customer)]
    names = {each.id: each.lookup_key for each in office.store.book.features}
    for feature in sorted(granted - {right["feature"] for right in rights}):
        made = {
            "id": office.new("ent"),
            "object": "entitlements.active_entitlement",
            "feature": feature,
            "livemode": False,
            "lookup_key": names[feature],
        }
        office.put("active_entitlements", made, customer=customer)
    brought = _features(subscription, features) | _features(before or subscription, features)
    for right in rights:
        if right["feature"] in brought - granted:
            office.store.drop("active_entitlements", right["id"])


def _features(subscription: Object, features: dict[str, tuple[str, ...]]) -> set[str]:
    return {
        feature for item in subscription["items"]["data"] for feature in features.get(str(item["price"]["product"]), ())
    }


def _rights(office: Office, customer: str) -> list[str]:
    return office.store.ids("active_entitlements", "customer", customer)
