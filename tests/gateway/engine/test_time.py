"""Time: what is slow delays only what hangs below it, and nothing is left running when an operation ends."""

import asyncio
from contextlib import suppress

from gateway.engine.engine import Question
from resolvers.budget import OperationsSettings
from sources.errors import Unavailable
from tests.gateway.engine.rules_of import PORTAL, policies, who
from tests.gateway.engine.shop import ADA, answer, codes, data, engine, settled, until
from tests.gateway.engine.stock import account, case, small

SHORT = OperationsSettings(customer360=0.3)  # planning counts, and a busy machine takes its time for that


async def test_a_slow_link_delays_only_what_hangs_below_it() -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    asked = asyncio.ensure_future(
        data(engine(shelf), "{ accounts { nodes { cases { key } bills { nodes { product { title } } } } } }")
    )
    await until(lambda: ("end", "Product.key") in shelf.events)
    assert ("end", "Case.account") not in shelf.events
    shelf.gates["Case.account"].set()
    assert (await asked)["accounts"]["nodes"][0]["cases"] == [{"key": "c1"}]


async def test_at_the_deadline_a_link_is_an_error_at_its_own_places_and_the_rest_is_answered() -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    body = await answer(
        engine(shelf, operations=SHORT),
        '{ account(key: "a1") { name cases { account { name } } bills { nodes { key } } } }',
    )
    assert body["data"]["account"] == {
        "name": "name of a1",
        "cases": None,
        "bills": {"nodes": [{"key": "b11"}, {"key": "b12"}]},
    }
    assert codes(body) == [("DEADLINE_EXCEEDED", ["account", "cases"])]
    assert ("cancelled", "Case.account") in shelf.events
    await settled()


async def test_at_the_deadline_every_place_of_a_shared_call_is_an_error() -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    body = await answer(
        engine(shelf, operations=SHORT), "{ accounts(first: 2) { nodes { x: cases { key } y: cases { key } } } }"
    )
    places = sorted((path[2], path[3]) for code, path in codes(body) if code == "DEADLINE_EXCEEDED")
    assert places == [(0, "x"), (0, "y"), (1, "x"), (1, "y")]
    await settled()


async def test_a_computation_gets_the_deadline_as_an_error_of_its_keys() -> None:
    shelf = small()
    shelf.gates["Bill.account"] = asyncio.Event()
    body = await answer(engine(shelf, operations=SHORT), '{ account(key: "a1") { name balance } }')
    assert body["data"] == {"account": {"name": "name of a1", "balance": None}}
    assert codes(body) == [("DEADLINE_EXCEEDED", ["account", "balance"])]


async def test_a_computation_that_does_not_end_is_an_error_at_the_deadline() -> None:
    body = await answer(engine(small(), operations=SHORT), '{ endless account(key: "a1") { name } }')
    assert body["data"] == {"endless": None, "account": {"name": "name of a1"}}
    assert codes(body) == [("DEADLINE_EXCEEDED", ["endless"])]
    await settled()


async def test_a_time_out_of_somebody_else_is_no_deadline() -> None:
    shelf = small()
    shelf.faults["Account.key"] = TimeoutError("a defect of the catalog")
    body = await answer(engine(shelf), '{ timedOut account(key: "a1") { name } }')
    assert codes(body) == [("INTERNAL", ["timedOut"]), ("INTERNAL", ["account"])]


async def test_a_cancelled_operation_cancels_its_reads() -> None:
    shelf = small()
    for index in ("Case.account", "Bill.account"):
        shelf.gates[index] = asyncio.Event()
    asked = asyncio.ensure_future(
        data(engine(shelf), "{ accounts { nodes { x: cases { key } y: cases { key } bills { nodes { key } } } } }")
    )
    await until(lambda: len(shelf.calls()) == 3)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    await settled()
    assert {("cancelled", "Case.account"), ("cancelled", "Bill.account")} <= set(shelf.events)


