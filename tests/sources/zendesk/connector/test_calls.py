"""Calling Zendesk: tokens, reads that join, how much at once, and what is left behind."""

import asyncio
from typing import Any

import pytest

from sources import canonical as c
from sources import errors
from sources.ports import Ask, Call, Effect, Reply
from tests.fakes.script import reply
from tests.sources.zendesk.connector.desk import Desk, ticket

pytestmark = pytest.mark.usefixtures("complaints")
PLANS = Ask(c.SupportPlan, "list", ("",))
EXPIRED = reply({"error": "invalid_token"}, 401)


async def told(*asks: Any) -> list[Any]:
    return await asyncio.gather(*asks, return_exceptions=True)


async def test_every_call_says_that_it_only_reads() -> None:
    desk, calls = Desk([ticket(1)], policies=[]), list[Call]()
    send = desk.script.send

    async def noted(call: Call) -> Reply:
        calls.append(call)
        return await send(call)

    desk.script.send = noted  # type: ignore[method-assign]
    connector = desk.connector()
    await connector.read(PLANS)
    await connector.read(Ask(c.Case, "key", ("1",)))
    assert [call.operation for call in calls] == ["token", "slas.policies", "tickets.show_many"]
    assert {call.effect for call in calls} == {Effect.READ}
    assert all(call.read is not None for call in calls)


# ---------------------------------------------------------------- tokens


async def test_a_refused_token_is_replaced_once_and_the_call_repeated() -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    await connector.read(PLANS)
    desk.script.faults = [EXPIRED]
    reading = await connector.read(PLANS)
    assert (reading.report.calls, len(desk.script.tokens)) == (1, 2)
    carried = [request.headers["authorization"] for request in desk.script.requests]
    assert carried == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_tokens_that_are_always_refused_are_not_asked_for_again_at_once() -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    desk.script.faults = [EXPIRED] * 100
    answers = [await told(connector.read(PLANS)) for _ in range(10)]
    assert {type(each) for (each,) in answers} == {errors.Unauthorised}
    assert (len(desk.script.tokens), len(desk.script.requests)) == (2, 2)


async def test_a_missing_scope_is_no_reason_for_another_token() -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    desk.script.faults = [reply({"error": "Forbidden"}, 403)]
    with pytest.raises(errors.Unauthorised, match="scope"):
        await connector.read(PLANS)
    assert (len(desk.script.tokens), len(desk.script.requests)) == (1, 1)
    assert (await connector.read(PLANS)).rows


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"error": "invalid_client"}, 401), errors.Unauthorised),
        (reply({"error": "invalid_scope"}, 400), errors.Unauthorised),
        (reply("slow down", 429), errors.Throttled),
        (reply("<html>down</html>", 503), errors.Unavailable),
        (reply("<html>hello</html>"), errors.Garbled),
        (reply({"access_token": "t", "expires_in": -5}), errors.Garbled),
        (reply({"access_token": "t", "expires_in": "7200"}), errors.Garbled),
        (reply({"access_token": "two words"}), errors.Garbled),
        (reply("<html>not here</html>", 404), errors.Garbled),
    ],
)
async def test_every_failure_of_the_token_endpoint_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    desk = Desk(policies=[])
    desk.script._token = lambda _request: answer
    with pytest.raises(errors.SourceError) as failed:
        await desk.connector().read(PLANS)
    assert type(failed.value) is kind
    assert failed.value.source == "support"
    assert desk.script.requests == []


async def test_a_token_whose_life_is_not_told_lives_as_long_as_was_asked() -> None:
    desk = Desk(policies=[])
    desk.script._token = lambda _request: reply({"access_token": "t"}, 201)
    connector = desk.connector()
    await connector.read(PLANS)
    await connector.read(PLANS)
    assert len(desk.script.tokens) == 1


# ---------------------------------------------------------------- joined, bounded, left


async def test_a_failed_read_fails_all_who_joined_it_each_with_an_error_of_its_own() -> None:
    desk = Desk(policies=[])
    desk.script.faults = [reply("busy", 503)]
    connector = desk.connector()
    answers = await told(*(connector.read(PLANS) for _ in range(10)))
    assert [type(each) for each in answers] == [errors.Unavailable] * 10
    assert len({id(each) for each in answers}) == 10
    assert len(desk.script.requests) == 1
    assert (await connector.read(PLANS)).rows


@pytest.mark.parametrize("leaving", [0, 1])
async def test_whoever_leaves_harms_nobody_else(leaving: int) -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    asks = [asyncio.create_task(connector.read(PLANS)) for _ in range(2)]
    await desk.script.asked.wait()
    asks[leaving].cancel()
    answers = await told(*asks)
    assert isinstance(answers.pop(leaving), asyncio.CancelledError)
    assert list(answers[0].rows[""].records) == []


async def test_closing_ends_what_is_under_way() -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    asks = [asyncio.create_task(connector.read(PLANS)) for _ in range(2)]
    await desk.script.reached.wait()
    await connector.close()
    assert [type(each) for each in await told(*asks)] == [errors.Unavailable] * 2


WIDE = [
    Ask(c.Requester, "email", tuple(f"user{number}@acme.example" for number in range(300))),
    Ask(c.SupportOrganization, "domain", tuple(f"acme{number}.example" for number in range(300))),
    Ask(c.Case, "account", tuple(str(number) for number in range(1, 1_001))),
]


@pytest.mark.parametrize("ask", WIDE, ids=lambda ask: ask.by)
async def test_an_ask_for_much_never_means_many_calls_at_once(ask: Ask) -> None:
    desk = Desk(users=[], organizations=[])
    reading = await desk.connector().read(ask)
    assert (len(reading.rows), reading.errors) == (len(ask.keys), {})
    assert desk.script.most_at_once == 8


async def test_a_failing_search_fails_only_the_keys_it_was_for() -> None:
    desk = Desk(users=[])
    connector = desk.connector(concurrency=1)
    desk.script.faults = [reply("busy", 503)]
    reading = await connector.read(Ask(c.Requester, "email", ("a@x.example", "b@x.example", "c@x.example")))
    assert (set(reading.errors), len(reading.rows)) == ({"a@x.example"}, 2)
