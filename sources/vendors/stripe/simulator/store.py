"""What the account holds: every object by id, and by the parents that lists are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import partial

from sources.simulation.enterprise import BillingBook, BillPayment, BillPrice
from sources.simulation.kit import Holdings
from sources.vendors.stripe.simulator import render, render_money
from sources.vendors.stripe.simulator.errors import missing
from sources.vendors.stripe.simulator.shapes import Object

Make = Callable[[], Object]
NAMES = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "subscriptions": "subscription",
    "subscription_schedules": "subscription_schedule",
    "subscription_items": "subscription_item",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "credit_notes": "credit_note",
    "features": "feature",
    "product_features": "product_feature",
    "meters": "meter",
    "active_entitlements": "active_entitlement",
}


class Store:
    """Objects are made from the book when they are first asked for; a written one replaces what the book says."""

    def __init__(self, book: BillingBook) -> None:
        self.book = book
        self._made: dict[str, dict[str, Object]] = defaultdict(dict)
        self._makers: dict[str, dict[str, Make]] = defaultdict(dict)
        self._created: dict[str, dict[str, int]] = defaultdict(dict)
        self._by: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._lines: dict[str, Callable[[], list[Object]]] = {}
        self.written_at: dict[str, float] = {}
        self._load(book)

    # ------------------------------------------------------------ reading

    def get(self, kind: str, key: str) -> Object:
        """One object; raises the vendor's 404."""
        made = self._made[kind].get(key)
        if made is None:
            maker = self._makers[kind].get(key)
            if maker is None:
                raise missing(NAMES[kind], key)
            made = self._made[kind][key] = maker()
        return made

    def has(self, kind: str, key: str) -> bool:
        """Whether there is such an object."""
        return key in self._makers[kind] or key in self._made[kind]

    def ids(self, kind: str, parent: str | None = None, value: str | None = None) -> list[str]:
        """Ids, newest first; of a parent's (`customer`, `invoice`, …) where one is named."""
        found: Iterable[str] = self._created[kind] if parent is None else self._by[kind, parent, value or ""]
        created = self._created[kind]
        return sorted(found, key=lambda key: (created[key], key), reverse=True)

    def every_line(self, invoice: str) -> list[Object]:
        """All lines of an invoice or credit note."""
        lines = self._lines.get(invoice)
        return lines() if lines is not None else []

    def holdings(self) -> Holdings:
        """Every object, invoices and credit notes with their lines."""
        return {
            name: {key: self._whole(kind, key) for key in list(self._created[kind])} for kind, name in NAMES.items()
        }

    def _whole(self, kind: str, key: str) -> Object:
        return deepcopy({**self.get(kind, key), **({"lines": self.every_line(key)} if key in self._lines else {})})

    # ------------------------------------------------------------ writing

    def put(self, kind: str, made: Object, at: float | None = None, **parents: str | None) -> Object:
        """Adds or replaces an object."""
        key = made["id"]
        self._made[kind][key] = made
        self._created[kind][key] = made.get("created") or made.get("date") or 0
        if at is not None:
            self.written_at[key] = at
        for parent, value in parents.items():
            if value is not None and key not in self._by[kind, parent, value]:
                self._by[kind, parent, value].append(key)
        return made

    def put_lines(self, invoice: str, lines: list[Object]) -> None:
        """The lines of an invoice or credit note."""
        self._lines[invoice] = lambda: lines

    def drop(self, kind: str, key: str) -> None:
        """Takes an object away."""
        for known in (self._made[kind], self._makers[kind], self._created[kind]):
            known.pop(key, None)
        for (owner, _, _), keys in self._by.items():
            if owner == kind and key in keys:
                keys.remove(key)

    def unrelate(self, kind: str, key: str, parent: str, value: str) -> None:
        """Takes an object out of one parent's list."""
        self._by[kind, parent, value] = [each for each in self._by[kind, parent, value] if each != key]

    def _add(self, kind: str, key: str, created: int | None, make: Make, **parents: str | None) -> None:
        self._makers[kind][key] = make
        self._created[kind][key] = created or 0
        for parent, value in parents.items():
            if value is not None:
                self._by[kind, parent, value].append(key)

    # ------------------------------------------------------------ loading

    def _load(self, book: BillingBook) -> None:
        prices = {each.id: each for each in book.prices}
        at = render.seconds
        for customer in book.customers:
            self._add(
                "customers",
                customer.id,
                at(customer.created_at),
                partial(render.customer, customer),
                email=customer.email,
            )
        for feature in book.features:
            self._add("features", feature.id, 0, partial(render.feature, feature))
        for product in book.products:
            self._add("products", product.id, at(product.created_at), partial(render.product, product))
            for feature_id in product.feature_ids:
                key = f"prodft_{product.id}_{feature_id}"
                self._add(
                    "product_features", key, 0, partial(render.product_feature, key, feature_id), product=product.id
                )
        for price in book.prices:
            made = partial(render.price, price)
            self._add("prices", price.id, at(price.created_at), made, product=price.product_id)
        for meter in book.meters:
            self._add("meters", meter.id, 0, partial(render.meter, meter))
        self._load_subscriptions(book, prices)
        self._load_invoices(book, prices)
        self._load_payments(book)
        keys = {each.id: each.lookup_key for each in book.features}
        for right in book.entitlements:
            make = partial(render.active_entitlement, right, keys[right.feature_id])
            self._add("active_entitlements", right.id, 0, make, customer=right.customer_id)

    def _load_subscriptions(self, book: BillingBook, prices: Mapping[str, BillPrice]) -> None:
        at = render.seconds
        for entry in book.subscriptions:
            make = partial(render.subscription, entry, prices)
            self._add("subscriptions", entry.id, at(entry.created_at), make, customer=entry.customer_id)
            for item in entry.items:
                self._by["subscriptions", "price", item.price_id].append(entry.id)
                one = partial(render.item, item, entry, prices)
                self._add("subscription_items", item.id, at(entry.created_at), one, subscription=entry.id)
            if entry.schedule is not None:
                planned = partial(render.schedule, entry)
                key = render.schedule_id(entry) or ""
                self._add("subscription_schedules", key, at(entry.created_at), planned, customer=entry.customer_id)

    def _load_invoices(self, book: BillingBook, prices: Mapping[str, BillPrice]) -> None:
        at = render.seconds
        for entry in book.invoices:
            make = partial(render_money.invoice, entry, prices)
            parents = {"customer": entry.customer_id, "subscription": entry.subscription_id}
            self._add("invoices", entry.id, at(entry.created_at), make, **parents)
            self._lines[entry.id] = partial(render_money.lines, entry, prices)
        for note in book.credit_notes:
            owners: dict[str, str | None] = {"customer": note.customer_id, "invoice": note.invoice_id}
            self._add("credit_notes", note.id, at(note.created_at), partial(render_money.credit_note, note), **owners)

    def _load_payments(self, book: BillingBook) -> None:
        for entry in book.payments:
            created = render.seconds(entry.created_at)
            intent = partial(render_money.payment_intent, entry)
            self._add("payment_intents", entry.id, created, intent, customer=entry.customer_id)
            if entry.invoice_id is not None:
                link = partial(render_money.invoice_payment, entry)
                key = entry.id.replace("pi_", "inpay_", 1)
                self._add("invoice_payments", key, created, link, invoice=entry.invoice_id, payment_intent=entry.id)
            if entry.charge_id is not None:
                self._load_charge(entry, entry.charge_id, created)

    def _load_charge(self, entry: BillPayment, charge: str, created: int | None) -> None:
        make = partial(render_money.charge, entry)
        self._add("charges", charge, created, make, customer=entry.customer_id, payment_intent=entry.id)
        for refund in entry.refund_ids[:1]:
            back = partial(render_money.refund, entry, refund)
            self._add("refunds", refund, created, back, charge=charge, payment_intent=entry.id)
        if entry.dispute_id is not None:
            contested = partial(render_money.dispute, entry)
            self._add("disputes", entry.dispute_id, created, contested, charge=charge, payment_intent=entry.id)
