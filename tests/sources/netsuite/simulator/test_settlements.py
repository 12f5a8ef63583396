"""Credits and payments: what they settle, what they may not, and what the ledger shows of it."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.netsuite.simulator.conftest import Caller
from tests.sources.netsuite.simulator.test_records import code
from tests.sources.netsuite.simulator.test_sales import effects, owed, put, said, shown, transform

INVOICE: dict[str, Any] = {"entity": {"id": "101"}, "tranDate": "2026-11-05"}
DAY = {"tranDate": "2026-11-06"}


def invoice(account: Caller, gross: float, external: str = "stripe:in_70", **more: Any) -> str:
    lines = {"items": [{"item": {"id": "501"}, "grossAmt": gross}]}
    return put(account, f"invoice/eid:{external}", **INVOICE, item=lines, **more)


def to(key: str, amount: float | None = None) -> dict[str, Any]:
    return {"items": [{"doc": {"id": key}, "apply": True} | ({} if amount is None else {"amount": amount})]}


def pay(account: Caller, external: str, amount: float, status: int = 204, **more: Any) -> str:
    body = {"customer": {"id": "101"}, "payment": amount, "undepFunds": True, **DAY, **more}
    return put(account, f"customerPayment/eid:{external}", status, **body)


def left(account: Caller, key: str) -> tuple[float, float, str]:
    one = shown(account, "invoice", key)
    return one["amountPaid"], one["amountRemaining"], one["status"]["id"]


def sides(account: Caller, key: str) -> list[tuple[str, str | None, str | None]]:
    rows = account.rows(
        "SELECT a.fullname, l.debit, l.credit FROM transactionaccountingline l JOIN account a ON a.id = l.account "
        "WHERE l.transaction = ? ORDER BY l.transactionline",
        key,
    )
    return [(row["fullname"], row.get("debit"), row.get("credit")) for row in rows]


def test_a_payment_settles_what_it_is_applied_to(account: Caller) -> None:
    key = invoice(account, 100)
    assert owed(account)[0] == 195.10
    first = pay(account, "stripe:pi_70", 60, apply=to(key, 60))
    assert left(account, key) == (60, 40, "A")
    again = pay(account, "stripe:pi_70", 60, apply=to(key, 60))
    assert (again, left(account, key)) == (first, (60, 40, "A"))
    pay(account, "stripe:pi_71", 50, apply=to(key))
    assert left(account, key) == (100, 0, "B")
    assert owed(account)[0] == 85.10
    one = shown(account, "customerPayment", first)
    assert (one["payment"], one["applied"], one["unapplied"], one["status"]["id"]) == (60, 60, 0, "B")
    assert sides(account, first) == [("Undeposited Funds", "60", None), ("Accounts Receivable", None, "60")]
    assert [effect.split()[0] for effect in effects(account)] == ["invoice.create", *["customerPayment.create"] * 2]


def test_a_payment_cannot_settle_more_than_is_due_or_than_it_is(account: Caller) -> None:
    key = invoice(account, 100)
    body = {"customer": {"id": "101"}, "payment": 150, **DAY}
    path = "/record/v1/customerPayment/eid:stripe:pi_80"
    assert "invoice has due" in said(account.http.put(path, json=body | {"apply": to(key, 100.01)}))
    assert "total payments" in said(account.http.put(path, json=body | {"payment": 50, "apply": to(key, 50.01)}))
    assert account.http.get(path).status_code == 404
    assert left(account, key) == (0, 100, "A")
    assert owed(account)[0] == 195.10


def test_only_open_invoices_of_the_same_customer_and_currency_are_settled(account: Caller) -> None:
    yen = put(account, "invoice/eid:stripe:in_71", 400, entity={"id": "103"}, tranDate="2026-11-05", item={"items": [{"item": "501", "amount": 5}]})  # fmt: skip
    assert yen == ""  # a customer on hold buys nothing
    for wrong in ("1007", "1002", "1003", "9999"):
        body = {"customer": {"id": "101"}, "payment": 10, **DAY, "apply": to(wrong)}
        answer = account.http.post("/record/v1/customerPayment", json=body)
        assert code(answer) == (400, "INVALID_CONTENT")
        assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "apply.items[0].doc"
    missing = account.http.post(
        "/record/v1/customerPayment", json={"customer": "101", "payment": 1, "apply": {"items": [{}]}}
    )
    assert code(missing) == (400, "INVALID_CONTENT")


def test_a_credit_memo_made_from_an_invoice_has_its_tax_and_settles_it(account: Caller) -> None:
    key = invoice(account, 108.25)
    some = {"items": [{"item": {"id": "501"}, "grossAmt": 10.83}]}
    answer = transform(
        account,
        key,
        "creditMemo",
        "invoice",
        externalId="stripe:cn_70",
        replace="item",
        item=some,
        apply=to(key, 10.83),
        **DAY,
    )
    memo = answer.headers["location"].rsplit("/", 1)[1]
    one = shown(account, "creditMemo", memo)
    assert (one["total"], one["taxTotal"], one["applied"], one["unapplied"], one["status"]["id"]) == (
        10.83,
        0.83,
        10.83,
        0,
        "B",
    )
    assert one["createdFrom"]["id"] == key
    assert left(account, key) == (10.83, 97.42, "A")
    assert sides(account, memo) == [("Deferred Revenue", "10", None), ("Sales Tax Payable", "0.83", None), ("Accounts Receivable", None, "10.83")]  # fmt: skip
    assert account.rows("SELECT foreigntotal FROM transaction WHERE externalid = 'stripe:cn_70'") == [
        {"foreigntotal": "-10.83"}
    ]
    whole = transform(account, key, "creditMemo", "invoice", **DAY).headers["location"].rsplit("/", 1)[1]
    assert left(account, key) == (108.25, 0, "B")
    assert shown(account, "creditMemo", whole)["unapplied"] == 10.83
    assert owed(account)[0] == 84.27


def test_a_write_off_goes_to_bad_debt(account: Caller) -> None:
    key = invoice(account, 20)
    line = {"item": {"id": "501"}, "amount": 20, "taxDetailsReference": "t"}
    untaxed = {"taxDetailsOverride": True, "taxDetails": {"items": [{"taxDetailsReference": "t", "taxAmount": 0}]}}
    body: dict[str, Any] = {"entity": {"id": "101"}, "custbody_write_off": True, "apply": to(key, 20), **untaxed, **DAY}
    memo = put(account, "creditMemo/eid:gw:wo-1", **body, item={"items": [line]})
    assert sides(account, memo) == [("Bad Debt Expense", "20", None), ("Accounts Receivable", None, "20")]
    assert left(account, key)[2] == "B"
    assert shown(account, "creditMemo", memo)["custbody_write_off"] is True


def test_a_payment_turned_into_money_at_the_bank_says_so(account: Caller) -> None:
    key = invoice(account, 30)
    body = {"account": {"id": "1"}, "externalId": "stripe:pi_90", **DAY}
    payment = transform(account, key, "customerPayment", "invoice", **body).headers["location"].rsplit("/", 1)[1]
    one = shown(account, "customerPayment", payment)
    assert (one["payment"], one["applied"], one["status"]["refName"]) == (30, 30, "Deposited")


def test_credits_and_payments_know_the_locked_periods_too(account: Caller) -> None:
    key = invoice(account, 30)
    for kind in ("creditMemo", "customerPayment"):
        assert "accounting period" in said(transform(account, key, kind, "invoice", tranDate="2026-10-10"))
    assert left(account, key) == (0, 30, "A")
    payment = pay(account, "stripe:pi_91", 30, apply=to(key))
    moved = account.http.patch(f"/record/v1/customerPayment/{payment}", json={"tranDate": "2026-10-10"})
    assert "accounting period" in said(moved)


def test_an_overdue_invoice_that_is_paid_is_no_longer_overdue(account: Caller) -> None:
    key = invoice(account, 30, dueDate="2026-11-10")
    before = shown(account, "customer", "101")
    assert before["overdueBalance"] == 130.3
    pay(account, "stripe:pi_92", 30, apply=to(key))
    assert shown(account, "customer", "101")["overdueBalance"] == 100.3


def test_an_invoice_cannot_shrink_below_what_was_paid(account: Caller) -> None:
    key = invoice(account, 100)
    pay(account, "stripe:pi_93", 60, apply=to(key, 60))
    smaller = {"item": {"items": [{"line": 1, "grossAmt": 59.99}]}}
    assert "has due" in said(account.http.patch(f"/record/v1/invoice/{key}", json=smaller))
    exactly = {"item": {"items": [{"line": 1, "grossAmt": 60}]}}
    assert account.http.patch(f"/record/v1/invoice/{key}", json=exactly).status_code == 204
    assert left(account, key) == (60, 0, "B")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gross=st.integers(2, 5_000_000),
    shares=st.lists(st.tuples(st.booleans(), st.integers(1, 3_000_000)), max_size=5),
)
def test_whatever_is_applied_the_sums_hold(account: Caller, gross: int, shares: list[tuple[bool, int]]) -> None:
    before = Decimal(str(owed(account)[0]))
    account.http.patch("/record/v1/customer/101", json={"creditHoldOverride": "OFF"})
    whole_of = {"item": {"items": [{"item": "501", "grossAmt": gross / 100}]}}
    answer = account.http.post("/record/v1/invoice", json=INVOICE | whole_of)
    key, paid = answer.headers["location"].rsplit("/", 1)[1], 0
    for credit, amount in shares:
        kind = "creditMemo" if credit else "customerPayment"
        body: dict[str, Any] = {"apply": to(key, amount / 100), **DAY}
        line = {"item": "501", "grossAmt": amount / 100}
        own = {"item": {"items": [line]}, "replace": "item"} if credit else {"payment": amount / 100}
        made = transform(account, key, kind, "invoice", **body, **own)
        if paid + amount > gross or paid == gross:
            assert made.status_code == 400
            continue
        assert made.status_code == 204, made.text
        paid += amount
    found = left(account, key)
    assert [Decimal(str(one)) for one in found[:2]] == [Decimal(paid) / 100, Decimal(gross - paid) / 100]
    assert found[2] == ("B" if paid == gross else "A")
    assert Decimal(str(owed(account)[0])) - before == Decimal(gross - paid) / 100
    sums = "SELECT SUM(l.debit) AS d, SUM(l.credit) AS c FROM transactionaccountingline l WHERE l.transaction >= 1009"
    (row,) = account.rows(sums)
    assert row["d"] == row["c"]
