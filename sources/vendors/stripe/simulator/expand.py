"""`expand[]`: ids replaced by what they stand for, up to four levels deep; `data` of a list is one of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.render import embedded
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.store import Store

_KINDS = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "default_price": "prices",
    "latest_invoice": "invoices",
    "invoice": "invoices",
    "subscription": "subscriptions",
    "charge": "charges",
    "latest_charge": "charges",
    "payment_intent": "payment_intents",
    "feature": "features",
    "schedule": "subscription_schedules",
}
# Lists that are there only when they are asked for.
_LISTS = {
    ("invoice", "payments"): ("invoice_payments", "invoice", "/v1/invoice_payments?invoice={}"),
    ("charge", "refunds"): ("refunds", "charge", "/v1/refunds?charge={}"),
}


def expanded(found: Object, paths: Sequence[str], store: Store) -> Object:
    """A copy with every path expanded; raises the vendor's 400 for one that cannot be."""
    if not paths:
        return found
    whole = copy.deepcopy(found)
    for path in paths:
        parts = path.split(".")
        if len(parts) > facts.EXPAND_DEPTH:
            raise Refusal(
                400,
                f"You cannot expand more than {facts.EXPAND_DEPTH} levels of a property. Property: {path}",
                code="property_expansion_max_depth",
            )
        _expand(whole, parts, path, store)
    return whole


def _expand(found: Any, parts: Sequence[str], path: str, store: Store) -> None:
    if isinstance(found, list):
        for each in found:
            _expand(each, parts, path, store)
        return
    if not isinstance(found, dict) or not parts:
        return
    name, rest = parts[0], parts[1:]
    virtual = _LISTS.get((str(found.get("object")), name))
    if virtual is not None and name not in found:
        kind, parent, url = virtual
        rows = [copy.deepcopy(store.get(kind, key)) for key in store.ids(kind, parent, found["id"])]
        found[name] = embedded(rows, url.format(found["id"]))
    if name not in found:
        raise Refusal(400, f"This property cannot be expanded ({path}).", param="expand")
    value = found[name]
    if isinstance(value, str):
        if name not in _KINDS:
            raise Refusal(400, f"This property cannot be expanded ({path}).", param="expand")
        found[name] = copy.deepcopy(store.get(_KINDS[name], value))
    _expand(found[name], rest, path, store)
