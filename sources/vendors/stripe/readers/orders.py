"""The orders that Stripe's lists have, and the one they are asked for by default."""

from __future__ import annotations

from sources.ports import Order, Page

CREATED = "created_at"
NEWEST = Order(CREATED, descending=True)
RECEIVED = Order("received_at", descending=True)


def native(page: Page) -> bool:
    """Whether a page is wanted as Stripe gives it: newest first."""
    return page.order is None or page.order == NEWEST
