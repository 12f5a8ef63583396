"""Features that a customer may use now: those of the products of his live subscriptions."""

from __future__ import annotations

from sources.vendors.stripe.simulator.features import offered
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object

_LIVE = frozenset({"trialing", "active", "past_due"})


def entitle(office: Office, subscription: Object, before: Object | None = None) -> None:
    """Brings a customer's rights in line after one of his subscriptions changed, and says what it was `before`. Rights
    that it did not bring are left alone."""
    customer = subscription["customer"]
    granted: set[str] = set()
    for key in office.store.ids("subscriptions", "customer", customer):
        found = office.get("subscriptions", key)
        if found["status"] in _LIVE:
            granted |= _features(office, found)
    rights = [office.get("active_entitlements", key) for key in _rights(office, customer)]
    for feature in sorted(granted - {right["feature"] for right in rights}):
        made = {
            "id": office.new("ent"),
            "object": "entitlements.active_entitlement",
            "feature": feature,
            "livemode": False,
            "lookup_key": office.get("features", feature)["lookup_key"],
        }
        office.put("active_entitlements", made, customer=customer)
    brought = _features(office, subscription) | _features(office, before or subscription)
    for right in rights:
        if right["feature"] in brought - granted:
            office.store.drop("active_entitlements", right["id"])


def _features(office: Office, subscription: Object) -> set[str]:
    products = {str(item["price"]["product"]) for item in subscription["items"]["data"]}
    return set[str]().union(*(offered(office.store, product) for product in products))


def _rights(office: Office, customer: str) -> list[str]:
    return office.store.ids("active_entitlements", "customer", customer)
