"""One durable attempt at a step: the command is made, sent under its key, looked for where no answer came, and noted.

It never raises for what a system says or for what is wrong with a step: both are how the step ended. What it sends it
may send again after a crash, under the same key; the writer sees to it that twice is once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from resolvers.sagas import notes
from resolvers.sagas.concerns import UNDO_FAILED, Concern
from resolvers.sagas.errands import errand
from resolvers.sagas.ledger import Ledger
from resolvers.sagas.outcome import CONCERNS, Told, done, told
from resolvers.sagas.reserve import Consume, Release, Reserve
from resolvers.sagas.room import Pace, Room
from resolvers.sagas.saga import State, Step
from sources.cache.tags import changed
from sources.canonical.commands import Command, Written
from sources.errors import Duplicate, Missing, SourceError
from sources.ports import Writer
from sources.store.steps import Attempt, Direction, StepOutcome

_log = logging.getLogger("opsgraph.sagas")
_OURS = (Reserve, Release, Consume)
_AGAIN = (StepOutcome.TRANSIENT, StepOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is attempted: one step in one direction.

    `changes`: values that a person put in place of the command's own, `revision` how often. `exception` is the id under
    which one is opened if it ends as `opens` says. `lost`: it was sent before, and nobody knows what became of it.
    """

    number: int
    step: Step
    direction: Direction
    exception: str
    opens: frozenset[StepOutcome] = frozenset({StepOutcome.GOVERNED})
    changes: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    lost: bool = False

    def key(self, operation: str) -> str:
        """What it is sent under: stable over retries and crashes, another one for another value."""
        undo = ":undo" if self.direction is Direction.UNDO else ""
        return f"{operation}:{self.step.name}{undo}{f':{self.revision}' if self.revision else ''}"


async def attempt(room: Room, state: State[Any, Any], turn: Turn, mutation: str) -> Told:
    """Tries a step; see the module."""
    command: Command | None = None
    try:
        command = _command(turn, state)
        if command is None:
            return Told(outcome=StepOutcome.SKIPPED, message="there is nothing to do")
        writer = _writer(room, command, state)
    except SourceError as error:
        unsent = msgspec.structs.replace(told(error, command), unsent=True)
        return await _noted(room, state, turn, mutation, command, unsent)
    except Exception as error:  # a mistake of ours: a person has to see it
        _log.exception("step `%s` of `%s` cannot be made", turn.step.name, state.operation)
        message = f"the step cannot be made: {_said(error)}"
        wrong = Told(outcome=StepOutcome.GOVERNED, code="INTERNAL", message=message, unsent=True)
        return await _noted(room, state, turn, mutation, command, wrong)
    source = _source(writer)
    pause = await room.write(notes.begin, _attempt(turn, state, source), frozenset({source}), room.clock())
    if pause is not None:
        why = f"writes are paused: {pause.reason}"
        return Told(outcome=StepOutcome.TRANSIENT, code="WRITES_PAUSED", message=why, unsent=True)
    ended = await _sent(room.pace, writer, command, turn, state.operation)
    if ended.written is not None:
        _forget(room, state, writer, command, ended.written)
    return await _noted(room, state, turn, mutation, command, ended, begun=True)


async def settle(room: Room, state: State[Any, Any], turn: Turn, mutation: str, *, refused: bool = False) -> Told:
    """What became of a step that was sent and is to be taken back: done, or a part of it, never done (SKIPPED), or
    still unknown. One that was `refused` may have left a part; where there is none, the refusal stays on record."""
    command = None
    try:
        command = _command(turn, state)
        if command is None:
            return Told(outcome=StepOutcome.SKIPPED)
        writer = _writer(room, command, state)
        with errand(room.pace.longest):
            async with asyncio.timeout(room.pace.longest):
                found = await writer.find(command, turn.key(state.operation))
        if found is not None:
            _forget(room, state, writer, command, found)
    except Missing:
        found = None
    except (SourceError, TimeoutError) as error:
        if refused and isinstance(error, SourceError) and told(error, command).refused:
            return Told(outcome=StepOutcome.SKIPPED)  # it cannot even be looked for
        lost = Told(outcome=StepOutcome.UNKNOWN, code="OUTCOME_UNKNOWN", message="nobody says what became of it")
        return await _noted(room, state, turn, mutation, command, lost)
    if found is None and refused:
        return Told(outcome=StepOutcome.SKIPPED)
    if found is None:
        never = Told(outcome=StepOutcome.SKIPPED, message="it never happened")
        return await _noted(room, state, turn, mutation, command, never)
    return await _noted(room, state, turn, mutation, command, done(found))


def _command(turn: Turn, state: State[Any, Any]) -> Command | None:
    build = turn.step.undo if turn.direction is Direction.UNDO else turn.step.do
    command = build(state) if build is not None else None
    if command is None or not turn.changes:
        return command
    return msgspec.convert(msgspec.to_builtins(command) | dict(turn.changes), type(command))


