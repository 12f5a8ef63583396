"""Early links: children leave together with a root whose key the arguments tell, and leave no trace if it is not there."""

import asyncio
from functools import partial
from typing import Any

import pytest

from policies.principal import Principal
from sources.canonical import Account
from sources.errors import Unavailable
from sources.ports import Ask, Reading
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine, settled, until
from tests.gateway.engine.stock import profile, small

CHILDREN = "name cases { key account { key } } bills { totalCount nodes { key } } fewBills { key }"
ROOTS = {
    "link": f'{{ root: account(key: "%s") {{ {CHILDREN} }} }}',
    "batched": f'{{ root: byKey(key: "%s") {{ {CHILDREN} }} }}',
}


def without_times(body: dict[str, Any]) -> dict[str, Any]:
    for each in body["extensions"].get("sources", []):
        each.pop("milliseconds")
    return body


@pytest.mark.parametrize("query", ROOTS.values(), ids=ROOTS)
async def test_children_start_with_the_root_where_the_arguments_tell_its_key(query: str) -> None:
    shelf = small()
    shelf.gates["Account.key"] = asyncio.Event()
    asked = asyncio.ensure_future(data(engine(shelf), query % "a1"))
    await until(lambda: shelf.events.count(("end", "Bill.account")) == 2 and ("end", "Case.account") in shelf.events)
    assert ("end", "Account.key") not in shelf.events
    shelf.gates["Account.key"].set()
    root = (await asked)["root"]
    assert [each["key"] for each in root["fewBills"]] == ["b11", "b12"]
    assert len(shelf.calls("Case.account")) == 1


async def test_a_link_with_variables_starts_early_too() -> None:
    shelf = small()
    shelf.gates["Account.key"] = asyncio.Event()
    query = "query($key: ID!, $first: Int) { account(key: $key) { bills(first: $first) { nodes { key } } } }"
    asked = asyncio.ensure_future(data(engine(shelf), query, key="a2", first=1))
    await until(lambda: ("end", "Bill.account") in shelf.events)
    assert ("end", "Account.key") not in shelf.events
    shelf.gates["Account.key"].set()
    assert await asked == {"account": {"bills": {"nodes": [{"key": "b21"}]}}}


async def test_a_link_whose_source_is_not_ready_waits_for_the_root() -> None:
    shelf = small()
    shelf.unready.add("Bill.account")
    shelf.gates["Account.key"] = asyncio.Event()
    asked = asyncio.ensure_future(data(engine(shelf), ROOTS["link"] % "a1"))
    await until(lambda: ("end", "Case.account") in shelf.events)
    await asyncio.sleep(0.02)
    assert ("start", "Bill.account") not in shelf.events
    shelf.gates["Account.key"].set()
    assert (await asked)["root"]["bills"]["totalCount"] == 2


async def test_what_needs_more_than_the_key_waits_for_the_root() -> None:
    shelf = small()
    shelf.gates["Bill.key"] = asyncio.Event()
    asked = asyncio.ensure_future(data(engine(shelf), '{ bill(key: "b11") { product { title } } }'))
    await until(shelf.calls)
    await asyncio.sleep(0.01)
    assert shelf.calls() == [("Bill.key", ("b11",))]
    shelf.gates["Bill.key"].set()
    assert await asked == {"bill": {"product": {"title": "title of p1"}}}


@pytest.mark.parametrize("query", ROOTS.values(), ids=ROOTS)
async def test_early_links_of_a_root_that_is_not_there_leave_no_trace(query: str) -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    shelf.faults["Bill.account"] = Unavailable("down", source="billing")
    body = await answer(engine(shelf), query % "nobody")
    assert body["data"] == {"root": None}
    assert "errors" not in body
    assert [each["source"] for each in body["extensions"]["sources"]] == ["crm"]
    await settled()


async def test_early_links_of_another_row_than_the_key_told_are_given_up() -> None:
    shelf = small()
    body = await answer(engine(shelf), '{ byKey(key: "moved") { key bills { nodes { key } } } }')
    assert body["data"] == {"byKey": {"key": "a2", "bills": {"nodes": [{"key": "b21"}, {"key": "b22"}]}}}
    assert [each["calls"] for each in body["extensions"]["sources"]] == [1, 1]
    await settled()


HIDDEN = [
    pytest.param((AGENT,), who("agent"), "a3", id="by the row"),
    pytest.param((PORTAL,), who("portal", accounts=("a1",)), "a3", id="by the key alone"),
    pytest.param((CLERK,), who("clerk", entities=("E1",)), "a3", id="by a fact beside the row"),
    pytest.param((AGENT, CLERK), who("agent", "clerk", entities=("E1",)), "a3", id="by two roles"),
]


def shelves(kind: type[Shelf] = Shelf) -> tuple[Shelf, Shelf]:
    """With the third account, and without."""
    found = []
    for _ in range(2):
        shelf = small(kind)
        shelf.records["BillingProfile"] = [profile("e1", "a1", "E1"), profile("e3", "a3", "E3")]
        found.append(shelf)
    found[1].records["Account"] = [each for each in found[1].records["Account"] if each.key != "a3"]
    return found[0], found[1]


