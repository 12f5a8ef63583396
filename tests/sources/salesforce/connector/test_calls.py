"""Calling Salesforce: tokens, batches and their parts, pages, and what is left behind."""

import asyncio
from typing import Any

import pytest

from sources import errors
from sources.canonical import Account, Order
from sources.ports import Ask, Call, Effect, Reply
from sources.settings import Secret
from tests.fakes.script import reply
from tests.sources.salesforce.connector.org import NOW, Org, account, refusal

pytestmark = pytest.mark.usefixtures("complaints")
ONE = Ask(Account, "key", ("001A",))
TWO = Ask(Account, "key", ("001B",))
EXPIRED = refusal(401, "INVALID_SESSION_ID")


async def told(*asks: Any) -> list[Any]:
    return await asyncio.gather(*asks, return_exceptions=True)


async def test_every_call_says_that_it_only_reads() -> None:
    org, calls = Org(account("001A"), account("001B"), page_size=1), list[Call]()
    send = org.script.send

    async def noted(call: Call) -> Reply:
        calls.append(call)
        return await send(call)

    org.script.send = noted  # type: ignore[method-assign]
    connector = org.connector()
    await connector.read(ONE)
    await told(connector.read(ONE), connector.read(TWO))
    await connector.read(Ask(Account, "key", ("001A", "001B")))
    assert {call.operation for call in calls} == {"token", "query", "composite.batch", "query.more"}
    assert {call.effect for call in calls} == {Effect.READ}
    assert all(call.read is not None for call in calls)


# ---------------------------------------------------------------- tokens


async def test_a_refused_session_is_replaced_once_and_the_call_repeated() -> None:
    org = Org(account("001A"))
    connector = org.connector()
    await connector.read(ONE)
    org.script.faults = [EXPIRED]
    reading = await connector.read(ONE)
    assert len(reading.rows["001A"].records) == 1
    assert reading.report.calls == 1
    assert org.tokens == ["token-1", "token-1", "token-2"]


async def test_sessions_that_are_always_refused_are_not_asked_for_again_at_once() -> None:
    org = Org(account("001A"))
    connector = org.connector()
    org.script.faults = [EXPIRED] * 100
    for _ in range(10):
        with pytest.raises(errors.Unauthorised):
            await connector.read(ONE)
    assert (len(org.script.tokens), len(org.script.requests)) == (2, 2)
    org.now += 6
    org.script.faults = []
    assert (await connector.read(ONE)).rows


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"error": "invalid_grant", "error_description": "expired"}, 400), errors.Unauthorised),
        (reply({"error": "invalid_client"}, 401), errors.Unauthorised),
        (reply("", 429, retry_after="4"), errors.Throttled),
        (reply("<html>down</html>", 503), errors.Unavailable),
        (reply("<html>hello</html>"), errors.Garbled),
        (reply("{}"), errors.Garbled),
        (reply({"access_token": ""}), errors.Garbled),
        (reply({"access_token": "two words"}), errors.Garbled),
        (reply({"access_token": "t", "instance_url": "elsewhere"}), errors.Garbled),
        (reply("<html>not here</html>", 404), errors.Garbled),
        (reply("", 302), errors.Garbled),
    ],
)
async def test_every_failure_of_the_token_endpoint_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    org = Org(account("001A"))
    org.script._token = lambda _request: answer
    with pytest.raises(errors.SourceError) as failed:
        await org.connector().read(ONE)
    assert type(failed.value) is kind
    assert failed.value.source == "crm"
    assert org.script.requests == []


async def test_without_credentials_nothing_is_sent() -> None:
    org = Org()
    with pytest.raises(errors.Unauthorised, match="client_secret"):
        await org.connector(client_secret=None).read(ONE)
    with pytest.raises(errors.Unauthorised, match="PEM") as failed:
        await org.connector(username="u", private_key=Secret("no key")).read(ONE)
    assert failed.value.source == "crm"
    assert org.script.tokens == []


