"""Rounds of orders and kills: the simulators and the proxies before them live on, whoever sends to them is killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from pathlib import Path
from random import Random

import msgspec

from bench.kills import books, effects
from bench.kills.books import Books
from bench.kills.crew import Clock, Said, Task, Town
from bench.kills.effects import Effect
from bench.kills.nursery import Nursery
from bench.kills.orders import AHEAD, Buyer, Order, find_buyers, order
from bench.processes import PYTHON, Program
from bench.resilience.scene import call
from sources.catalog import open_catalog, vendors

FAULTS = (
    {"fault": "flaky", "percent": 10},  # a 500, or the connection is reset
    {"fault": "late", "percent": 5, "seconds": 3},  # done, and answered when nobody waits any more
    {"fault": "latency", "seconds": 0.03, "jitter": 0.02},
)
_TIMEOUT = 1.0  # seconds that a connector waits; less than `late` takes
_PATIENT, _READY, _LONGEST = 20.0, 30.0, 600.0
_EARLY, _START = 0.1, 0.3  # the part of the crews that is killed within so many seconds from their fork
_SLOWER, _FASTER = 1.25, 0.8  # kills come later while work piles up, sooner when all of it is done


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`rounds`, each with `at_once` new orders and a kill; `store` and `durable` are databases' addresses. `apart`:
    gateway and worker are processes of their own. `sick`: the part of the rounds in which a system fails, too."""

    store: str
    durable: str
    rounds: int
    at_once: int = 3
    apart: bool = False
    accounts: int = 90
    sick: float = 0.5
    seed: int = 20261121


class Kill(msgspec.Struct, frozen=True):
    """A round's end: how many operations were going on, how many steps sent and not noted, which answers had come."""

    operations: int
    steps: int
    answered: int
    ready: bool


class Log(msgspec.Struct, frozen=True):
    """All that is known at the end. `answers` are all that were ever given, by key; `came` when it was the day of the
    orders that start later, by the clock of the systems."""

    plan: Plan
    seconds: float
    orders: tuple[Order, ...]
    kills: tuple[Kill, ...]
    answers: dict[str, tuple[Said, ...]]
    books: Books
    effects: tuple[Effect, ...]
    came: str


class Scene:
    """Everything that outlives the kills."""

    def __init__(self, stack: ExitStack, plan: Plan, folder: Path) -> None:
        self.plan, self._folder, self._number = plan, folder, 0
        company = [PYTHON, "-m", "gateway.enterprise.town", "--accounts", str(plan.accounts)]
        known = json.loads(stack.enter_context(Program("company", company, None)).line(180))
        systems = {name: vendor.system.value.lower() for name, vendor in vendors().items()}
        self.simulators = {systems[name]: url for name, url in known["simulators"].items()}
        secrets, tables = known["secrets"], known["sources"]
        self._healthy = Town({name: {**table, "timeout": _PATIENT} for name, table in tables.items()}, secrets)
        proxies = stack.enter_context(Program("proxies", [PYTHON, "-m", "gateway.enterprise.faults"], None))
        proxies.say(json.dumps(known["fronts"]))
        played = json.loads(proxies.line())
        self._control: str = played["control"]
        fronts = {name: {"url": played["proxies"][name], "timeout": _TIMEOUT} for name in tables}
        self._town = Town({name: {**table, **fronts[name]} for name, table in tables.items()}, secrets)
        self._nursery = stack.enter_context(Nursery("bench.kills.crew", folder / "crew.log"))
        noon = datetime.combine(datetime.now(UTC).date(), time_of_day(12), UTC)
        self._ahead = (noon - datetime.now(UTC)).total_seconds()
        self.today = noon.date()

    def buyers(self) -> list[Buyer]:
        """Whom the systems sell to."""

        async def find() -> list[Buyer]:
            catalog = open_catalog(self._healthy.settings().sources)
            try:
                return await find_buyers(catalog, Clock(self._ahead)())
            finally:
                await catalog.close()

        return asyncio.run(find())

    def fail(self, chance: Random) -> None:
        """Has one of the systems fail from now on, or none of them."""
        self.heal()
        if chance.random() < self.plan.sick:
            source, fault = chance.choice(sorted(self.simulators)), chance.choice(FAULTS)
            self._set({"source": source, **fault})

    def heal(self) -> None:
        """All systems are well again."""
        self._set({"fault": "off"})

    def _set(self, fault: Mapping[str, object]) -> None:
        said = call("POST", f"{self._control}/faults", json.dumps(fault), {"content-type": "application/json"})
        assert "error" not in said, said

    def come(self, day: date) -> str:
        """It is the beginning of a day, here and in the systems; the instant, as their ledgers write it."""
        at = datetime.combine(day, time_of_day(0, 0, 30), UTC)
        self._ahead = (at - datetime.now(UTC)).total_seconds()
        clock, said = f"{next(iter(self.simulators.values()))}/_simulator/clock", json.dumps({"now": at.isoformat()})
        assert "error" not in call("PUT", clock, said, {"content-type": "application/json"})
        return at.isoformat()

    @contextmanager
    def crew(self, orders: Sequence[Order], name: str, *, ended: bool = False, came: bool = False) -> Iterator[Path]:
        """A crew of that name that sends orders, killed when the block ends; where it tells what was answered."""
        self._number += 1
        says = self._folder / f"says-{self._number}"
        says.touch()
        plan = self.plan
        task = Task(
            store=plan.store,
            durable=plan.durable,
            town=self._town,
            ahead=self._ahead,
            apart=plan.apart,
            name=name,
            orders=tuple(orders),
            says=str(says),
            ended=ended,
            came=came,
        )
        with self._nursery.running(task):
            yield says


