"""Calling NetSuite: tokens, queries that travel together, what is no row, and what is left behind."""

import asyncio
from typing import Any

import pytest

from sources import errors
from sources.canonical import ErpItem, ExchangeRate, LegalEntity, Payment
from sources.ports import Ask, Call, Effect, Reply
from sources.settings import Secret
from tests.fakes.script import reply
from tests.sources.netsuite.connector.account import Account, refusal, selects

pytestmark = pytest.mark.usefixtures("complaints")
LIST = Ask(LegalEntity, "list", ("",))
ITEM = Ask(ErpItem, "product", ("TEAM",))
ENTITY = Ask(LegalEntity, "key", ("DE01",))


async def told(*asks: Any) -> list[Any]:
    return await asyncio.gather(*asks, return_exceptions=True)


def queries(account: Account) -> list[str]:
    return [request.json["q"] for request in account.script.requests]


async def test_every_call_says_that_it_only_reads() -> None:
    account, calls = Account("DE01", "TEAM"), list[Call]()
    send = account.script.send

    async def noted(call: Call) -> Reply:
        calls.append(call)
        return await send(call)

    account.script.send = noted  # type: ignore[method-assign]
    await account.connector().read(ITEM)
    assert [(call.method, call.operation, call.effect) for call in calls] == [
        ("POST", "token", Effect.READ),
        ("POST", "suiteql", Effect.READ),
    ]
    assert all(call.read is not None for call in calls)


# ---------------------------------------------------------------- tokens


async def test_a_refused_token_is_replaced_once_and_the_call_repeated() -> None:
    account = Account("DE01")
    connector = account.connector()
    await connector.read(LIST)
    account.script.faults = [refusal(401, "INVALID_LOGIN")]
    reading = await connector.read(LIST)
    assert [record.key for record in reading.rows[""].records] == ["DE01"]
    carried = [request.headers["authorization"] for request in account.script.requests]
    assert carried == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_tokens_that_are_always_refused_are_not_asked_for_again_at_once() -> None:
    account = Account("DE01")
    connector = account.connector()
    account.script.faults = [refusal(401, "INVALID_LOGIN")] * 100
    answers = [await told(connector.read(LIST)) for _ in range(10)]
    assert {type(each) for (each,) in answers} == {errors.Unauthorised}
    assert (len(account.script.tokens), len(account.script.requests)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"error": "invalid_client"}, 401), errors.Unauthorised),
        (reply({"error": "invalid_request"}, 400), errors.Unauthorised),
        (reply("", 429), errors.Throttled),
        (reply("<html>down</html>", 502), errors.Unavailable),
        (reply("<html>hello</html>"), errors.Garbled),
        (reply({"access_token": "t"}), errors.Garbled),
        (reply({"access_token": "t", "expires_in": "soon"}), errors.Garbled),
        (reply({"access_token": "t", "expires_in": 0}), errors.Garbled),
        (reply({"access_token": "a\nb", "expires_in": 3600}), errors.Garbled),
        (reply("", 404), errors.Garbled),
    ],
)
async def test_every_failure_of_the_token_endpoint_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    account = Account("DE01")
    account.script._token = lambda _request: answer
    with pytest.raises(errors.SourceError) as failed:
        await account.connector().read(LIST)
    assert type(failed.value) is kind
    assert failed.value.source == "erp"
    assert account.script.requests == []


async def test_a_key_that_cannot_sign_is_told_and_nothing_is_sent() -> None:
    account = Account()
    with pytest.raises(errors.Unauthorised, match="PEM") as failed:
        await account.connector(private_key=Secret("no key")).read(LIST)
    assert failed.value.source == "erp"
    assert account.script.tokens == []


# ---------------------------------------------------------------- together


async def test_queries_of_one_moment_are_one_call() -> None:
    account = Account("DE01", "TEAM")
    connector = account.connector()
    entity, item = await told(connector.read(ENTITY), connector.read(ITEM))
    assert entity.rows["DE01"].records[0].name == "Acme GmbH"
    assert item.rows["TEAM"].records[0].product_code == "TEAM"
    assert [selects(each) for each in queries(account)] == [2]
    assert [(each.report.calls, each.report.joined) for each in (entity, item)] == [(1, 0), (0, 1)]


async def test_documents_by_both_their_names_are_one_call() -> None:
    account = Account()
    reading = await account.connector().read(Ask(Payment, "key", ("123", "pi_1")))
    assert [selects(each) for each in queries(account)] == [2]
    assert (reading.report.calls, reading.report.joined, reading.rows) == (1, 1, {})


async def test_a_failed_call_fails_all_it_was_for_each_with_an_error_of_its_own() -> None:
    account = Account("DE01", "TEAM")
    account.script.faults = [refusal(429, "CONCURRENCY_LIMIT_EXCEEDED")]
    connector = account.connector()
    answers = await told(connector.read(ENTITY), connector.read(ITEM))
    assert [type(each) for each in answers] == [errors.Throttled] * 2
    assert answers[0] is not answers[1]
    assert (await connector.read(ITEM)).rows


