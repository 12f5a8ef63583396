"""Worlds with rows that a principal may not see, the same without them, and questions about them, drawn at random."""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from policies.decide import Policies
from policies.principal import Principal
from sources.canonical import Account, BillingProfile, Record, Served
from sources.errors import Unavailable
from sources.ports import Ask, Capability, Page, Reading, Report, Rows
from tests.gateway.engine.catalog_of import SYSTEMS, Shelf
from tests.gateway.engine.rules_of import AGENT, CLERK, PORTAL, policies, who
from tests.gateway.engine.shop import TYPES
from tests.gateway.engine.stock import Bill, Case, account, bill, case, product, profile

MOST = 12  # rows of a kind: what a page of two reaches with its five further parts
RULES: Mapping[str, Policies] = {
    "agent": policies(AGENT),
    "clerk": policies(CLERK),
    "portal": policies(PORTAL),
    "agent and clerk": policies(AGENT, CLERK),
}
_ENTITIES, _REGIONS = ("E1", "E2", "E3"), ("DE", "FR", "NO")


def asker(name: str, draw: random.Random) -> Principal:
    """Somebody with these roles."""
    roles = name.split(" and ")
    entities = tuple(draw.sample(_ENTITIES, draw.randint(1, 2)))
    accounts = tuple(f"a{each}" for each in draw.sample(range(6), 3))
    return who(*roles, regions=tuple(draw.sample(_REGIONS, draw.randint(1, 2))), entities=entities, accounts=accounts)


def records(draw: random.Random) -> list[Record]:
    """Accounts with what they own; they refer to each other, and to what is not there."""
    accounts = [f"a{each}" for each in range(draw.randint(2, 6))]
    owners = [*accounts, "gone"]
    bills = [f"b{each:02}" for each in range(draw.randint(0, MOST))]
    made: list[Record] = [product(f"p{each}") for each in range(6)]
    for key in accounts:
        parent = draw.choice([None, *owners])
        made.append(
            account(key, draw.choice(_REGIONS), parent_key=parent, name=draw.choice([f"name of {key}", "twin"]))
        )
        made += [profile(f"{key}-{at}", key, draw.choice(_ENTITIES)) for at in range(draw.randint(0, 2))]
    for key in bills:
        related = tuple(draw.sample([*bills, "gone"], draw.randint(0, min(3, len(bills)))))
        sold = draw.choice([None, *(f"p{each}" for each in range(6))])
        entity, total = draw.choice(_ENTITIES), draw.randint(0, 3)
        made.append(bill(key, draw.choice(owners), total=total, related=related, legal_entity=entity, product_key=sold))
    made += [case(f"c{each}", draw.choice(owners)) for each in range(draw.randint(0, 6))]
    return made


def seen(every: Sequence[Record], rules: Policies, principal: Principal) -> list[Record]:
    """The records that a principal may see, by the rules alone."""
    grants = rules.granted(principal)
    owners = {each.key: each for each in every if isinstance(each, Account)}
    entities: dict[str, tuple[str, ...]] = {}
    for each in every:
        if isinstance(each, BillingProfile) and each.legal_entity:
            entities[each.account_key] = (*entities.get(each.account_key, ()), each.legal_entity)

    def is_seen(record: Record) -> bool:
        name = TYPES.get(type(record))
        if name is None or grants.rows(name).open:
            return True
        key = record.key if isinstance(record, Account) else getattr(record, "account_key", "")
        owner = owners.get(key)
        return bool(
            grants.rows(name).judge([record], [owner], [{"legal_entities": entities.get(key, ())}], principal)[0]
        )

    return [each for each in every if is_seen(each)]


