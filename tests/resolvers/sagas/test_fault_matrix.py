"""Every step of every governed write, and every way of taking one back, meets every fault.

The writes are those of `resolvers.sagas.writes`, each asked for as `asked` has it, so that a new one is met too. A crash
before and after each step is `test_crashes.py`'s.
"""

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer, Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.reserve import Reserve
from resolvers.sagas.saga import Saga, Step
from resolvers.sagas.writes import WRITES
from sources.canonical.commands import Command
from sources.store import reservations
from sources.store.exceptions import ExceptionItem
from sources.store.operations import Operation, Outcome, State
from sources.store.reservations import Held
from tests.fakes.ledger import Effect, FakeWriter
from tests.fakes.own_ledger import own_ledger
from tests.resolvers.sagas.asked import FULL, SHARED, Walk, arranged, own, walks
from tests.resolvers.sagas.conftest import QUICK, House, Open

PASSING = ["away", "hang", "late", "lose", "lose_before"]
"""Faults that pass, or that are found to have passed: nothing was sent; no answer, and nothing happened (`hang`,
`lose_before`) or it did (`late`, `lose`)."""
OPPOSITE = {
    "PutOrder": "CancelOrder", "PlaceSalesOrder": "CloseSalesOrder", "PrepareSubscription": "DropSubscription",
    "CreditInvoice": "VoidCredit", "PutAccount": "PutAccount", "Reserve": "Release",
}  # fmt: skip
SAGAS: Mapping[str, Saga] = {saga.mutation: saga for saga in WRITES}
WALKS = walks(SAGAS)
EVER = 50  # times: until somebody is asked
PATIENT = replace(QUICK, longest=0.3, settling=(0.02,) * 5)
"""Nobody is asked because this machine is slow."""
UNHURRIED = replace(QUICK, longest=60.0)
"""Nothing hangs: what takes long is not taken for lost."""
Faults = dict[str, list[str]]


def steps(walk: Walk) -> list[Step]:
    return [step for step in SAGAS[walk.mutation].steps if step.name not in walk.without]


def forward(walk: Walk) -> list[str]:
    return [step.name for step in steps(walk)]


def free(walk: Walk) -> list[Step]:
    """The steps up to the point of no return, with it: whatever happens to them, there is a way back."""
    every = steps(walk)
    return every[: next((place for place, step in enumerate(every, 1) if step.pivot), len(every))]


def bound(walk: Walk) -> list[Step]:
    """The steps past it: there is only forward."""
    return steps(walk)[len(free(walk)) :]


def undone(done: Sequence[Step]) -> list[str]:
    """What takes these back, the last one first."""
    return [f"{step.name}:undo" for step in reversed(done) if step.undo is not None]


def before(walk: Walk, step: Step) -> list[Step]:
    return steps(walk)[: steps(walk).index(step)]


FREE = [(walk, step) for walk in WALKS for step in free(walk)]
BACK = [walk for walk in WALKS if undone(free(walk)[:-1])]


class Case(NamedTuple):
    """One write under way, with faults of its own."""

    walk: Walk
    faults: Faults
    key: str
    answer: Answer

    @property
    def operation(self) -> str:
        assert self.answer.operation
        return self.answer.operation.id


class Chosen(FakeWriter):
    """Every request has faults of its own, by its correlation and the name of the step."""

    by_request: dict[str, Faults]

    def fault(self, command: Command, name: str, key: str) -> str | None:
        looking = "find " if name.startswith("find ") else ""
        step = key.removeprefix(f"{command.operation}:")
        waiting = self.by_request.get(command.correlation, {}).get(f"{looking}{step}", [])
        return waiting.pop(0) if waiting else None


