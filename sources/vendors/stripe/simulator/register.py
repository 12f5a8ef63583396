"""Customers and the catalogue: made and changed, by the names that the vendor knows."""

from __future__ import annotations

from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object, shape

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_TEXTS = {
    "customers": ("name", "email", "description", "phone", "business_name", "individual_name"),
    "products": ("name", "description", "default_price", "tax_code", "unit_label", "url"),
    "prices": ("lookup_key", "nickname"),
}
_CUSTOMER = (
    *_TEXTS["customers"], "address", "balance", "invoice_settings", "metadata", "payment_method", "tax_exempt",
)  # fmt: skip
_PRODUCT = (*_TEXTS["products"], "active", "metadata")
_PRICE = (*_TEXTS["prices"], "active", "metadata")
_NEW_PRICE = (*_PRICE, "currency", "product", "unit_amount", "unit_amount_decimal", "recurring", "tax_behavior")
PRICE_DATA = ("currency", "product", "unit_amount", "unit_amount_decimal", "recurring", "tax_behavior")
_RECURRING = ("interval", "interval_count", "usage_type", "meter")


def create_customer(office: Office, tree: Tree) -> Object:
    """A new customer; its currency comes with its first subscription."""
    made = shape("customer", id=office.new("cus"), created=office.now())
    return _customer(office, made, Given(tree, _CUSTOMER), "customer.create")


def update_customer(office: Office, key: str, tree: Tree) -> Object:
    """A changed customer."""
    found = office.get("customers", key)
    if found.get("deleted"):
        raise Refusal(404, f"No such customer: '{key}'", code="resource_missing", param="id")
    return _customer(office, found, Given(tree, _CUSTOMER), "customer.update")


def _customer(office: Office, found: Object, given: Given, kind: str) -> Object:
    made = {**found, **_texts("customers", given), "metadata": given.metadata(found["metadata"])}
    if "address" in given:
        part = given.part("address", _ADDRESS)
        made["address"] = {name: part.text(name) for name in _ADDRESS}
    if "balance" in given:
        made["balance"] = given.whole("balance") or 0
    if "tax_exempt" in given:
        made["tax_exempt"] = given.choice("tax_exempt", ("", "none", "exempt", "reverse"), "none")
    settings = given.part("invoice_settings", ("default_payment_method", "footer"))
    method = settings.text("default_payment_method") or given.text("payment_method")
    if method is not None:
        made["invoice_settings"] = {**found["invoice_settings"], "default_payment_method": method}
    before = found.get("email")
    if before and before != made["email"]:
        office.store.unrelate("customers", made["id"], "email", before)
    office.put("customers", made, email=made["email"])
    office.tell(kind, made)
    return made


def create_product(office: Office, tree: Tree) -> Object:
    """A new product."""
    given = Given(tree, _PRODUCT)
    given.demand("name")
    now = office.now()
    return _sold(
        office, "products", shape("product", id=office.new("prod"), created=now, updated=now, metadata={}), given
    )


def create_price(office: Office, tree: Tree) -> Object:
    """A new price, which never changes its amount."""
    given = Given(tree, _NEW_PRICE)
    return _sold(office, "prices", _price(office, given), given)


def price_of(office: Office, row: Given) -> Object:
    """The price that a line says itself (`price_data`): for this line alone, and sold to nobody else."""
    given = row.part("price_data", PRICE_DATA)
    given.demand("recurring")
    made = {**_price(office, given), "active": False}
    office.put("prices", made, product=made["product"])
    office.said.add(made["id"])
    return made


def _price(office: Office, given: Given) -> Object:
    given.demand("currency", "product")
    office.get("products", given.text("product") or "")
    recurring = None
    if "recurring" in given:
        part = given.part("recurring", _RECURRING)
        part.demand("interval")
        recurring = {
            "interval": part.choice("interval", ("day", "week", "month", "year"), ""),
            "interval_count": part.whole("interval_count") or 1,
            "meter": part.text("meter"),
            "trial_period_days": None,
            "usage_type": part.choice("usage_type", ("licensed", "metered"), "licensed"),
        }
    exact = given.text("unit_amount_decimal")
    amount = given.amount("unit_amount") if exact is None else None
    return shape(
        "price",
        id=office.new("price"),
        created=office.now(),
        currency=given.text("currency"),
        metadata={},
        product=given.text("product"),
        recurring=recurring,
        tax_behavior=given.choice("tax_behavior", ("exclusive", "inclusive", "unspecified"), "unspecified"),
        type="one_time" if recurring is None else "recurring",
        unit_amount=amount,
        unit_amount_decimal=exact or str(amount),
    )


def update_product(office: Office, key: str, tree: Tree) -> Object:
    """A changed product."""
    return _sold(office, "products", office.get("products", key), Given(tree, _PRODUCT))


def update_price(office: Office, key: str, tree: Tree) -> Object:
    """A changed price: what it costs stays."""
    return _sold(office, "prices", office.get("prices", key), Given(tree, _PRICE))


def _sold(office: Office, kind: str, found: Object, given: Given) -> Object:
    made = {**found, **_texts(kind, given), "metadata": given.metadata(found["metadata"])}
    made["active"] = given.flag("active", found["active"])
    office.put(kind, made, product=made.get("product"))
    office.tell(f"{kind[:-1]}.put", made)
    return made


def _texts(kind: str, given: Given) -> Object:
    return {name: given.text(name) for name in _TEXTS[kind] if name in given}
