"""What speaks against a change of what runs, in the same words for whoever asks and for whoever changes it."""

from __future__ import annotations

from collections.abc import Iterable

from sources import canonical as c

COLLECT_FIRST = "collect or void it first, or amend from the next period on"
KEEP_TIER = "keep the support tier until they are solved"
_SETTLED = frozenset({c.InvoiceStatus.PAID, c.InvoiceStatus.CREDITED, c.InvoiceStatus.VOID})


def unpaid(invoice: c.Invoice) -> str | None:
    """Why nothing that an invoice asked for is credited by proration; None where it may be."""
    if invoice.status in _SETTLED:
        return None
    return f"the invoice `{invoice.number or invoice.key}` is not paid: proration would credit what was never paid"


def broken(cases: Iterable[c.Case]) -> str:
    """Why support does not fall: these cases."""
    return f"urgent cases are open: {', '.join(f'`{each.number or each.key}`' for each in cases)}"
