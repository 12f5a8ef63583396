"""Cases over nasty schemas: a seed tells schema, document, variables and world; both sides answer and are compared."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import msgspec

from gateway.engine.engine import Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from tests.gateway.engine.differential.breakage import broken
from tests.gateway.engine.differential.compare import differences
from tests.gateway.engine.differential.documents import Writer
from tests.gateway.engine.differential.nasty_schemas import Nasty, nasty_schema
from tests.gateway.engine.differential.nasty_world import Rates, World
from tests.gateway.engine.differential.oracle import Asked, Outcome, Place, possible, told
from tests.gateway.engine.differential.outcome import Watched, answered
from tests.gateway.engine.differential.unbounded import UNBOUNDED
from tests.gateway.engine.differential.verdict import Verdict, kind_of

PER_SCHEMA = 40  # cases in a row that share a schema
PER_DOCUMENT = 4  # cases in a row that share a document, so that plans are met again with other variables
_ANYBODY = Principal("anybody")


class Side:
    """The engine over one nasty schema, by both builders."""

    def __init__(self, nasty: Nasty) -> None:
        self.world: World
        graph = Graph(nasty.schema, nasty.types)
        self.fast, self.careful = (
            Watched(graph, None, lambda _: AllowAll(), limits=UNBOUNDED, rules=lambda: self.world, careful=careful)  # type: ignore[arg-type]
            for careful in (False, True)
        )
        self.careful._documents = self.fast._documents  # what is valid is asked once

    async def answer(self, engine: Watched, question: Question, world: World) -> tuple[Outcome, bool]:
        """The engine's answer, and whether the plan was compiled."""
        self.world = world
        return await answered(engine, question, _ANYBODY)


class Case(msgspec.Struct):
    """One question to one world."""

    seed: int
    schema_seed: int
    text: str
    variables: dict[str, Any]
    operation: str | None
    rates: Rates


@lru_cache(maxsize=4)
def _made(schema_seed: int) -> tuple[Nasty, Side]:
    nasty = nasty_schema(schema_seed)
    return nasty, Side(nasty)


def drawn(seed: int) -> Case:
    """The case of a seed."""
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
    for name, other in (("careful", careful_world), ("fast", fast_world)):
        if other.effects != world.effects:
            found.append(f"{name}: effects {other.effects}, not {world.effects}")
    return Verdict(found, kind_of(expected, compiled))
