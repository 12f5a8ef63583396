"""The interpreter: carries a saga out step by step over a durable execution, and takes it back in reverse.

Between checkpoints it computes only, and from their answers alone, so that a replay goes the same way. A saga makes one
checkpoint for its judgement, one for each step that is done or taken back, and one for its end; waits add theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import msgspec

from resolvers.sagas import notes
from resolvers.sagas.attempt import Turn, attempt, settle
from resolvers.sagas.instruction import ATTENTION, Action, Instruction
from resolvers.sagas.judge import Course, Judged, judge
from resolvers.sagas.looking import AHEAD, Seen, look
from resolvers.sagas.outcome import Told
from resolvers.sagas.rates import rated
from resolvers.sagas.room import Room
from resolvers.sagas.saga import Look, Saga, Step
from resolvers.sagas.saga import State as Made
from sources.durable import Execution, Workflow
from sources.store.exceptions import Resolution
from sources.store.operations import State
from sources.store.steps import Direction, StepOutcome

APPROVAL = "approval"  # the topic of "somebody has decided: look"
_RESOLUTIONS = {
    Action.RESUME: Resolution.RESUMED,
    Action.SKIP: Resolution.SKIPPED,
    Action.COMPENSATE: Resolution.COMPENSATED,
}
Known: TypeAlias = Made[Any, Any]


class Begin(msgspec.Struct, frozen=True):
    """What a run is given: everything else is in the operation's row."""

    operation: str


def workflow(room: Room, saga: Saga) -> Workflow:
    """A saga as durable work."""
    saga = rated(saga, room)

    async def body(execution: Execution, begin: Begin) -> str:
        return await Run(room, saga, execution, begin.operation).through()

    return Workflow(name=saga.workflow, payload=Begin, body=body)


