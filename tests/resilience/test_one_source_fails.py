"""One source fails in every way there is: its own fields are typed errors or older facts, and nothing else is touched."""

import asyncio

import pytest

from bench.resilience.__main__ import FAULTS
from bench.resilience.asks import SOURCES, TYPED, Outcome, affected
from gateway.enterprise.faults.fault import OFF, Fault, Kind, parse
from tests.resilience.conftest import Stage, settled

SICK = "billing"
pytestmark = pytest.mark.asyncio(loop_scope="module")  # one gateway for them all


def fault_of(name: str) -> Fault:
    return parse({"fault": name, **FAULTS[name]})[0]


def assert_useful(outcome: Outcome, sick: str) -> None:
    """Answered; what is missing is the sick source's, and says so in a documented code."""
    assert outcome.status == 200
    assert not outcome.missing
    for path, code in outcome.errors:
        assert affected(sick, path), f"`{path}` is no field of `{sick}`: {code}"
        assert code in TYPED
    if outcome.kind == "a":
        assert not outcome.errors


async def mixed(stage: Stage, sick: str, accounts: list[str]) -> list[Outcome]:
    """All three operations about every account at once."""
    return await asyncio.gather(*(stage.ask(sick, kind, account) for account in accounts for kind in "abc"))


async def eventually_normal(stage: Stage, sick: str, account: str) -> None:
    async with asyncio.timeout(30):
        while any(each.errors for each in await mixed(stage, sick, [account])):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_of_one_source_stays_its_own(name: str, stage: Stage) -> None:
    place = 6 * list(FAULTS).index(name)  # nobody has asked about these accounts yet
    known, *others = (await stage.accounts(100))[place : place + 6]
    await eventually_normal(stage, SICK, known)
    stage.forget_asks()

    await stage.proxies[SICK].set(fault_of(name))
    outcomes = await mixed(stage, SICK, others)
    again = await mixed(stage, SICK, [known])
    for outcome in (*outcomes, *again):
        assert_useful(outcome, SICK)
    assert not any(each.errors for each in again if each.kind == "b"), "what is remembered is still told"
    if name != "flaky":
        assert any(each.errors for each in outcomes if each.kind == "b"), "what is not remembered is missed"
    assert set(stage.proxies[SICK].counts) <= {Kind.OFF, Kind(name)}
    assert all(set(stage.proxies[other].counts) <= {Kind.OFF} for other in SOURCES if other != SICK)
    assert (stage.reached(SICK) > 0) is (name != "down")

    await stage.proxies[SICK].set(OFF)
    await eventually_normal(stage, SICK, others[0])


@pytest.mark.slow
@pytest.mark.parametrize(("sick", "place"), [("erp", 90), ("support", 95)])
async def test_whichever_source_is_down_the_others_answer(sick: str, place: int, stage: Stage) -> None:
    accounts = (await stage.accounts(100))[place : place + 5]
    await stage.proxies[sick].set(fault_of("down"))
    outcomes = await mixed(stage, sick, accounts)
    for outcome in outcomes:
        assert_useful(outcome, sick)
    assert any(each.errors for each in outcomes if each.kind == "b")
    await stage.proxies[sick].set(OFF)
    await eventually_normal(stage, sick, accounts[0])


@pytest.mark.slow
async def test_an_open_circuit_leaves_the_source_in_peace(patient: Stage) -> None:
    accounts = await patient.accounts(40)
    await patient.proxies[SICK].set(fault_of("500"))
    for account in accounts[:30]:
        await patient.ask(SICK, "b", account)
        if patient.state(SICK).reads.state == "open":
            break
        await asyncio.sleep(0.1)  # failures of one moment are a blip
    assert patient.state(SICK).reads.state == "open"
    await settled(patient, SICK)
    reached = patient.reached(SICK)
    outcomes = await mixed(patient, SICK, accounts[30:])
    for outcome in outcomes:
        assert_useful(outcome, SICK)
    assert {code for each in outcomes if each.kind == "b" for _, code in each.errors} == {"CIRCUIT_OPEN"}
    assert patient.reached(SICK) == reached
    assert all(patient.state(other).reads.state == "closed" for other in SOURCES if other != SICK)


@pytest.mark.slow
async def test_an_outage_is_not_multiplied_by_retries(patient: Stage) -> None:
    accounts = await patient.accounts(40)
    await patient.proxies[SICK].set(fault_of("503"))
    for account in accounts:
        await patient.ask(SICK, "b", account)
    await settled(patient, SICK)
    told = patient.state(SICK).latency
    assert told.retries <= 0.1 * told.calls + 3  # the tenth, and what a quiet source is allowed at once
    assert patient.reached(SICK) <= told.calls - told.refused + told.retries
