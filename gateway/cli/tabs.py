"""The questions a demo opens with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.console.pages import Tab, document

CURL_ROLE = "support_agent"
CURL_QUERY = (
    '{ entitlementCheck(account: "%s", supportTier: "premium", intent: OPEN_CASE) '
    "{ decision tier reasons standing validUntil } }"
)
CURL_WRITE = (
    'mutation { openCase(input: { account: "%s", subject: "No access since noon", body: "Nobody can sign in.", '
    'idempotencyKey: "my-first-case" }) { __typename ... on WriteAnswer { replayed '
    "operation { id state steps { name source outcome } } } } }"
)
"""A governed write for a newcomer: sent twice it is one case."""


def tabs(landmarks: Mapping[str, str], today: date) -> list[Tab]:
    """The seeded tabs, about the enterprise's richest account."""
    hero = {"account": landmarks["hero"]}
    return [
        Tab("Entitlement check", document("entitlement_check"), hero),
        Tab("Entitlement, billing down", document("entitlement_while_billing_is_down"), hero),
        Tab("Sources", document("sources")),
        Tab("Customer 360", document("customer_360"), hero),
        Tab("Portal list", document("portal_list")),
        Tab("Overdue invoices", document("overdue_invoices"), {"today": f"{today.isoformat()}T00:00:00Z"}),
    ]