class Run:
    """One operation under way."""

    def __init__(self, room: Room, saga: Saga, execution: Execution, operation: str) -> None:
        self._room, self._saga, self._execution, self._operation = room, saga, execution, operation
        self._raised = 0
        self._called_back: State | None = None
        self._turn: Turn | None = None  # the last one that was tried

    async def through(self) -> str:
        """From the judgement to the end; the state it ended in."""
        judged = await self._judged()
        if judged.course is Course.ENDED:
            return judged.state
        made = self._made(judged)
        behind: list[tuple[int, Step]] = []
        bound = False  # past the point of no return
        for number, step in enumerate(self._saga.steps, 1):
            made, why = (made, None) if bound else await self._waited(number, step, made)
            if why is not None:
                return await self._back(made, behind, why)
            told = await self._step(number, step, Direction.DO, made, bound=bound)
            if not told.settled:
                # What was sent last is taken back too, also where it was refused: it may have been done by half.
                found = told if told.unsent else await self._settled(number, step, made, refused=told.refused)
                if found.written is None or told.refused or not self._final(step):
                    if found.written is not None:
                        made = replace(made, written={**made.written, step.name: found.written})
                        behind.append((number, step))
                    return await self._back(made, behind, f"{told.code}: {told.message}")
                told = found
            if told.written is not None:
                made = replace(made, written={**made.written, step.name: told.written})
                behind.append((number, step))
                bound = bound or step.pivot
        return await self._end(State.COMPLETED, None)

    def _final(self, step: Step) -> bool:
        """Whether there is no way back once it is done: whoever gave it up without an answer did so too late."""
        return step.pivot or (step.undo is None and step is self._saga.steps[-1])

    def _made(self, judged: Judged) -> Known:
        return Made(
            operation=self._operation,
            correlation=judged.correlation,
            input=msgspec.json.decode(judged.payload, type=self._saga.input),
            known=msgspec.convert(judged.facts.known, self._saga.known),
            facts=judged.facts,
            at=judged.at,
        )

    # ------------------------------------------------------------ the judgement

    async def _judged(self) -> Judged:
        waits = self._room.pace.waits()
        while True:
            exception, last = self._next_exception(0), not waits
            judging = partial(judge, self._room, self._saga, self._operation, exception, last=last)
            judged = await self._execution.step("judge", judging, Judged)
            if judged.course in (Course.GO, Course.ENDED):
                return judged
            if judged.course is Course.WAIT:
                await self._execution.wait(APPROVAL, judged.wait + 1.0, dict)
            elif judged.course is Course.LATER:
                await self._execution.wait(APPROVAL, waits.pop(0), dict)
            else:
                instruction = await self._instructed(exception, compensates=True)
                if instruction.called_back is not None:
                    ended = await self._end(instruction.called_back, instruction.reason)
                    return Judged(course=Course.ENDED, state=ended)
                waits = self._room.pace.waits()

    # ------------------------------------------------------------ one step

    async def _step(self, number: int, step: Step, direction: Direction, made: Known, *, bound: bool) -> Told:
        """A step until it is done, skipped, or (only forward, and only if not `bound`) to be taken back."""
        forward = direction is Direction.DO
        name = step.name if forward else f"undo {step.name}"
        may_go_back = forward and not bound
        outages, settling = self._room.pace.waits(), list(self._room.pace.settling)
        turn, sent = Turn(number, step, direction, exception=""), False
        while True:
            turn = self._turn = replace(
                turn,
                exception=self._next_exception(number),
                opens=_opens(may_go_back, outages=bool(outages), settling=bool(settling)),
            )
            trying = partial(attempt, self._room, made, turn, self._saga.mutation)
            told = await self._execution.step(name, trying, Told)
            if told.settled:
                return told
            sent = sent or not told.unsent
            told = msgspec.structs.replace(told, unsent=not sent)
            unknown = told.outcome is StepOutcome.UNKNOWN
            turn = replace(turn, lost=unknown or (turn.lost and told.outcome is StepOutcome.TRANSIENT))
            if told.exception is not None:
                instruction = await self._instructed(told.exception, compensates=may_go_back)
                if instruction.action is Action.SKIP:
                    return await self._skipped(turn, made, instruction)
                if instruction.action is Action.COMPENSATE:
                    return told
                turn = _changed(turn, instruction, told)
                outages, settling = self._room.pace.waits(), list(self._room.pace.settling)
                continue
            if told.outcome is StepOutcome.PERMANENT:
                return told
            if await self._canceled_during(_pause(told, outages, settling), may_go_back):
                return told

    async def _canceled_during(self, seconds: float, may_go_back: bool) -> bool:
        """A durable wait, which a person may cut short, or use to call the operation back."""
        instruction = await self._execution.wait(ATTENTION, seconds, Instruction)
        if instruction is None or instruction.exception is not None or not may_go_back:
            return False
        self._called_back = instruction.called_back
        return self._called_back is not None

    async def _waited(self, number: int, step: Step, made: Known) -> tuple[Known, str | None]:
        """Waits durably for a step that begins later, and looks again before; with what is known by then. Second: why
        it is taken back instead. What is said too late is passed over."""
        at = step.begins(made) if step.begins is not None else None
        if at is None or at <= made.at:
            return made, None

        async def note() -> datetime:
            now = self._room.clock()
            await self._room.write(notes.waits, self._operation, at, now)
            return now

        due: datetime | None = at - AHEAD if step.looks is not None and at - AHEAD > made.at else None
        recalled: Instruction | None = None
        while True:
            now = await self._execution.step(f"wait for {step.name}", note, datetime)
            if recalled is not None and now < at:
                self._called_back = recalled.called_back
                return made, f"CANCELED: {recalled.reason}"
            if step.looks is not None and due is not None and due <= now:
                made, why = await self._looked(number, step, step.looks, made)
                if why is not None:
                    return made, why
                due = None
                continue
            if now >= at:
                return made, None
            said = await self._execution.wait(ATTENTION, ((due or at) - now).total_seconds(), Instruction)
            if said is not None and said.exception is None and said.called_back is not None:
                recalled = said

    async def _looked(self, number: int, step: Step, looks: Look, made: Known) -> tuple[Known, str | None]:
        """What is known shortly before the start. Second: why it is taken back, as somebody says who was asked."""
        waits = self._room.pace.waits()
        while True:
            exception, last = self._next_exception(number), not waits
            looking = partial(look, self._room, looks, made, number, step, exception, last=last)
            seen = await self._execution.step(f"look before {step.name}", looking, Seen)
            if seen.course is Course.GO:
                return replace(made, known=msgspec.convert(seen.known, self._saga.known)), None
            if seen.course is Course.LATER:
                if await self._canceled_during(waits.pop(0), may_go_back=True):
                    return made, "CANCELED: while it could not be looked at"
                continue
            instruction = await self._instructed(exception, compensates=True)
            if instruction.action is Action.SKIP:
                return made, None
            if instruction.action is Action.COMPENSATE:
                return made, f"CANCELED: {instruction.reason}"
            waits = self._room.pace.waits()

    async def _skipped(self, turn: Turn, made: Known, instruction: Instruction) -> Told:
        async def skip() -> None:
            await self._room.write(self._note_skip, turn, made, instruction.reason)

        await self._execution.step("skip", skip, type(None))
        return Told(outcome=StepOutcome.SKIPPED, message=instruction.reason)

    def _note_skip(self, connection: Any, turn: Turn, made: Known, reason: str) -> None:
        notes.skipped(connection, self._operation, turn.number, turn.direction, reason, self._room.clock())

    # ------------------------------------------------------------ people

    def _next_exception(self, number: int) -> str:
        return f"{self._operation}:{number}:{self._raised + 1}"

    async def _instructed(self, exception: str, *, compensates: bool) -> Instruction:
        """Waits until somebody says how to go on with an exception; what is meant for another one is passed over."""
        self._raised += 1
        while True:
            instruction = await self._execution.wait(ATTENTION, self._room.pace.attention, Instruction)
            if instruction is None or instruction.exception != exception:
                continue
            if instruction.action is Action.COMPENSATE and not compensates:
                continue
            break
        resolution = _RESOLUTIONS[instruction.action]
        if instruction.action is Action.RESUME and instruction.changes:
            resolution = Resolution.CHANGED
        self._called_back = instruction.called_back

        async def note() -> None:
            await self._room.write(
                notes.resolved,
                self._room.chain,
                self._operation,
                exception,
                resolution,
                instruction.by,
                instruction.reason,
                self._room.clock(),
            )

        await self._execution.step("resolve", note, type(None))
        return instruction

    # ------------------------------------------------------------ the way back

    async def _back(self, made: Known, behind: list[tuple[int, Step]], reason: str) -> str:
        """Takes back what was done, the last thing first."""
        if not behind:
            return await self._end(self._called_back or State.REJECTED, reason)
        for number, step in reversed(behind):
            if step.undo is not None:
                await self._step(number, step, Direction.UNDO, made, bound=True)
        return await self._end(State.COMPENSATED, reason)

    async def _settled(self, number: int, step: Step, made: Known, *, refused: bool) -> Told:
        """What became of a step that was sent: asked again and again, then of a person."""
        settling = list(self._room.pace.settling)
        turn = Turn(number, step, Direction.DO, exception="")
        if self._turn is not None and (self._turn.number, self._turn.direction) == (number, Direction.DO):
            turn = self._turn  # with the values that a person gave it
        refused = refused and not turn.lost
        while True:
            exception = self._next_exception(number)
            turn = replace(turn, exception=exception, opens=_opens(False, outages=True, settling=bool(settling)))
            settle_it = partial(settle, self._room, made, turn, self._saga.mutation, refused=refused)
            told = await self._execution.step(f"settle {step.name}", settle_it, Told)
            if told.outcome is not StepOutcome.UNKNOWN:
                return told
            if told.exception is None:
                await self._execution.sleep(settling.pop(0))
                continue
            if (await self._instructed(exception, compensates=False)).action is Action.SKIP:
                return told

    async def _end(self, state: State, reason: str | None) -> str:
        async def end() -> str:
            return await self._room.write(
                notes.end, self._room.chain, self._operation, state, reason, self._room.clock()
            )

        return await self._execution.step("end", end, str)


