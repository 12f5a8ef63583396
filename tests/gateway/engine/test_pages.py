"""Pages: their bounds, their cursors, filling after judging, what is pushed down, and what they tell of hidden rows."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sources.canonical import Served
from sources.errors import Unavailable
from sources.ports import Ask, Capability, Filter, Reading, Report
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine
from tests.gateway.engine.stock import NOW, account, bill, profile, small

PAGE = "query($first: Int, $after: String) { bills(first: $first, after: $after) { totalCount nodes { key } pageInfo { hasNextPage hasPreviousPage endCursor } } }"
PUSHES = Capability(filters={"region": ("in",)})


@pytest.mark.parametrize(("first", "fits"), [(-1, False), (0, False), (1, True), (100, True), (101, False)])
async def test_a_page_has_1_to_100_rows(first: int, fits: bool) -> None:
    for query in (PAGE, PAGE.replace("$first: Int, ", "").replace("$first", str(first))):
        shelf = small()
        body = await answer(engine(shelf), query, first=first)
        assert codes(body) == ([] if fits else [("BAD_INPUT", ["bills"])])
        assert bool(shelf.asked) is fits


async def test_a_page_has_20_rows_where_nothing_is_said() -> None:
    shelf = Shelf([bill(f"b{at:03}") for at in range(30)])
    for query in ("{ bills { nodes { key } } }", "{ bills(first: null) { nodes { key } } }"):
        assert len((await data(engine(shelf), query))["bills"]["nodes"]) == 20


async def test_after_with_several_parents_is_refused_and_reads_nothing() -> None:
    shelf = small()
    over = engine(shelf)
    cursor = (await data(over, '{ account(key: "a1") { bills(first: 1) { pageInfo { endCursor } } } }'))["account"][
        "bills"
    ]["pageInfo"]["endCursor"]
    shelf.asked.clear()
    body = await answer(
        over,
        "query($after: String) { accounts { nodes { key bills(after: $after) { nodes { key } } } } }",
        after=cursor,
    )
    assert [each["bills"] for each in body["data"]["accounts"]["nodes"]] == [None] * 3
    assert {code for code, _ in codes(body)} == {"BAD_INPUT"}
    assert shelf.calls("Bill.account") == []


async def test_a_cursor_goes_on_where_its_page_ended() -> None:
    over = engine(small())
    query = 'query($after: String) { account(key: "a1") { bills(first: 1, after: $after) { nodes { key } pageInfo { hasNextPage hasPreviousPage endCursor } } } }'
    one = (await data(over, query))["account"]["bills"]
    two = (await data(over, query, after=one["pageInfo"]["endCursor"]))["account"]["bills"]
    assert (one["nodes"], two["nodes"]) == ([{"key": "b11"}], [{"key": "b12"}])
    assert (one["pageInfo"]["hasNextPage"], one["pageInfo"]["hasPreviousPage"]) == (True, False)
    assert (two["pageInfo"]["hasNextPage"], two["pageInfo"]["hasPreviousPage"]) == (False, True)


async def cursor_of(over: Any, field: str = "bills(first: 1)") -> str:
    shown = await data(over, f"{{ {field} {{ pageInfo {{ endCursor }} }} }}")
    return str(shown["bills"]["pageInfo"]["endCursor"])


@pytest.mark.parametrize(
    "field",
    [
        'bills(first: 1, after: $after, filter: {status: ["OPEN"]})',
        "bills(first: 1, after: $after, orderBy: {field: TOTAL})",
        "bills(first: 1, after: $after, orderBy: {field: TOTAL, direction: DESC})",
        'root: account(key: "a1") { bills(first: 1, after: $after)',
        "bills: accounts(first: 1, after: $after)",
    ],
)
async def test_a_cursor_of_another_list_is_refused(field: str) -> None:
    shelf = small()
    over = engine(shelf)
    cursor = await cursor_of(over)
    shelf.asked.clear()
    closing = "}" if field.startswith("root") else ""
    body = await answer(over, f"query($after: String) {{ {field} {{ nodes {{ key }} }} {closing} }}", after=cursor)
    assert {code for code, _ in codes(body)} == {"BAD_INPUT"}
    assert shelf.calls("Bill.list") == shelf.calls("Bill.account") == []


async def test_a_forged_cursor_is_refused() -> None:
    over = engine(small())
    cursor = await cursor_of(over)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = ["", "x", "é", "=", "A" * 10_000, cursor[:-2], base64.urlsafe_b64encode(b'[null,"b11",null]').decode()]
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        forged.append(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))
    for each in forged:
        body = await answer(over, PAGE, first=1, after=each)
        assert codes(body) == [("BAD_INPUT", ["bills"])], each
    assert await data(over, PAGE, first=1, after=cursor)


async def test_a_cursor_of_another_gateways_key_is_refused() -> None:
    from gateway.engine.engine import Engine  # noqa: PLC0415 - only here

    cursor = await cursor_of(engine(small()))
    other = engine(small())
    other._cursors = Engine(other.graph, other.catalog, lambda _: None)._cursors  # type: ignore[arg-type,return-value]
    assert codes(await answer(other, PAGE, first=1, after=cursor)) == [("BAD_INPUT", ["bills"])]


async def test_a_cursor_shows_nothing_of_the_row_it_stands_on() -> None:
    shelf = Shelf([bill(f"key-canary-{at}", payer="order-canary") for at in range(3)])
    cursor = await cursor_of(engine(shelf), "bills(first: 1, orderBy: {field: PAYER})")
    assert b"canary" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


# ---------------------------------------------------------------- judging


async def every_page(over: Any, principal: Any, first: int) -> tuple[list[str], list[int]]:
    keys: list[str] = []
    sizes: list[int] = []
    after = None
    for _ in range(1_000):
        shown = (await data(over, PAGE, principal, first=first, after=after))["bills"]
        keys += [each["key"] for each in shown["nodes"]]
        sizes.append(len(shown["nodes"]))
        if not shown["pageInfo"]["hasNextPage"]:
            return keys, sizes
        after = shown["pageInfo"]["endCursor"]
        assert after is not None, "the list goes on, and nobody says where"
    raise AssertionError("it never ended")


async def test_ten_thousand_rows_in_pages_of_100_come_once_each() -> None:
    over = engine(Shelf([bill(f"b{at:05}") for at in range(10_000)]))
    keys, sizes = await every_page(over, who("agent"), 100)
    assert keys == [f"b{at:05}" for at in range(10_000)]
    assert sizes == [100] * 100


def thinned(rows: int, seen_every: int) -> Shelf:
    """Bills of which one in so many belongs to an account in Germany."""
    bills = [bill(f"b{at:05}", "a1" if at % seen_every == 0 else "a3") for at in range(rows)]
    return Shelf([account("a1"), account("a3", "FR"), *bills])


async def test_a_page_that_judging_thinned_is_filled_by_further_reads() -> None:
    shelf = thinned(20, 2)
    over = engine(shelf, policies(AGENT).granted)
    shown = (await data(over, PAGE, who("agent"), first=4))["bills"]
    assert [each["key"] for each in shown["nodes"]] == ["b00000", "b00002", "b00004", "b00006"]
    assert shown["pageInfo"]["hasNextPage"] is True
    assert len(shelf.calls("Bill.list")) == 3, "one of them to say whether the list goes on"
    keys, sizes = await every_page(over, who("agent"), 4)
    assert keys == [f"b{at:05}" for at in range(0, 20, 2)]
    assert sizes[:-1] == [4] * (len(sizes) - 1)


async def test_after_five_further_reads_a_page_stays_short_and_says_that_the_list_goes_on() -> None:
    shelf = thinned(1_000, 100)
    shown = (await data(engine(shelf, policies(AGENT).granted), PAGE, who("agent"), first=10))["bills"]
    assert [each["key"] for each in shown["nodes"]] == ["b00000", "b00100", "b00200"]
    assert shown["pageInfo"]["hasNextPage"] is True
    assert [ask.page.first for ask in shelf.asked if ask.by == "list"] == [10, 10, 20, 40, 80, 100], "ever larger ones"


@pytest.mark.parametrize("behind", [0, 1, 3, 30, 200])
async def test_a_full_page_with_hidden_rows_only_behind_it_is_the_last(behind: int) -> None:
    """As it would be without them; behind very many nobody looks for ever."""
    shelf = Shelf([account("a1"), account("a3", "FR"), *(bill(f"b{at:05}", "a1") for at in range(4))])
    shelf.records["Bill"] += [bill(f"c{at:05}", "a3") for at in range(behind)]
    shown = (await data(engine(shelf, policies(AGENT).granted), PAGE, who("agent"), first=4))["bills"]
    assert len(shown["nodes"]) == 4
    assert shown["pageInfo"]["hasNextPage"] is (behind == 200)
    assert len(shelf.calls("Bill.list")) == {0: 1, 1: 2, 3: 2, 30: 5, 200: 6}[behind]


async def test_a_full_page_with_one_to_be_seen_far_behind_it_goes_on() -> None:
    shelf = Shelf([account("a1"), account("a3", "FR"), *(bill(f"b{at:05}", "a1") for at in range(4))])
    shelf.records["Bill"] += [*(bill(f"c{at:05}", "a3") for at in range(10)), bill("d", "a1")]
    keys, sizes = await every_page(engine(shelf, policies(AGENT).granted), who("agent"), 4)
    assert (keys[-1], sizes) == ("d", [4, 1])


@pytest.mark.parametrize(
    ("query", "roles", "calls"),
    [
        ("{ bills(first: 4) { nodes { key } } }", (AGENT,), 1),
        ("{ bills(first: 4) { nodes { key } pageInfo { endCursor } } }", (AGENT,), 1),
        ("{ bills(first: 4) { nodes { key } pageInfo { hasNextPage } } }", (AGENT,), 2),
        ("{ bills(first: 4) { nodes { key } ...P } } fragment P on InvoiceConnection { pageInfo { more: hasNextPage } }",
         (AGENT,), 2),
        ("{ bills(first: 4) { nodes { key } pageInfo { hasNextPage } } }", (CHIEF,), 1),
        ('{ account(key: "a1") { bills(first: 4) { nodes { key } pageInfo { hasNextPage } } } }', (AGENT,), 1),
        ('{ account(key: "a1") { bills(first: 4) { nodes { key } pageInfo { hasNextPage } } } }', (CLERK,), 2),
        ('{ account(key: "a1") { bills(first: 4) { nodes { key } } } }', (CLERK,), 1),
    ],
)  # fmt: skip
async def test_nobody_looks_behind_a_page_for_nothing(query: str, roles: tuple[str, ...], calls: int) -> None:
    bills = [bill(f"b{at:05}", "a3" if at == 4 else "a1", legal_entity="E3" if at == 5 else "E1") for at in range(9)]
    shelf = Shelf([account("a1"), account("a3", "FR"), profile("e1", "a1", "E1"), *bills])
    shelf.records["Bill"] += [bill("c", legal_entity="E1")]
    principal = who(roles[0].partition(":")[0], entities=("E1",))
    assert "errors" not in await answer(engine(shelf, policies(*roles).granted), query, principal)
    assert len(shelf.calls("Bill.list")) + len(shelf.calls("Bill.account")) == calls


LOST = [bill(f"b{at:05}", "a3" if at == 4 else "a1") for at in range(9)]


async def test_that_nobody_could_look_behind_a_page_takes_nothing_from_it() -> None:
    shelf = Shelf([account("a1"), account("a3", "FR"), *LOST])

    class Failing(Shelf):
        async def read(self, ask: Ask) -> Reading:
            if ask.page.after is not None:
                return Reading({}, Report("billing"), dict.fromkeys(ask.keys, Unavailable("it is away")))
            return await super().read(ask)

    shelf.__class__ = Failing
    body = await answer(engine(shelf, policies(AGENT).granted), PAGE, who("agent"), first=4)
    assert "errors" not in body
    assert body["data"]["bills"]["pageInfo"]["hasNextPage"] is True


async def test_nobody_waits_long_for_what_is_behind_the_pages_of_many() -> None:
    """Not for each of them anew: all together as long as for one."""
    bills = [bill(f"b{at:05}", f"a{at % 20}", legal_entity="E1") for at in range(200)]
    owners = [each for at in range(20) for each in (account(f"a{at}"), profile(f"e{at}", f"a{at}", "E1"))]
    shelf = Shelf([*owners, *bills])
    shelf.delays["Bill.account"] = 0.3
    query = "{ accounts { nodes { bills(first: 2) { nodes { key } pageInfo { hasNextPage } } } } }"
    began = asyncio.get_running_loop().time()
    shown = await data(engine(shelf, policies(CLERK).granted), query, who("clerk", entities=("E1",)))
    assert asyncio.get_running_loop().time() - began < 3
    assert {each["bills"]["pageInfo"]["hasNextPage"] for each in shown["accounts"]["nodes"]} == {True}
    assert len(shelf.calls("Bill.account")) < 20


async def test_nobody_waits_long_for_what_is_behind_a_page() -> None:
    shelf = Shelf([account("a1"), account("a3", "FR"), *LOST])

    class Hanging(Shelf):
        async def read(self, ask: Ask) -> Reading:
            if ask.page.after is not None:
                await asyncio.Event().wait()
            return await super().read(ask)

    shelf.__class__ = Hanging
    body = await answer(engine(shelf, policies(AGENT).granted), PAGE, who("agent"), first=4)
    assert "errors" not in body
    assert body["data"]["bills"]["pageInfo"]["hasNextPage"] is True


async def test_rows_behind_many_hidden_ones_are_reached() -> None:
    over = engine(thinned(300, 100), policies(AGENT).granted)
    keys, _ = await every_page(over, who("agent"), 10)
    assert keys == ["b00000", "b00100", "b00200"]


async def test_further_reads_are_not_told() -> None:
    shelves = (thinned(20, 2), Shelf([account("a1"), *(bill(f"b{at:05}", "a1") for at in range(0, 20, 2))]))
    bodies = [await answer(engine(each, policies(AGENT).granted), PAGE, who("agent"), first=4) for each in shelves]
    for body in bodies:
        body["extensions"]["sources"][0].pop("milliseconds")
        body["data"]["bills"]["pageInfo"].pop("endCursor")
    assert bodies[0] == bodies[1]


async def test_how_old_the_rows_are_is_told_of_those_that_are_shown() -> None:
    """Whichever part of the list they came with."""
    told = []
    for hidden in (0, 1, 3):
        bills = [replace(bill(f"b{at}"), as_of=NOW - timedelta(days=at)) for at in range(4)]
        bills += [bill(f"b1{at}", "a3") for at in range(hidden)]
        bills += [replace(bill("z"), as_of=NOW - timedelta(days=9))]
        shelf = Shelf([account("a1"), account("a3", "FR"), *bills])
        shelf.served["Bill.list"] = Served.STALE
        query = "{ bills(first: 4) { nodes { key } pageInfo { hasNextPage } } }"
        body = await answer(engine(shelf, policies(AGENT).granted), query, who("agent"))
        body["extensions"]["sources"][0].pop("milliseconds")
        told.append(body)
    assert told[0] == told[1] == told[2]
    assert told[0]["extensions"]["sources"][0]["staleMs"] == 3 * 86_400_000


async def test_where_nothing_can_be_judged_it_is_not_told_whether_there_is_more() -> None:
    told = []
    for hidden in (True, False):
        bills = [bill(f"b{at}", "a3") for at in range(8)] if hidden else []
        shelf = Shelf([account("a1"), account("a3", "FR"), *bills])
        shelf.faults["Account.key"] = Unavailable("it is away", source="crm")
        query = "{ bills(first: 4) { nodes { key } pageInfo { hasNextPage endCursor } } }"
        body = await answer(engine(shelf, policies(AGENT).granted), query, who("agent"))
        body["extensions"]["sources"][0].pop("milliseconds")
        told.append(body)
    assert told[0] == told[1]
    assert codes(told[0]) == [("SOURCE_UNAVAILABLE", ["bills"])]


async def test_a_count_is_null_unless_the_source_judged_every_row() -> None:
    rules = policies(AGENT, CHIEF)
    shelf = small()
    assert (await data(engine(shelf, rules.granted), "{ bills { totalCount } }", who("agent")))["bills"] == {
        "totalCount": None
    }
    assert (await data(engine(shelf, rules.granted), "{ bills { totalCount } }", who("chief")))["bills"] == {
        "totalCount": 6
    }
    assert (await data(engine(shelf, rules.granted), "{ accounts { totalCount } }", who("agent")))["accounts"] == {
        "totalCount": None
    }
    shelf.capabilities["Account.list"] = PUSHES
    assert (await data(engine(shelf, rules.granted), "{ accounts { totalCount } }", who("agent")))["accounts"] == {
        "totalCount": 2
    }


async def test_a_row_rule_goes_along_as_a_filter_where_the_source_can_apply_it() -> None:
    shelf = small()
    over = engine(shelf, policies(AGENT).granted)
    await data(over, "{ accounts { nodes { key } } }", who("agent"))
    shelf.capabilities["Account.list"] = PUSHES
    shown = await data(
        over, '{ accounts(filter: {region: ["DE", "FR"]}) { nodes { key } } }', who("agent", regions=("DE", "NO"))
    )
    assert [each["key"] for each in shown["accounts"]["nodes"]] == ["a1", "a2"]
    assert shelf.filters() == [(), (Filter("region", "in", ("DE", "FR")), Filter("region", "in", ("DE", "NO")))]


async def test_a_row_rule_that_filters_cannot_say_exactly_stays_here() -> None:
    shelf = small()
    shelf.capabilities["Account.list"] = Capability(
        filters={"region": ("in",), "key": ("in",), "legal_entities": ("in",)}
    )
    await data(
        engine(shelf, policies(AGENT, CLERK).granted),
        "{ accounts { nodes { key } } }",
        who("agent", "clerk", entities=("E1",)),
    )
    assert shelf.filters()[0] == ()


@pytest.mark.parametrize(
    ("roles", "principal"), [((AGENT,), who("agent", regions=())), ((PORTAL,), who("portal", accounts=()))]
)
async def test_a_rule_that_opens_nothing_reads_nothing(roles: tuple[str, ...], principal: Any) -> None:
    shelf = small()
    shown = await data(
        engine(shelf, policies(*roles).granted),
        "{ accounts { nodes { key } pageInfo { hasNextPage endCursor } } }",
        principal,
    )
    assert shown == {"accounts": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}
    assert shelf.asked == []


async def test_every_parent_has_its_own_page() -> None:
    shelf = small()
    shelf.records["Bill"] += [bill(f"b2{at}", "a2") for at in range(3, 9)]
    shown = await data(
        engine(shelf),
        "{ accounts { nodes { bills(first: 2) { totalCount pageInfo { hasNextPage } nodes { key } } } } }",
    )
    pages = [each["bills"] for each in shown["accounts"]["nodes"]]
    assert [(each["totalCount"], each["pageInfo"]["hasNextPage"], len(each["nodes"])) for each in pages] == [
        (2, False, 2),
        (8, True, 2),
        (2, False, 2),
    ]


async def test_thinned_pages_of_several_parents_are_each_filled() -> None:
    shelf = small()
    shelf.records["Bill"] = [
        bill(f"{owner}-{at:02}", owner, legal_entity="E1" if at % 3 == 0 else "E2")
        for owner in ("a1", "a2")
        for at in range(12)
    ]
    rules = policies(CLERK.replace("[entity]", "[document]"), rows=DOCUMENTS)
    shown = await data(
        engine(shelf, rules.granted),
        "{ accounts(first: 2) { nodes { bills(first: 3) { nodes { key } } } } }",
        who("clerk", entities=("E1",)),
    )
    pages = [[bill["key"] for bill in each["bills"]["nodes"]] for each in shown["accounts"]["nodes"]]
    assert pages == [["a1-00", "a1-03", "a1-06"], ["a2-00", "a2-03", "a2-06"]]


DOCUMENTS = """\
shared: [Item, Account]
rules:
  document:
    Invoice: "row.legalEntity in user.entities"
    Ticket: "row.accountKey in user.accounts"
"""