async def test_the_instance_of_the_token_is_the_one_that_is_called() -> None:
    org, urls = Org(account("001A")), list[str]()
    org.granted = {"instance_url": "https://elsewhere.test/"}
    send = org.script.send

    async def noted(call: Call) -> Reply:
        urls.append(call.url)
        return await send(call)

    org.script.send = noted  # type: ignore[method-assign]
    await org.connector().read(ONE)
    assert urls[0].startswith("https://org.test/services/oauth2/token")
    assert urls[1].startswith("https://elsewhere.test/services/data/")


# ---------------------------------------------------------------- batches


def failing(*keys: str, status: int = 400, code: str = "INVALID_FIELD", message: str = "words") -> Any:
    body = [{"message": message, "errorCode": code}]
    return lambda query: (status, body) if any(f"'{key}'" in query for key in keys) else None


async def test_the_error_of_one_query_of_a_batch_is_that_query_s() -> None:
    org = Org(account("001A"), account("001B"))
    org.part = failing("001B", status=503, code="SERVER_UNAVAILABLE")
    connector = org.connector()
    good, bad = await told(connector.read(ONE), connector.read(TWO))
    assert good.rows["001A"].records[0].name == "Account 001A"
    assert isinstance(bad, errors.Unavailable)
    assert len(org.script.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", errors.Throttled),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", errors.QuotaExhausted),
        (503, "SERVER_UNAVAILABLE", "", errors.Unavailable),
    ],
)
async def test_where_every_query_of_a_batch_failed_alike_the_call_has_failed(
    status: int, code: str, message: str, kind: type[errors.SourceError]
) -> None:
    org, failed = Org(), list[errors.SourceError]()
    org.part = failing("001A", "001B", status=status, code=code, message=message)
    org.script._answer = lambda request: reply(org.answer(request).body.decode(), retry_after="8")
    connector = org.connector()
    client = connector._client
    send = client._send

    async def watched(call: Call) -> Reply:
        try:
            return await send(call)
        except errors.SourceError as error:
            failed.append(error)
            raise

    client._send = watched
    answers = await told(connector.read(ONE), connector.read(TWO))
    assert [type(each) for each in answers] == [kind, kind]
    assert [type(each) for each in failed] == [kind]
    assert failed[0].retry_after == 8.0
    assert len({id(each) for each in answers}) == 2


async def test_where_every_query_of_a_batch_is_wrong_the_source_is_well() -> None:
    org = Org()
    org.part = failing("001A", "001B")
    connector = org.connector()
    answers = await told(connector.read(ONE), connector.read(TWO))
    assert [type(each) for each in answers] == [errors.Rejected, errors.Rejected]


async def test_a_session_that_ends_inside_a_batch_is_replaced() -> None:
    org = Org(account("001A"), account("001B"))

    def ended(_query: str) -> Any:
        return (
            (401, [{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}])
            if len(org.script.tokens) == 1
            else None
        )

    org.part = ended
    connector = org.connector()
    one, two = await told(connector.read(ONE), connector.read(TWO))
    assert one.rows["001A"].records
    assert two.rows["001B"].records
    assert org.tokens == ["token-1", "token-2"]


@pytest.mark.parametrize("parts", [[], [{"statusCode": 200, "result": {"records": [], "done": True}}]])
async def test_a_batch_with_too_few_answers_is_garbled(parts: list[Any]) -> None:
    org = Org()
    org.script.faults = [reply({"hasErrors": False, "results": parts})]
    connector = org.connector()
    answers = await told(connector.read(ONE), connector.read(TWO))
    assert [type(each) for each in answers] == [errors.Garbled, errors.Garbled]


async def test_whoever_leaves_a_batch_harms_nobody_else() -> None:
    org = Org(account("001A"), account("001B"))
    org.part = failing("001A", status=404, code="NOT_FOUND")
    connector = org.connector()
    first, second = asyncio.create_task(connector.read(ONE)), asyncio.create_task(connector.read(TWO))
    await org.script.asked.wait()
    first.cancel()
    gone, there = await told(first, second)
    assert isinstance(gone, asyncio.CancelledError)
    assert there.rows["001B"].records


