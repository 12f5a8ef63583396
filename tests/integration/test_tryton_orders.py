"""Orders with a real Tryton as the ERP, beside the simulated CRM, billing and desk: they are sold, confirmed, billed and
posted there, and what it refuses comes back as what it is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.types import Scope

from sources.vendors.tryton.connector import TrytonConnector
from tests.gateway.issuer import Issuer
from tests.integration.governed import House, house
from tests.scenarios.town import Town
from tests.sources.tryton.books import opened, turned
from tests.sources.tryton.erp import Erp, running

CODE = "ADDON-SECURITY"
SHOWN = """query($k: ID!) { account(by: {key: $k}) {
    orders(first: 9) { nodes { key status { value } } }
    invoices(first: 50) { nodes { key number total { amount } postingState
      posted { key status { value } total { amount } tax { amount } period provenance { source } } } } } }"""
SOLD = """query($k: ID!) { account(by: {key: $k}) { orders(first: 9) { nodes {
    key salesOrders { status { value } total { amount } provenance { source } } } } } }"""
RESOLVE = "mutation($input: ResolveExceptionInput!) { resolveException(input: $input) { operation { key } } }"


@pytest.fixture(scope="module")
def erp() -> Iterator[Erp]:
    with running() as found:
        yield found


@contextmanager
def over(erp: Erp, town: Town, issuer: Issuer, state: Path, login: str) -> Iterator[House]:
    """A gateway whose one ERP is Tryton, as a user of it."""
    books = {"vendor": "tryton", "url": erp.url, "database": "erp", "company": 1, "key": {"env": "BOOKS_KEY"}}
    key = {"BOOKS_KEY": erp.seeded["keys"][login]}
    with house(town, issuer, state, real={"erp": {**books, "timeout": 60.0}}, known=key) as made:
        yield made


@pytest.fixture
def home(erp: Erp, systems: Town, issuer: Issuer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """A house of each test's own: a process has one with governed writes at a time."""
    with over(erp, systems, issuer, tmp_path, getattr(request, "param", "svc-erp")) as made:
        yield made


async def _with(erp: Erp, login: str, work: Callable[[TrytonConnector], Awaitable[Any]]) -> Any:
    async with opened(erp, login) as (connector, _):
        return await work(connector)


