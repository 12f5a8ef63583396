"""What every row needs beside its entry in the book: owners, stamps, dates as they go on the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sources.simulation.enterprise import CrmBook, CrmProduct
from sources.vendors.salesforce.simulator import dates

_DAWN = datetime(2019, 1, 1, tzinfo=UTC)  # when the organisation was set up


def instant(moment: datetime | None) -> str | None:
    """An instant as it goes on the wire."""
    return None if moment is None else dates.instant(moment)


def day(on: date | None) -> str | None:
    """A date as it goes on the wire."""
    return None if on is None else on.isoformat()


class Clerk:
    """Knows the whole book; `now` is the enterprise's present."""

    def __init__(self, crm: CrmBook, now: datetime) -> None:
        self._now = now
        self._first = crm.users[0].id if crm.users else None
        self._owners = {account.id: account.owner_id for account in crm.accounts}
        self.products: dict[str, CrmProduct] = {product.id: product for product in crm.products}

    def owner(self, account_id: str) -> str | None:
        """Who owns the account owns what hangs on it."""
        return self._owners.get(account_id, self._first)

    def stamps(self, created: datetime, updated: datetime | None = None) -> dict[str, Any]:
        """When a row was made and last changed, and by whom."""
        last = dates.instant(updated or created)
        return {
            "CreatedDate": dates.instant(created),
            "CreatedById": self._first,
            "LastModifiedDate": last,
            "LastModifiedById": self._first,
            "SystemModstamp": last,
        }

    def since(self, on: date | None) -> dict[str, Any]:
        """Stamps for what the book dates by a day or not at all: made that morning, never in the future."""
        return self.stamps(min(datetime.combine(on, time(9), UTC), self._now) if on else _DAWN)
