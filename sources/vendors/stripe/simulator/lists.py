"""Lists: which parameters each takes, how rows are chosen, and their pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal, unknown
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.store import Store

_PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
_LIVE = ("incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "paused")


class Listing(msgspec.Struct, frozen=True):
    """One list: its path, the parents it can be asked for (the first given one is looked up), other filters."""

    kind: str
    path: str
    parents: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    required: str | None = None


LISTINGS = (
    Listing("customers", "/v1/customers", ("email",), ranges=("created",)),
    Listing("products", "/v1/products", filters=("active", "ids"), ranges=("created",)),
    Listing("prices", "/v1/prices", ("product",), ("active", "currency", "type", "lookup_keys"), ("created",)),
    Listing(
        "subscriptions",
        "/v1/subscriptions",
        ("customer", "price"),
        ("status", "collection_method"),
        ("created", "current_period_end", "current_period_start"),
    ),
    Listing("subscription_items", "/v1/subscription_items", ("subscription",), required="subscription"),
    Listing("subscription_schedules", "/v1/subscription_schedules", ("customer",), ranges=("created",)),
    Listing(
        "invoices",
        "/v1/invoices",
        ("customer", "subscription"),
        ("status", "collection_method"),
        ("created", "due_date"),
    ),
    Listing("invoiceitems", "/v1/invoiceitems", ("customer", "invoice"), ("pending",)),
    Listing("invoice_payments", "/v1/invoice_payments", ("invoice",), ("status", "payment"), ("created",)),
    Listing("credit_notes", "/v1/credit_notes", ("invoice", "customer"), ranges=("created",)),
    Listing("payment_intents", "/v1/payment_intents", ("customer",), ranges=("created",)),
    Listing("charges", "/v1/charges", ("payment_intent", "customer"), ranges=("created",)),
    Listing("refunds", "/v1/refunds", ("charge", "payment_intent"), ranges=("created",)),
    Listing("disputes", "/v1/disputes", ("charge", "payment_intent"), ranges=("created",)),
    Listing("features", "/v1/entitlements/features", filters=("lookup_key", "archived")),
    Listing("active_entitlements", "/v1/entitlements/active_entitlements", ("customer",), required="customer"),
    Listing("meters", "/v1/billing/meters", filters=("status",)),
)


def page(store: Store, listing: Listing, parameters: Mapping[str, Any]) -> Object:
    """One page, newest first."""
    for name in parameters:
        if name not in _PAGING | set(listing.parents) | set(listing.filters) | set(listing.ranges):
            raise unknown(name)
    if listing.required is not None and listing.required not in parameters:
        raise Refusal(
            400,
            f"Missing required param: {listing.required}.",
            code="parameter_missing",
            param=listing.required,
        )
    given = [name for name in listing.parents if parameters.get(name)]
    for name in given:
        if isinstance(parameters[name], (list, dict)):
            raise Refusal(400, f"Invalid {name}: must be a string", param=name)
    first = given[0] if given else None
    rows = store.ids(listing.kind, first, parameters[first] if first else None)
    tests = _tests(listing, parameters, given[1:])
    return cut(rows, parameters, lambda key: store.get(listing.kind, key), tests, listing.path)


def cut(
    ids: list[str],
    parameters: Mapping[str, Any],
    get: Callable[[str], Object],
    tests: list[Callable[[Object], bool]],
    url: str,
) -> Object:
    """The rows after `starting_after` (or before `ending_before`), `limit` of them."""
    size = limit(parameters)
    after, before = parameters.get("starting_after"), parameters.get("ending_before")
    backwards = before is not None and after is None
    anchor = before if backwards else after
    ordered = list(reversed(ids)) if backwards else ids
    if anchor is not None:
        if anchor not in ids:
            raise Refusal(400, f"No such object: '{anchor}'", code="resource_missing", param="starting_after")
        ordered = ordered[ordered.index(anchor) + 1 :]
    rows: list[Object] = []
    more = False
    for key in ordered:
        found = get(key)
        if found.get("deleted") or not all(test(found) for test in tests):
            continue
        if len(rows) == size:
            more = True
            break
        rows.append(found)
    return {"object": "list", "url": url, "has_more": more, "data": rows[::-1] if backwards else rows}


def limit(parameters: Mapping[str, Any]) -> int:
    """1 to 100, 10 unless told."""
    text = str(parameters.get("limit", facts.DEFAULT_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= facts.MAX_PAGE:
        raise Refusal(
            400, f"This value must be between 1 and {facts.MAX_PAGE}", code="parameter_invalid_integer", param="limit"
        )
    return int(text)


def _tests(listing: Listing, parameters: Mapping[str, Any], parents: list[str]) -> list[Callable[[Object], bool]]:
    tests: list[Callable[[Object], bool]] = []
    tests += [partial(_is, name, parameters[name]) for name in parents]
    if listing.kind == "subscriptions":
        tests.append(_subscription_status(parameters.get("status")))
    elif "status" in parameters:
        tests.append(lambda found: found.get("status") == parameters["status"])
    if isinstance(parameters.get("payment"), dict):
        intent = parameters["payment"].get("payment_intent")
        tests.append(lambda found: found["payment"]["payment_intent"] == intent)
    if "pending" in parameters:
        tests.append(lambda found: (found["invoice"] is None) is (parameters["pending"] == "true"))
    if "ids" in parameters:
        wanted = set(_texts(parameters["ids"]))
        tests.append(lambda found: found["id"] in wanted)
    if "lookup_keys" in parameters:
        keys = set(_texts(parameters["lookup_keys"]))
        tests.append(lambda found: found["lookup_key"] in keys)
    if "archived" in parameters:
        tests.append(lambda found: found["active"] is (parameters["archived"] != "true"))
    if "active" in parameters:
        tests.append(lambda found: found["active"] is (parameters["active"] == "true"))
    plain = ("currency", "type", "collection_method", "lookup_key")
    tests += [partial(_is, name, parameters[name]) for name in plain if name in parameters]
    tests += [_range(name, parameters[name]) for name in listing.ranges if name in parameters]
    return tests


def _is(name: str, wanted: Any, found: Object) -> bool:
    return bool(_parent(found, name) == wanted)


def _subscription_status(asked: Any) -> Callable[[Object], bool]:
    """Without a status canceled subscriptions are left out; `all` and `ended` are words of their own."""
    if asked == "all":
        return lambda _: True
    if asked == "ended":
        return lambda found: found["status"] in ("canceled", "incomplete_expired")
    if asked is None:
        return lambda found: found["status"] != "canceled"
    if asked not in (*_LIVE, "canceled"):
        raise Refusal(400, f"Invalid status: must be one of {', '.join(_LIVE)}, canceled, ended, all", param="status")
    return lambda found: found["status"] == asked


def _parent(found: Object, name: str) -> Any:
    if name == "subscription" and found["object"] == "invoice":
        return ((found.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    if name == "price":
        return None
    return found.get(name)


def _range(name: str, value: Any) -> Callable[[Object], bool]:
    signs: dict[str, Callable[[int, int], bool]] = {
        "gt": lambda left, right: left > right,
        "gte": lambda left, right: left >= right,
        "lt": lambda left, right: left < right,
        "lte": lambda left, right: left <= right,
    }
    bounds = value if isinstance(value, dict) else {"equal": value}

    def test(found: Object) -> bool:
        actual = found.get(name)
        if name.startswith("current_period"):
            ends = [each[name] for each in found["items"]["data"]]
            actual = max(ends, default=None)
        if actual is None:
            return False
        return all(
            signs[sign](actual, int(bound)) if sign in signs else actual == int(bound) for sign, bound in bounds.items()
        )

    return test


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
