"""Lists: pages that go on by value, filled, bounded, never silently cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Invoice, InvoiceStatus, Price, Record
from sources.errors import BadAsk
from sources.ports import Ask, Filter, Order, Page, Position
from tests.sources.stripe import objects as o
from tests.sources.stripe.fake import Fake, connector
from tests.sources.stripe.objects import DAY, NOW
from tests.sources.stripe.paging import BILLED, NEWEST, invoices, moment, pages


async def test_ten_thousand_rows_page_through_without_loading_all() -> None:
    fake = Fake(invoices=invoices(*(NOW - n * 3600 for n in range(10_000))))
    source = connector(fake, evidence=False)
    first = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(50)))).rows["cus_1"]
    assert (len(first.records), first.more) == (50, True)
    assert len(fake.calls) == 1
    assert "limit=53" in fake.calls[0].url
    found = await pages(source, BILLED, 100)
    assert [key for page in found for key in page] == [f"in_{n:05}" for n in range(10_000)]


async def test_everything_is_bounded_and_says_where_it_goes_on() -> None:
    fake = Fake(invoices=invoices(*(NOW - n for n in range(450))))
    source = connector(fake, evidence=False, max_rows=200)
    reading = await source.read(BILLED)
    rows = reading.rows["cus_1"]
    assert (len(rows.records), rows.more, len(fake.calls)) == (200, True, 3)
    onward = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(None, rows.next)))).rows["cus_1"]
    assert [record.key for record in onward.records] == [f"in_{n:05}" for n in range(200, 400)]


@given(
    ages=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    size=st.integers(1, 12),
    ordered=st.booleans(),
)
async def test_rows_of_one_second_are_told_once_each_in_the_order_of_their_keys(
    ages: list[int], size: int, ordered: bool
) -> None:
    rows = invoices(*(NOW - age for age in ages))
    source = connector(Fake(invoices=rows), evidence=False)
    found = await pages(source, BILLED, size, NEWEST if ordered else None)
    expected = sorted(rows, key=lambda row: (-row["created"], row["id"]))
    assert [key for page in found for key in page] == [row["id"] for row in expected]


async def test_a_second_that_spans_two_pages_of_stripe_stays_whole() -> None:
    fake = Fake(invoices=invoices(*[NOW] * 150, *[NOW - 1] * 150))
    found = await pages(connector(fake, evidence=False), BILLED, 90)
    assert [key for page in found for key in page] == [f"in_{n:05}" for n in range(300)]


async def test_a_list_goes_on_after_a_row_that_is_gone() -> None:
    fake = Fake(invoices=invoices(*(NOW - n for n in range(10))))
    source = connector(fake, evidence=False)
    first = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(3)))).rows["cus_1"]
    del fake.tables["/v1/invoices"]["in_00002"]
    second = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(3, first.next)))).rows["cus_1"]
    assert [record.key for record in second.records] == ["in_00003", "in_00004", "in_00005"]


async def test_a_position_that_only_names_a_row_costs_a_look_at_it() -> None:
    fake = Fake(invoices=invoices(*(NOW - n for n in range(10))))
    source = connector(fake, evidence=False)
    first = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(3)))).rows["cus_1"]
    fake.calls.clear()
    after = Position(None, first.records[1].source_id)
    second = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(2, after)))).rows["cus_1"]
    assert [record.key for record in second.records] == ["in_00002", "in_00003"]
    assert fake.seen[0] == "/v1/invoices/in_00001"
    del fake.tables["/v1/invoices"]["in_00001"]
    reading = await source.read(Ask(Invoice, "account", ("cus_1",), Page(2, after)))
    assert isinstance(reading.errors["cus_1"], BadAsk)


@pytest.mark.parametrize(
    "after", [Position("yesterday", "in_1"), Position(None, ""), Position(None, "../x"), Position("2026-01-01", "a/b")]
)
async def test_a_position_that_is_none_is_a_bad_ask_of_its_key(after: Position) -> None:
    reading = await connector(Fake(), evidence=False).read(Ask(Invoice, "account", ("cus_1",), Page(2, after)))
    assert isinstance(reading.errors["cus_1"], BadAsk)


# ---------------------------------------------------------------- filters and orders


async def test_a_status_that_stripe_knows_is_asked_of_stripe() -> None:
    rows = [*invoices(*(NOW - n for n in range(300)), status="paid"), o.invoice("in_open", "open", created=NOW - 9_999)]
    fake = Fake(invoices=rows)
    wanted = (Filter("status", "in", (InvoiceStatus.DRAFT,)),)
    assert await pages(connector(fake, evidence=False), BILLED, 10, filters=wanted) == [[]]
    assert "status=draft" in fake.seen[0]
    fake.calls.clear()
    wanted = (Filter("status", "in", (InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID)),)
    assert await pages(connector(fake, evidence=False), BILLED, 10, filters=wanted) == [["in_open"]]
    assert sorted(path.split("status=")[1].split("&")[0] for path in fake.seen) == ["open", "uncollectible"]


async def test_lists_of_several_statuses_are_merged_newest_first() -> None:
    rows = [o.invoice(f"in_{n}", ("open", "uncollectible")[n % 2], created=NOW - n) for n in range(9)]
    wanted = (Filter("status", "eq", InvoiceStatus.OPEN),)
    found = await pages(connector(Fake(invoices=rows), evidence=False), BILLED, 4, filters=wanted)
    assert found == [["in_0", "in_1", "in_2", "in_3"], ["in_4", "in_5", "in_6", "in_7"], ["in_8"]]


async def test_what_stripe_cannot_judge_is_judged_here_and_pages_are_filled() -> None:
    rows = [
        o.invoice(
            f"in_{n:03}", "paid", created=NOW - n, amount_paid=0, pre_payment_credit_notes_amount=11_900 * (n % 10 == 0)
        )
        for n in range(300)
    ]
    wanted = (Filter("status", "eq", InvoiceStatus.CREDITED),)
    found = await pages(connector(Fake(invoices=rows), evidence=False), BILLED, 20, filters=wanted)
    assert [len(page) for page in found][:1] == [20]
    assert [key for page in found for key in page] == [f"in_{n:03}" for n in range(0, 300, 10)]


async def test_a_written_off_invoice_is_not_looked_for() -> None:
    fake = Fake(invoices=[o.invoice()])
    wanted = (Filter("status", "eq", InvoiceStatus.WRITTEN_OFF),)
    assert await pages(connector(fake, evidence=False), BILLED, 5, filters=wanted) == [[]]
    assert fake.calls == []


@pytest.mark.parametrize(
    ("op", "expected"), [("lt", ["in_2"]), ("lte", ["in_1", "in_2"]), ("gt", ["in_0"]), ("gte", ["in_0", "in_1"])]
)
async def test_a_due_date_is_asked_of_stripe_and_is_exact(op: str, expected: list[str]) -> None:
    rows = [o.invoice(f"in_{n}", created=NOW - n, due_date=NOW - n * DAY) for n in range(3)]
    fake = Fake(invoices=[*rows, o.invoice("in_auto", due_date=None)])
    wanted = (Filter("due_at", op, moment(NOW - DAY)),)
    assert await pages(connector(fake, evidence=False), BILLED, 5, filters=wanted) == [expected]
    assert "due_date[" in fake.seen[0]


async def test_issued_at_filters_and_orders_with_drafts_last() -> None:
    turns = [NOW - 3 * DAY, None, NOW - DAY, NOW - 3 * DAY]
    rows = [
        o.invoice(f"in_{n}", created=NOW - 9 * DAY - n, status_transitions={"finalized_at": at})
        for n, at in enumerate(turns)
    ]
    source = connector(Fake(invoices=rows), evidence=False)
    order = Order("issued_at", descending=True)
    assert await pages(source, BILLED, 2, order) == [["in_2", "in_0"], ["in_3", "in_1"]]
    assert await pages(source, BILLED, 3, Order("issued_at")) == [["in_0", "in_3", "in_2"], ["in_1"]]
    since = (Filter("issued_at", "gte", moment(NOW - 2 * DAY).date()),)
    assert await pages(source, BILLED, 5, filters=since) == [["in_2"]]
    before = (Filter("issued_at", "lt", moment(NOW - 2 * DAY)),)
    assert await pages(source, BILLED, 5, filters=before) == [["in_0", "in_3"]]


async def test_sorting_goes_on_by_value_where_the_row_is_gone() -> None:
    rows = [o.invoice(f"in_{n}", created=NOW - n, status_transitions={"finalized_at": NOW - n * DAY}) for n in range(6)]
    fake = Fake(invoices=rows)
    source, order = connector(fake, evidence=False), Order("issued_at", descending=True)
    first = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(2, None, order)))).rows["cus_1"]
    del fake.tables["/v1/invoices"]["in_1"]
    second = (await source.read(Ask(Invoice, "account", ("cus_1",), Page(2, first.next, order)))).rows["cus_1"]
    assert [record.key for record in second.records] == ["in_2", "in_3"]


async def test_oldest_first_means_reading_all_and_is_refused_beyond_the_bound() -> None:
    fake = Fake(invoices=invoices(*(NOW - n for n in range(30))))
    found = await pages(connector(fake, evidence=False), BILLED, 20, Order("created_at"))
    assert [key for page in found for key in page] == [f"in_{n:05}" for n in reversed(range(30))]
    page = Page(5, None, Order("created_at"))
    reading = await connector(fake, evidence=False, max_rows=20).read(Ask(Invoice, "account", ("cus_1",), page))
    assert isinstance(reading.errors["cus_1"], BadAsk)


async def test_a_whole_list_has_one_order_only() -> None:
    with pytest.raises(BadAsk, match="newest first"):
        await connector(Fake()).read(Ask(Invoice, "list", ("",), Page(5, None, Order("created_at"))))


async def test_invoices_of_one_entity_among_several_are_those_that_say_so_or_whose_subscription_does() -> None:
    rows = []
    for n in range(240):
        noted = {"legal_entity": ("DE", "US")[n % 3 == 0]}
        own, copied = (noted, {}) if n % 4 else ({}, noted)
        parent = {"subscription_details": {"subscription": "sub_1", "metadata": copied}}
        due = NOW - n * DAY
        status = ("open", "paid")[n % 2]
        rows.append(o.invoice(f"in_{n:03}", status, created=NOW - n, due_date=due, metadata=own, parent=parent))
    fake = Fake(invoices=rows)
    source = connector(fake, evidence=False, entities=("DE", "US"))
    wanted = (Filter("legal_entity", "eq", "US"), Filter("status", "in", (InvoiceStatus.PAID,)))
    found = await pages(source, Ask(Invoice, "list", ("",)), 30, NEWEST, wanted)
    assert [key for page in found for key in page] == [f"in_{n:03}" for n in range(3, 240, 6)]
    assert not any("search" in path for path in fake.seen), "an invoice's own metadata do not tell"
    late = (*wanted, Filter("due_at", "lt", moment(NOW - 100 * DAY)))
    found = await pages(source, Ask(Invoice, "list", ("",)), 10, NEWEST, late)
    assert [key for page in found for key in page] == [f"in_{n:03}" for n in range(105, 240, 6)]
    assert f"due_date[lte]={NOW - 100 * DAY}" in fake.seen[-1]


async def test_a_page_for_which_nothing_fits_within_the_bound_is_refused_and_never_an_end_without_a_cursor() -> None:
    rows = [o.invoice(f"in_{n:03}", created=NOW - n, metadata={"legal_entity": "DE"}) for n in range(250)]
    rows += [o.invoice("in_last", created=NOW - 999, metadata={"legal_entity": "US"})]
    fake = Fake(invoices=rows)
    wanted = (Filter("legal_entity", "eq", "US"),)
    reading = await connector(fake, evidence=False, entities=("DE", "US"), max_rows=200).read(
        Ask(Invoice, "list", ("",), Page(5, filters=wanted))
    )
    assert isinstance(reading.errors[""], BadAsk)
    assert "narrow" in reading.errors[""].message
    assert len(fake.calls) == 3
    narrowed = (*wanted, Filter("created_at", "lt", moment(NOW - 100)))
    found = await pages(connector(fake, evidence=False, max_rows=200), Ask(Invoice, "list", ("",)), 5, filters=narrowed)
    assert found == [["in_last"]]


@pytest.mark.parametrize("wanted", [("JP",), ("DE", "JP")])
async def test_invoices_of_a_source_s_only_entity_need_not_name_it(wanted: tuple[str, ...]) -> None:
    fake = Fake(invoices=[o.invoice(metadata={}, parent=None)])
    source = connector(fake, evidence=False, entities=("JP",))
    filters = (Filter("legal_entity", "in", wanted),)
    assert await pages(source, Ask(Invoice, "list", ("",)), 5, filters=filters) == [["in_1"]]
    assert await pages(source, Ask(Invoice, "list", ("",)), 5, filters=(Filter("legal_entity", "eq", "DE"),)) == [[]]


@pytest.mark.parametrize(
    ("record", "by", "page", "word"),
    [
        (Invoice, "number", Page(), "cannot be asked"),
        (Invoice, "list", Page(filters=(Filter("issued_at", "gte", moment(NOW)),)), "issued_at"),
        (Invoice, "account", Page(filters=(Filter("status", "contains", "x"),)), "status"),
        (Invoice, "account", Page(filters=(Filter("total", "eq", 1),)), "total"),
        (Invoice, "account", Page(order=Order("total")), "no order"),
        (Invoice, "account", Page(first=0), "first"),
        (Price, "list", Page(filters=(Filter("active", "eq", True),)), "active"),
    ],
)
async def test_an_ask_that_was_not_offered_is_refused(record: type[Record], by: str, page: Page, word: str) -> None:
    with pytest.raises(BadAsk, match=word):
        await connector(Fake()).read(Ask(record, by, ("cus_1",), page))


async def test_a_position_belongs_to_one_key() -> None:
    with pytest.raises(BadAsk, match="one key"):
        await connector(Fake()).read(
            Ask(Invoice, "account", ("cus_1", "cus_2"), Page(5, Position("2026-01-01", "in_1")))
        )


@pytest.mark.parametrize("value", ["OPENED", 7, None])
async def test_a_filter_by_a_value_that_is_none_of_ours_is_refused(value: Any) -> None:
    wanted = Page(filters=(Filter("status", "eq", value),))
    reading = await connector(Fake(), evidence=False).read(Ask(Invoice, "account", ("cus_1",), wanted))
    assert isinstance(reading.errors["cus_1"], BadAsk)
