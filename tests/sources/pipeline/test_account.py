"""The account layer: leases are taken for calls and given back, whatever becomes of the call."""

import asyncio

import pytest

from sources import errors
from sources.errand import Lane
from sources.pipeline import course
from sources.pipeline.account import Account
from sources.pipeline.ledger import Ledger, MemoryLedger, Verdict
from sources.ports import Allowance
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import READ, lost, ok, on_behalf

FIVE = Allowance("acme", concurrent=5)


def send(wire, ledger: Ledger, allowance=FIVE, kept=None):
    account = Account("erp", allowance, ledger, kept=kept or {}, clock=clock, random=lambda: 0.5)
    return account.layer(wire)


async def ask(layered, lane=Lane.PORTAL, seconds=5.0, latest=None):
    on_behalf(lane)
    under_way = course.begin()
    under_way.until = clock() + seconds
    under_way.latest = clock() + (latest or seconds)
    return await layered(READ)


@virtual
async def test_two_processes_share_what_the_account_may_do_at_once():
    wire, ledger = Wire(ok(), seconds=0.1), MemoryLedger(clock)
    processes = send(wire, ledger), send(wire, ledger)
    ended = await asyncio.gather(*(ask(processes[number % 2]) for number in range(40)), return_exceptions=True)
    assert wire.most_running == 5
    assert not any(isinstance(each, BaseException) for each in ended)


@virtual
async def test_whoever_finds_no_room_for_long_is_throttled_unsent():
    wire, ledger = Wire(ok(), seconds=60), MemoryLedger(clock)
    layered = send(wire, ledger)
    running = [asyncio.create_task(ask(layered)) for _ in range(5)]
    await asyncio.sleep(0.1)
    with pytest.raises(errors.Throttled, match="as many calls under way as it may") as caught:
        await ask(layered)
    assert caught.value.unsent
    assert clock() <= 1_002.2
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@virtual
@pytest.mark.parametrize("end", ["answer", "failure", "cancel"])
async def test_a_lease_is_given_back_however_the_call_ends(end):
    wire = Wire(lost() if end == "failure" else ok(), seconds=1.0)
    ledger = MemoryLedger(clock)
    tasks = [asyncio.create_task(ask(send(wire, ledger))) for _ in range(5)]
    await asyncio.sleep(0.5)
    if end == "cancel":
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await ledger.enter("next", FIVE, kept=4, seconds=1) is Verdict.ADMITTED
    assert len(ledger._leases["acme"]) == 1


class Slow(MemoryLedger):
    """Admits, and is a while about it."""

    async def enter(self, lease, allowance, *, kept, seconds):
        verdict = await super().enter(lease, allowance, kept=kept, seconds=seconds)
        await asyncio.sleep(1)
        return verdict


@virtual
async def test_a_lease_is_given_back_by_who_leaves_before_being_told_of_it():
    ledger = Slow(clock)
    task = asyncio.create_task(ask(send(Wire(ok()), ledger)))
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not ledger._leases["acme"]


@virtual
async def test_a_lease_outlives_the_call_only_a_little():
    ledger = MemoryLedger(clock)
    task = asyncio.create_task(ask(send(Wire(ok(), seconds=60), ledger), seconds=5.0))
    await asyncio.sleep(0)
    (ends,) = ledger._leases["acme"].values()
    assert ends == pytest.approx(clock() + 6.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@virtual
async def test_a_lease_lasts_as_long_as_a_write_that_outlives_its_asker():
    ledger = MemoryLedger(clock)
    task = asyncio.create_task(ask(send(Wire(ok(), seconds=60), ledger), seconds=1.0, latest=5.0))
    await asyncio.sleep(0)
    (ends,) = ledger._leases["acme"].values()
    assert ends == pytest.approx(clock() + 6.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@virtual
async def test_the_last_calls_of_a_day_are_for_the_most_urgent():
    layered = send(
        Wire(ok()),
        MemoryLedger(clock),
        Allowance("acme", daily=10),
        {Lane.BACKFILL: 0.2, Lane.PORTAL: 0.1},
    )
    for _ in range(8):
        await ask(layered, Lane.BACKFILL)
    with pytest.raises(errors.QuotaExhausted) as caught:
        await ask(layered, Lane.BACKFILL)
    assert caught.value.unsent
    await ask(layered, Lane.PORTAL)
    with pytest.raises(errors.QuotaExhausted):
        await ask(layered, Lane.PORTAL)
    await ask(layered, Lane.VALIDATE)
    with pytest.raises(errors.QuotaExhausted):
        await ask(layered, Lane.VALIDATE)
