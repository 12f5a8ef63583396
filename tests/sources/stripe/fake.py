"""A Stripe account in memory: answers the calls it is sent, remembers them, and fails where it is told to."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sources.pipeline.reading import reading
from sources.ports import Call, Reply
from sources.settings import Secret
from sources.vendors.stripe.connector import StripeConnector, open_connector
from sources.vendors.stripe.settings import StripeSettings
from tests.sources.stripe.objects import NOW, Object

_CLAUSE = re.compile(
    r"(?:metadata\['(?P<meta>\w+)'\]|(?P<field>\w+))(?P<op>:|<=|>=)(?:'(?P<text>(?:\\.|[^'\\])*)'|(?P<number>\d+))"
)
_EQUAL = (
    "customer",
    "subscription",
    "status",
    "invoice",
    "charge",
    "payment_intent",
    "product",
    "payment[payment_intent]",
)


class Fake:
    """`things` by path and id; `nested` lists by their whole path; `fault` may answer a call instead."""

    def __init__(self, **things: list[Object]) -> None:
        self.tables = {
            path: {row["id"]: row for row in things.get(name, [])}
            for name, path in {
                "customers": "/v1/customers", "products": "/v1/products", "prices": "/v1/prices",
                "subscriptions": "/v1/subscriptions", "subscription_items": "/v1/subscription_items",
                "invoices": "/v1/invoices", "invoice_payments": "/v1/invoice_payments",
                "intents": "/v1/payment_intents", "charges": "/v1/charges", "refunds": "/v1/refunds",
                "disputes": "/v1/disputes", "credit_notes": "/v1/credit_notes", "meters": "/v1/billing/meters",
                "entitlements": "/v1/entitlements/active_entitlements",
            }.items()
        }  # fmt: skip
        self.nested: dict[str, list[Object]] = {}
        self.calls: list[Call] = []
        self.fault: Callable[[str, Mapping[str, str]], Reply | None] = lambda _path, _query: None

    @property
    def seen(self) -> list[str]:
        """Paths with their query, decoded, as they were asked."""
        return [unquote(call.url.removeprefix("https://stripe.test").replace("+", " ")) for call in self.calls]

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        parts = urlsplit(call.url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        fault = self.fault(parts.path, dict(pairs))
        return fault or self._answer(parts.path, pairs)

    def _answer(self, path: str, pairs: list[tuple[str, str]]) -> Reply:
        query = dict(pairs)
        if any(value.count(".") > 3 for name, value in pairs if name == "expand[]"):
            return refusal(400, "property_expansion_max_depth", "invalid_request_error")
        if path in self.nested:
            return page(self.nested[path], query, path)
        if path.endswith("/search"):
            return self._searched(path.removesuffix("/search"), query)
        if path in self.tables:
            ids = {value for name, value in pairs if name == "ids[]"}
            rows = [row for row in self.tables[path].values() if _listed(row, query) and (not ids or row["id"] in ids)]
            return page(rows, query, path)
        table, _, key = path.rpartition("/")
        row = self.tables.get(table, {}).get(unquote(key))
        return answer(row) if row else refusal(404, "resource_missing", "invalid_request_error")

    def _searched(self, path: str, query: Mapping[str, str]) -> Reply:
        text = query["query"]
        assert not (" OR " in text and " AND " in text), "a search joins by AND or by OR, never both"
        joined = any if " OR " in text else all
        clauses = [_CLAUSE.fullmatch(part) for part in re.split(r" (?:OR|AND) ", text)]
        assert all(clauses), f"not a query: {text}"
        assert len(clauses) <= 10
        rows = [
            row for row in self.tables[path].values() if joined(_meets(row, clause) for clause in clauses if clause)
        ]
        rows.sort(key=lambda row: (-row.get("created", 0), row["id"]))
        start, size = int(query.get("page", 0)), int(query["limit"])
        more = start + size < len(rows)
        found = {
            "object": "search_result",
            "url": f"{path}/search",
            "has_more": more,
            "data": rows[start : start + size],
        }
        return answer(found | {"next_page": str(start + size) if more else None})


def _meets(row: Object, clause: re.Match[str]) -> bool:
    value: Any = (row.get("metadata") or {}).get(clause["meta"]) if clause["meta"] else row.get(clause["field"])
    if clause["op"] == ":":
        return str(value).casefold() == re.sub(r"\\(.)", r"\1", clause["text"]).casefold()
    return bool(value <= int(clause["number"]) if clause["op"] == "<=" else value >= int(clause["number"]))


def _listed(row: Object, query: Mapping[str, str]) -> bool:
    for name, value in query.items():
        if name in _EQUAL and value != "all":
            inner = row.get("payment", {}).get("payment_intent") if name.startswith("payment[") else row.get(name)
            inner = (
                row.get("parent", {}).get("subscription_details", {}).get("subscription")
                if name == "subscription" and "parent" in row
                else inner
            )
            if (inner["id"] if isinstance(inner, dict) else inner) != value:
                return False
        bound = re.fullmatch(r"(\w+)\[(gte|lte)\]", name)
        if bound:
            at = row.get(bound[1])
            if at is None or (at < int(value) if bound[2] == "gte" else at > int(value)):
                return False
    return True


def page(rows: list[Object], query: Mapping[str, str], path: str) -> Reply:
    """Newest first; rows of one second in an order of the vendor's own, here the larger id first."""
    if rows and "created" in rows[0] and not path.endswith("/lines"):
        rows = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    ids = [row["id"] for row in rows]
    if "starting_after" in query:
        if query["starting_after"] not in ids:
            return refusal(404, "resource_missing", "invalid_request_error")
        rows = rows[ids.index(query["starting_after"]) + 1 :]
    size = int(query.get("limit", 10))
    assert 1 <= size <= 100
    return answer({"object": "list", "url": path, "has_more": len(rows) > size, "data": rows[:size]})


def answer(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def refusal(status: int, code: str | None, kind: str, **headers: str) -> Reply:
    error = {"type": kind, "message": "words of the vendor: sk_test_secret"} | ({"code": code} if code else {})
    return answer({"error": error}, status, **headers)


def connector(fake: Fake, **settings: Any) -> StripeConnector:
    given: dict[str, Any] = {"vendor": "stripe", "url": "https://stripe.test", "key": Secret("sk_test_secret")}
    return open_connector("billing", StripeSettings(**given | settings), reading(fake.send), lambda: float(NOW))
