"""What a command must name properly before anything of it becomes part of an address or an amount."""

from __future__ import annotations

from collections.abc import Sequence

from sources.canonical import Money
from sources.canonical.commands import SoldLine
from sources.errors import Missing, Rejected


def demand_id(key: str, source: str) -> None:
    """The ERP's ids are digits; whatever else it is, the ERP has no such record."""
    if not (key.isascii() and key.isdigit()):
        raise Missing(f"`{source}` has no record `{key[:40]}`: its ids are digits", source=source)


def demand_one_currency(lines: Sequence[SoldLine], currency: str, source: str) -> None:
    """Every line is in the document's currency."""
    for line in lines:
        if line.unit_price.currency != currency:
            message = f"line `{line.key}` is in {line.unit_price.currency}, and the document in {currency}"
            raise Rejected(f"`{source}` takes one currency a document: {message}", source=source)


def demand_positive(amount: Money, source: str) -> None:
    """A credit, receipt or write-off is over something."""
    if amount.minor <= 0:
        raise Rejected(f"`{source}` takes amounts above nothing, not {amount.amount} {amount.currency}", source=source)
