"""A record that was written, as what the system says it did."""

from __future__ import annotations

from collections.abc import Mapping

from sources.canonical import Money
from sources.canonical.commands import Written
from sources.errors import Duplicate
from sources.vendors.salesforce.mapping import money
from sources.vendors.salesforce.writers import wire
from sources.vendors.salesforce.writers.org import Org


def written(
    org: Org,
    record: wire.Stamped,
    *,
    number: str | None = None,
    parts: Mapping[str, str] | None = None,
    request_id: str | None = None,
    replayed: bool = False,
) -> Written:
    """What came of a change. An order's total is the vendor's own."""
    return Written(
        source=org.source,
        key=record.Id,
        number=number,
        at=org.at(record),
        parts=parts or {},
        amounts=_amounts(record),
        request_id=request_id,
        replayed=replayed,
    )


def same(org: Org, what: str, *, found: object, asked: object) -> None:
    """Raises Duplicate where a key's record is another than the one that is asked for now."""
    if found != asked:
        raise Duplicate(f"`{org.source}` made another {what} under this key: use a new one", source=org.source)


def _amounts(record: wire.Stamped) -> dict[str, Money]:
    if not isinstance(record, wire.Order):
        return {}
    total = money("Order.TotalAmount", record.TotalAmount, record.CurrencyIsoCode)
    return {"total": total} if total is not None else {}
