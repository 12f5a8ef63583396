"""Prorations that wait for the next invoice: invoice items of a customer that no invoice has yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import Part


def open_items(office: Office, subscription: Object) -> list[Object]:
    """Those of one subscription, oldest first."""
    keys = office.store.ids("invoiceitems", "customer", subscription["customer"])
    found = [office.get("invoiceitems", key) for key in keys]
    return [
        each
        for each in reversed(found)
        if each["invoice"] is None and each["parent"]["subscription_details"]["subscription"] == subscription["id"]
    ]


def postpone(office: Office, subscription: Object, parts: Sequence[Part]) -> None:
    """Keeps parts for the next invoice."""
    for part in parts:
        details = {"subscription": subscription["id"], "subscription_item": part.item}
        made = shape(
            "invoiceitem",
            id=office.new("ii"),
            amount=part.amount,
            currency=part.price["currency"],
            customer=subscription["customer"],
            date=office.now(),
            description=part.description,
            parent={"type": "subscription_details", "subscription_details": details},
            period={"start": part.start, "end": part.end},
            pricing={
                "type": "price_details",
                "price_details": {"price": part.price["id"], "product": part.price["product"]},
                "unit_amount_decimal": part.price.get("unit_amount_decimal"),
            },
            proration=True,
            quantity=part.quantity,
        )
        office.put("invoiceitems", made, customer=subscription["customer"])
        office.tell("invoiceitem.create", made, part.amount)


def part_of(office: Office, item: Object) -> Part:
    """A waiting item as a part of an invoice."""
    details = item["parent"]["subscription_details"]
    return Part(
        amount=item["amount"],
        description=item["description"],
        price=office.get("prices", item["pricing"]["price_details"]["price"]),
        quantity=item["quantity"],
        start=item["period"]["start"],
        end=item["period"]["end"],
        item=details["subscription_item"],
        subscription=details["subscription"],
        proration=True,
        pending=item["id"],
    )


def withdraw(office: Office, items: Iterable[Object]) -> None:
    """Drops waiting items."""
    for each in items:
        office.store.drop("invoiceitems", each["id"])
        office.tell("invoiceitem.delete", each, each["amount"])