class Matrix:
    """Sends writes side by side, each with the faults it is to meet."""

    def __init__(self, house: House) -> None:
        self.house, self.desk = house, Desk(house.writes)
        self._keys = (f"A{number}" for number in itertools.count())
        self.writer = house.systems.books = Chosen(house.ledger, {})
        self.writer.by_request = {}
        house.systems.records = [each for each in FULL if isinstance(each, SHARED)]
        house.writes._patience = 0.05  # nobody waits for the end of those that come quickly

    async def all(self, asked: Iterable[tuple[Walk, Faults]]) -> list[Case]:
        return await asyncio.gather(*(self.send(walk, faults) for walk, faults in asked))

    async def send(self, walk: Walk, faults: Faults) -> Case:
        key = next(self._keys)
        self.writer.by_request[key] = faults
        self.house.systems.records += arranged(walk, key)
        person = "human" if walk.asker.human else "subject"  # a person of its own: some duties do not go together
        asker = msgspec.structs.replace(walk.asker, **{person: f"person {key}"})
        request = Request(asker=asker, input=own(walk.given, key), key=key, correlation=key)
        answer = await self.house.writes.accept(walk.mutation, request)
        assert answer.findings == (), walk.mutation
        if answer.member is Outcome.NEEDS_APPROVAL:
            await self.house.until(answer, State.AWAITING_APPROVAL)
            for asked in await self.house.approvals(answer):
                approver = Asker(subject=f"approves {key}", roles=frozenset({asked.role}))
                await self.desk.approve(approver, asked.id, asked.evidence_hash)
        return Case(walk, faults, key, answer)

    async def raised(self, case: Case, number: int) -> ExceptionItem:
        """The exception with this number, counted from one, once it is there."""
        for _ in range(600):
            found = await self.house.exceptions(case.answer)
            if len(found) >= number:
                return found[number - 1]
            await asyncio.sleep(0.1)
        raise AssertionError(f"nobody is asked: {case[:3]}, {(await self.house.operation(case.answer)).state}")

    async def completed(self, case: Case) -> None:
        """It is done: each effect once, in order."""
        operation = await self.house.ended(case.answer)
        assert (operation.state, operation.reason) == (State.COMPLETED, None), case[:2]
        assert self.did(case) == forward(case.walk), case[:2]
        await self._nothing_is_held(case, {Held.RELEASED, Held.CONSUMED})

    async def taken_back(self, case: Case, done: Sequence[Step], *, alone: State = State.REJECTED) -> Operation:
        """What was done is taken back in exactly the reverse order, and nothing is left of it; `alone` is how it ends
        where nothing was."""
        operation = await self.house.ended(case.answer)
        assert operation.state is (State.COMPENSATED if done else alone), case[:2]
        assert self.did(case) == [*(step.name for step in done), *undone(done)], case[:2]
        assert self.house.ledger.open_records(case.operation) == set(), case[:2]
        commands = {self.step(effect): effect.command for effect in self.effects(case)}
        for step in done:
            if step.undo is not None:
                assert commands[f"{step.name}:undo"] == OPPOSITE[commands[step.name]]
        await self._nothing_is_held(case, {Held.RELEASED})
        return operation

    async def _nothing_is_held(self, case: Case, ended: set[Held]) -> None:
        for step in steps(case.walk):
            if step.writes is Reserve:
                found = await self.house.store.read(reservations.find, f"{case.operation}:{step.name}")
                assert found is None or found.state in ended, case[:2]

    def effects(self, case: Case) -> list[Effect]:
        return self.house.ledger.effects(case.operation)

    def step(self, effect: Effect) -> str:
        return effect.key.removeprefix(f"{effect.operation}:")

    def did(self, case: Case) -> list[str]:
        return [self.step(effect) for effect in self.effects(case)]


