"""The token of an operation: of which systems, and since when, a reader must see what it has written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from resolvers.facts.operations import freshness
from sources.store.steps import Direction, Step, StepOutcome

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def step(number: int, source: str | None, seconds: float | None, outcome: StepOutcome = StepOutcome.OK) -> Step:
    return Step(
        operation_id="op",
        number=number,
        name=f"step {number}",
        direction=Direction.DO,
        source=source,
        owner=None,
        key=f"op:{number}",
        outcome=outcome,
        attempts=1,
        request_id=None,
        message=None,
        started_at=NOON,
        finished_at=None if seconds is None else NOON + timedelta(seconds=seconds),
    )


async def told(*steps: Step) -> Mapping[str, float] | None:
    """What the token of an operation with these steps stands for: seconds after noon by source; None without one."""

    async def held(keys: Sequence[str]) -> dict[str, list[Step]]:
        return {key: list(steps) for key in keys if steps}

    context: Any = SimpleNamespace(office=SimpleNamespace(steps=held), pinned=lambda ended: ended)
    operation: Any = SimpleNamespace(key="op")
    [found] = await freshness([operation], None, context)  # type: ignore[arg-type]
    token: Any = found
    return None if token is None else {source: at - NOON.timestamp() for source, at in token.items()}


async def test_it_stands_for_the_last_end_in_each_system() -> None:
    assert await told(step(1, "crm", 1), step(2, "billing", 2), step(3, "crm", 3)) == {"crm": 3, "billing": 2}


@pytest.mark.parametrize("outcome", [StepOutcome.PERMANENT, StepOutcome.UNKNOWN])
async def test_a_step_that_failed_may_have_written_all_the_same(outcome: StepOutcome) -> None:
    assert await told(step(1, "crm", 1, outcome)) == {"crm": 1}


async def test_what_is_under_way_or_our_own_or_was_never_sent_needs_none() -> None:
    assert await told() is None
    assert await told(step(1, "", 1), step(2, "crm", None), step(3, None, 3)) is None
    assert await told(step(1, "", 1), step(2, "crm", 2)) == {"crm": 2}