def held(erp: Erp, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
    """Records as Tryton has them, past all that is ours but the wire."""
    search = _with(erp, "svc-erp", lambda found: found._client.search(dict[str, Any], model, domain, fields))
    rows: list[dict[str, Any]] = asyncio.run(search)
    return rows


def decimal(value: dict[str, str]) -> Decimal:
    return Decimal(value["decimal"])


def today() -> set[date]:
    """Today where we are and where the company is."""
    return {datetime.now(zone).date() for zone in (UTC, ZoneInfo("America/New_York"))}


async def turn(erp: Erp, button: str) -> None:
    """Closes or opens the periods of today."""

    async def work(connector: TrytonConnector) -> None:
        for day in today():
            await turned(connector, day, button)

    await _with(erp, "accountant", work)


@pytest.fixture
def reopened(erp: Erp) -> Iterator[None]:
    """Whatever a test has closed is open after it."""
    yield
    asyncio.run(turn(erp, "reopen"))


def shown(home: House, account: str) -> dict[str, Any]:
    found: dict[str, Any] = home.person("aude", "auditor").told(SHOWN, k=account)["account"]
    return {name: {each["key"]: each for each in found[name]["nodes"]} for name in ("orders", "invoices")}


def made(home: House, account: str, before: dict[str, Any], name: str) -> Any:
    """The one order or invoice of an account that was not there before."""
    [found] = [each for key, each in shown(home, account)[name].items() if key not in before[name]]
    return found


def outcomes(operation: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in operation["steps"] if each["direction"] == "DO"}


def resumed(home: House, key: str, raised: dict[str, Any]) -> dict[str, Any]:
    """The operation at its end, once finance has let it go on."""
    said = {"exception": raised["id"], "action": "RESUME", "reason": "opened again"}
    home.person("finn@northwind.example", "finance").told(RESOLVE, input=said)
    ended: dict[str, Any] = home.cpq().ended(key, 60.0)
    return ended


def test_an_order_is_sold_confirmed_billed_and_posted(home: House, erp: Erp) -> None:
    account = home.town.landmarks["two_entities"]
    before = shown(home, account)
    asked = home.order("two_entities")
    answer = home.cpq().write("submitOrder", **asked)
    assert (answer["__typename"], answer["findings"]) == ("Accepted", [])
    operation = home.cpq().ended(answer["operation"]["key"], 60.0)
    assert (operation["state"], operation["reason"]) == ("COMPLETED", None)
    assert outcomes(operation)["post_invoice"] == "OK"

    order, invoice = (made(home, account, before, name) for name in ("orders", "invoices"))
    gross, tax = "64.95", "4.95"
    sold = home.person("aude", "auditor").told(SOLD, k=account)["account"]["orders"]["nodes"]
    [sales_order] = next(each["salesOrders"] for each in sold if each["key"] == order["key"])
    assert sales_order == {
        "status": {"value": "BILLED"}, "total": {"amount": gross}, "provenance": {"source": "erp"},
    }  # fmt: skip
    posted = invoice["posted"]
    assert (invoice["postingState"], invoice["total"], posted["total"]) == (
        "POSTED",
        {"amount": gross},
        posted["total"],
    )
    assert (posted["status"]["value"], posted["total"], posted["tax"], posted["provenance"]) == (
        "OPEN", {"amount": gross}, {"amount": tax}, {"source": "erp"},
    )  # fmt: skip
    assert posted["period"] in {f"{day:%Y-%m}" for day in today()}

    [sale] = held(
        erp, "sale.sale", [["reference", "=", f"crm:{order['key']}"]], "state", "party.code", "untaxed_amount",
        "lines.product.code", "lines.quantity", "lines.unit_price", "invoices.state", "invoices.reference",
    )  # fmt: skip
    assert (sale["state"], sale["party."]["code"], sale["untaxed_amount"]["decimal"]) == (
        "processing",
        account,
        "60.00",
    )
    [line], [bill] = sale["lines."], sale["invoices."]
    assert (line["product."]["code"], line["quantity"], decimal(line["unit_price"])) == (CODE, 10.0, Decimal(6))
    assert (str(bill["id"]), bill["state"], bill["reference"]) == (posted["key"], "posted", f"stripe:{invoice['key']}")
    [move] = held(erp, "account.move", [["origin", "=", f"account.invoice,{bill['id']}"]], "state", "lines.debit")
    assert (move["state"], sum(decimal(each["debit"]) for each in move["lines."])) == (
        "posted",
        Decimal(gross),
    )

    again = home.cpq().write("submitOrder", **asked)
    assert (again["replayed"], again["operation"]["key"]) == (True, operation["key"])
    assert len(held(erp, "sale.sale", [["party.code", "=", account]])) == 1
    assert len(held(erp, "account.invoice", [["party.code", "=", account]])) == 1


def test_an_order_into_a_closed_period_waits_for_finance_and_leaves_nothing(
    home: House, erp: Erp, reopened: None
) -> None:
    account = home.town.landmarks["overdue"]
    asyncio.run(turn(erp, "close"))
    answer = home.cpq().write("submitOrder", **home.order("overdue"))
    key = answer["operation"]["key"]
    held_up = home.cpq().once(lambda: home.cpq().operation(key), lambda found: found["state"] == "NEEDS_ATTENTION")
    [raised] = held_up["exceptions"]
    assert (raised["kind"], raised["owner"], raised["status"]) == ("PERIOD_LOCKED", "finance", "OPEN")
    assert home.town.did(key) == {}
    assert held(erp, "party.party", [["code", "=", account]]) == []


def test_a_period_that_closes_meanwhile_holds_up_the_posting_alone(home: House, erp: Erp, reopened: None) -> None:
    account, crm = home.town.landmarks["merge_winner"], home.town.apps["crm"]
    before = shown(home, account)

    async def close(scope: Scope) -> None:
        if scope["method"] == "POST" and scope["path"].endswith("/composite"):
            crm.state.fault = None
            await turn(erp, "close")

    crm.state.fault = close
    try:
        answer = home.cpq().write("submitOrder", **home.order("merge_winner", supportTier="platinum"))
        key = answer["operation"]["key"]
        waits = home.cpq().once(
            lambda: home.cpq().operation(key), lambda found: found["state"] == "NEEDS_ATTENTION", 60.0
        )
    finally:
        crm.state.fault = None
    [raised] = waits["exceptions"]
    assert (raised["kind"], raised["owner"]) == ("PERIOD_LOCKED", "finance")
    assert {outcomes(waits)[name] for name in ("approve_sales_order", "right", "support_plan", "activate")} == {"OK"}
    invoice = made(home, account, before, "invoices")
    assert (invoice["posted"], invoice["postingState"]) == (None, "PENDING")
    asyncio.run(turn(erp, "reopen"))
    assert resumed(home, key, raised)["state"] == "COMPLETED"
    invoice = made(home, account, before, "invoices")
    assert (invoice["postingState"], invoice["posted"]["status"]["value"]) == ("POSTED", "OPEN")


@pytest.mark.parametrize("home", ["svc-books"], indirect=True)
def test_who_may_not_sell_there_is_refused_and_all_is_taken_back(home: House, erp: Erp) -> None:
    account = home.town.landmarks["delinquent"]
    before = shown(home, account)
    answer = home.cpq().write("submitOrder", **home.order("delinquent"))
    operation = home.cpq().ended(answer["operation"]["key"], 60.0)
    assert operation["state"] == "COMPENSATED"
    assert "SOURCE_REJECTED" in operation["reason"]
    assert outcomes(operation)["sales_order"] == "PERMANENT"
    order = made(home, account, before, "orders")
    assert order["status"]["value"] == "CANCELED"
    assert shown(home, account)["invoices"].keys() == before["invoices"].keys()
    did = home.town.did(operation["key"])
    assert {name: set(kinds) for name, kinds in did.items()} == {
        "crm": {"order.create", "order_item.create", "order.cancel"},
        "billing": {"customer.update"},
    }
    assert held(erp, "sale.sale", [["party.code", "=", account]]) == []
    assert held(erp, "account.invoice", [["party.code", "=", account]]) == []
