"""Credit notes and refunds: what is given back of a finalised invoice or of a payment, never more than there is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sources.vendors.stripe.simulator.errors import Refusal, locked
from sources.vendors.stripe.simulator.given import Given, Tree
from sources.vendors.stripe.simulator.invoicing import settled, subscription_of
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.paying import revive
from sources.vendors.stripe.simulator.render import embedded
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import rounded

_REASONS = ("", "duplicate", "fraudulent", "order_change", "product_unsatisfactory")
_WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")
_NOTE = ("invoice", "amount", "lines", "memo", "metadata", "reason", "email_type", "effective_at", *_WAYS)
_LINE = ("type", "invoice_line_item", "amount", "quantity", "unit_amount", "description")
_REFUND = ("payment_intent", "charge", "amount", "reason", "metadata")
_REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def drawn(office: Office, tree: Tree) -> Object:
    """A credit note on paper, as the preview shows it: it first takes from what is left of the invoice; the rest goes
    back by the ways that were named, to the last unit."""
    given = Given(tree, _NOTE)
    given.demand("invoice")
    invoice = office.get("invoices", given.text("invoice") or "")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise locked(f"You can only create credit notes for open, paid or uncollectible invoices: {invoice['id']}")
    lines = _lines(office, given.rows("lines", _LINE), invoice)
    if (given.text("amount") is None) is (not lines):
        raise Refusal(400, "Specify either `amount` or `lines`.", code="parameter_missing", param="amount")
    net, tax = (sum(each[name] for each in lines) for name in ("amount", "tax"))
    total = net + tax if lines else given.amount("amount")
    tax = tax if lines else _tax_in(total, invoice)
    left = invoice["total"] - _credited(invoice)
    if not 0 < total <= left:
        raise Refusal(400, f"The credit note amount {total} must be positive and at most {left}.", param="amount")
    before = min(total, invoice["amount_remaining"])
    ways = {name: given.amount(name) for name in _WAYS}
    if sum(ways.values()) != total - before:
        message = f"The sum of credit amount, refund amount and out of band amount must equal {total - before}."
        raise Refusal(400, message, param="credit_amount")
    key = office.new("cn")
    taxes = [{"amount": tax, "tax_behavior": "exclusive", "taxable_amount": total - tax}] if tax else []
    return shape(
        "credit_note",
        id=key,
        amount=total,
        created=office.now(),
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=office.now(),
        invoice=invoice["id"],
        lines=embedded([each["line"] for each in lines], f"/v1/credit_notes/{key}/lines"),
        memo=given.text("memo"),
        metadata=given.metadata({}),
        number=None,
        out_of_band_amount=ways["out_of_band_amount"] or None,
        post_payment_amount=total - before,
        pre_payment_amount=before,
        reason=given.choice("reason", _REASONS, "") or None,
        status="issued",
        subtotal=total - tax,
        total=total,
        total_taxes=taxes,
        type=("pre_payment" if before == total else "post_payment") if before in (0, total) else "mixed",
    )


def create(office: Office, tree: Tree) -> Object:
    """Issues a credit note: the invoice owes less, the customer has more."""
    note = drawn(office, tree)
    given, invoice = Given(tree, _NOTE), office.get("invoices", note["invoice"])
    back, credit = given.amount("refund_amount"), given.amount("credit_amount")
    refunds = []
    if back:
        made = _back(office, _charge_of(office, invoice, back), back, {"reason": None, "metadata": {}})
        refunds = [{"amount_refunded": back, "refund": made["id"], "type": "refund"}]
    if credit:
        customer = office.get("customers", note["customer"])
        office.put("customers", {**customer, "balance": customer["balance"] - credit})
    note = {**note, "number": office.registers.credit_note(), "refunds": refunds}
    office.store.put_lines(note["id"], note["lines"]["data"])
    office.put("credit_notes", note, invoice=note["invoice"], customer=note["customer"])
    office.tell("credit_note.create", note, note["total"])
    _take(office, invoice, note["pre_payment_amount"], note["post_payment_amount"])
    return note


def void(office: Office, key: str) -> Object:
    """Takes a credit note back, as long as its invoice is open and nothing of it went to the customer."""
    note = office.get("credit_notes", key)
    invoice = office.get("invoices", note["invoice"])
    if note["status"] != "issued" or invoice["status"] != "open" or note["post_payment_amount"]:
        raise locked("You can only void an issued credit note whose invoice is open.")
    made = office.put("credit_notes", {**note, "status": "void", "voided_at": office.now()})
    office.tell("credit_note.void", made, made["total"])
    _take(office, invoice, -note["pre_payment_amount"], 0)
    return made


def refund(office: Office, tree: Tree) -> Object:
    """Gives a payment back, or part of it, the way it came."""
    given = Given(tree, _REFUND)
    charge = _asked(office, given)
    if charge["refunded"]:
        raise Refusal(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if any(_disputed(office, key) for key in office.store.ids("disputes", "charge", charge["id"])):
        raise Refusal(400, f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    amount = given.amount("amount") if "amount" in given else left
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})."
        raise Refusal(400, message, param="amount")
    reason = given.choice("reason", _REFUND_REASONS, "requested_by_customer") if "reason" in given else None
    return _back(office, charge, amount, {"reason": reason, "metadata": given.metadata({})})


def _asked(office: Office, given: Given) -> Object:
    intent_key, charge_key = given.text("payment_intent"), given.text("charge")
    if (intent_key is None) is (charge_key is None):
        raise Refusal(400, "Specify one of `charge` and `payment_intent`.", code="parameter_missing", param="charge")
    if charge_key is None:
        intent = office.get("payment_intents", intent_key or "")
        charge_key = intent["latest_charge"] if intent["status"] == "succeeded" else None
    charge = office.get("charges", charge_key) if charge_key else None
    if charge is None or charge["status"] != "succeeded":
        message = "This PaymentIntent does not have a successful charge to refund."
        raise Refusal(400, message, code="payment_intent_unexpected_state")
    return charge


def _back(office: Office, charge: Object, amount: int, decided: Object) -> Object:
    made = shape(
        "refund",
        id=office.new("re"),
        amount=amount,
        charge=charge["id"],
        created=office.now(),
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        **decided,
    )
    after = charge["amount_refunded"] + amount
    office.put("charges", {**charge, "amount_refunded": after, "refunded": after == charge["amount"]})
    office.put("refunds", made, charge=charge["id"], payment_intent=charge["payment_intent"])
    office.tell("refund.create", made, amount)
    return made


def _charge_of(office: Office, invoice: Object, amount: int) -> Object:
    for key in office.store.ids("invoice_payments", "invoice", invoice["id"]):
        intent = office.get("payment_intents", office.get("invoice_payments", key)["payment"]["payment_intent"])
        charge = office.get("charges", intent["latest_charge"]) if intent["latest_charge"] else None
        if charge and charge["status"] == "succeeded" and charge["amount"] - charge["amount_refunded"] >= amount:
            return charge
    raise Refusal(400, "This invoice has no payment that could be refunded by that amount.", param="refund_amount")


def _disputed(office: Office, key: str) -> bool:
    return office.get("disputes", key)["status"] not in ("won", "warning_closed", "prevented")


def _credited(invoice: Object) -> int:
    return int(invoice["pre_payment_credit_notes_amount"]) + int(invoice["post_payment_credit_notes_amount"])


def _take(office: Office, invoice: Object, before: int, after: int) -> None:
    """What a credit note takes from its invoice; one of which nothing is left is paid."""
    made = {
        **invoice,
        "amount_due": invoice["amount_due"] - before,
        "amount_remaining": invoice["amount_remaining"] - before,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + before,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + after,
    }
    if made["amount_remaining"] or invoice["status"] == "paid":
        office.put("invoices", made)
        return
    key = subscription_of(settled(office, made))
    if key is not None:
        revive(office, key)


def _tax_in(total: int, invoice: Object) -> int:
    tax = sum(each["amount"] for each in invoice["total_taxes"])
    return rounded(Decimal(total) * tax / invoice["total"], invoice["currency"]) if invoice["total"] else 0


def _lines(office: Office, rows: Sequence[Given], invoice: Object) -> list[Object]:
    known = {each["id"]: each for each in office.store.every_line(invoice["id"])}
    return [_line(row, known, invoice["currency"]) for row in rows]


def _line(row: Given, known: dict[str, Object], currency: str) -> Object:
    row.demand("type")
    kind = row.choice("type", ("invoice_line_item", "custom_line_item"), "")
    if kind == "custom_line_item":
        row.demand("description", "quantity", "unit_amount")
        amount, tax = row.amount("quantity") * row.amount("unit_amount"), 0
    else:
        row.demand("invoice_line_item")
        found = known.get(row.text("invoice_line_item") or "")
        if found is None:
            raise row.bad("invoice_line_item", "is no line of this invoice")
        amount = row.amount("amount")
        if "quantity" in row:
            amount = rounded(Decimal(found["amount"]) * row.amount("quantity") / (found["quantity"] or 1), currency)
        if not 0 < amount <= found["amount"]:
            raise row.bad("amount", f"must be positive and at most {found['amount']}")
        taxed = sum(each["amount"] for each in found["taxes"])
        tax = rounded(Decimal(taxed) * amount / found["amount"], currency)
    line = {"object": "credit_note_line_item", "amount": amount, "type": kind, "description": row.text("description")}
    line["invoice_line_item"] = row.text("invoice_line_item")
    return {"amount": amount, "tax": tax, "line": line}