@pytest.mark.parametrize("query", ROOTS.values(), ids=ROOTS)
@pytest.mark.parametrize(("roles", "principal", "key"), HIDDEN)
async def test_a_hidden_root_is_answered_like_one_that_is_not_there(
    roles: tuple[str, ...], principal: Principal, key: str, query: str
) -> None:
    there, missing = shelves()
    rules = policies(*roles, CHIEF)
    query = query.replace("totalCount", "") % key
    bodies = [without_times(await answer(engine(shelf, rules.granted), query, principal)) for shelf in (there, missing)]
    assert bodies[0]["data"] == {"root": None}
    assert bodies[0] == bodies[1]
    shown = await answer(engine(there, rules.granted), query, who("chief"))
    assert shown["data"]["root"] is not None
    await settled()


class Remembered(Shelf):
    """The accounts are in memory, also that one of them is not there; their profiles take a while."""

    recalls = True

    def recall(self, ask: Ask) -> Reading | None:
        if (ask.record, ask.by) != (Account, "key"):
            return None
        self.cached |= {*ask.keys}
        return self._answer(ask, "Account.key")


@pytest.mark.parametrize("query", ROOTS.values(), ids=ROOTS)
async def test_a_hidden_root_in_memory_takes_as_long_as_one_that_is_not_there(query: str) -> None:
    rules = policies(CLERK)
    for shelf in shelves(Remembered):
        shelf.gates["BillingProfile.account"] = asyncio.Event()
        over = engine(shelf, rules.granted)
        asked = asyncio.ensure_future(answer(over, query % "a3", who("clerk", entities=("E1",))))
        await until(partial(shelf.calls, "BillingProfile.account"))
        await asyncio.sleep(0.01)
        assert not asked.done()
        shelf.gates["BillingProfile.account"].set()
        assert (await asked)["data"] == {"root": None}
        await settled()


@pytest.mark.parametrize("query", ROOTS.values(), ids=ROOTS)
async def test_children_of_a_root_in_memory_leave_beside_what_it_is_judged_by(query: str) -> None:
    shelf = shelves(Remembered)[0]
    shelf.gates["BillingProfile.account"] = asyncio.Event()
    granted, clerk = policies(CLERK).granted, who("clerk", entities=("E1",))
    asked = asyncio.ensure_future(answer(engine(shelf, granted), query % "a1", clerk))
    await until(
        lambda: {"Bill.account", "Case.account", "BillingProfile.account"} <= {each for _, each in shelf.events}
    )
    assert not asked.done()
    shelf.gates["BillingProfile.account"].set()
    cold = await data(engine(shelves()[0], granted), query % "a1", clerk)
    assert cold["root"]["cases"]
    assert (await asked)["data"] == cold


@pytest.mark.parametrize("failing", ["Bill.account", "Case.account"])
async def test_a_source_that_is_down_tells_nothing_of_a_hidden_root(failing: str) -> None:
    there, missing = shelves()
    rules = policies(AGENT)
    for shelf in (there, missing):
        shelf.faults[failing] = Unavailable("down", source="x")
    query = ROOTS["link"] % "a3"
    bodies = [
        without_times(await answer(engine(shelf, rules.granted), query, who("agent"))) for shelf in (there, missing)
    ]
    assert bodies[0] == bodies[1]
    assert "errors" not in bodies[0]


async def test_rules_that_refuse_the_key_itself_let_nothing_leave_early() -> None:
    shelf = small()
    shelf.gates["Account.key"] = asyncio.Event()
    over = engine(shelf, policies(PORTAL).granted)
    asked = asyncio.ensure_future(answer(over, ROOTS["link"] % "a3", who("portal", accounts=("a1",))))
    await until(shelf.calls)
    await asyncio.sleep(0.01)
    assert {index for _, index in shelf.events} == {"Account.key"}
    shelf.gates["Account.key"].set()
    assert (await asked)["data"] == {"root": None}


async def test_an_early_link_that_fails_is_an_error_at_its_own_place() -> None:
    shelf = small()
    shelf.faults["Case.account"] = Unavailable("down", source="desk")
    body = await answer(engine(shelf), '{ account(key: "a1") { name cases { key } } }')
    assert body["data"] == {"account": {"name": "name of a1", "cases": None}}
    assert codes(body) == [("SOURCE_UNAVAILABLE", ["account", "cases"])]


async def test_a_wrong_argument_of_an_early_link_is_an_error_at_its_own_place() -> None:
    body = await answer(engine(small()), '{ account(key: "a1") { name bills(first: 0) { nodes { key } } } }')
    assert body["data"] == {"account": {"name": "name of a1", "bills": None}}
    assert codes(body) == [("BAD_INPUT", ["account", "bills"])]
