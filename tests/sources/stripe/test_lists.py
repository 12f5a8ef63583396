"""Lists: rows that cannot be told, lines, credits, features; nothing silently cut."""

from datetime import timedelta

from sources.canonical import CreditMemo, Entitlement, Invoice, InvoiceLine, Payment
from sources.errors import BadAsk, Garbled, UnknownValue
from sources.ports import Ask, Page, Position, Rows
from tests.sources.stripe import objects as o
from tests.sources.stripe.fake import Fake, answer, connector
from tests.sources.stripe.objects import NOW
from tests.sources.stripe.paging import BILLED, NEWEST, invoices, moment, pages


async def test_a_row_that_cannot_be_told_is_an_error_of_its_parent_and_the_others_stand() -> None:
    rows = [
        o.invoice("in_1", created=NOW),
        o.invoice("in_2", "melted", created=NOW - 1),
        o.invoice("in_3", created=NOW - 2),
    ]
    reading = await connector(Fake(invoices=rows), evidence=False).read(
        Ask(Invoice, "account", ("cus_1", "cus_2"), Page(2))
    )
    assert [record.key for record in reading.rows["cus_1"].records] == ["in_1", "in_3"]
    error = reading.errors["cus_1"]
    assert isinstance(error, UnknownValue)
    assert (error.field, error.value, error.source) == ("invoice.status", "melted", "billing")
    assert "cus_2" not in reading.errors
    assert reading.rows["cus_2"] == Rows()


async def test_lines_go_on_after_the_last_line() -> None:
    fake = Fake()
    fake.nested["/v1/invoices/in_1/lines"] = [o.line(f"il_{n:03}") for n in range(250)]
    source = connector(fake)
    found = await pages(source, Ask(InvoiceLine, "invoice", ("in_1",)), 100)
    assert [key for page in found for key in page] == [f"il_{n:03}" for n in range(250)]
    assert await pages(source, Ask(InvoiceLine, "invoice", ("in_1",)), 250) == [[f"il_{n:03}" for n in range(250)]]
    fake.calls.clear()
    whole = (await source.read(Ask(InvoiceLine, "invoice", ("in_1",)))).rows["in_1"]
    assert (len(whole.records), whole.more, len(fake.calls)) == (250, False, 3)
    bounded = (await connector(fake, max_rows=120).read(Ask(InvoiceLine, "invoice", ("in_1",)))).rows["in_1"]
    assert (len(bounded.records), bounded.more, bounded.next) == (120, True, Position(None, "il_119"))


async def test_lines_of_an_invoice_that_is_not_there_are_none() -> None:
    reading = await connector(Fake()).read(Ask(InvoiceLine, "invoice", ("in_9",)))
    assert (reading.rows, reading.errors) == ({"in_9": Rows()}, {})
    page = Page(5, Position(None, "il_9"))
    reading = await connector(Fake()).read(Ask(InvoiceLine, "invoice", ("in_9",), page))
    assert isinstance(reading.errors["in_9"], BadAsk)


async def test_payments_and_credits_page_through() -> None:
    fake = Fake(
        intents=[o.intent(f"pi_{n:02}", created=NOW - n // 3) for n in range(25)],
        credit_notes=[o.credit_note(f"cn_{n:02}", created=NOW - n // 3) for n in range(25)],
    )
    for record, mark in ((Payment, "pi"), (CreditMemo, "cn")):
        found = await pages(connector(fake), Ask(record, "account", ("cus_1",)), 7)
        assert [key for page in found for key in page] == [f"{mark}_{n:02}" for n in range(25)]


async def test_more_features_than_a_page_are_all_told() -> None:
    fake = Fake(entitlements=[o.entitlement(f"ent_{n:03}", f"f{n}", customer="cus_1") for n in range(130)])
    reading = await connector(fake).read(Ask(Entitlement, "account", ("cus_1",)))
    assert (len(reading.rows["cus_1"].records), reading.report.calls) == (130, 2)


async def test_a_list_that_goes_on_with_nothing_is_garbled() -> None:
    fake = Fake()
    fake.fault = lambda _path, _query: answer(o.many(more=True))
    reading = await connector(fake, evidence=False).read(BILLED)
    assert isinstance(reading.errors["cus_1"], Garbled)


async def test_the_newest_first_order_of_a_merged_page_agrees_with_the_record() -> None:
    fake = Fake(invoices=invoices(*(NOW - n * 60 for n in range(5))))
    reading = await connector(fake, evidence=False).read(Ask(Invoice, "account", ("cus_1",), Page(2, None, NEWEST)))
    rows = reading.rows["cus_1"]
    assert rows.next == rows.positions[-1] == Position(moment(NOW - 60).isoformat(), "in_00001")
    assert rows.records[0].created_at - rows.records[1].created_at == timedelta(minutes=1)  # type: ignore[attr-defined]
