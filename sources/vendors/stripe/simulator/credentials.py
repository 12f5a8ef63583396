"""Who may call, and how webhooks are signed."""

from __future__ import annotations

import hashlib
import hmac

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """A secret key and a webhook secret."""

    key: str
    webhook_secret: str


# Development values that protect nothing.
DEVELOPMENT = Credentials("sk_test_opsgraph_development", "whsec_opsgraph_development")


def signed(payload: bytes, secret: str, at: int) -> str:
    """The Stripe-Signature header of a webhook sent at `at` (unix seconds)."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"