class World(Shelf):
    """A shelf whose sources take their own time. `each`: a call for each key, so that it does not count who asked in the
    same moment; `remembering`: what was read once is in memory, and whoever asks for it while it is on its way joins."""

    def __init__(self, records: Sequence[Record], draw: random.Random, *, each: bool, remembering: bool) -> None:
        super().__init__(records)
        self._each, self.recalls = each, remembering
        self._turns = {index: draw.randint(0, 4) for index in _INDICES}
        self._memory: dict[tuple[Any, ...], Rows | None] = {}
        self._flights: dict[tuple[Any, ...], asyncio.Future[None]] = {}
        if draw.random() < 0.3:
            failing = draw.choice(
                [index for index in _INDICES if index not in ("Account.key", "BillingProfile.account")]
            )
            self.faults[failing] = Unavailable("down", source="x")
        if each:
            self.capabilities = dict.fromkeys(_INDICES, Capability(fan_out=True))
        if draw.random() < 0.5:
            self.capabilities["Account.list"] = Capability(filters={"region": ("in",)})
        self._generous = draw.random() < 0.5
        held = {key for key in ("a0", "a1", "a5", "b01") if draw.random() < 0.3}
        if not remembering:
            self.cached = held
            return
        for key in held:  # somebody else has read it a moment ago
            for kind in (Account, Bill):
                self._memory[kind, "key", Page(), key] = self._rows(Ask(kind, "key", (key,)), key)

    async def _wait(self, index: str) -> None:
        for _ in range(self._turns.get(index, 0)):
            await asyncio.sleep(0)

    def _answer(self, ask: Ask, index: str) -> Reading:
        """Bills bring their products along."""
        reading = super()._answer(ask, index)
        sold = {getattr(row, "product_key", None) for rows in reading.rows.values() for row in rows.records}
        products = self.records["Product"] if self._generous else []
        return msgspec.structs.replace(reading, along=[each for each in products if each.key in sold])

    async def read(self, ask: Ask) -> Reading:
        """From memory, joined, or asked; told as a cache tells it."""
        if not self.recalls:
            return await super().read(ask)
        place = (ask.record, ask.by, ask.page)
        known = [key for key in ask.keys if (*place, key) in self._memory]
        joined = [key for key in ask.keys if (*place, key) in self._flights]
        missing = tuple(key for key in ask.keys if key not in known and key not in joined)
        reading = Reading({}, Report(SYSTEMS[ask.record.__name__]))
        if missing:
            flight = asyncio.get_running_loop().create_future()
            self._flights |= {(*place, key): flight for key in missing}
            try:
                reading = await super().read(msgspec.structs.replace(ask, keys=missing))
                if not reading.errors:
                    self._memory |= {(*place, key): reading.rows.get(key) for key in missing}
            finally:
                flight.set_result(None)
                for key in missing:
                    del self._flights[(*place, key)]
        for key in joined:
            if (*place, key) in self._flights:
                await asyncio.shield(self._flights[(*place, key)])
            if (*place, key) not in self._memory:
                late = await super().read(msgspec.structs.replace(ask, keys=(key,)))
                reading.rows |= late.rows
                reading.errors |= late.errors
        self._add(reading, place, [*known, *joined])
        reading.report.cached += len(known)
        reading.report.joined += len(joined)
        return reading

    def recall(self, ask: Ask) -> Reading | None:
        """The same without waiting, where everything is in memory."""
        place = (ask.record, ask.by, ask.page)
        if any((*place, key) not in self._memory for key in ask.keys):
            return None
        reading = Reading({}, Report(SYSTEMS[ask.record.__name__]))
        reading.report.cached = len(ask.keys)
        self._add(reading, place, ask.keys)
        return reading

    def _add(self, reading: Reading, place: tuple[Any, ...], keys: Sequence[str]) -> None:
        for key in keys:
            rows = self._memory.get((*place, key)) or Rows()
            reading.rows[key] = msgspec.structs.replace(rows, served=Served.CACHE)

    def calls_of(self, keys: Sequence[str]) -> int:
        """What a question for keys that are not in memory costs."""
        return len(keys) if self._each else int(bool(keys))


