"""Every vendor's connector behind the pipeline it is given: what is tried again, what is not, and how much at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sources import canonical as c
from sources.catalog import vendors
from sources.errors import CircuitOpen, Overloaded, SourceError, Throttled, Unauthorised
from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask, Connector, Reading, Reply
from sources.settings import Secret
from tests.fakes.script import Script, reply
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.netsuite.connector.account import KEY, Account
from tests.sources.salesforce.connector.org import Org, account
from tests.sources.stripe import objects as o
from tests.sources.stripe.fake import Fake
from tests.sources.zendesk.connector.desk import Desk

PAGE = reply("<html>down</html>", 503)
NEEDED: dict[str, dict[str, Any]] = {
    "salesforce": {"client_id": "c", "client_secret": Secret("s")},
    "stripe": {"key": Secret("k")},
    "netsuite": {"client_id": "c", "certificate_id": "k", "private_key": Secret(KEY), "algorithm": "ES256"},
    "zendesk": {"client_id": "c", "client_secret": Secret("s")},
}
ASKS = {
    "salesforce": Ask(c.Account, "key", ("001A",)),
    "stripe": Ask(c.BillingCustomer, "key", ("cus_1",)),
    "netsuite": Ask(c.LegalEntity, "key", ("DE01",)),
    "zendesk": Ask(c.SupportPlan, "list", ("",)),
}
WITH_TOKENS = [vendor for vendor in NEEDED if vendor != "stripe"]


def scripted(vendor: str) -> Script:
    """The vendor's own fake, behind one way to make it fail."""
    fakes: dict[str, Callable[[], Script]] = {
        "salesforce": lambda: Org(*(account(f"001A{end}") for end in ("", 1, 2))).script,
        "netsuite": lambda: Account("DE01").script,
        "zendesk": lambda: Desk(users=[], policies=[]).script,
        "stripe": _stripe,
    }
    return fakes[vendor]()


def _stripe() -> Script:
    fake = Fake(customers=[o.customer(f"cus_{number}") for number in range(400)])

    def answer(request: Any) -> Reply:
        return fake._answer(request.path, list(request.query.items()))

    return Script(lambda _request: reply({}), answer)


def opened(vendor: str, script: Script, **more: Any) -> tuple[Connector, Pipeline]:
    offered, loop = vendors()[vendor], asyncio.get_running_loop()
    settings = offered.settings(vendor=vendor, url="https://vendor.test", **NEEDED[vendor], **more)
    pipeline = Pipeline(
        "source",
        settings,
        script.send,
        allowance=offered.allowance(settings),
        limits=offered.limits,
        clock=loop.time,
        random=lambda: 0.5,
    )
    return offered.open("source", settings, pipeline.send), pipeline


async def failure(reading: Any) -> SourceError | None:
    try:
        told: Reading = await reading
    except SourceError as error:
        return error
    return next(iter(told.errors.values()), None)


@in_virtual_time
@pytest.mark.parametrize("vendor", NEEDED)
@pytest.mark.parametrize("fault", [PAGE, reply("<html>hello</html>"), reply("slow down", 429, retry_after="1")])
async def test_a_read_that_fails_in_passing_is_made_again(vendor: str, fault: Reply) -> None:
    script = scripted(vendor)
    connector, pipeline = opened(vendor, script)
    script.faults = [fault]
    told = await connector.read(ASKS[vendor])
    assert (len(told.rows), told.errors, told.report.calls) == (1, {}, 1)
    assert len(script.requests) == 2
    assert pipeline.state().latency.retries == 1


@in_virtual_time
@pytest.mark.parametrize("vendor", NEEDED)
async def test_a_refusal_of_what_was_asked_is_not_made_again_and_says_nothing_of_the_source(vendor: str) -> None:
    script = scripted(vendor)
    connector, pipeline = opened(vendor, script)
    script.faults = [reply("{}", 400)] * 20
    for _ in range(20):
        assert await failure(connector.read(ASKS[vendor])) is not None
    assert len(script.requests) == 20
    assert (pipeline.state().reads.state, pipeline.state().reads.failures) == ("closed", 0)


