"""Rows that may not be seen leave no trace: an answer over them is, to the byte, the answer without them."""

import random
from collections import Counter

import pytest

from tests.gateway.engine import traces
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import CLERK, policies, who
from tests.gateway.engine.shop import answer, engine
from tests.gateway.engine.stock import account, bill, product, profile

_CASES = 150


@pytest.mark.parametrize("remembering", [False, True], ids=["cold", "remembering"])
@pytest.mark.parametrize("role", traces.RULES)
async def test_an_answer_is_the_same_whether_hidden_rows_are_there_or_not(role: str, remembering: bool) -> None:
    looked_at: Counter[str] = Counter()
    for seed in range(_CASES):
        draw = random.Random(f"{role} {seed}")
        rules, principal, every = traces.RULES[role], traces.asker(role, draw), traces.records(draw)
        left = traces.seen(every, rules, principal)
        text = traces.Questions(draw).document()
        told = []
        for records in (every, left):
            world = traces.World(records, random.Random(seed), each=True, remembering=remembering)
            told.append(traces.told(await answer(engine(world, rules.granted), text, principal)))
        assert told[0] == told[1], f"{role} {seed}: {text}"
        looked_at.update(kind for kind in traces.kinds([each for each in every if each not in left]))
        looked_at["shown"] += any((told[0].get("data") or {}).values())
    assert min(looked_at[kind] for kind in ("Account", "Bill", "Case")) > _CASES / 5, "hardly anything was hidden"
    assert looked_at["shown"] > _CASES / 3, "hardly anything was shown"


LISTED = '{ bills(filter: {status: ["OPEN"]}) { nodes { key } } other: bill(key: "b2") { product { title } } }'
COMPUTED = '{ account(key: "a1") { balance } other: bill(key: "b2") { product { title } } }'


@pytest.mark.parametrize("query", [LISTED, COMPUTED])
async def test_what_came_along_with_a_hidden_row_is_asked_for_by_whoever_wants_it(query: str) -> None:
    told = []
    for hidden in (True, False):
        shelf = Shelf([account("a1"), profile("e1", "a1", "E1"), product("p1"), bill("b1", legal_entity="E1")])
        shelf.records["Bill"].append(bill("b2", "a2", legal_entity="E1", status="PAID", product_key="p1"))
        if hidden:
            shelf.records["Bill"].append(bill("b3", legal_entity="E9", product_key="p1"))
            shelf.along = {"Bill.list": [product("p1")], "Bill.account": [product("p1")]}
        shelf.delays["Bill.key"] = 0.02
        body = await answer(engine(shelf, policies(CLERK).granted), query, who("clerk", entities=("E1",)))
        assert body["data"]["other"] == {"product": {"title": "title of p1"}}
        told.append(traces.told(body))
    assert told[0] == told[1]


async def test_a_bounded_list_that_judging_thinned_out_is_filled_up() -> None:
    bills = [bill(f"b{at}", legal_entity="E1" if at in (3, 6, 8) else "E9") for at in range(9)]
    shelf = Shelf([account("a1"), profile("e1", "a1", "E1"), *bills])
    over, principal = engine(shelf, policies(CLERK).granted), who("clerk", entities=("E1",))
    body = await answer(over, '{ account(key: "a1") { fewBills { key } } }', principal)
    assert body["data"] == {"account": {"fewBills": [{"key": "b3"}, {"key": "b6"}]}}
    assert [each["calls"] for each in body["extensions"]["sources"] if each["source"] == "billing"] == [1]
