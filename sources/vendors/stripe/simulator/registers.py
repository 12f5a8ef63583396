"""What an account has learned from its books: the next number of each series, and the tax of each place."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cached_property

from sources.simulation.enterprise import BillingBook
from sources.vendors.stripe.simulator.shapes import Object

_NUMBER = re.compile(r"(.*?)(\d+)$")


class Registers:
    """Numbers without gaps, one series of invoices for each legal entity and one of credit notes; tax rates by entity
    and country, as the invoices in the book were taxed."""

    def __init__(self, book: BillingBook) -> None:
        self._book = book

    @cached_property
    def _last(self) -> dict[str, tuple[int, int]]:
        """The last number of each series, by its prefix, and how many digits it has."""
        found: dict[str, tuple[int, int]] = {}
        numbers = [each.number for each in self._book.invoices] + [each.number for each in self._book.credit_notes]
        for number in numbers:
            prefix, digits = _split(number)
            if digits:
                found[prefix] = (max(found.get(prefix, (0, 0))[0], int(digits)), len(digits))
        return found

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        """The series of each entity, and of each customer, who need not say his entity."""
        numbered = [each for each in self._book.invoices if each.number]
        known = {each.customer_id: _split(each.number)[0] for each in numbered}
        return known | {each.entity: _split(each.number)[0] for each in numbered if each.entity}

    @cached_property
    def _rates(self) -> dict[tuple[str, str], Decimal]:
        """The rate of the largest taxed invoice of each entity and country."""
        countries = {each.id: each.country or "" for each in self._book.customers}
        largest: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        for each in self._book.invoices:
            place = (each.entity or "", countries.get(each.customer_id, ""))
            if each.tax and each.entity and each.subtotal > largest.get(place, (Decimal(0), Decimal(0)))[0]:
                largest[place] = (each.subtotal, each.tax)
        return {place: (tax / net).quantize(Decimal("0.0001")) for place, (net, tax) in largest.items()}

    def rate(self, customer: Object) -> Decimal:
        """The tax rate of a customer: none abroad, and none for who is exempt or accounts for it himself."""
        if customer.get("tax_exempt") != "none":
            return Decimal(0)
        country = (customer.get("address") or {}).get("country") or ""
        return self._rates.get((_entity(customer), country), Decimal(0))

    def invoice(self, customer: Object) -> str:
        """The next invoice number of the customer's entity."""
        known = self._prefixes.get(_entity(customer)) or self._prefixes.get(customer["id"])
        return self._next(known or "INV-")

    def credit_note(self) -> str:
        """The next number of a credit note."""
        return self._next(next((_split(each.number)[0] for each in self._book.credit_notes), "CN-"))

    def _next(self, prefix: str) -> str:
        last, width = self._last.get(prefix, (0, 6))
        self._last[prefix] = (last + 1, width)
        return f"{prefix}{last + 1:0{width}d}"


def _entity(customer: Object) -> str:
    return str((customer.get("metadata") or {}).get("legal_entity") or "")


def _split(number: str | None) -> tuple[str, str]:
    match = _NUMBER.fullmatch(number or "")
    return (match[1], match[2]) if match else ("", "")
