"""Workers as processes on PostgreSQL: what one leaves by dying another goes on with, and the systems see nothing twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.cli import main
from gateway.enterprise.generate import generate
from gateway.enterprise.town import simulator
from policies.load import load_rules
from resolvers.sagas.answer import Answer
from resolvers.sagas.opening import Opening, open_writes
from sources.catalog import open_catalog, vendors
from sources.durable import Role, RunState
from sources.durable.heartbeat import Pulse
from sources.durable.worker import Capacity
from sources.store import operations, steps
from sources.store.operations import Operation, Outcome, State
from sources.store.steps import StepOutcome
from tests.databases import fresh_postgres
from tests.scenarios.office import CONTROLLER, Office
from tests.scenarios.town import Town, far_town, settings

ROOT = Path(__file__).resolve().parents[3]
BEAT, SILENCE = 0.2, 1.0
pytestmark = [pytest.mark.crash, pytest.mark.slow]


def buyers() -> Iterator[str]:
    """Customers of the town who may order without being asked anything: at home where we sell, claimed by nobody else."""
    company = generate(accounts=90)
    for account in company.crm.accounts:
        plain = account.kind == "customer" and account.status == "active" and not account.restriction
        told = account.id in company.landmarks.values() or "ambiguous" in (account.website or "")
        if plain and account.country == "US" and not told:
            yield account.id


BUYERS = buyers()


@pytest.fixture(scope="module")
def systems() -> Iterator[Town]:
    with far_town() as running:
        yield running


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


def toml(value: Any) -> str:
    """A value of a settings file."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class Hall:
    """Where workers work: a settings file over the systems and a database."""

    def __init__(self, folder: Path, town: Town, database: str) -> None:
        self.file, self.environ = folder / "opsgraph.toml", dict(os.environ)
        self._logs, self._folder = 0, folder
        lines = [
            "[writes]", f"store = {toml(database)}", 'role = "gateway"', f"beat = {BEAT}", f"silence = {SILENCE}",
            "[writes.rounds]", "look = 0.1", "left = 0.2",
        ]  # fmt: skip
        for name, vendor in vendors().items():
            package, source = simulator(name), vendor.system.value.lower()
            if package is not None:
                connection = package.connection(town.urls[source])
                table = {"vendor": name, "timeout": 20.0, **connection.table}
                lines += [f"[sources.{source}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
                self.environ |= connection.secrets
        self.file.write_text("\n".join(lines))

    @contextmanager
    def worker(self, name: str) -> Iterator["Worker"]:
        """A worker that has told that it works; killed at the end, unless it has ended."""
        self._logs += 1
        with (self._folder / f"{name}-{self._logs}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "work", "--config", str(self.file), "--name", name, "--port", "0"],
                cwd=ROOT,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            assert process.stdout
            try:
                line = process.stdout.readline()
                assert line.startswith(f"opsgraph: working as {name}, http://"), Path(log.name).read_text()
                yield Worker(process, line.rpartition(" ")[2].strip())
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
                process.stdout.close()


class Worker:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def ready(self) -> tuple[int, dict[str, Any]]:
        answer = httpx2.get(self.url, timeout=20)
        return answer.status_code, answer.json()


@pytest.fixture
def hall(tmp_path: Path, systems: Town, postgres: str) -> Hall:
    return Hall(tmp_path, systems, postgres)


@pytest.fixture
async def gateway(systems: Town, postgres: str) -> AsyncIterator[Office]:
    """A process that only accepts."""
    catalog = open_catalog(settings(systems.urls).sources)
    rules = load_rules(ROOT / "policies" / "rules").writes
    opening = Opening(store=postgres, durable=postgres, role=Role.GATEWAY, patience=0.0)
    try:
        async with open_writes(opening, catalog, lambda: rules) as writes:
            yield Office(systems, catalog, writes)
    finally:
        await catalog.close()


async def order(gateway: Office, quantity: int = 10, **given: Any) -> Answer:
    """An order of a customer who has ordered nothing yet: whoever has would have to amend."""
    account = next(BUYERS)
    return await gateway.send(
        "submitOrder", await gateway.order(account, quantity=quantity, **given), key=uuid.uuid4().hex
    )


async def under_way(gateway: Office, executor: str) -> list[str]:
    """Operations that an executor has begun and not ended, once there is one: it sends orders until it gets one, since
    whoever looks into the queue first takes what is there."""
    for number in range(20, 60):
        await order(gateway, number)
        for _ in range(50):
            runs = await gateway.durable.runs(states=[RunState.RUNNING])
            found = [run.id for run in runs if run.executor == executor]
            known = [await gateway.store.read(steps.of_operation, each) for each in found]
            if any(sum(step.outcome is StepOutcome.OK for step in each) >= 2 for each in known):
                return found
            await asyncio.sleep(0.01)
    raise AssertionError(f"`{executor}` takes nothing")


async def ended(gateway: Office, operation: str) -> Operation:
    run = await gateway.durable.result(operation, 60)
    assert run.state is RunState.SUCCEEDED
    return await gateway.store.read(operations.find, operation)


async def test_what_a_killed_worker_leaves_another_finishes(hall: Hall, gateway: Office) -> None:
    early = await order(gateway, 3)
    assert (early.member, (await gateway.operation(early)).state) == (Outcome.ACCEPTED, State.RECEIVED)
    with hall.worker("first") as first, hall.worker("second") as second:
        left = await under_way(gateway, "first")
        first.kill()
        for run in await gateway.durable.runs(first=1000):
            operation = await ended(gateway, run.id)
            assert (operation.state, operation.reason) == (State.COMPLETED, None)
            did = gateway.town.did(operation.id)
            assert {"crm", "billing", "erp"} <= set(did)
            assert not [
                kind for kinds in did.values() for kind, times in kinds.items() if times > 1 and "update" not in kind
            ]
        took_over = {run.id: run.executor for run in [await gateway.durable.state(each) for each in left] if run}
        assert "second" in took_over.values(), "none was under way when its worker died"
        code, told = second.ready()
        assert (code, told["ready"], told["executor"], told["writes"]) == (200, True, "second", "OPEN")
        assert {each["begunBy"] for each in told["rounds"].values()} <= {"first", "second"}
        assert len(told["rounds"]) == 8
        assert (
            'opsgraph_round_age_seconds{round="left.start"}' in httpx2.get(second.url.replace("readyz", "metrics")).text
        )
    assert await gateway.audit_breaks() == []


async def test_a_worker_that_is_told_to_stop_leaves_nothing_half_done(hall: Hall, gateway: Office) -> None:
    with hall.worker("third") as third:
        left = await under_way(gateway, "third")
        third.process.send_signal(signal.SIGTERM)
        assert third.process.wait(30) == 0
    before = [await gateway.store.read(steps.of_operation, each) for each in left]
    assert [step.name for each in before for step in each if step.outcome is None] == []
    with hall.worker("fourth"):
        for each in left:
            assert (await ended(gateway, each)).state is State.COMPLETED
    after = [await gateway.store.read(steps.of_operation, each) for each in left]
    assert {step.attempts for each in after for step in each} == {1}


async def test_what_is_approved_at_a_gateway_goes_on_in_a_worker(hall: Hall, gateway: Office) -> None:
    with hall.worker("fifth") as fifth:
        answer = await order(gateway, 12, due_days=60)
        await gateway.until(answer, State.AWAITING_APPROVAL)
        told = httpx2.get(fifth.url.replace("readyz", "metrics"), timeout=20).text
        assert 'opsgraph_approvals_waiting{role="finance_controller"} 1' in told
        assert 'opsgraph_operations_under_way{state="AWAITING_APPROVAL"} 1' in told
        await gateway.approve(CONTROLLER, answer)
        assert answer.operation
        assert (await ended(gateway, answer.operation.id)).state is State.COMPLETED


def test_a_dead_worker_is_replaced_within_a_minute() -> None:
    """What is waited for one after another: the silence, the next beat of somebody else, and the next look at the queue."""
    assert Pulse().silence + Pulse().beat + Capacity().poll < 60


@pytest.mark.parametrize(
    ("writes", "arguments", "line"),
    [
        ("", [], "[writes] there is no `store`, so there is nothing to run: name the one of the gateways"),
        ('store = "sqlite:///PATH/a.db"\ndurable = "sqlite:///PATH/b.db"', [], "[writes] `role` is `worker`"),
        ('store = "postgresql://127.0.0.1:1/none"', [], "[writes] our own tables cannot be opened"),
        ('store = "postgresql://127.0.0.1:1/none"', ["--name", "x" * 65], "`--name` has 65 characters"),
    ],
)
def test_what_keeps_a_worker_from_starting_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], writes: str, arguments: list[str], line: str
) -> None:
    file = tmp_path / "opsgraph.toml"
    file.write_text("[writes]\n" + writes.replace("PATH", str(tmp_path)))
    assert main(["work", "--config", str(file), "--port", "0", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"opsgraph: {line}")
    assert said.count("\n") == 1
