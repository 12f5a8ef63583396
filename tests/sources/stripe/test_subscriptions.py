"""Subscriptions: lists without products, retrieves with them, searches by the ten, items to the last."""

import pytest

from sources.canonical import (
    AccountSubscription,
    Amendment,
    Product,
    Record,
    SubscriptionStatus,
)
from sources.ports import Ask, Filter, Order, Page
from sources.vendors.stripe import facts
from sources.vendors.stripe.client import expand
from tests.sources.stripe import objects as o
from tests.sources.stripe.fake import Fake, connector, refusal
from tests.sources.stripe.objects import NOW, Object

S = SubscriptionStatus


def of_account(key: str, account: str, created: int = NOW) -> Object:
    return o.subscription(key, created=created, metadata={"crm_account_id": account, "legal_entity": "DE"})


@pytest.mark.parametrize(
    ("names", "each"),
    [
        (facts.INVOICE_EXPAND, True),
        (facts.SUBSCRIPTION_EXPAND, True),
        (facts.SUBSCRIPTION_ALONE_EXPAND, False),
        (facts.PAYMENT_EXPAND, True),
        (facts.CREDIT_EXPAND, True),
        (facts.INVOICE_PAYMENT_EXPAND, True),
    ],
)
def test_nothing_is_expanded_deeper_than_four_levels_data_included(names: tuple[str, ...], each: bool) -> None:
    assert all(path.count(".") < 4 for _, path in expand(names, each=each))


def test_what_is_too_deep_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match=r"data\.items\.data\.price\.product"):
        expand(("items.data.price.product",), each=True)


@pytest.mark.parametrize(
    ("by", "key", "path"),
    [
        ("list", "", "/v1/subscriptions"),
        ("customer", "cus_1", "/v1/subscriptions"),
        ("account", "001A", "/v1/subscriptions/search"),
    ],
)
async def test_a_list_names_its_products_and_does_not_bring_them(by: str, key: str, path: str) -> None:
    fake = Fake(subscriptions=[o.subscription()], products=[o.product()])
    source = connector(fake)
    reading = await source.read(Ask(AccountSubscription, by, (key,), Page(5)))
    (found,) = reading.rows[key].records
    assert isinstance(found, AccountSubscription)
    assert [item.product_key for item in found.items] == ["prod_1"]
    assert (reading.along, reading.errors) == ([], {})
    assert fake.seen[0].startswith(f"{path}?")
    products = await source.read(Ask(Product, "key", tuple(item.product_key for item in found.items)))
    assert [record.key for record in products.rows["prod_1"].records] == ["prod_1"]
    assert fake.seen[1] == "/v1/products?limit=100&ids[]=prod_1"


@pytest.mark.parametrize("record", [AccountSubscription, Amendment])
async def test_one_subscription_brings_its_products_along(record: type[Record]) -> None:
    gone = o.item("si_2", priced=o.price("price_2", product={"id": "prod_2", "object": "product", "deleted": True}))
    sold = o.item("si_1", priced=o.price(product=o.product()))
    fake = Fake(subscriptions=[o.subscription(items=o.many(sold, gone))])
    by = "key" if record is AccountSubscription else "subscription"
    reading = await connector(fake).read(Ask(record, by, ("sub_1",)))
    assert [(type(each), each.key) for each in reading.along] == [(Product, "prod_1")]
    assert "expand[]=items.data.price.product" in fake.seen[0]
    assert len(fake.calls) == 1


@pytest.mark.parametrize(("by", "key"), [("key", "sub_1"), ("customer", "cus_1"), ("account", "001A"), ("list", "")])
async def test_items_beyond_the_tenth_are_fetched(by: str, key: str) -> None:
    items = [o.item(f"si_{n:02}", quantity=n + 1) for n in range(23)]
    short = o.subscription(items=o.many(*items[:10], more=True))
    fake = Fake(subscriptions=[short, o.subscription("sub_2", customer="cus_2", created=NOW - 9**8, metadata={})])
    fake.nested["/v1/subscription_items"] = items
    reading = await connector(fake).read(Ask(AccountSubscription, by, (key,)))
    found = reading.rows[key].records[0]
    assert isinstance(found, AccountSubscription)
    assert sorted(item.quantity or 0 for item in found.items) == list(range(1, 24))
    assert sum("subscription_items" in path for path in fake.seen) == 1


