"""What the engine answered, in the form in which it is compared."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson

from gateway.engine.answer import encode
from gateway.engine.documents import Refused
from gateway.engine.engine import Engine, Question
from gateway.engine.fast import Builder
from gateway.engine.frames import Frame
from gateway.engine.plan import Plan
from gateway.engine.run import Run
from policies.principal import Principal
from tests.gateway.engine.differential.oracle import Outcome, Place


class Watched(Engine):
    """An engine that tells whether its compiled builder could show the last answer by itself."""

    compiled = False

    def _shown(self, plan: Plan, run: Run, frame: Frame) -> Any:
        self.compiled = False
        if not self._careful:
            with contextlib.suppress(Exception):
                Builder(run.context, lambda _: None, run.classify).build(frame)
                self.compiled = True
        return super()._shown(plan, run, frame)


async def answered(engine: Watched, question: Question, principal: Principal) -> tuple[Outcome, bool]:
    """The engine's answer as it leaves the house, and whether the compiled builder showed it.

    A plan is compiled when it was run a few times; here it is said to have been.
    """
    with contextlib.suppress(Refused):
        engine.plan(question, principal).uses = 99
    response = await engine.run(question, principal, "c-1")
    body = orjson.loads(encode(response.body))
    return outcome_of(body, response.started), engine.compiled and response.started


def outcome_of(body: dict[str, Any], started: bool) -> Outcome:
    """A response as it is compared. A request that was refused has errors and no data at all."""
    if not started:
        assert "data" not in body, "a refused request has no data"
        assert body["errors"], "a refused request says why"
        return Outcome(refused=True)
    errors = [_place(each) for each in body.get("errors", ())]
    return Outcome(False, body["data"], errors, body["extensions"].get("policy", {}).get("masked", []))


def _place(error: dict[str, Any]) -> Place:
    """A field that was cut is told once for all rows: it is compared by its coordinate, without locations."""
    path, code = tuple(error.get("path", ())), error["extensions"]["code"]
    coordinate = error["extensions"].get("coordinate")
    if coordinate is not None:
        return path, (), f"{code} {coordinate}"
    return path, tuple((each["line"], each["column"]) for each in error.get("locations", ())), code
