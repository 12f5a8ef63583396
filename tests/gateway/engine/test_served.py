"""How facts were served: told by every builder, of this operation only, and of no row that may not be seen."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import strawberry
from msgspec.structs import replace
from strawberry.schema.config import StrawberryConfig

from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from gateway.engine.served import ServedFacts, oldest_stale
from policies.principal import Principal
from resolvers.batch import batched, derived, link, links
from resolvers.types.scalars import SCALARS, Provenance, provenance
from sources.canonical import Account as AccountRecord
from sources.canonical import Served
from sources.continuation import Continuation
from sources.errors import CircuitOpen, StaleLimit, Unavailable
from sources.merging import Answer, merge
from sources.ports import Ask, Reading, Report, Rows
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.shop import ADA, codes
from tests.gateway.engine.stock import NOW, Bill, Case, account, bill, case

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def first(_parents: Any, read: Any, _context: Any, key: str) -> list[Any]:
    found = await read(Bill, "account", [key])
    return [found.errors.get(key) or found.rows[key].records[0]]


@strawberry.type
class Dated:
    key: str
    provenance: Provenance | None = derived(provenance)


@strawberry.type
class Account(Dated):
    bills: list[Dated | None] | None = links(Bill, by="account")
    cases: list[Dated | None] | None = links(Case, by="account")


@strawberry.type
class Query:
    account: Account | None = link(AccountRecord, argument="key")
    case: Dated | None = link(Case, argument="key")
    first: Dated | None = batched(first, needs=[(Bill, "account")], arguments={"key": str})


SCHEMA = strawberry.Schema(Query, types=[Account], config=StrawberryConfig(scalar_map=SCALARS))
GRAPH = Graph.of(SCHEMA, {AccountRecord: "Account", Bill: "Dated", Case: "Dated"})
SHOWN = '{ account(key: "a1") { provenance { served ageMs } bills { provenance { served ageMs } } cases { key } } }'


def shelf() -> Shelf:
    return Shelf(
        [
            replace(account("a1"), as_of=NOW - MINUTE),
            replace(bill("b1"), as_of=NOW - HOUR),
            replace(bill("b2"), as_of=NOW - 2 * HOUR),
            replace(case("c1"), as_of=NOW - 3 * HOUR),
        ]
    )


def engine(over: Shelf, grants: Any = None, **options: Any) -> Engine:
    judge = grants or (lambda _: AllowAll())
    return Engine(GRAPH, over, judge, clock=lambda: NOW, **options)  # type: ignore[arg-type]


async def body(over: Engine, query: str = SHOWN, principal: Principal = ADA) -> dict[str, Any]:
    return (await over.run(Question(query), principal, "cid")).body


def sources(of: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {each["source"]: (each["state"], each["error"], each["staleMs"]) for each in of["extensions"]["sources"]}


@pytest.mark.parametrize("careful", [True, False])
async def test_provenance_says_how_each_fact_was_served_and_how_old_it_is(careful: bool) -> None:
    over = shelf()
    over.served = {"Account.key": Served.CACHE, "Bill.account": Served.STALE}
    asked = engine(over, careful=careful)
    for _ in range(5):  # the compiled builder takes over
        shown = (await body(asked))["data"]["account"]
        assert shown["provenance"] == {"served": "CACHE", "ageMs": 60_000}
        assert [each["provenance"] for each in shown["bills"]] == [
            {"served": "STALE", "ageMs": 3_600_000},
            {"served": "STALE", "ageMs": 7_200_000},
        ]


@pytest.mark.parametrize("runs", [1, 5])
async def test_the_same_record_is_told_as_each_operation_was_served_it(runs: int) -> None:
    over = shelf()
    asked = engine(over)
    for _ in range(runs):
        await body(asked)
    over.gates["Bill.account"] = asyncio.Event()
    live = asyncio.ensure_future(body(asked, '{ first(key: "a1") { key provenance { served } } }'))
    cached_over = Shelf([record for records in over.records.values() for record in records])
    cached_over.served = dict.fromkeys(("Bill.account",), Served.CACHE)
    cached = await body(engine(cached_over), '{ first(key: "a1") { key provenance { served } } }')
    over.gates["Bill.account"].set()
    assert cached["data"]["first"] == {"key": "b1", "provenance": {"served": "CACHE"}}
    assert (await live)["data"]["first"] == {"key": "b1", "provenance": {"served": "LIVE"}}


async def test_nothing_is_said_to_be_served_otherwise_than_live_for_want_of_a_memory() -> None:
    shown = await body(engine(shelf()))
    assert shown["data"]["account"]["provenance"]["served"] == "LIVE"
    assert sources(shown) == {"crm": ("OK", None, None), "billing": ("OK", None, None), "desk": ("OK", None, None)}


# ---------------------------------------------------------------- the sources


async def test_a_source_whose_stale_facts_were_used_is_degraded_and_says_how_old_the_oldest_is() -> None:
    over = shelf()
    over.served["Bill.account"] = Served.STALE
    assert sources(await body(engine(over)))["billing"] == ("DEGRADED", None, 7_200_000)
    over.failing["Bill.account"] = Unavailable("down", source="billing")
    shown = await body(engine(over))
    assert "errors" not in shown
    assert sources(shown) == {
        "crm": ("OK", None, None),
        "billing": ("DEGRADED", "SOURCE_UNAVAILABLE", 7_200_000),
        "desk": ("OK", None, None),
    }


async def test_a_source_behind_an_open_circuit_is_open_whether_its_memory_stood_in_or_not() -> None:
    over = shelf()
    refused = CircuitOpen("not asked", source="billing", retry_after=1.5)
    over.faults["Bill.account"] = refused
    shown = await body(engine(over))
    assert sources(shown)["billing"] == ("OPEN", "CIRCUIT_OPEN", None)
    (error,) = shown["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryAfterMs"]) == ("CIRCUIT_OPEN", 1500)
    assert error["extensions"]["retryable"]
    del over.faults["Bill.account"]
    over.served["Bill.account"], over.failing["Bill.account"] = Served.STALE, refused
    shown = await body(engine(over))
    assert "errors" not in shown
    assert sources(shown)["billing"] == ("OPEN", "CIRCUIT_OPEN", 7_200_000)


async def test_what_is_too_old_is_null_with_an_error_that_says_so() -> None:
    over = shelf()
    over.faults["Bill.account"] = StaleLimit("older than it may be", source="billing", retry_after=2.0)
    shown = await body(engine(over))
    assert shown["data"]["account"]["bills"] is None
    assert codes(shown) == [("STALE_LIMIT_EXCEEDED", ["account", "bills"])]
    assert shown["errors"][0]["extensions"]["docs"] == "docs/errors.md#stale_limit_exceeded"
    assert sources(shown)["billing"] == ("FAILING", "STALE_LIMIT_EXCEEDED", None)


class _Rows:
    """Only these keys are seen."""

    open, by_account, needs_account, reads = False, False, False, frozenset({"key"})

    def __init__(self, seen: set[str]) -> None:
        self._seen = seen

    def judge(self, records: Any, _accounts: Any, _facts: Any, principal: Principal) -> list[frozenset[str]]:
        return [principal.roles if each.key in self._seen else frozenset() for each in records]

    def filters(self, _principal: Principal) -> None:
        return None


class _Some(AllowAll):
    def __init__(self, *seen: str) -> None:
        self.roles, self._judged = ADA.roles, _Rows(set(seen))

    def rows(self, type_name: str, roles: frozenset[str] | None = None) -> Any:
        return self._judged if type_name == "Dated" else super().rows(type_name, roles)


async def test_a_row_that_may_not_be_seen_makes_no_source_look_stale() -> None:
    over = shelf()
    over.served["Case.key"] = over.served["Bill.account"] = Served.STALE
    hidden = await body(engine(over, lambda _: _Some()), '{ case(key: "c1") { key } }')
    absent = await body(engine(over, lambda _: _Some()), '{ case(key: "none") { key } }')
    for each in (hidden, absent):
        each["extensions"]["sources"][0].pop("milliseconds")
    assert hidden == absent
    one = await body(engine(over, lambda _: _Some("b1")), '{ account(key: "a1") { bills { key } } }')
    assert one["data"]["account"]["bills"] == [{"key": "b1"}]
    assert sources(one)["billing"] == ("DEGRADED", None, 3_600_000)


def answered(source: str, served: Served, *, cached: int = 0, stale: int = 0) -> Answer:
    """One owner's answer for account a1: a bill of its own."""
    row, report = replace(bill(source), source=source), Report(source, cached=cached, stale=stale)
    return Answer(Reading({"a1": Rows([row], served=served)}, report))


