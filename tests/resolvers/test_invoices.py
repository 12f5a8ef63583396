"""What is computed of an invoice from several records."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.facts import invoices as facts
from resolvers.facts.status import StatusValue
from sources import canonical as c
from sources.errors import SourceError
from tests.resolvers.world import DOWN, NOW, Shelf, ago, context, entity, invoice, posted, usd

OVERDUE, STOPPED = c.InvoiceOverlay.OVERDUE, c.InvoiceOverlay.COLLECTION_STOPPED


async def overlays(issued: c.Invoice, read: Shelf | None = None, now: datetime = NOW, **figures: str) -> Any:
    (found,) = await facts.overlays([issued], read or Shelf(facts.OVERLAY_NEEDS), context(now, **figures))
    return found


# ---------------------------------------------------------------- overdue


@pytest.mark.parametrize(
    ("code", "zone", "hour", "late"),
    [
        ("JP", "Asia/Tokyo", 14, False),
        ("JP", "Asia/Tokyo", 15, True),
        ("DE", "Europe/Berlin", 22, False),
        ("DE", "Europe/Berlin", 23, True),
        ("US", "America/Los_Angeles", 23, False),
        ("NZ", "Pacific/Auckland", 13, False),
    ],
)
async def test_a_due_day_is_over_at_midnight_where_the_legal_entity_is(
    code: str, zone: str, hour: int, late: bool
) -> None:
    read = Shelf(facts.OVERLAY_NEEDS).put("key", code, entity(code, zone))
    due = invoice(legal_entity=code, due_at=NOW)
    assert (OVERDUE in await overlays(due, read, NOW.replace(hour=hour))) is late


@pytest.mark.parametrize(
    "given",
    [{"status": "PAID"}, {"status": "DRAFT"}, {"status": "VOID"}, {"remaining": usd(0)}, {"due_at": ago(-9)}],
    ids=str,
)
async def test_what_is_not_owed_yet_or_no_more_is_not_overdue(given: dict[str, Any]) -> None:
    assert await overlays(invoice(**{"due_at": ago(9)} | given)) == []


@pytest.mark.parametrize(
    ("attempts", "days", "late"), [(1, 5.1, True), (1, 4.9, False), (0, 50, False)], ids=["failed", "grace", "untried"]
)
async def test_what_is_charged_automatically_is_overdue_after_a_failure_and_the_grace(
    attempts: int, days: float, late: bool
) -> None:
    charged = invoice(issued_at=ago(days), attempt_count=attempts)
    assert (OVERDUE in await overlays(charged)) is late


async def test_the_grace_comes_from_the_rules() -> None:
    assert await overlays(invoice(issued_at=ago(9), attempt_count=1), standing_grace_days="10") == []


async def test_billings_own_overlays_stay() -> None:
    found = await overlays(invoice(overlays=(STOPPED,), due_at=ago(9)))
    assert found == [STOPPED, OVERDUE]


async def test_the_erp_is_not_asked_where_the_day_is_the_same_all_over_the_earth() -> None:
    read = Shelf(facts.OVERLAY_NEEDS).fail(c.LegalEntity, "key")
    assert await overlays(invoice(legal_entity="JP", due_at=ago(3)), read) == [OVERDUE]
    assert await overlays(invoice(legal_entity="JP", due_at=ago(-3)), read) == []
    assert read.asked == []


async def test_a_zone_that_cannot_be_read_is_an_error_and_no_guess() -> None:
    today = invoice(legal_entity="JP", due_at=ago(0.5))
    assert await overlays(today, Shelf().fail(c.LegalEntity, "key")) is DOWN
    absent = await overlays(today, Shelf())
    assert isinstance(absent, SourceError)
    assert absent.code == "NOT_FOUND"
    misspelt = await overlays(today, Shelf().put("key", "JP", entity("JP", "Asia/Tokio")))
    assert isinstance(misspelt, SourceError)
    assert misspelt.code == "SOURCE_GARBLED"
    assert "Asia/Tokio" in misspelt.message


@given(
    st.integers(-72, 72),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns", "UTC"]),
)
def test_a_zone_matters_only_where_it_is_said_to_matter(hours: int, zone: str) -> None:
    due = invoice(due_at=NOW + timedelta(hours=hours))
    if not facts.depends_on_zone(due, NOW):
        assert facts.overdue(due, ZoneInfo(zone), NOW) == facts.overdue(due, UTC, NOW)


# ---------------------------------------------------------------- the ERP


@pytest.mark.parametrize(
    ("issued", "in_erp", "state"),
    [
        (invoice("DRAFT"), [], "NOT_REQUIRED"),
        (invoice("VOID"), [], "NOT_REQUIRED"),
        (invoice("VOID"), [posted(status="VOID")], "POSTED"),
        (invoice("VOID"), [posted()], "MISMATCH"),
        (invoice(), [posted(status="VOID")], "MISMATCH"),
        (invoice(), [], "PENDING"),
        (invoice(), [posted()], "POSTED"),
        (invoice("PAID"), [posted(status="PAID")], "POSTED"),
        (invoice(), [posted(amount=9_999)], "MISMATCH"),
        (invoice(), [posted(), posted(key="8002")], "MISMATCH"),
        (invoice(), [posted(status="PENDING_APPROVAL")], "PENDING"),
        (invoice(), [posted(status="REJECTED")], "FAILED"),
    ],
)
def test_how_far_an_invoice_is_in_the_erp(issued: c.Invoice, in_erp: list[c.PostedInvoice], state: str) -> None:
    assert facts.judge_posting(issued, in_erp) == state


async def test_what_is_due_is_the_erps_word_once_it_is_posted() -> None:
    read = Shelf(facts.POSTING_NEEDS).put("invoice", "in_1", posted(remaining=usd(4_000)))
    read.put("invoice", "in_2", posted("in_2", "PENDING_APPROVAL", remaining=usd(4_000)))
    issued = [invoice(), invoice(key="in_2"), invoice(key="in_3")]
    found = await facts.amount_due(issued, read, context())
    assert [(each.amount.minor, each.source) for each in found] == [
        (4_000, "erp"),
        (10_000, "billing"),
        (10_000, "billing"),
    ]


async def test_without_the_erp_nobody_says_what_is_due() -> None:
    read = Shelf(facts.POSTING_NEEDS).fail(c.PostedInvoice, "invoice")
    for compute in (facts.amount_due, facts.posting_state):
        assert await compute([invoice()], read, context()) == [DOWN]


async def test_only_the_erp_writes_an_invoice_off() -> None:
    given_up = invoice(overlays=(STOPPED,), status_evidence=(c.Evidence("billing", "invoice.status", "uncollectible"),))
    read = Shelf(facts.POSTING_NEEDS).put("invoice", "in_1", posted(written_off=True))
    (found,) = await facts.status([given_up], read, context())
    assert found == StatusValue(
        c.InvoiceStatus.WRITTEN_OFF, None, (*given_up.status_evidence, c.Evidence("erp", "writtenOff", "true"))
    )
    kept = Shelf(facts.POSTING_NEEDS).put("invoice", "in_1", posted())
    (open_still,) = await facts.status([given_up], kept, context())
    assert isinstance(open_still, StatusValue)
    assert open_still.value is c.InvoiceStatus.OPEN


async def test_the_erp_is_asked_about_the_status_only_where_collection_stopped() -> None:
    read = Shelf(facts.POSTING_NEEDS).fail(c.PostedInvoice, "invoice")
    found = await facts.status([invoice(), invoice(key="in_2", overlays=(STOPPED,))], read, context())
    assert [getattr(each, "value", each) for each in found] == [c.InvoiceStatus.OPEN, DOWN]
    assert read.asked == [("PostedInvoice", "invoice", ("in_2",))]