async def test_items_that_cannot_be_fetched_are_an_error_and_the_rows_of_other_keys_stand() -> None:
    short = o.subscription(items=o.many(o.item(), more=True))
    fake = Fake(subscriptions=[short, o.subscription("sub_2", customer="cus_2")])
    fake.fault = lambda path, _query: refusal(500, None, "api_error") if path.endswith("_items") else None
    reading = await connector(fake).read(Ask(AccountSubscription, "customer", ("cus_1", "cus_2")))
    assert set(reading.errors) == {"cus_1"}
    assert [record.key for record in reading.rows["cus_2"].records] == ["sub_2"]


async def test_accounts_are_searched_ten_to_a_call_and_each_gets_its_own_rows() -> None:
    rows = [of_account(f"sub_{n:02}_{each}", f"001{n:02}", NOW - each) for n in range(23) for each in range(2)]
    fake = Fake(subscriptions=rows)
    keys = tuple(f"001{n:02}" for n in range(24))
    reading = await connector(fake).read(Ask(AccountSubscription, "account", keys, Page(5)))
    assert len(fake.calls) == reading.report.calls == 3
    for n in range(23):
        assert [record.key for record in reading.rows[f"001{n:02}"].records] == [f"sub_{n:02}_0", f"sub_{n:02}_1"]
    assert list(reading.rows["00123"].records) == []
    assert {record.as_of.timestamp() for rows in reading.rows.values() for record in rows.records} == {NOW - 60}


async def test_an_account_with_more_rows_than_a_search_may_page_through_is_read_alone() -> None:
    crowd = [of_account(f"sub_{n:04}", "001A", NOW - n) for n in range(1_100)]
    fake = Fake(subscriptions=[*crowd, of_account("sub_late", "001B", NOW - 5_000)])
    reading = await connector(fake).read(Ask(AccountSubscription, "account", ("001A", "001B")))
    assert [record.key for record in reading.rows["001A"].records] == [f"sub_{n:04}" for n in range(1_100)]
    assert [record.key for record in reading.rows["001B"].records] == ["sub_late"]
    assert reading.errors == {}


async def test_a_failed_search_fails_only_the_accounts_it_was_for() -> None:
    fake = Fake(subscriptions=[of_account(f"sub_{n:02}", f"001{n:02}") for n in range(20)])
    fake.fault = lambda _path, query: refusal(500, None, "api_error") if "00115" in query["query"] else None
    reading = await connector(fake).read(Ask(AccountSubscription, "account", tuple(f"001{n:02}" for n in range(20))))
    assert set(reading.errors) == {f"001{n}" for n in range(10, 20)}
    assert [record.key for record in reading.rows["00103"].records] == ["sub_03"]


async def test_what_we_suspended_is_found_by_our_own_word_for_it_in_whatever_status_it_is() -> None:
    held = o.subscription(
        "sub_held",
        pause_collection={"behavior": "void", "resumes_at": None},
        metadata={"suspension": "hold", "suspension_operation": "op_1", "crm_account_id": "001A"},
    )
    unpaid = o.subscription("sub_unpaid", "unpaid", created=NOW - 50 * 86_400)
    fake = Fake(subscriptions=[held, o.subscription("sub_fine"), unpaid])
    wanted = Page(9, None, Order("created_at", descending=True), (Filter("status", "in", (S.SUSPENDED,)),))
    for by, key in (("list", ""), ("customer", "cus_1")):
        reading = await connector(fake).read(Ask(AccountSubscription, by, (key,), wanted))
        assert [record.key for record in reading.rows[key].records] == ["sub_held", "sub_unpaid"]


async def test_the_subscriptions_of_one_customer_can_be_had_oldest_first() -> None:
    fake = Fake(subscriptions=[o.subscription(f"sub_{n}", created=NOW - n) for n in range(5)])
    page = Page(2, None, Order("created_at"))
    first = (await connector(fake).read(Ask(AccountSubscription, "customer", ("cus_1",), page))).rows["cus_1"]
    assert [record.key for record in first.records] == ["sub_4", "sub_3"]
    onward = Page(2, first.next, Order("created_at"))
    second = (await connector(fake).read(Ask(AccountSubscription, "customer", ("cus_1",), onward))).rows["cus_1"]
    assert [record.key for record in second.records] == ["sub_2", "sub_1"]
