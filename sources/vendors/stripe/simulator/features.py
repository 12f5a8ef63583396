"""Features, and which of them come with a product.

Vendor facts (the entitlements guide): a lookup key is unique among the features that are not in the archive, one in the
archive is not changed any more, and who has subscribed already gets a feature with his next period. The codes of the
refusals are general knowledge.
"""

from __future__ import annotations

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal, missing
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.lists import cut
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.store import Store


def create(office: Office, tree: Tree) -> Object:
    """A new feature."""
    given = Given(tree, ("lookup_key", "name", "metadata"))
    given.demand("lookup_key", "name")
    key = _short(given, "lookup_key")
    known = (office.get("features", each) for each in office.store.ids("features"))
    if any(each["active"] and each["lookup_key"] == key for each in known):
        message = f"A feature with the lookup key `{key}` already exists."
        raise Refusal(400, message, code="resource_already_exists", param="lookup_key")
    made = {
        "id": office.new("feat"),
        "object": "entitlements.feature",
        "active": True,
        "livemode": False,
        "lookup_key": key,
        "metadata": given.metadata({}),
        "name": _short(given, "name"),
    }
    return _told(office, "feature.create", made)


def update(office: Office, key: str, tree: Tree) -> Object:
    """Another name, or into the archive."""
    found, given = office.get("features", key), Given(tree, ("name", "metadata", "active"))
    if not found["active"]:
        raise Refusal(400, "An archived feature cannot be updated.", param="id")
    made = {**found, "metadata": given.metadata(found["metadata"]), "active": given.flag("active", True)}
    if "name" in given:
        made["name"] = _short(given, "name")
    return _told(office, "feature.update", made)


def offer(office: Office, product: str, tree: Tree) -> Object:
    """From now on the feature comes with the product."""
    given = Given(tree, ("entitlement_feature",))
    given.demand("entitlement_feature")
    office.get("products", product)
    feature = given.text("entitlement_feature") or ""
    if not office.get("features", feature)["active"]:
        raise Refusal(400, "An archived feature cannot be attached to a product.", param="entitlement_feature")
    if feature in offered(office.store, product):
        message = "This feature is already attached to the product."
        raise Refusal(400, message, code="resource_already_exists", param="entitlement_feature")
    made = {"id": office.new("prodft"), "object": "product_feature", "entitlement_feature": feature, "livemode": False}
    office.put("product_features", made, product=product)
    office.tell("product_feature.create", made)
    return _shown(office.store, made)


def withdraw(office: Office, key: str) -> Object:
    """It does not come with the product any more."""
    found = office.get("product_features", key)
    office.store.drop("product_features", key)
    office.tell("product_feature.delete", found)
    return {"id": key, "object": "product_feature", "deleted": True}


def offered(store: Store, product: str) -> set[str]:
    """The features that come with a product."""
    return {store.get("product_features", each)["entitlement_feature"] for each in _of(store, product)}


def page(store: Store, product: str, parameters: Tree) -> Object:
    """`/v1/products/{id}/features`."""
    store.get("products", product)
    Given(parameters, ("limit", "starting_after", "ending_before"))
    rows = {each: _shown(store, store.get("product_features", each)) for each in _of(store, product)}
    return cut(list(rows), parameters, rows.__getitem__, [], f"/v1/products/{product}/features")


def one(store: Store, product: str, key: str) -> Object:
    """`/v1/products/{id}/features/{id}`."""
    if key not in _of(store, product):
        raise missing("product_feature", key)
    return _shown(store, store.get("product_features", key))


def _of(store: Store, product: str) -> list[str]:
    return store.ids("product_features", "product", product)


def _shown(store: Store, found: Object) -> Object:
    return {**found, "entitlement_feature": store.get("features", found["entitlement_feature"])}


def _short(given: Given, name: str) -> str:
    value = given.text(name) or ""
    if not 0 < len(value) <= facts.FEATURE_CHARACTERS:
        raise Refusal(400, f"Invalid {name}: 1 to {facts.FEATURE_CHARACTERS} characters.", param=name)
    return value


def _told(office: Office, kind: str, made: Object) -> Object:
    office.put("features", made)
    office.tell(kind, made)
    return made