async def test_closing_ends_what_is_under_way() -> None:
    org = Org(account("001A"))
    connector = org.connector()
    asks = [asyncio.create_task(connector.read(each)) for each in (ONE, TWO)]
    await org.script.reached.wait()
    await connector.close()
    assert [type(each) for each in await told(*asks)] == [errors.Unavailable] * 2


async def test_many_keys_and_many_asks_never_mean_many_calls_at_once() -> None:
    keys = tuple(f"001A{number}" for number in range(30_000))
    org = Org(account("001A7"))
    reading = await org.connector(concurrency=3).read(Ask(Account, "key", keys))
    assert set(reading.rows) == {"001A7"}
    assert len(org.script.requests) == 6  # 150 queries, 25 to a batch
    assert org.script.most_at_once == 3


# ---------------------------------------------------------------- pages


async def test_pages_are_followed_and_counted() -> None:
    org = Org(*(account(f"001A{number}") for number in range(5)), page_size=2)
    reading = await org.connector().read(Ask(Account, "key", tuple(f"001A{number}" for number in range(5))))
    assert (len(reading.rows), reading.report.calls) == (5, 3)


async def test_following_one_query_s_pages_keeps_nobody_else_waiting() -> None:
    org = Org(*(account(f"001A{number}") for number in range(4)), account("001B"), page_size=2)
    connector = org.connector()
    finished: list[str] = []

    async def reading(name: str, ask: Ask) -> Any:
        answer = await connector.read(ask)
        finished.append(name)
        return answer

    long, short = await told(
        reading("long", Ask(Account, "key", tuple(f"001A{number}" for number in range(4)))), reading("short", TWO)
    )
    assert finished == ["short", "long"]
    assert (len(long.rows), len(short.rows)) == (4, 1)
    assert (long.report.calls, short.report.calls, short.report.joined) == (2, 0, 1)


@pytest.mark.parametrize("where", [None, "@elsewhere.test/steal", "https://elsewhere.test/", "//elsewhere.test"])
async def test_a_query_goes_on_below_its_instance_and_nowhere_else(where: str | None) -> None:
    org = Org()
    org.script.faults = [reply({"records": [account("001A")], "done": False, "nextRecordsUrl": where})]
    with pytest.raises(errors.Garbled, match="not where"):
        await org.connector().read(Ask(Account, "key", ("001A", "001B")))
    assert len(org.script.requests) == 1


async def test_a_page_that_fails_fails_its_own_query() -> None:
    org = Org(account("001A"), account("001B"), page_size=1)
    first = {"records": [account("001A")], "done": False, "nextRecordsUrl": "/services/data/v66.0/query/01g-1"}
    org.script.faults = [reply(first), refusal(503, "SERVER_UNAVAILABLE")]
    with pytest.raises(errors.Unavailable):
        await org.connector().read(Ask(Account, "key", ("001A", "001B")))


async def test_a_check_tells_what_is_left_of_the_day() -> None:
    org = Org()
    assert await org.connector().check() == "Salesforce answers, with 14998 of 15000 calls left today"
    org.script.faults = [reply("<html>hello</html>")]
    with pytest.raises(errors.Garbled):
        await org.connector().check()


async def test_one_row_that_cannot_be_told_is_an_error_of_its_own_key() -> None:
    org = Org(account("001A"), account("001B", Status__c="odd"))
    reading = await org.connector().read(Ask(Account, "key", ("001A", "001B")))
    assert (set(reading.rows), set(reading.errors)) == ({"001A"}, {"001B"})
    assert reading.rows["001A"].records[0].as_of.timestamp() == NOW


async def test_what_cannot_be_asked_is_refused_before_any_call() -> None:
    org = Org()
    with pytest.raises(errors.BadAsk):
        await org.connector().read(Ask(Order, "domain", ("x",)))
    assert org.script.requests == []
