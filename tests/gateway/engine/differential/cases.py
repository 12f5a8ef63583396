"""Cases over nasty schemas: a seed tells schema, document, variables and world; both sides answer and are compared."""

from __future__ import annotations

import random
from collections import Counter
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from gateway.engine.answer import encode
from gateway.engine.documents import Limits, Refused
from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from tests.gateway.engine.differential.breakage import broken
from tests.gateway.engine.differential.compare import differences
from tests.gateway.engine.differential.documents import Variable, Writer
from tests.gateway.engine.differential.oracle import Asked, Outcome, Place, possible, told
from tests.gateway.engine.differential.schemas import Nasty, nasty_schema
from tests.gateway.engine.differential.things import Rates, World

PER_SCHEMA = 40  # cases in a row that share a schema
PER_DOCUMENT = 4  # cases in a row that share a document, so that plans are met again with other variables
_LIMITS = Limits(characters=10**6, tokens=10**5, depth=99, fields=10**4, aliases=10**4, roots=10**3, directives=10**4)
_ANYBODY = Principal("anybody")


class Side:
    """The engine over one nasty schema, by both builders."""

    def __init__(self, nasty: Nasty) -> None:
        self.world: World
        graph = Graph(nasty.schema, nasty.types)
        self.fast, self.careful = (
            Engine(graph, None, lambda _: AllowAll(), limits=_LIMITS, rules=lambda: self.world, careful=careful)  # type: ignore[arg-type]
            for careful in (False, True)
        )
        self.careful._documents = self.fast._documents  # what is valid is asked once

    async def answer(self, engine: Engine, question: Question, world: World) -> tuple[Outcome, bool]:
        """The engine's answer, and whether its compiled builder was up to it."""
        self.world = world
        plan = None
        try:
            plan = engine.plan(question, _ANYBODY)
            plan.uses = 99  # as if it had proved itself
        except Refused:
            pass
        response = await engine.run(question, _ANYBODY, "c-1")
        body = orjson.loads(encode(response.body))
        compiled = plan is not None and plan.root.fast is not None and not body.get("errors")
        return outcome_of(body, response.started), compiled


def outcome_of(body: dict[str, Any], started: bool) -> Outcome:
    """A response of the engine as it is compared."""
    if not started:
        assert "data" not in body, "a refused request has no data"
        assert body["errors"], "a refused request says why"
        return Outcome(refused=True)
    return Outcome(False, body["data"], [_place(each) for each in body.get("errors", ())])


def _place(error: dict[str, Any]) -> Place:
    locations = tuple((each["line"], each["column"]) for each in error.get("locations", ()))
    return tuple(error.get("path", ())), locations, error["extensions"]["code"]


class Case(msgspec.Struct):
    """One question to one world."""

    seed: int
    schema_seed: int
    text: str
    variables: dict[str, Any]
    operation: str | None
    rates: Rates


class Verdict(msgspec.Struct):
    """What came of a case: its differences, and what kind of case it was."""

    differences: list[str]
    kind: str


@lru_cache(maxsize=4)
def _made(schema_seed: int) -> tuple[Nasty, Side]:
    nasty = nasty_schema(schema_seed)
    return nasty, Side(nasty)


def drawn(seed: int) -> Case:
    """The case of a seed. """
    schema_seed = seed // PER_SCHEMA
    nasty, _ = _made(schema_seed)
    draw = random.Random(f"document {seed // PER_DOCUMENT}")
    written = Writer(nasty.schema, draw).write("mutation" if draw.random() < 0.15 else "query")
    text = broken(written.text, draw) if draw.random() < 0.08 else written.text
    own = random.Random(f"case {seed}")
    odd = own.choice([0.0, 0.0, 0.0, 0.1])
    return Case(seed, schema_seed, text, written.values(own, odd), written.operation, Rates.of(own))


async def judged(case: Case) -> Verdict:
    """Both sides' answers, compared."""
    nasty, side = _made(case.schema_seed)
    world = World(str(case.seed), case.rates, nasty.schema, nasty.classes)
    asked = Asked(nasty.schema, case.text, case.variables, case.operation)
    question = Question(case.text, case.variables, case.operation)
    expected = await told(asked, world)
    careful_world, fast_world = world.again(), world.again()
    careful, _ = await side.answer(side.careful, question, careful_world)
    fast, compiled = await side.answer(side.fast, question, fast_world)

    async def could() -> set[Place]:
        return await possible(asked, world.again())

    found = await differences(expected, careful, could, "the careful builder")
    found += await differences(expected, fast, could, "the fast builder")
    if careful != fast:
        found.append(f"the builders disagree: {careful} and {fast}")
    if not (expected.refused or expected.errors or compiled):
        found.append("no error, and yet the plan was not compiled")
    for name, other in (("careful", careful_world), ("fast", fast_world)):
        if other.effects[: len(world.effects)] != world.effects:
            found.append(f"{name}: effects {other.effects}, not {world.effects}")
    return Verdict(found, _kind(expected, compiled))


def _kind(expected: Outcome, compiled: bool) -> str:
    if expected.refused:
        return "refused"
    if expected.errors:
        return "with errors" if expected.data is not None else "null altogether"
    return "compiled" if compiled else "without errors, not compiled"


async def run(seeds: range) -> tuple[Counter[str], list[tuple[Case, list[str]]]]:
    """All cases of some seeds: how many of each kind, and those with differences."""
    kinds: Counter[str] = Counter()
    failed: list[tuple[Case, list[str]]] = []
    for seed in seeds:
        case = drawn(seed)
        verdict = await judged(case)
        kinds[verdict.kind] += 1
        if verdict.differences:
            failed.append((case, verdict.differences))
    return kinds, failed


__all__ = ["Case", "Variable", "Verdict", "drawn", "judged", "run"]
