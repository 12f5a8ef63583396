"""What a real Tryton is read as."""

from datetime import date
from typing import Any, cast

import pytest

from sources import canonical as c
from sources import errors
from sources.canonical.commands import ApproveSalesOrder, PostInvoice
from sources.ports import Ask, Filter, Order, Page
from sources.vendors.tryton.connector import TrytonConnector
from tests.sources.tryton.books import ENTITY, WHO, opened, order, party
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
            "US",
            "Dunder Mifflin",
            "USD",
            "America/New_York",
        )
        assert (entity.country, entity.tax_number) == ("US", "91-1144442")
        periods = (await rows(connector, c.AccountingPeriod, "list", order=Order("start_on"))).records
        assert len(periods) == 72
        assert (periods[0].name, periods[0].end_on, periods[0].closed) == ("2025-01", date(2025, 1, 31), True)
        assert not any(each.closed for each in periods[1:])


@pytest.mark.parametrize("order", [None, Order("start_on"), Order("start_on", descending=True)])
async def test_a_list_goes_on_behind_any_of_its_rows(erp: Erp, order: Order | None) -> None:
    async with opened(erp) as (connector, _):
        whole = [each.key for each in (await rows(connector, c.AccountingPeriod, "list", order=order)).records]
        begun = await rows(connector, c.AccountingPeriod, "list", first=4, order=order)
        assert begun.next == begun.positions[-1]
        for index, place in enumerate(begun.positions):
            left = await rows(connector, c.AccountingPeriod, "list", first=9, after=place, order=order)
            assert [each.key for each in left.records] == whole[index + 1 : index + 10]


async def test_a_party_is_an_account_by_its_code(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        asked = Ask(c.BillingProfile, "account", (MANY, "001NOBODY0000000AA"))
        reading = await connector.read(asked)
        [profile] = cast(list[c.BillingProfile], reading.rows[MANY].records)
        assert (profile.key, profile.account_key, profile.name) == (erp.seeded["many"], MANY, "Many ✓ 株式会社")
        assert (profile.currency, profile.balance) == ("USD", c.Money.zero("USD"))
        assert list(reading.rows["001NOBODY0000000AA"].records) == []
        assert wire.asked == 3  # the company, once, all parties together, and what they have ordered


async def test_items_say_what_they_are_sold_by(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        reading = await connector.read(Ask(c.ErpItem, "product", ("ADDON-SECURITY", "GOLD", "NONE")))
        assert wire.asked == 2  # the company, once, and all items together
        [seat] = cast(list[c.ErpItem], reading.rows["ADDON-SECURITY"].records)
        assert (seat.product_code, seat.name, seat.item_type, seat.inactive) == (
            "ADDON-SECURITY", "Security suite", "service", False,
        )  # fmt: skip
        assert (seat.tax_schedule, seat.revenue_rule) == ("Tax 0.0825", "Goods")
        assert list(reading.rows["NONE"].records) == []
        listed = (await rows(connector, c.ErpItem, "list")).records
        assert {each.product_code for each in listed} == {"GOLD", "SILVER", "ADDON-SECURITY"}


async def test_a_party_is_taxed_as_the_items_say(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        [profile] = (await rows(connector, c.TaxProfile, "account", MANY)).records
        assert (profile.key, profile.account_key, profile.legal_entity) == (erp.seeded["many"], MANY, "US")
        assert (profile.country, profile.tax_number, profile.exempt, profile.reverse_charge) == (
            "US",
            None,
            False,
            False,
        )


async def test_nobody_pays_for_another_party(erp: Erp) -> None:
    async with opened(erp) as (connector, wire):
        assert not (await rows(connector, c.BillingProfile, "payer", erp.seeded["many"])).records
        assert wire.asked == 0


async def test_what_is_ordered_and_not_posted_is_told_to_whom_may_see_sales(erp: Erp) -> None:
    async with opened(erp) as (connector, _):
        who = await party(connector)

        async def unbilled(asked: TrytonConnector) -> c.Money | None:
            [profile] = (await rows(asked, c.BillingProfile, "key", who)).records
            return cast(c.BillingProfile, profile).unbilled_orders

        sold = await connector.do(order(who), "k-1")
        assert await unbilled(connector) == c.Money.zero("USD")  # a draft is no order yet
        approved = await connector.do(ApproveSalesOrder(**WHO, sales_order_key=sold.key), "k-2")
        assert await unbilled(connector) == c.Money(131_73, "USD")
        async with opened(erp, "svc-books") as (blind, _):
            assert await unbilled(blind) is None
        bill = PostInvoice(**WHO, **ENTITY, party=who, posted_on=date(2026, 11, 2), sales_order_key=sold.key)
        posted = await connector.do(bill, "k-3")
        assert (posted.key, await unbilled(connector)) == (approved.invoice_key, c.Money.zero("USD"))


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