_INDICES = [
    *("Account.key", "Account.list", "Account.name", "Bill.key", "Bill.list", "Bill.account"),
    *("Case.key", "Case.account", "BillingProfile.account", "Product.key"),
]

# ---------------------------------------------------------------- questions


class Questions:
    """Draws documents whose keys lead somewhere: to what is seen, to what is hidden, to nothing."""

    def __init__(self, draw: random.Random) -> None:
        self._draw, self._aliases, self._bounded = draw, iter(range(10_000)), True

    def document(self) -> str:
        """One query."""
        roots = self._draw.randint(1, 4)
        self._bounded = (
            roots == 1
        )  # filling a page up takes its time: who else asks at that moment is no matter of rows
        return "{ " + " ".join(self._root() for _ in range(roots)) + " }"

    def _root(self) -> str:
        draw = self._draw
        owner, sold = draw.choice(["a0", "a1", "a2", "a3", "a4", "a5", "gone"]), f"b{draw.randint(0, MOST - 1):02}"
        ids = ", ".join(f'"{each}"' for each in (f"Account:{owner}", f"Bill:{sold}", "Case:c1", "Account:a1"))
        roots = [
            f'account(key: "{owner}") {self._account(3)}',
            f'byKey(key: "{owner}") {self._account(3)}',
            f'byName(name: "{draw.choice(["twin", f"name of {owner}"])}") {self._account(2)}',
            f'bill(key: "{sold}") {self._bill(3)}',
            f"accounts{self._connection(self._account(2))}",
            f"bills{self._connection(self._bill(3))}",
            f'node(id: "Bill:{sold}") {{ id ... on Invoice {self._bill(2)} }}',
            f"nodes(ids: [{ids}]) {{ __typename ... on Account {self._account(2)} ... on Invoice {self._bill(2)} ... on Ticket {self._case(1)} }}",
        ]
        return f"r{next(self._aliases)}: {draw.choice(roots)}"

    def _connection(self, below: str) -> str:
        if self._bounded and self._draw.random() < 0.5:
            bounds = self._draw.choice(["", " pageInfo { hasNextPage }"])
            return f"(first: {self._draw.randint(2, 4)}) {{ nodes {below}{bounds} }}"
        return f" {{ nodes {below} edges {{ cursor node {{ key }} }} totalCount pageInfo {{ hasNextPage endCursor }} }}"

    def _some(self, leaves: Sequence[str], links: Sequence[tuple[str, Any]], depth: int) -> str:
        draw = self._draw
        chosen = list(draw.sample(leaves, draw.randint(1, len(leaves))))
        if depth:
            for name, below in draw.sample(links, draw.randint(0, min(3, len(links)))):
                chosen.append(f"f{next(self._aliases)}: {name}{below(depth - 1)}")
        return "{ " + " ".join(chosen) + " }"

    def _account(self, depth: int) -> str:
        links = [
            ("bills", lambda left: self._connection(self._bill(left))),
            ("fewBills ", self._bill),
            ("cases ", self._case),
            ("parent ", self._account),
            ("balance", lambda _: ""),
        ]
        return self._some(["key", "name", "id"], links, depth)

    def _bill(self, depth: int) -> str:
        links = [
            ("account ", self._account),
            ("related ", self._bill),
            ("product ", lambda _: "{ title }"),
        ]
        return self._some(["key", "total"], links, depth)

    def _case(self, depth: int) -> str:
        return self._some(["key", "id"], [("account ", self._account)], depth)


def told(body: dict[str, Any]) -> dict[str, Any]:
    """A body without its times."""
    for each in body["extensions"].get("sources", []):
        each.pop("milliseconds")
    return body


def kinds(every: Sequence[Record]) -> Iterator[str]:
    """Which kinds of rows there are among records."""
    for each in every:
        if isinstance(each, (Account, Bill, Case)):
            yield type(each).__name__