@pytest.mark.parametrize("leaving", [0, 1])
async def test_whoever_leaves_harms_nobody_else(leaving: int) -> None:
    account = Account("DE01", "TEAM")
    connector = account.connector()
    asks = [asyncio.create_task(connector.read(each)) for each in (ENTITY, ITEM)]
    await account.script.asked.wait()
    asks[leaving].cancel()
    answers = await told(*asks)
    assert isinstance(answers.pop(leaving), asyncio.CancelledError)
    assert len(answers[0].rows) == 1


async def test_closing_ends_what_is_under_way() -> None:
    account = Account("DE01", "TEAM")
    connector = account.connector()
    asks = [asyncio.create_task(connector.read(each)) for each in (ENTITY, ITEM)]
    await account.script.reached.wait()
    await connector.close()
    assert [type(each) for each in await told(*asks)] == [errors.Unavailable] * 2


async def test_many_queries_of_one_moment_never_mean_many_calls_at_once() -> None:
    account = Account("DE01")
    connector = account.connector(concurrency=2)
    answers = await told(*(connector.read(Ask(LegalEntity, "key", (f"E{number}",))) for number in range(120)))
    assert all(not isinstance(each, BaseException) for each in answers)
    assert account.script.most_at_once == 2
    assert sum(each.report.calls for each in answers) == len(account.script.requests) == 11


# ---------------------------------------------------------------- what is no row


def items(*rows: Any, more: bool = False) -> Reply:
    return reply({"items": list(rows), "hasMore": more})


GARBLED: dict[str, Reply] = {
    "no items": reply({"hasMore": False}),
    "a page": reply("<html>hello</html>"),
    "nothing": reply(""),
    "a number": items({"x_id": "1", "x_code": 7}),
    "a list": items({"x_id": ["1"]}),
    "a row without its id": items({"x_code": "DE01", "x_currency": "EUR"}),
    "a row that is none": items("DE01"),
    "more than it shows": items({"x_id": "1", "x_currency": "EUR"}, more=True),
}


@pytest.mark.parametrize("answer", GARBLED.values(), ids=GARBLED.keys())
async def test_what_is_no_answer_to_the_query_is_garbled(answer: Reply) -> None:
    account = Account("DE01")
    account.script.faults = [answer]
    with pytest.raises(errors.Garbled) as failed:
        await account.connector().read(LIST)
    assert (failed.value.source, failed.value.status) == ("erp", 200)


@pytest.mark.parametrize(
    "row", [{"c0": "1"}, {"q": "2", "c0": "1"}, {"q": "-1", "c0": "1"}, {"q": "x", "c0": "1"}, {"q": "0", "c1": "1"}]
)
async def test_a_row_that_is_of_no_query_is_garbled(row: Any) -> None:
    account = Account("DE01")
    account.script.faults = [items(row)]
    connector = account.connector()
    answers = await told(connector.read(ENTITY), connector.read(ITEM))
    assert [type(each) for each in answers] == [errors.Garbled] * 2


async def test_one_row_that_cannot_be_told_is_an_error_of_its_own_key() -> None:
    account = Account()
    good = {"x_id": "1", "x_code": "DE01", "x_currency": "EUR"}
    account.script.faults = [items(good, {**good, "x_id": "2", "x_code": "FR01", "x_currency": "euros"})]
    reading = await account.connector().read(Ask(LegalEntity, "key", ("DE01", "FR01")))
    assert (set(reading.rows), set(reading.errors)) == ({"DE01"}, {"FR01"})


# ---------------------------------------------------------------- rates of exchange


RATE = {"id": "1", "base": "USD", "currency": "EUR", "rate": "1.0815", "on": "2026-11-20"}


async def test_a_day_and_its_base_currency_are_parameters_of_the_query() -> None:
    account = Account()
    account.script.faults = [items({f"x_{name}": value for name, value in RATE.items()})]
    reading = await account.connector().read(Ask(ExchangeRate, "day", ("USD@2026-11-22",)))
    [request] = account.script.requests
    assert request.json["params"] == ["2026-11-22", "USD"]
    assert request.json["q"].count("?") == 2
    assert [each.key for each in reading.rows["USD@2026-11-22"].records] == ["1"]


async def test_rates_of_several_days_travel_together() -> None:
    account = Account()
    reading = await account.connector().read(Ask(ExchangeRate, "day", ("USD@2026-11-22", "EUR@2026-11-21")))
    assert [selects(each) for each in queries(account)] == [2]
    [request] = account.script.requests
    assert request.json["params"] == ["2026-11-22", "USD", "2026-11-21", "EUR"]
    assert [rows.records for rows in reading.rows.values()] == [[], []]


@pytest.mark.parametrize("key", ["USD", "USD@", "USD@22.11.2026", ""])
async def test_a_key_without_a_day_cannot_be_asked_for(key: str) -> None:
    account = Account()
    with pytest.raises(errors.BadAsk, match="with a day"):
        await account.connector().read(Ask(ExchangeRate, "day", (key,)))
    assert account.script.requests == []
