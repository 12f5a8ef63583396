"""A gateway whose invoices and orders are a real Tryton's, by a line of configuration each."""

from typing import Any

from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import parse
from sources.canonical.commands import PutDebtor
from tests.integration.conftest import Demo
from tests.sources.tryton.books import ENTITY, WHO, invoice, opened, order
from tests.sources.tryton.erp import running

OWNED = ("postedinvoice", "salesorder", "billingprofile", "legalentity")
HERO = """query Q($k: ID!) { account(by: {key: $k}) {
    invoices(first: 1) { nodes { key } } orders(first: 1) { nodes { key } } } }"""
QUESTION = """query Q($k: ID!) { account(by: {key: $k}) {
    billingProfiles { name provenance { source } balance { amount } }
    invoices(first: 1) { nodes { key posted { number total { amount } provenance { source } } } }
    orders(first: 1) { nodes { key salesOrders { status { value } total { amount } provenance { source } } } } } }"""


async def test_a_gateway_answers_of_the_books_it_is_told_own_them(demo: Demo) -> None:
    hero = demo.landmarks["hero"]
    known = demo.ask(HERO, k=hero)["data"]["account"]
    [issued], [ordered] = (known[name]["nodes"] for name in ("invoices", "orders"))
    with running() as erp:
        async with opened(erp) as (connector, _):
            who = await connector.do(PutDebtor(**WHO, **ENTITY, account_key=hero, name="Hero ✓ 株式会社"), "k")
            await connector.do(order(who.key, order_key=ordered["key"]), "k")
            posted = await connector.do(invoice(who.key, issued_key=issued["key"]), "k")
        tables, secrets = demo.sources()
        books: dict[str, Any] = {"vendor": "tryton", "url": erp.url, "database": "erp", "company": 1}
        books |= {"key": {"env": "BOOKS_KEY"}, "timeout": 30.0}
        issuer = demo.known["jwks"].removesuffix("/jwks.json")
        tree = {
            "sources": {**tables, "books": books},
            "owners": dict.fromkeys(OWNED, "books"),
            "identity": {"issuers": [{"issuer": issuer, "audience": "opsgraph", "jwks": demo.known["jwks"]}]},
        }
        app = create_app(parse(tree, {**secrets, "BOOKS_KEY": erp.seeded["keys"]["svc-erp"]}))
        with TestClient(app) as client:
            headers = {"authorization": f"Bearer {demo.known['tokens']['auditor']}"}
            body = {"query": QUESTION, "variables": {"k": hero}}
            answer = client.post("/graphql", json=body, headers=headers).json()
    assert "errors" not in answer, answer
    told, source = answer["data"]["account"], {"source": "books"}
    balance = {"amount": "109.78"}
    assert told["billingProfiles"] == [{"name": "Hero ✓ 株式会社", "provenance": source, "balance": balance}]
    assert told["invoices"]["nodes"] == [
        {"key": issued["key"], "posted": {"number": posted.number, "total": balance, "provenance": source}}
    ]
    [sale] = told["orders"]["nodes"][0]["salesOrders"]
    assert (sale["total"], sale["provenance"]) == ({"amount": "131.73"}, source)
