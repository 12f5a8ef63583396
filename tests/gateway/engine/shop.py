"""A small graph over records of its own: accounts, their bills and cases, products; and an engine over it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Union

import strawberry

from gateway.engine.engine import Engine, Question, Response
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from resolvers.batch import batched, connection, derived, link, links, where
from resolvers.context import Context
from resolvers.types.connection import Connection
from sources.canonical import Account as AccountRecord
from sources.canonical import Record
from sources.errors import BadAsk
from sources.ports import Order, Reading
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.stock import NOW, Bill, Case, Product, case

ADA = Principal("ada", roles=frozenset({"everybody"}))


class Direction(Enum):
    ASC = "ASC"
    DESC = "DESC"


class BillSort(Enum):
    TOTAL = "total"
    PAYER = "payer"


class AccountSort(Enum):
    NAME = "name"


strawberry.enum(Direction)
strawberry.enum(BillSort)
strawberry.enum(AccountSort)


@strawberry.input
class BillOrder:
    field: BillSort
    direction: Direction = Direction.ASC


@strawberry.input
class BillFilter:
    status: list[str] | None = where("status", "in")
    payer: str | None = where("payer", "eq")
    payer_contains: str | None = where("payer", "contains")


@strawberry.input(one_of=True)
class Choice:
    name: str | None = strawberry.UNSET
    number: int | None = strawberry.UNSET


@strawberry.input
class AccountOrder:
    field: AccountSort
    direction: Direction = Direction.ASC


@strawberry.input
class AccountFilter:
    region: list[str] | None = where("region", "in")


def _id(record: Record, _context: Context) -> str:
    return f"{type(record).__name__}:{record.key}"


@strawberry.interface
class Thing:
    id: strawberry.ID = derived(_id)
    key: str


async def balance(accounts: Sequence[AccountRecord], read: Any, _context: Context) -> list[Any]:
    found: Reading = await read(Bill, "account", [each.key for each in accounts])
    return [found.errors.get(each.key) or _sum(found, each.key) for each in accounts]


def _sum(found: Reading, key: str) -> int:
    rows = found.rows.get(key)
    return sum(each.total for each in rows.records if isinstance(each, Bill)) if rows is not None else 0


async def curious(accounts: Sequence[AccountRecord], read: Any, _context: Context) -> list[Any]:
    await read(Case, "account", [each.key for each in accounts])
    return ["told"] * len(accounts)


async def first_case(accounts: Sequence[AccountRecord], _read: Any, _context: Context) -> list[Any]:
    """A case of another account, which nobody has judged yet."""
    return [case("x", owner=f"o{each.key[1:]}") for each in accounts]


@strawberry.type
class Item(Thing):
    title: str | None


@strawberry.type
class Ticket(Thing):
    subject: str | None
    account: Annotated["Account", strawberry.lazy("tests.gateway.engine.shop")] | None = link(
        AccountRecord, key="account_key"
    )


@strawberry.type
class Invoice(Thing):
    status: str | None
    total: int | None
    payer: str | None
    tags: list[str | None] | None
    account: Annotated["Account", strawberry.lazy("tests.gateway.engine.shop")] | None = link(
        AccountRecord, key="account_key"
    )
    product: Item | None = link(Product, key="product_key")
    related: list[Annotated["Invoice", strawberry.lazy("tests.gateway.engine.shop")] | None] | None = links(
        Bill, by="key", key="related"
    )


@strawberry.type
class Account(Thing):
    name: str | None
    region: str | None
    domain: str | None
    industry: str
    bills: Connection[Invoice] | None = connection(
        Bill, by="account", filters=BillFilter, orders=BillOrder, order=Order("key")
    )
    few_bills: list[Invoice | None] | None = links(Bill, by="account", first=2)
    cases: list[Ticket | None] | None = links(Case, by="account")
    parent: Annotated["Account", strawberry.lazy("tests.gateway.engine.shop")] | None = link(
        AccountRecord, key="parent_key"
    )
    balance: int | None = batched(balance, needs=[(Bill, "account")], derives=["Invoice.total"])
    first_case: Ticket | None = batched(first_case, needs=[])
    curious: str | None = batched(curious, needs=[])


Searched = Annotated[Union[Account, Invoice, Ticket], strawberry.union("Searched")]  # noqa: UP007 - Strawberry's form
KINDS: dict[str, type[Record]] = {"Account": AccountRecord, "Bill": Bill, "Case": Case}


async def by_name(_parents: Sequence[None], read: Any, _context: Context, name: str) -> list[Any]:
    found: Reading = await read(AccountRecord, "name", [name])
    rows = found.rows.get(name)
    return [found.errors.get(name) or (rows.records[0] if rows is not None and rows.records else None)]


async def by_key(_parents: Sequence[None], read: Any, _context: Context, key: str) -> list[Any]:
    """An account; `moved` is now another."""
    wanted = "a2" if key == "moved" else key
    found: Reading = await read(AccountRecord, "key", [wanted])
    rows = found.rows.get(wanted)
    return [found.errors.get(wanted) or (rows.records[0] if rows is not None and rows.records else None)]


def known(arguments: Mapping[str, Any]) -> str | None:
    return str(arguments["key"])


async def nodes(_parents: Sequence[None], read: Any, _context: Context, ids: list[strawberry.ID]) -> list[Any]:
    wanted = [each.split(":") for each in ids]
    found: dict[tuple[str, str], Any] = {}
    for kind in dict.fromkeys(each[0] for each in wanted):
        reading = await read(KINDS[kind], "key", [key for name, key in wanted if name == kind])
        found |= {(kind, key): error for key, error in reading.errors.items()}
        found |= {(kind, key): rows.records[0] for key, rows in reading.rows.items() if rows.records}
    return [tuple(found.get((kind, key)) for kind, key in wanted)]


async def node(parents: Sequence[None], read: Any, context: Context, id: strawberry.ID) -> list[Any]:  # noqa: A002
    return [(await nodes(parents, read, context, [id]))[0][0]]


async def case_of(_parents: Sequence[None], read: Any, _context: Context, bill: str) -> list[Any]:
    """The case whose key a bill names as its payer."""
    found: Reading = await read(Bill, "key", [bill])
    row: Any = next((row for rows in found.rows.values() for row in rows.records), None)
    if row is None:
        return [found.errors.get(bill)]
    reading: Reading = await read(Case, "key", [row.payer])
    rows = reading.rows.get(row.payer)
    return [reading.errors.get(row.payer) or (rows.records[0] if rows is not None and rows.records else None)]


async def grid(_parents: Sequence[None], _read: Any, _context: Context) -> list[Any]:
    """Cases in lists in lists, which nobody has judged yet: rows of a table, of which places matter in the last."""
    return [[[case("g1", "a1"), case("g3", "a3")], (case("g3", "a3"), case("g2", "a2"))]]


async def echo(_parents: Sequence[None], _read: Any, _context: Context, **given: Any) -> list[Any]:
    return [", ".join(f"{name}={value!r}" for name, value in sorted(given.items()))]


async def popped(_parents: Sequence[None], _read: Any, _context: Context, many: list[int]) -> list[Any]:
    """A computation that changes what it was given."""
    last = many.pop()
    return [f"{last} of {many}"]


async def endless(_parents: Sequence[None], _read: Any, _context: Context) -> list[Any]:
    await asyncio.sleep(60)
    return ["never"]


async def timed_out(_parents: Sequence[None], _read: Any, _context: Context) -> list[Any]:
    raise TimeoutError("somebody else's time was up")


async def broken(_parents: Sequence[None], _read: Any, _context: Context) -> list[Any]:
    raise RuntimeError("the password is swordfish")


async def refused(_parents: Sequence[None], _read: Any, _context: Context) -> list[Any]:
    return [BadAsk("ask for something else")]


@strawberry.type
class Query:
    account: Account | None = link(AccountRecord, argument="key")
    bill: Invoice | None = link(Bill, argument="key")
    by_name: Account | None = batched(by_name, needs=[(AccountRecord, "name")], arguments={"name": str})
    by_key: Account | None = batched(
        by_key, needs=[(AccountRecord, "key")], arguments={"key": str}, known=known, record=AccountRecord
    )
    accounts: Connection[Account] | None = connection(
        AccountRecord, by="list", filters=AccountFilter, orders=AccountOrder, order=Order("key")
    )
    bills: Connection[Invoice] | None = connection(
        Bill, by="list", filters=BillFilter, orders=BillOrder, order=Order("key")
    )
    node: Thing | None = batched(
        node, needs=[(each, "key") for each in KINDS.values()], arguments={"id": strawberry.ID}
    )
    nodes: list[Searched | None] | None = batched(
        nodes, needs=[(each, "key") for each in KINDS.values()], arguments={"ids": list[strawberry.ID]}
    )
    case_of: Ticket | None = batched(case_of, needs=[(Bill, "key"), (Case, "key")], arguments={"bill": str})
    grid: list[list[Ticket | None] | None] | None = batched(grid, needs=[])
    echo: str | None = batched(
        echo,
        needs=[],
        arguments={
            "text": str | None,
            "number": int | None,
            "order": BillOrder | None,
            "many": list[int] | None,
            "choice": Choice | None,
        },
    )
    popped: str | None = batched(popped, needs=[], arguments={"many": list[int]})
    endless: str | None = batched(endless, needs=[])
    timed_out: str | None = batched(timed_out, needs=[])
    broken: str | None = batched(broken, needs=[])
    refused: str | None = batched(refused, needs=[])


SCHEMA = strawberry.Schema(Query, types=[Account, Invoice, Ticket, Item])
TYPES: dict[type, str] = {AccountRecord: "Account", Bill: "Invoice", Case: "Ticket", Product: "Item"}
GRAPH = Graph.of(SCHEMA, TYPES)

# ---------------------------------------------------------------- asking


def engine(shelf: Shelf, grants: Any = None, **options: Any) -> Engine:
    """An engine; without grants everything is allowed."""
    chosen = AllowAll() if grants is None else grants
    judge = chosen if callable(chosen) else lambda _: chosen
    return Engine(GRAPH, shelf, judge, cursor_key=b"k" * 32, clock=lambda: NOW, **options)  # type: ignore[arg-type]


async def answer(over: Engine, query: str, principal: Principal = ADA, **variables: Any) -> dict[str, Any]:
    """The body of one answer."""
    response: Response = await over.run(Question(query, variables), principal, "cid")
    return response.body


async def data(over: Engine, query: str, principal: Principal = ADA, **variables: Any) -> Any:
    """The data of an answer that has no errors."""
    body = await answer(over, query, principal, **variables)
    assert "errors" not in body, body["errors"]
    return body["data"]


def codes(body: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Code and path of each error."""
    return [(each["extensions"]["code"], each.get("path", [])) for each in body.get("errors", [])]


async def until(condition: Callable[[], object]) -> None:
    """Waits for a condition, two seconds at the most."""
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to that")


async def settled() -> None:
    """A few turns of the loop, and nothing is left but the test."""
    for _ in range(5):
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others, others
