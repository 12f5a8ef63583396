"""May an order be placed: five checks over five reads, all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import strawberry

from bench.gateways import records as r
from resolvers.batch import Need, Read
from resolvers.context import Context
from sources import canonical as c
from sources.ports import Filter, Page

_OPEN = Page(filters=(Filter("status", "eq", "open"),))
_MOST_OPEN = 100_000  # minor units that may be open
NEEDS: tuple[Need, ...] = (
    (c.Account, "key"),
    (r.Product, "key"),
    (r.Invoice, "account"),
    (r.Profile, "account"),
    (r.Period, "entity"),
)


@strawberry.input
class OrderLine:
    product: strawberry.ID
    quantity: int


@strawberry.type
class Check:
    code: str
    passed: bool
    source: str
    detail: str


@strawberry.type
class ValidatedLine:
    product: strawberry.ID
    name: str
    quantity: int
    unit_cents: int
    amount_cents: int


@strawberry.type
class Validation:
    valid: bool
    entity: str
    currency: str
    total_cents: int
    checks: list[Check]
    lines: list[ValidatedLine]


async def validate(
    _: object, read: Read, context: Context, account: str, entity: str, lines: Sequence[OrderLine]
) -> list[Validation]:
    """The decision for one order."""
    products = [line.product for line in lines]
    asked = (
        read(c.Account, "key", [account]),
        read(r.Product, "key", products),
        read(r.Invoice, "account", [account], _OPEN),
        read(r.Profile, "account", [account]),
        read(r.Period, "entity", [entity]),
    )
    readings = await asyncio.gather(*asked)
    for reading in readings:
        for error in reading.errors.values():
            raise error
    found = [{key: rows.records for key, rows in reading.rows.items()} for reading in readings]
    catalogue = {key: rows[0] for key, rows in found[1].items() if rows}
    return [
        decided(
            entity,
            lines,
            next(iter(found[0].get(account, ())), None),
            catalogue,
            found[2].get(account, ()),
            next(iter(found[3].get(account, ())), None),
            found[4].get(entity, ()),
        )
    ]


def decided(
    entity: str,
    lines: Sequence[OrderLine],
    account: Any,
    products: dict[str, Any],
    invoices: Sequence[Any],
    profile: Any,
    periods: Sequence[Any],
) -> Validation:
    """The checks of bench/README.md."""
    shown = [_line(line, products.get(line.product)) for line in lines]
    total = sum(line.amount_cents for line in shown)
    failing = sum(not _sellable(products.get(line.product), line.quantity) for line in lines)
    due = sum(invoice.due_cents for invoice in invoices)
    left = profile.credit_limit_cents - profile.open_cents - total if profile is not None else None
    period = next((each.name for each in periods if each.status == "open"), None)
    status = account.status if account is not None else "missing"
    checks = [
        Check(code="ACCOUNT_ACTIVE", passed=status == "active", source="crm", detail=status),
        Check(code="PRODUCTS_SELLABLE", passed=failing == 0, source="crm", detail=str(failing)),
        Check(code="OPEN_INVOICES", passed=due <= _MOST_OPEN, source="billing", detail=str(due)),
        Check(
            code="CREDIT_AVAILABLE",
            passed=left is not None and not profile.credit_hold and left >= 0,
            source="erp",
            detail="missing" if left is None else str(left),
        ),
        Check(code="PERIOD_OPEN", passed=period is not None, source="erp", detail=period or "none"),
    ]
    return Validation(
        valid=all(check.passed for check in checks),
        entity=entity,
        currency=account.currency if account is not None else "",
        total_cents=total,
        checks=checks,
        lines=shown,
    )


def _line(line: OrderLine, product: Any) -> ValidatedLine:
    name, cents = (product.name, product.unit_cents) if product is not None else ("", 0)
    return ValidatedLine(
        product=line.product, name=name, quantity=line.quantity, unit_cents=cents, amount_cents=line.quantity * cents
    )


def _sellable(product: Any, quantity: int) -> bool:
    if product is None or product.status != "active":
        return False
    return bool(product.min_quantity <= quantity <= product.max_quantity)
