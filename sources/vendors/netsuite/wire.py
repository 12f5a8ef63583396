"""What we read of NetSuite's REST records, under NetSuite's names. Amounts are decimals in major units."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a record refers to."""

    id: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One item line. Numbers may come as `1` or `1.0`: `place` is the line's."""

    line: Decimal
    item: Reference | None = None
    quantity: Decimal | None = None
    amount: Decimal = Decimal(0)
    grossAmt: Decimal | None = None
    isClosed: bool = False
    quantityBilled: Decimal | None = None
    custcol_gateway_line: str | None = None

    @property
    def place(self) -> int:
        """By what a change names the line."""
        return int(self.line)


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A sublist."""

    items: tuple[Line, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction of any kind; who it is of stands under `entity`, of a payment under `customer`."""

    id: str
    tranId: str | None = None
    entity: Reference | None = None
    customer: Reference | None = None
    currency: Reference | None = None
    status: Reference | None = None
    total: Decimal | None = None
    payment: Decimal | None = None
    taxTotal: Decimal | None = None
    amountRemaining: Decimal | None = None
    unapplied: Decimal | None = None
    item: Lines = Lines()
    custbody_gateway_op_id: str | None = None
    custbody_write_off: bool = False

    @property
    def party(self) -> str:
        """Whose it is."""
        owner = self.entity or self.customer
        return owner.id if owner else ""

    @property
    def gross(self) -> Decimal:
        """All of it, with tax."""
        return abs(self.total if self.total is not None else self.payment or Decimal(0))

    @property
    def net(self) -> Decimal:
        """All of it without tax."""
        return self.gross - abs(self.taxTotal or Decimal(0))
