"""The writes that the official client's tests and our own need: create and update, and keys replayed for a day."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.render import Object
from sources.vendors.stripe.simulator.store import Store

_PREFIX = {"customers": "cus", "products": "prod", "prices": "price"}
_DEFAULTS: dict[str, Object] = {
    "customers": {
        "object": "customer", "address": None, "balance": 0, "currency": None, "delinquent": False, "description": None,
        "discount": None, "email": None, "livemode": False, "name": None, "phone": None, "tax_exempt": "none",
        "invoice_settings": {"default_payment_method": None},
    },
    "products": {
        "object": "product", "active": True, "default_price": None, "description": None, "livemode": False,
        "tax_code": None, "type": "service", "unit_label": None, "images": [], "marketing_features": [],
    },
    "prices": {
        "object": "price", "active": True, "billing_scheme": "per_unit", "livemode": False, "lookup_key": None,
        "nickname": None, "recurring": None, "tax_behavior": "unspecified", "tiers_mode": None, "type": "one_time",
    },
}  # fmt: skip
_REQUIRED = {"customers": (), "products": ("name",), "prices": ("currency", "product")}


class Replayed(msgspec.Struct, frozen=True):
    """The answer that a key stands for."""

    fingerprint: str
    status: int
    body: Object
    until: float


class Keys:
    """Idempotency keys: the first answer is given again for a day; other parameters under one key are refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Replayed] = {}

    def known(self, key: str, path: str, body: bytes) -> Replayed | None:
        """The answer given before; raises the vendor's 400 for another request."""
        if len(key) > facts.KEY_CHARACTERS:
            raise Refusal(400, "Idempotency keys are at most 255 characters.", kind="idempotency_error")
        found = self._known.get(key)
        if found is None or found.until < self._clock.now().timestamp():
            return None
        if found.fingerprint != _fingerprint(path, body):
            raise Refusal(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        return found

    def remember(self, key: str, path: str, body: bytes, status: int, answer: Object) -> None:
        """Keeps an answer for a day."""
        until = self._clock.now().timestamp() + facts.KEY_LIFE
        self._known[key] = Replayed(_fingerprint(path, body), status, answer, until)


def _fingerprint(path: str, body: bytes) -> str:
    return hashlib.sha256(path.encode() + b"\0" + body).hexdigest()


def create(store: Store, kind: str, given: dict[str, Any], clock: Clock) -> Object:
    """A new object."""
    for name in _REQUIRED[kind]:
        if name not in given:
            raise Refusal(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    now = int(clock.now().timestamp())
    made = {"id": f"{_PREFIX[kind]}_{secrets.token_hex(8)}", **_DEFAULTS[kind], "created": now, "metadata": {}}
    if kind == "prices":
        amount = int(given.get("unit_amount", 0))
        made |= {"unit_amount": amount, "unit_amount_decimal": str(amount)}
        if "recurring" in given:
            made["type"] = "recurring"
            made["recurring"] = {
                "interval_count": 1,
                "usage_type": "licensed",
                "meter": None,
                "trial_period_days": None,
            }
    _apply(made, given)
    parents = {"email": made.get("email"), "product": made.get("product")}
    return store.put(kind, made, clock.now().timestamp(), **{k: v for k, v in parents.items() if isinstance(v, str)})


def update(store: Store, kind: str, key: str, given: dict[str, Any], clock: Clock) -> Object:
    """A changed object."""
    made = dict(store.get(kind, key))
    _apply(made, given)
    return store.put(kind, made, clock.now().timestamp())


def _apply(made: Object, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name == "expand":
            continue
        if name == "metadata":
            made["metadata"] = {**made.get("metadata", {}), **{k: v for k, v in value.items() if v != ""}}
        elif name == "recurring" and isinstance(value, dict):
            made["recurring"] = {**(made.get("recurring") or {}), **value}
        elif name in ("unit_amount", "balance"):
            made[name] = int(value)
        elif name in ("active", "cancel_at_period_end"):
            made[name] = value == "true"
        else:
            made[name] = value or None