def _writer(room: Room, command: Command, state: State[Any, Any]) -> Writer:
    if isinstance(command, _OURS):
        return Ledger(room.store, room.clock)
    return room.systems.writer(type(command), state.facts.entity)


def _source(writer: Writer) -> str:
    return str(getattr(writer, "name", ""))


async def _sent(pace: Pace, writer: Writer, command: Command, turn: Turn, operation: str) -> Told:
    """Sends it a few times at once; every writer looks for it first, and completes what is there by half."""
    key, lost, unsent = turn.key(operation), turn.lost, not turn.lost
    ended = Told(outcome=StepOutcome.UNKNOWN, code="OUTCOME_UNKNOWN", message="it was sent, and no answer came in time")
    for number in range(pace.tries):
        if number:
            await asyncio.sleep(pace.pause * 2 ** (number - 1))
        try:
            with errand(pace.longest):
                async with asyncio.timeout(pace.longest):
                    return done(await writer.do(command, key))
        except TimeoutError:
            lost, unsent = True, False
            continue
        except Duplicate as error:
            return _open(await _there_already(pace, writer, command, key, error), lost)
        except Missing as error:
            if turn.direction is Direction.UNDO:
                return Told(outcome=StepOutcome.OK, message="there is nothing left to take back")
            return _open(told(error, command), lost)
        except SourceError as error:
            said, unsent = told(error, command), unsent and error.unsent
            if said.outcome not in _AGAIN:
                return _open(msgspec.structs.replace(said, unsent=unsent), lost)
            if said.outcome is StepOutcome.UNKNOWN or not lost:
                ended = said  # what is unknown stays so, whatever else goes wrong while it is looked for
            lost = lost or said.outcome is StepOutcome.UNKNOWN
    return msgspec.structs.replace(ended, unsent=unsent)


def _open(said: Told, lost: bool) -> Told:
    """A refusal does not tell what becomes of what was sent before it without an answer: that stays unknown."""
    if not lost or said.outcome is not StepOutcome.PERMANENT:
        return said
    return msgspec.structs.replace(said, outcome=StepOutcome.UNKNOWN, code="OUTCOME_UNKNOWN")


async def _there_already(pace: Pace, writer: Writer, command: Command, key: str, error: Duplicate) -> Told:
    """It exists: ours from an attempt before, or somebody else's."""
    try:
        with errand(pace.longest):
            async with asyncio.timeout(pace.longest):
                found = await writer.find(command, key)
    except (SourceError, TimeoutError):
        return Told(outcome=StepOutcome.UNKNOWN, code="OUTCOME_UNKNOWN", message=error.message, source=error.source)
    return done(found) if found is not None else told(error, command)


async def _noted(
    room: Room,
    state: State[Any, Any],
    turn: Turn,
    mutation: str,
    command: Command | None,
    ended: Told,
    begun: bool = False,
) -> Told:
    """Notes the end of it, and opens the exception if it is one that no waiting helps."""
    undo = turn.direction is Direction.UNDO
    writes = type(command) if command is not None else turn.step.writes
    tried = notes.Tried(
        attempt=_attempt(turn, state),
        action=f"{mutation}.{turn.step.name}{'.undo' if undo else ''}.{writes.target.__name__}",
        command=msgspec.to_builtins(command) if command is not None else None,
    )
    opens = ended.outcome in turn.opens

    def note(connection: Any) -> None:
        now = room.clock()
        if not begun:
            notes.begin(connection, tried.attempt, frozenset(), now)
        notes.finish(connection, room.chain, tried, ended, now)
        if opens:
            concern = concern_of(turn.step, ended, undo=undo)
            notes.attention(connection, room.chain, tried, ended, turn.exception, concern, now)

    await room.write(note)
    return msgspec.structs.replace(ended, exception=turn.exception) if opens else ended


def concern_of(step: Step, ended: Told, *, undo: bool) -> Concern:
    """Whose it is that a step ended so."""
    if undo and ended.outcome is not StepOutcome.UNKNOWN:
        return UNDO_FAILED
    return CONCERNS.get(ended.code or "", step.concern)


def _attempt(turn: Turn, state: State[Any, Any], source: str | None = None) -> Attempt:
    return Attempt(
        operation_id=state.operation,
        number=turn.number,
        name=turn.step.name,
        key=turn.key(state.operation),
        direction=turn.direction,
        source=source,
        owner=turn.step.concern.owner,
    )


def _forget(room: Room, state: State[Any, Any], writer: Writer, command: Command, written: Written) -> None:
    """What was remembered of the account and of the records that a command touches is older than what was written."""
    if isinstance(command, _OURS):
        return
    tags = changed(command, written, writer.touches.get(type(command), ()))
    account = state.facts.account
    room.systems.wrote(written.source, [*tags, *([f"account:{account}"] if account else [])])


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
