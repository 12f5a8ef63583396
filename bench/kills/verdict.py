"""What follows from a log: what was lost, doubled or half done, and what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from bench.kills import effects
from bench.kills.crew import GOES_ON
from bench.kills.effects import Effect
from bench.kills.scene import Log
from sources.store.operations import ENDED, State


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`faults` are in words, none where everything holds. `states` and `asked` (kind and owner) count operations,
    `kinds` effects; `in_flight` are kills with work under way, `mid_step` those with a command sent and not noted."""

    faults: tuple[str, ...]
    states: dict[str, int]
    asked: dict[str, int]
    kinds: dict[str, int]
    in_flight: int
    mid_step: int
    starting: int
    answers: int


def judge(log: Log) -> Verdict:
    """See `Verdict`."""
    states = Counter(operation.state for operation in log.books.operations)
    return Verdict(
        faults=tuple(_faults(log)),
        states=dict(sorted(states.items())),
        asked=dict(sorted(Counter(f"{each.kind} ({each.owner})" for each in log.books.asked.values()).items())),
        kinds=dict(sorted(Counter(f"{each.source} {each.kind}" for each in log.effects).items())),
        in_flight=sum(kill.operations > 0 for kill in log.kills),
        mid_step=sum(kill.steps > 0 for kill in log.kills),
        starting=sum(not kill.ready for kill in log.kills),
        answers=sum(map(len, log.answers.values())),
    )


def _faults(log: Log) -> Iterator[str]:
    yield from _lost(log)
    yield from _changed(log)
    yield from _wrong(log)
    yield from (f"doubled: {each}" for each in effects.doubled_parties(log.effects))
    yield from (f"audit: {each.chain} {each.sequence} {each.what}" for each in log.books.breaks)


def _lost(log: Log) -> Iterator[str]:
    """Every order is one operation, and every operation has come to its end or to its owner."""
    known = Counter(operation.idempotency_key for operation in log.books.operations)
    for order in log.orders:
        if known[order.key] != 1:
            yield f"`{order.key}` is {known[order.key]} operations"
    for operation in log.books.operations:
        if operation.state in GOES_ON:
            yield f"`{operation.idempotency_key}` stands still at {operation.state}"
        if operation.state is State.NEEDS_ATTENTION and operation.id not in log.books.asked:
            yield f"`{operation.idempotency_key}` needs attention, and nobody's"
        if operation.state in ENDED and operation.id in log.books.asked:
            yield f"`{operation.idempotency_key}` has ended, and somebody is asked"
        if operation.state in ENDED and operation.id in log.books.reserved:
            yield f"`{operation.idempotency_key}` has ended, and holds credit back"


def _passing(operation: str | None, effect: Effect, log: Log) -> bool:
    """Whether it is billing's own doing as time goes on: periods turn, drafts are finalised, schedules begin."""
    return operation is None and effect.source == "billing" and effect.at >= log.came


def _changed(log: Log) -> Iterator[str]:
    """What was answered once is answered again."""
    for key, answers in log.answers.items():
        if len({(said.operation, said.member) for said in answers}) > 1:
            yield f"`{key}` was answered in several ways: {answers}"
        if any(not said.replayed for said in answers[1:]):
            yield f"`{key}` was accepted twice: {answers}"


def _wrong(log: Log) -> Iterator[str]:
    """What the systems hold is what the operations say."""
    orders = {order.key: order for order in log.orders}
    held = effects.by_operation(log.effects)
    for operation in log.books.operations:
        order = orders[operation.idempotency_key or ""]
        for what in effects.wrong(order, operation.state, held.pop(operation.id, [])):
            yield f"`{order.key}` ({order.kind}, {operation.state}): {what}"
    for stray, done in held.items():
        left = [each for each in done if each.kind not in effects.PARTIES and not _passing(stray, each, log)]
        if left:
            yield f"of no operation ({stray}): {', '.join(each.kind for each in left)}"