async def test_an_operation_that_is_cancelled_before_its_reads_left_makes_none() -> None:
    for turns in range(12):
        shelf = small()
        shelf.gates["Account.key"] = asyncio.Event()
        asked = asyncio.ensure_future(
            data(engine(shelf), '{ a: account(key: "a1") { name cases { key } } b: account(key: "a2") { name } }')
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked
        left = len(shelf.asked)
        await settled()
        assert len(shelf.asked) == left, turns
        assert shelf.events.count(("cancelled", "Account.key")) == shelf.events.count(("start", "Account.key")), turns


async def test_an_early_link_that_is_given_up_before_it_left_never_leaves() -> None:
    shelf = small()
    shown = await data(engine(shelf), '{ account(key: "nobody") { x: cases { key } y: cases { key } } }')
    assert shown == {"account": None}
    left = len(shelf.asked)
    await settled()
    assert len(shelf.asked) == left


async def test_one_asker_that_is_cancelled_harms_nobody_else() -> None:
    shelf = small()
    shelf.gates["Account.key"] = asyncio.Event()
    over = engine(shelf)
    query = '{ account(key: "a1") { name cases { key } } }'
    leaving, staying = (asyncio.ensure_future(data(over, query)) for _ in range(2))
    await until(lambda: len(shelf.calls("Account.key")) == 2)
    leaving.cancel()
    shelf.gates["Account.key"].set()
    assert (await staying)["account"] == {"name": "name of a1", "cases": [{"key": "c1"}]}
    assert leaving.cancelled()
    await settled()


async def test_an_early_link_that_is_given_up_leaves_the_call_to_those_who_share_it() -> None:
    shelf = small()
    shelf.delays["Account.name"] = 0
    shelf.gates["Case.account"] = asyncio.Event()
    query = '{ gone: account(key: "nobody") { cases { key } } there: account(key: "a1") { cases { key } } }'
    asked = asyncio.ensure_future(data(engine(shelf), query))
    await until(lambda: ("end", "Account.key") in shelf.events)
    await asyncio.sleep(0.01)
    shelf.gates["Case.account"].set()
    assert await asked == {"gone": None, "there": {"cases": [{"key": "c1"}]}}
    assert shelf.calls("Case.account") == [("Case.account", ("nobody", "a1"))]
    await settled()


async def test_an_early_link_that_is_given_up_takes_its_keys_from_nobody() -> None:
    shelf = small()
    shelf.records["Account"].append(account("moved"))
    shelf.records["Case"].append(case("c9", "moved"))
    shelf.gates["Case.account"] = asyncio.Event()
    query = '{ other: byKey(key: "moved") { key cases { key } } it: account(key: "moved") { cases { key } } }'
    asked = asyncio.ensure_future(data(engine(shelf), query))
    await until(lambda: len(shelf.calls("Case.account")) == 2)  # the second for the row that came instead
    await asyncio.sleep(0.02)
    shelf.gates["Case.account"].set()
    assert await asked == {"other": {"key": "a2", "cases": [{"key": "c2"}]}, "it": {"cases": [{"key": "c9"}]}}
    assert shelf.calls("Case.account") == [("Case.account", ("moved",)), ("Case.account", ("a2",))]
    await settled()


async def test_a_call_that_a_shown_place_shares_with_a_given_up_one_is_told() -> None:
    over = engine(small())
    gone = '{ gone: account(key: "nobody") { cases { key } } there: account(key: "a1") { cases { key } } }'
    there = '{ there: account(key: "a1") { cases { key } } }'
    told = [(await answer(over, query))["extensions"]["sources"] for query in (gone, there)]
    assert [[each["source"] for each in sources] for sources in told] == [["crm", "desk"], ["crm", "desk"]]


async def test_an_operation_that_failed_on_a_defect_leaves_nothing_running() -> None:
    shelf = small()
    shelf.faults["Account.key"] = RuntimeError("a defect of the catalog")
    body = await answer(
        engine(shelf),
        '{ account(key: "a1") { name cases { key } bills { nodes { key } } } b: account(key: "a2") { name } }',
    )
    assert codes(body) == [("INTERNAL", ["account"]), ("INTERNAL", ["b"])]
    await settled()


async def test_judging_that_is_under_way_ends_with_the_operation() -> None:
    shelf = small()
    shelf.faults["Bill.key"] = Unavailable("down", source="billing")
    over = engine(shelf, policies(PORTAL).granted, operations=SHORT)
    shelf.gates["Account.key"] = asyncio.Event()
    response = await over.run(Question('{ account(key: "a1") { name } }'), who("portal", accounts=("a1",)), "c")
    assert codes(response.body) == [("DEADLINE_EXCEEDED", ["account"])]
    await settled()


async def test_a_cut_short_answer_tells_no_other_persons_time() -> None:
    shelf = small()
    over = engine(shelf, operations=SHORT)
    shelf.gates["Case.account"] = asyncio.Event()
    slow = asyncio.ensure_future(answer(over, '{ account(key: "a1") { cases { key } } }'))
    await until(lambda: ("start", "Case.account") in shelf.events)
    quick = await answer(over, '{ account(key: "a2") { name } }', ADA)
    assert "errors" not in quick
    assert codes(await slow) == [("DEADLINE_EXCEEDED", ["account", "cases"])]