def _opens(may_go_back: bool, *, outages: bool, settling: bool) -> frozenset[StepOutcome]:
    """The outcomes that need a person: those for which there is no other way left."""
    waiting: Mapping[StepOutcome, bool] = {
        StepOutcome.GOVERNED: False,
        StepOutcome.PERMANENT: may_go_back,
        StepOutcome.TRANSIENT: outages,
        StepOutcome.UNKNOWN: settling,
    }
    return frozenset(outcome for outcome, another_way in waiting.items() if not another_way)


def _pause(told: Told, outages: list[float], settling: list[float]) -> float:
    """How long to wait for what may pass; a source's own word counts. A pause of ours has no end of its own."""
    if told.code == "WRITES_PAUSED":
        return outages[0] if outages else 60.0
    return max((settling if told.outcome is StepOutcome.UNKNOWN else outages).pop(0), told.wait or 0.0)


def _changed(turn: Turn, instruction: Instruction, told: Told) -> Turn:
    """The same step with other values. What may have happened already is only repeated as it was."""
    changes = {name: value for name, value in instruction.changes.items() if name in turn.step.changeable}
    if not changes or told.outcome is StepOutcome.UNKNOWN:
        return turn
    return replace(turn, changes={**turn.changes, **changes}, revision=turn.revision + 1)