def told(says: Path) -> list[Said]:
    """What a crew has told so far: whole lines."""
    whole, _, _ = says.read_bytes().rpartition(b"\n")
    return [msgspec.json.decode(line, type=Said) for line in whole.splitlines()]


def until(says: Path, lines: int, seconds: float) -> list[Said]:
    """What a crew has told once it is so many lines, or after so many seconds."""
    deadline = time.monotonic() + seconds
    while len(found := told(says)) < lines and time.monotonic() < deadline:
        time.sleep(0.002)
    return found


def run(plan: Plan, folder: Path) -> Log:
    """All rounds, and the end: what is under way is finished, every order is sent once more, and the day comes for
    those that start later."""
    began, chance = time.monotonic(), Random(plan.seed)
    orders: list[Order] = []
    answers: dict[str, tuple[Said, ...]] = {}
    kills: list[Kill] = []
    within = 0.5
    with ExitStack() as stack:
        scene = Scene(stack, plan, folder)
        buyers = scene.buyers()
        for number in range(plan.rounds):
            few = chance.sample(buyers, max(1, plan.at_once - 1))  # two of a round may be for the same account
            new = [order(chance, f"order-{number}-{each}", few, scene.today) for each in range(plan.at_once)]
            again = [each for each in orders if each.key not in answers]
            if orders:
                again.append(chance.choice(orders))
            orders += new
            scene.fail(chance)
            early = number > 0 and chance.random() < _EARLY
            kills.append(_round(scene, chance, [*again, *new], answers, within=within, early=early))
            within *= _SLOWER if kills[-1].operations > plan.at_once else _FASTER
        scene.heal()
        left = [each for each in orders if each.key not in answers]
        _finish(scene, left, answers)
        _finish(scene, orders, answers)
        came = scene.come(scene.today + AHEAD)
        _finish(scene, (), answers, came=True)
        happened = effects.read(scene.simulators)
    return Log(
        plan=plan,
        seconds=time.monotonic() - began,
        orders=tuple(orders),
        kills=tuple(kills),
        answers=answers,
        books=books.read(plan.store),
        effects=tuple(happened),
        came=came,
    )


def _round(
    scene: Scene,
    chance: Random,
    orders: Sequence[Order],
    answers: dict[str, tuple[Said, ...]],
    *,
    within: float,
    early: bool,
) -> Kill:
    """One crew, killed when chance says: at most `within` seconds after it was ready or after one of its orders was
    answered; `early`: after it was forked, which is mostly before it is ready."""
    with scene.crew(orders, _name(chance)) as says:
        if not early:
            until(says, chance.randrange(1, len(orders) + 2), _READY)
        time.sleep(chance.random() * (_START if early else within))
    found = told(says)  # after the kill: what was told until then was answered
    says.unlink()
    _keep(found, answers)
    left = books.under_way(scene.plan.store)
    return Kill(left.operations, left.steps, sum(said.word == "answered" for said in found), ready=bool(found))


def _name(chance: Random) -> str:
    """As often the one that stays, so that it goes on with what it had, as a new one, which waits for the silence of
    those before it to take over from them."""
    return "the same" if chance.random() < 0.5 else f"{chance.getrandbits(32):08x}"


def _finish(scene: Scene, orders: Sequence[Order], answers: dict[str, tuple[Said, ...]], *, came: bool = False) -> None:
    """A crew that is not killed: sends orders, and leaves when everything has come to its end."""
    with scene.crew(orders, "the last", ended=True, came=came) as says:
        found = until(says, len(orders) + 2, _LONGEST)
        assert len(found) == len(orders) + 2, f"the last crew did not end within {_LONGEST:g} s"
    _keep(found, answers)


def _keep(found: Sequence[Said], answers: dict[str, tuple[Said, ...]]) -> None:
    for said in found:
        if said.word == "answered":
            answers[said.key] = (*answers.get(said.key, ()), said)
