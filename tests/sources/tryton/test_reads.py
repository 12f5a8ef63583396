"""What a real Tryton is read as."""

from datetime import date
from typing import Any, cast

import pytest

from sources import canonical as c
from sources import errors
from sources.ports import Ask, Filter, Order, Page
from sources.vendors.tryton.connector import TrytonConnector
from tests.sources.tryton.books import opened
from tests.sources.tryton.erp import Erp

MANY = "001MANY00000000AAA"


async def rows(connector: TrytonConnector, record: type[c.Record], by: str, key: str = "", **page: Any) -> Any:
    reading = await connector.read(Ask(record, by, (key,), Page(**page)))
    assert not reading.errors
    return reading.rows[key]


async def test_the_check_names_the_company(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        assert await connector.check() == "Tryton answers, with the books of Dunder Mifflin (USD)"


async def test_the_check_says_what_is_wrong(erp: Erp) -> None:
    async with opened(erp, "nobody's key") as (connector, _):
        with pytest.raises(errors.Unauthorised, match="check `key`"):
            await connector.check()
    async with opened(erp, company=7) as (connector, _):
        with pytest.raises(errors.SourceError, match=r"`company`|right"):
            await connector.check()
    async with opened(erp, database="nowhere") as (connector, _):
        with pytest.raises(errors.Missing, match="check `database`"):
            await connector.check()


async def test_the_company_and_its_periods(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        [entity] = (await rows(connector, c.LegalEntity, "list")).records
        assert (entity.key, entity.name, entity.currency, entity.time_zone) == (
            "1",
            "Dunder Mifflin",
            "USD",
            "America/New_York",
        )
        periods = (await rows(connector, c.AccountingPeriod, "list", order=Order("start_on"))).records
        assert len(periods) == 24
        assert (periods[0].name, periods[0].end_on, periods[0].closed) == ("2025-01", date(2025, 1, 31), True)
        assert not any(each.closed for each in periods[1:])


async def test_a_party_is_an_account_by_its_code(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        asked = Ask(c.BillingProfile, "account", (MANY, "001NOBODY0000000AA"))
        reading = await connector.read(asked)
        [profile] = cast(list[c.BillingProfile], reading.rows[MANY].records)
        assert (profile.key, profile.account_key, profile.name) == (erp.seeded["many"], MANY, "Many ✓ 株式会社")
        assert (profile.currency, profile.balance) == ("USD", c.Money.zero("USD"))
        assert list(reading.rows["001NOBODY0000000AA"].records) == []
        assert wire.asked == 2  # the company, once, and all parties together


async def test_a_thousand_invoices_page_through_without_a_gap(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        seen: list[Any] = []
        after = None
        while True:
            page = await rows(
                connector,
                c.PostedInvoice,
                "account",
                erp.seeded["many"],
                first=170,
                after=after,
                order=Order("posted_on", descending=True),
            )
            seen += page.records
            after = page.next
            if not page.more:
                break
        assert len(seen) == len({each.key for each in seen}) == 400
        assert [each.posted_on for each in seen] == sorted((each.posted_on for each in seen), reverse=True)
        cents = {each.invoice_key: each.total.minor for each in seen}
        assert cents == {f"many_{number}": number for number in range(400)}


async def test_many_keys_are_one_call(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        keys = tuple(f"many_{number}" for number in range(300))
        reading = await connector.read(Ask(c.PostedInvoice, "invoice", (*keys, "in_absent")))
        assert reading.report.calls == 2  # one of them the company
        found = {key: cast(c.PostedInvoice, reading.rows[key].records[0]).invoice_key for key in keys}
        assert found == {key: key for key in keys}
        again = await connector.read(Ask(c.PostedInvoice, "key", ("999999", "no id", "1")))
        assert list(again.rows) == ["1"]
        assert again.report.calls == 1


async def test_filters_are_the_servers_work(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        since = Filter("posted_on", "gte", date(2026, 10, 20))
        until = Filter("posted_on", "lt", date(2026, 10, 22))
        draft = Filter("status", "in", (c.PostedStatus.PENDING_APPROVAL,))
        found = await rows(connector, c.PostedInvoice, "account", erp.seeded["many"], filters=(since, until, draft))
        assert {each.posted_on for each in found.records} == {date(2026, 10, 20), date(2026, 10, 21)}
        with pytest.raises(errors.BadAsk, match="cannot filter"):
            await rows(connector, c.PostedInvoice, "list", filters=(Filter("total", "gt", 1),))


async def test_who_has_no_right_is_refused_with_what_is_missing(erp: Erp) -> None:
    async with opened(erp, "svc-sales") as (connector, _):
        with pytest.raises(errors.Rejected, match="does not let our user") as refused:
            await rows(connector, c.Payment, "account", "1")
        assert refused.value.code == "SOURCE_REJECTED"