def told(*answers: Answer) -> tuple[list[Served], dict[str, Any]]:
    """How each row of the answers together is said to have been served, and since when which source is stale."""
    merged = merge(Ask(Bill, "account", ("a1",)), answers, Continuation())
    served = ServedFacts()
    served.note(merged)
    return [served(each) for each in merged.rows["a1"].records], oldest_stale([merged], {})


def test_of_merged_rows_each_is_as_old_as_its_own_answer() -> None:
    live, cached = answered("live", Served.LIVE), answered("cached", Served.CACHE, cached=1)
    served, stale = told(live, cached, answered("stale", Served.STALE, cached=1, stale=1))
    assert served == [Served.LIVE, Served.CACHE, Served.STALE]
    assert set(stale) == {"stale"}
    assert ServedFacts()(bill("live")) is Served.LIVE


def test_a_row_in_its_time_is_not_stale_because_its_source_answered_for_something_else_from_memory() -> None:
    crm = answered("crm", Served.CACHE, cached=2, stale=1)  # the stale one of the two was for another account
    served, stale = told(answered("billing", Served.STALE, cached=1, stale=1), crm)
    assert served == [Served.STALE, Served.CACHE]
    assert set(stale) == {"billing"}


def test_of_rows_in_one_piece_all_are_as_old_as_the_piece_whatever_was_asked_besides() -> None:
    accounts = Report("crm", cached=1, stale=1)  # asked for what the source calls the account
    of_crm = answered("crm", Served.CACHE, cached=1)
    of_crm.reading.reports = [accounts]
    served, stale = told(of_crm)
    assert served == [Served.CACHE]
    assert not stale
