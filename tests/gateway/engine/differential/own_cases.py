"""Cases over our own schema: drawn records and failures, the real roles, connections with filters, orders and cursors."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from graphql import GraphQLInputType, GraphQLSchema

from gateway.engine.cursors import Cursors
from gateway.engine.engine import Question
from gateway.engine.grants import AllowAll, Grants
from gateway.engine.graph import Graph
from gateway.engine.shapes import open_policies
from gateway.settings import PolicySettings
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.context import Context
from resolvers.ids import global_id
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.canonical import Account, LegalEntity
from tests.gateway.engine.differential.breakage import broken
from tests.gateway.engine.differential.compare import differences, is_gone
from tests.gateway.engine.differential.documents import Shape, Writer
from tests.gateway.engine.differential.nasty_leaves import Draw
from tests.gateway.engine.differential.oracle import Asked, Outcome, Place, possible, told
from tests.gateway.engine.differential.outcome import Watched, answered
from tests.gateway.engine.differential.own_catalog import Shelves
from tests.gateway.engine.differential.own_oracle import Cut, Deciding, DecidingWalker, install
from tests.gateway.engine.differential.own_records import NOW, REGIONS, Pools, pools, references
from tests.gateway.engine.differential.own_rows import Asking
from tests.gateway.engine.differential.unbounded import UNBOUNDED
from tests.gateway.engine.differential.verdict import Verdict, kind_of

PER_DOCUMENT = 4  # cases in a row that share a document
_KEY = b"a key for cursors"
_PLACE = '"from here"'  # stands for a cursor until there is one
_FAVOURED = frozenset(
    {"pageInfo", "hasNextPage", "totalCount", "endCursor", "nodes", "covers", "account", "accounts", "searchAccounts"}
    | {"invoices", "cases", "subscriptions", "contacts", "orders", "payments"}
)
_EVERYBODY = "everybody"  # a role of ours only: whoever has it may do everything


class Case(msgspec.Struct):
    """One question of one principal to one catalog."""

    seed: int
    text: str
    variables: dict[str, Any]
    operation: str | None
    principal: Principal
    errors: float  # chance of a list that cannot be read
    trims: bool


class House:
    """Our schema twice: the engine's, and one with a resolver for every object."""

    def __init__(self) -> None:
        self.names = names()
        schema = build_schema()
        self.policies: PolicyStore = open_policies(PolicySettings(), schema._schema, self.names)
        self.graph = Graph.of(schema, self.names)
        self.core: GraphQLSchema = install(build_schema(), self.names)
        self.references = references(self.core, {name: kind for kind, name in self.names.items()})
        self.fast, self.careful = (self._engine(careful=careful) for careful in (False, True))
        self.careful._documents = self.fast._documents  # what is valid is asked once

    def _engine(self, *, careful: bool) -> Watched:
        catalog: Any = None  # each case brings its own
        rules = lambda: self.policies.rules  # noqa: E731
        return Watched(
            self.graph,
            catalog,
            self.grants,
            cursor_key=_KEY,
            limits=UNBOUNDED,
            rules=rules,
            clock=lambda: NOW,
            sources=tuple,  # how sources are doing is nobody's answer to compare: there are none
            careful=careful,
        )

    def grants(self, principal: Principal) -> Grants:
        """The real rules; or, for comparison without them, none at all."""
        return AllowAll() if _EVERYBODY in principal.roles else self.policies.granted(principal)

    def records(self, seed: int) -> Pools:
        """The records of a seed; some cases in a row share them."""
        return _records(seed // 10)


@cache
def house() -> House:
    """The one house: making it takes a while."""
    return House()


@cache
def _records(seed: int) -> Pools:
    if _records.cache_info().currsize > 8:
        _records.cache_clear()
    found = house()
    return pools(str(seed), list(found.names), found.references)


# ---------------------------------------------------------------- what is drawn


def drawn(seed: int) -> Case:
    """The case of a seed."""
    found = house()
    draw = random.Random(f"own document {seed // PER_DOCUMENT}")
    reader = _principal(draw, found)  # for whom the document is made; another may send it
    shown = found.fast.schema_of(found.grants(reader))
    introspects = not found.grants(reader).external
    shape = Shape(6, 40, 6, introspects=introspects, favours=_FAVOURED, rooted=_PLACE)
    written = Writer(shown, draw, shape, _own(draw, found.records(seed))).write()
    text = broken(written.text, draw) if draw.random() < 0.05 else written.text
    own = random.Random(f"own case {seed}")
    errors = own.choice([0.0, 0.0, 0.1, 0.3])
    variables = written.values(own, own.choice([0.0, 0.0, 0.0, 0.1]))
    principal = reader if own.random() < 0.75 else _principal(own, found)
    if found.grants(principal).external and re.search(r"__(schema|type)\b", text):
        principal = reader  # what introspection tells outsiders is not the oracle's business
        text = written.text if found.grants(reader).external else text
    trims = _EVERYBODY not in principal.roles or own.random() < 0.4
    return Case(seed, text, variables, written.operation, principal, errors, trims)


def _principal(draw: Draw, found: House) -> Principal:
    every = sorted(found.policies.policies.tables)
    plain = [each for each in every if "@" not in each and ":" not in each]
    roles = [_EVERYBODY] if draw.random() < 0.35 else draw.sample(plain, draw.choice([1, 1, 1, 2, 2, 3]))
    outside = not found.policies.policies.external().isdisjoint(roles)
    return Principal(
        "ada",
        frozenset(roles),
        tuple(draw.sample(REGIONS, draw.choice([0, 1, 2, 2]))),
        tuple(f"{LegalEntity.__name__}{index}" for index in draw.sample(range(4), draw.choice([0, 1, 2, 3]))),
        tuple(f"{Account.__name__}{index}" for index in draw.sample(range(4), draw.choice([0, 1, 2, 3]))),
        "external" if outside else "internal",
    )


def _own(draw: Draw, records: Pools) -> Any:
    """Arguments that find something, mostly."""
    some = [each for kind in records.values() for each in kind]

    def literal(coordinate: str, argument: str, type_: GraphQLInputType) -> str | None:
        account = f'"Account{draw.randint(0, 4)}"'
        if argument == "by":
            return draw.choice([f"{{key: {account}}}", f"{{key: {account}}}", f"{{system: CRM, id: {account}}}", None])
        if argument in ("id", "ids"):
            ids = [f'"{global_id(each)}"' for each in draw.sample(some, 3)]
            return ids[0] if argument == "id" else f"[{', '.join(ids)}, {ids[0]}]"
        if argument == "key":
            kind = coordinate.removeprefix("Query.")
            kind = {"subscription": "AccountSubscription"}.get(kind, kind[0].upper() + kind[1:])
            return f'"{kind}{draw.randint(0, 4)}"'
        if argument == "first":
            return draw.choice(["1", "1", "2", "2", "3", "100", "null", draw.choice(["0", "101"])])
        if argument == "filter":
            return "null" if draw.random() < 0.7 else None  # most find nothing
        if argument == "after":
            return (
                _PLACE
                if coordinate.startswith("Query.") and draw.random() < 0.7
                else draw.choice(["null", '"nonsense"'])
            )
        return account if coordinate == "Query.entitlementCheck" and argument == "account" else None

    return literal


# ---------------------------------------------------------------- how it is judged


class _Oracle:
    """The oracle's side of one case: every question gets a fresh memory."""

    def __init__(self, case: Case, found: House) -> None:
        self._case, self._found = case, found
        grants = found.grants(case.principal)
        self.shown = found.fast.schema_of(grants)
        unknown = {kind for kind, name in found.names.items() if name not in self.shown.type_map}
        self._context = Context(
            case.principal, NOW, "c-1", found.policies.rules, frozenset(unknown) if grants.external else frozenset()
        )
        self._asked = Asked(found.core, case.text, case.variables, case.operation, self.shown)

    def _asking(self) -> Asking:
        grants = self._found.grants(self._case.principal)
        return Asking(self._context, shelves(self._case), grants, self._found.names, Cursors(_KEY))

    async def told(self) -> Outcome:
        """What it says."""
        asking = self._asking()
        outcome = await told(self._asked, asking, Deciding)
        if not outcome.refused:
            outcome.cuts = [path for path, _, code in outcome.errors if code == Cut.__name__]
            outcome.errors = [*_without_cuts(outcome.errors), *asking.notes, *asking.refusals]
            outcome.unshown = {
                place for place, met in asking.refusals.items() if all(is_gone(outcome.data, path) for path in met)
            }
            outcome.masked = sorted(asking.masked)
        return outcome

    async def possible(self) -> set[Place]:
        """Every error it could have told."""
        asking = self._asking()
        found = await possible(self._asked, asking, DecidingWalker)
        return {*_without_cuts(found), *asking.notes, *asking.refusals}


def _without_cuts(errors: Any) -> Iterator[Place]:
    return (each for each in errors if each[2] != Cut.__name__)


def shelves(case: Case) -> Shelves:
    """The catalog of a case, as it is before anybody asks."""
    return Shelves(str(case.seed), house().records(case.seed), case.errors, trims=case.trims)


async def placed(case: Case) -> Case:
    """The case with a real cursor wherever its document goes on from somewhere: one that the oracle gave, if it gives
    any; it may be of another list."""
    if _PLACE not in case.text:
        return case
    asking = re.sub(rf"({_PLACE}[^)]*\)[^{{]*\{{)", r"\1 page: pageInfo { startCursor endCursor }", case.text)
    start = msgspec.structs.replace(case, text=asking.replace(_PLACE, "null"))
    given = sorted(_cursors((await _Oracle(start, house()).told()).data))
    draw = random.Random(f"cursor {case.seed}")
    cursor = f'"{draw.choice(given)}"' if given else "null"
    return msgspec.structs.replace(case, text=case.text.replace(_PLACE, cursor))


def _cursors(data: Any) -> Iterator[str]:
    if isinstance(data, list):
        for each in data:
            yield from _cursors(each)
    for key, value in data.items() if isinstance(data, dict) else ():
        if isinstance(value, str) and value and key.lower().endswith("cursor"):
            yield value
        yield from _cursors(value)


async def judged(case: Case) -> Verdict:
    """Both sides' answers, compared."""
    found = house()
    case = await placed(case)
    oracle = _Oracle(case, found)
    expected = await oracle.told()
    question = Question(case.text, case.variables, case.operation)
    different: list[str] = []
    outcomes: Mapping[str, Outcome]
    outcomes = {}
    compiled = False
    for name, engine in (("the careful builder", found.careful), ("the fast builder", found.fast)):
        catalog: Any = shelves(case)
        engine.catalog = catalog
        outcomes[name], compiled = await answered(engine, question, case.principal)
        different += await differences(expected, outcomes[name], oracle.possible, name, single=False)
    careful, fast = outcomes.values()
    if careful != fast:
        different.append(f"the builders disagree: {careful} and {fast}")
    return Verdict(different, kind_of(expected, compiled))
