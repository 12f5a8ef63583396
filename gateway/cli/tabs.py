"""The questions a demo opens with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.console.pages import Tab

CURL_ROLE = "support_agent"
CURL_QUERY = (
    '{ entitlementCheck(account: "%s", supportTier: "premium", intent: OPEN_CASE) '
    "{ decision tier reasons standing validUntil } }"
)

_ENTITLEMENT = """# Is this customer entitled, delinquent, on credit hold? The support agent's question.
query EntitlementCheck($account: ID!) {
  entitlementCheck(account: $account, supportTier: "premium", intent: OPEN_CASE) {
    decision
    tier
    reasons
    standing
    validUntil
    evidence { source fact asOf ageMs }
  }
}
"""

_SOURCES = """# How each source does. Have one fail with the
# buttons beside this, or with `opsgraph chaos`.
query Sources {
  sources {
    name
    vendor
    system
    zone
    state
    circuit { reads writes retryInMs }
    queue { running waiting concurrency }
    latency { p50Ms p99Ms calls failures retries refused }
    limits { name limit remaining resetsInMs }
    lastError { code at }
    owns
  }
}
"""

_OUTAGE = """# The same question while billing is down.
#
# 1. Run it: every fact is LIVE, and now remembered.
# 2. Press "Down" at billing, under Sources, or
#    opsgraph chaos billing --down --for 5m
# 3. Run it again and again: the decision stands.
#    What billing said is CACHE while it is fresh,
#    then STALE. After ten failures the circuit
#    opens, and billing is left in peace.
# 4. Press "Down" once more and run it: within
#    seconds the facts are LIVE again.
query EntitlementWhileBillingIsDown($account: ID!) {
  entitlementCheck(account: $account, supportTier: "premium", intent: OPEN_CASE) {
    decision
    reasons
    fallbackRule
    evidence { source fact served ageMs }
  }
}
"""

_CUSTOMER_360 = """# One customer over four systems.
query Customer360($account: ID!) {
  account(by: { key: $account }) {
    name
    lifecycle { value }
    standing { value }
    owner { name }
    parent { name }
    contacts(first: 5) { nodes { name email role } }
    subscriptions(first: 5) {
      nodes { key status { value since } overlays mrr { amount currency } items { product { name } quantity } }
    }
    invoices(first: 5) {
      nodes { number status { value } overlays total { amount currency } dueAt posted { number period } }
    }
    payments(first: 5) { nodes { status { value } amount { amount currency } } }
    entitlements { name feature supportTier status { value } endsOn }
    cases(first: 5) { nodes { number subject status { value } priority slas { metric state breachAt } } }
    orders(first: 5) { nodes { number status { value } total { amount currency } } }
  }
}
"""

_PORTAL = """# Fifty accounts with their subscriptions, open invoices and open cases.
query PortalList {
  accounts(first: 50, filter: { lifecycle: [ACTIVE] }) {
    nodes {
      key
      name
      region
      subscriptions(first: 3) { nodes { key status { value } } }
      invoices(first: 3, filter: { status: [OPEN, PARTIALLY_PAID] }) {
        nodes { number dueAt remaining { amount currency } }
      }
      cases(first: 3, filter: { status: [NEW, OPEN] }) { nodes { number subject priority } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_OVERDUE = """# What is overdue, and whose it is. Amounts show to finance, not to support.
query OverdueInvoices($today: DateTime!) {
  invoices(first: 20, filter: { status: [OPEN], dueBefore: $today }) {
    nodes { number overlays dueAt remaining { amount currency } account { name owner { name } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def tabs(landmarks: Mapping[str, str], today: date) -> list[Tab]:
    """The seeded tabs, about the enterprise's richest account."""
    hero = {"account": landmarks["hero"]}
    return [
        Tab("Entitlement check", _ENTITLEMENT, hero),
        Tab("Entitlement, billing down", _OUTAGE, hero),
        Tab("Sources", _SOURCES),
        Tab("Customer 360", _CUSTOMER_360, hero),
        Tab("Portal list", _PORTAL),
        Tab("Overdue invoices", _OVERDUE, {"today": f"{today.isoformat()}T00:00:00Z"}),
    ]