@in_virtual_time
@pytest.mark.parametrize("vendor", NEEDED)
async def test_a_source_that_answers_garbage_opens_its_circuit(vendor: str) -> None:
    script = scripted(vendor)
    connector, pipeline = opened(vendor, script)
    script.faults = [reply("<html>hello</html>")] * 1_000
    last = None
    for _ in range(50):
        last = await failure(connector.read(ASKS[vendor]))
        await asyncio.sleep(0.1)
    assert isinstance(last, CircuitOpen)
    assert pipeline.state().reads.state == "open"
    assert len(script.requests) <= 20


@in_virtual_time
@pytest.mark.parametrize("vendor", WITH_TOKENS)
async def test_a_token_endpoint_that_is_down_is_not_hammered(vendor: str) -> None:
    script = scripted(vendor)
    connector, _ = opened(vendor, script)
    working, script._token = script._token, lambda _request: PAGE
    for _ in range(20):
        errors = await asyncio.gather(*(failure(connector.read(ASKS[vendor])) for _ in range(50)))
        assert all(error is not None for error in errors)
        await asyncio.sleep(0.1)
    assert len(script.tokens) <= 20
    assert script.requests == []
    script._token = working
    await asyncio.sleep(30)
    assert await failure(connector.read(ASKS[vendor])) is None


@in_virtual_time
@pytest.mark.parametrize("vendor", WITH_TOKENS)
async def test_credentials_that_are_refused_are_not_hammered(vendor: str) -> None:
    script = scripted(vendor)
    connector, _ = opened(vendor, script)
    script._token = lambda _request: reply({"error": "invalid_client"}, 401)
    for _ in range(20):
        errors = await asyncio.gather(*(failure(connector.read(ASKS[vendor])) for _ in range(50)))
        assert {type(error) for error in errors} == {Unauthorised}
    assert len(script.tokens) == 1


@in_virtual_time
@pytest.mark.parametrize("vendor", NEEDED)
async def test_a_long_wait_that_a_vendor_asks_for_is_told_and_kept(vendor: str) -> None:
    script = scripted(vendor)
    connector, pipeline = opened(vendor, script)
    script.faults = [reply("slow down", 429, retry_after="40")]
    first = await failure(connector.read(ASKS[vendor]))
    second = await failure(connector.read(ASKS[vendor]))
    assert isinstance(first, Throttled)
    assert isinstance(second, Throttled)
    assert second.unsent
    assert len(script.requests) == 1
    paused = pipeline.state().paused_for
    assert paused is not None
    assert 39 < paused <= 40
    await asyncio.sleep(41)
    assert await failure(connector.read(ASKS[vendor])) is None


WIDE = {
    "salesforce": Ask(c.Account, "key", tuple(f"001A{number}" for number in range(60_000))),
    "stripe": Ask(c.BillingCustomer, "key", tuple(f"cus_{number}" for number in range(400))),
    "netsuite": Ask(c.ErpItem, "product", tuple(f"P{number}" for number in range(5_000))),
    "zendesk": Ask(c.Requester, "email", tuple(f"user{number}@acme.example" for number in range(400))),
}


@in_virtual_time
@pytest.mark.parametrize("vendor", NEEDED)
async def test_an_ask_for_very_much_never_overflows_the_queue_of_its_source(vendor: str) -> None:
    script = scripted(vendor)
    connector, pipeline = opened(vendor, script)
    told = await connector.read(WIDE[vendor])
    assert not any(isinstance(error, Overloaded) for error in told.errors.values())
    assert told.errors == {}
    assert script.most_at_once <= pipeline.state().queue.concurrency


@in_virtual_time
async def test_the_limits_that_answers_tell_are_known() -> None:
    script = scripted("salesforce")
    connector, pipeline = opened("salesforce", script)
    answer = script._answer

    def counting(request: Any) -> Reply:
        made = answer(request)
        made.headers = {"sforce-limit-info": "api-usage=18/5000"}
        return made

    script._answer = counting
    await connector.read(ASKS["salesforce"])
    assert [(limit.name, limit.remaining) for limit in pipeline.state().limits] == [("daily", 4_982)]
