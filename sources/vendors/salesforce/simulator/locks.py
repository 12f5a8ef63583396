"""Records that cannot be written just now: somebody else's transaction has them, or an approval is pending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.vendors.salesforce.simulator.errors import assumed
from sources.vendors.salesforce.simulator.facts import Assumed


class Locks:
    """Ids of records: `rows` are held by a transaction that takes long, `approvals` wait for somebody to approve them,
    `decided` are contracts in approval that somebody has approved. A write also holds the account of the row, and of
    an order's product the order."""

    def __init__(self) -> None:
        self.rows: set[str] = set()
        self.approvals: set[str] = set()
        self.decided: set[str] = set()

    def check(self, sobject: str, row: Mapping[str, Any]) -> None:
        """Raises UNABLE_TO_LOCK_ROW or ENTITY_IS_LOCKED. `row` may be one that is not written yet."""
        order = row.get("OrderId") if sobject == "OrderItem" else None
        for key in filter(None, (row.get("Id"), order, row.get("AccountId"))):
            if key in self.rows:
                raise assumed(400, Assumed.ROW_HELD, key)
        pending = row.get("StatusCode") == "InApproval" and row.get("Id") not in self.decided
        if pending or row.get("Id") in self.approvals or order in self.approvals:
            raise assumed(400, Assumed.APPROVAL)

    async def control(self, request: Request) -> Response:
        """GET shows them, PUT `{"rows": [...], "approvals": [...], "decided": [...]}` sets those it names."""
        if request.method == "PUT":
            given = await request.json()
            for name in ("rows", "approvals", "decided"):
                setattr(self, name, set(given.get(name, getattr(self, name))))
        return JSONResponse(
            {"rows": sorted(self.rows), "approvals": sorted(self.approvals), "decided": sorted(self.decided)}
        )