@pytest.fixture
async def matrix(opened: Open, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Matrix:
    made = Matrix(await opened(pace=getattr(request, "param", PATIENT)))
    monkeypatch.setattr("resolvers.sagas.attempt.Ledger", own_ledger(made.writer, made.house.ledger))
    return made


@pytest.mark.parametrize("walk", WALKS, ids=[walk.mutation for walk in WALKS])
def test_no_kind_of_step_is_left_out(walk: Walk) -> None:
    """What is left out of a walk is only more of the same, as the second invoice of an order."""
    assert {step.writes for step in steps(walk)} == {step.writes for step in SAGAS[walk.mutation].steps}
    assert walk.without <= {step.name for step in SAGAS[walk.mutation].steps}


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_or_is_found_again_changes_nothing(matrix: Matrix, fault: str) -> None:
    """Each step of a write meets it, one after another."""
    for case in await matrix.all((walk, {name: [fault] for name in forward(walk)}) for walk in WALKS):
        await matrix.completed(case)
        assert not any(case.faults.values()), "every step met it"


async def test_a_refusal_takes_back_what_was_done_in_reverse(matrix: Matrix) -> None:
    cases = await matrix.all((walk, {step.name: ["refuse"]}) for walk, step in FREE)
    for case, (walk, step) in zip(cases, FREE, strict=True):
        operation = await matrix.taken_back(case, before(walk, step))
        assert operation.reason
        assert operation.reason.startswith("SOURCE_REJECTED: ")
    assert await matrix.house.audit_breaks() == []


async def test_past_the_point_of_no_return_a_refusal_is_its_owners(matrix: Matrix) -> None:
    """Each step after it is refused once: nothing is taken back, and it goes on from there."""

    async def resumed(case: Case) -> None:
        for number, step in enumerate(bound(case.walk), 1):
            raised = await matrix.raised(case, number)
            assert (raised.owner, raised.kind) == (step.concern.owner, "SOURCE_REJECTED"), (case[:2], step.name)
            await matrix.house.tell(case.answer, Action.COMPENSATE)  # is not heard: there is no way back
            await matrix.house.tell(case.answer, Action.RESUME)

    asked = [(walk, {step.name: ["refuse"] for step in bound(walk)}) for walk in WALKS if bound(walk)]
    cases = await matrix.all(asked)
    await asyncio.gather(*map(resumed, cases))
    for case in cases:
        await matrix.completed(case)


@pytest.mark.parametrize("fault", PASSING)
async def test_what_takes_a_step_back_meets_faults_too(matrix: Matrix, fault: str) -> None:
    """The last step that can be refused is, so that everything before it is taken back; each of that fails once."""
    for case in await matrix.all((walk, backwards(walk, fault)) for walk in BACK):
        await matrix.taken_back(case, free(case.walk)[:-1])
        assert not any(case.faults.values()), "every step met it"


async def test_the_way_back_stops_where_it_is_refused(matrix: Matrix) -> None:
    async def resumed(case: Case) -> None:
        done = free(case.walk)[:-1]
        for number, _ in enumerate(undone(done), 1):
            raised = await matrix.raised(case, number)
            assert (raised.owner, raised.kind) == ("finance", "SOURCE_REJECTED")
            assert matrix.did(case) == [*(step.name for step in done), *undone(done)[: number - 1]], "the rest waits"
            await matrix.house.tell(case.answer, Action.RESUME)

    cases = await matrix.all((walk, backwards(walk, "refuse")) for walk in BACK)
    await asyncio.gather(*map(resumed, cases))
    for case in cases:
        await matrix.taken_back(case, free(case.walk)[:-1])


def backwards(walk: Walk, fault: str) -> Faults:
    """The last step that can be refused is, and whatever takes back those before it meets a fault."""
    *done, last = free(walk)
    return {last.name: ["refuse"]} | {name: [fault] for name in undone(done)}


@pytest.mark.parametrize("matrix", [UNHURRIED], indirect=True, ids=["unhurried"])
@pytest.mark.parametrize("happened", ["lose_before", "lose"])
async def test_what_is_given_up_is_taken_back_also_where_it_had_happened(matrix: Matrix, happened: str) -> None:
    """No answer ever comes, until a person says that it is to be taken back. What turns out to have happened then is
    taken back with the rest; where there is no way back from it, it goes on."""

    async def given_up(case: Case) -> None:
        await matrix.raised(case, 1)
        case.faults.clear()
        await matrix.house.tell(case.answer, Action.COMPENSATE)

    asked = [(walk, {step.name: [happened] * EVER, f"find {step.name}": ["unknown"] * EVER}) for walk, step in FREE]
    cases = await matrix.all(asked)
    await asyncio.gather(*map(given_up, cases))
    for case, (walk, step) in zip(cases, FREE, strict=True):
        if happened == "lose_before":
            await matrix.taken_back(case, before(walk, step), alone=State.CANCELED)
        elif step.pivot or (step is steps(walk)[-1] and step.undo is None):
            await matrix.completed(case)
        else:
            await matrix.taken_back(case, [*before(walk, step), step])
    assert await matrix.house.audit_breaks() == []
