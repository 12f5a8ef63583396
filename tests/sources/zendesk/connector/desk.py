"""A small Zendesk for the connector: tickets of organizations, by list, by search and by id."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.pipeline.reading import reading
from sources.ports import Reply
from sources.settings import Secret
from sources.vendors.zendesk.connector import ZendeskConnector
from sources.vendors.zendesk.settings import ZendeskSettings
from tests.fakes.script import Request, Script, reply

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
Row = dict[str, Any]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(id_: int, organization: int = 1, **changes: Any) -> Row:
    """A ticket; ids grow with creation, a minute each."""
    at = stamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=id_))
    row = {"id": id_, "organization_id": organization, "subject": f"Ticket {id_}", "status": "open", "type": None}
    return {**row, "priority": "normal", "tags": [], "created_at": at, "updated_at": at, **changes}


class Desk:
    """Answers as the vendor documents it: pages by cursor of a hundred, searches of a thousand, ids a hundred."""

    def __init__(self, tickets: list[Row] | None = None, **others: list[Row]) -> None:
        self.tickets = tickets or []
        self.others = others
        self.script = Script(self._token, self._answer)

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.script.requests]

    def connector(self, **settings: Any) -> ZendeskConnector:
        given: Row = {"vendor": "zendesk", "url": "https://desk.test", "client_id": "c", "client_secret": Secret("s")}
        return ZendeskConnector(
            "support", ZendeskSettings(**given | settings), reading(self.script.send), NOW.timestamp
        )

    def _token(self, request: Request) -> Reply:
        return reply({"access_token": f"token-{len(self.script.tokens)}", "token_type": "bearer", "expires_in": 7200})

    def _answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/v2")
        if found := re.fullmatch(r"/organizations/(\d+)/tickets\.json", path):
            return self._listed([row for row in self.tickets if row["organization_id"] == int(found[1])], request)
        if found := re.fullmatch(r"/(\w+)/show_many\.json", path):
            return self._many(found[1], request)
        if path == "/search.json":
            return self._searched(request)
        if path == "/users/search.json":
            return reply({"users": self.others.get("users", [])})
        if path == "/slas/policies.json":
            return reply({"sla_policies": self.others.get("policies", [])})
        if path == "/users/me.json":
            return reply({"user": self.others["me"][0]})
        return reply({"error": "RecordNotFound", "description": "Not found"}, 404)

    def _many(self, what: str, request: Request) -> Reply:
        field = "external_id" if "external_ids" in request.query else "id"
        keys = request.query.get("ids", request.query.get("external_ids", "")).split(",")
        assert 1 <= len(keys) <= 100
        rows = self.tickets if what == "tickets" else self.others.get(what, [])
        return reply({what: [row for row in rows if str(row[field]) in keys]})

    def _listed(self, rows: list[Row], request: Request) -> Reply:
        sort, size = request.query["sort"], int(request.query["page[size]"])
        field = sort.removeprefix("-")
        rows = sorted(rows, key=lambda row: (row[field], row["id"]), reverse=sort.startswith("-"))
        start = int(request.query.get("page[after]", "0"))
        shown = rows[start : start + size]
        meta = {"has_more": start + size < len(rows), "after_cursor": str(start + size)}
        return reply({"tickets": shown, "meta": meta, "users": []})

    def _searched(self, request: Request) -> Reply:
        query, size, number = request.query["query"], int(request.query["per_page"]), int(request.query.get("page", 1))
        if "type:organization" in query:
            rows = self.others.get("organizations", [])
            return reply({"results": rows, "count": len(rows)})
        if number * size > 1_000:
            return reply({"error": "invalid", "description": "Number of results exceeds 1000"}, 422)
        found = _found(self.tickets, query)
        found.sort(key=lambda row: (row[request.query["sort_by"]], row["id"]))
        found = found[::-1] if request.query["sort_order"] == "desc" else found
        return reply({"results": found[(number - 1) * size : number * size], "count": len(found)})


def _found(rows: list[Row], query: str) -> list[Row]:
    organizations = {int(each) for each in re.findall(r"organization:(\d+)", query)}
    statuses = set(re.findall(r"status:(\w+)", query))
    found = [
        row
        for row in rows
        if (not organizations or row["organization_id"] in organizations)
        and (not statuses or row["status"] in statuses)
    ]
    for name, sign, value in re.findall(r"(created|updated)(<=|>=|<|>)(\S+)", query):
        tests = {
            "<": lambda a, b: a < b,
            ">": lambda a, b: a > b,
            "<=": lambda a, b: a <= b,
            ">=": lambda a, b: a >= b,
        }
        found = [row for row in found if tests[sign](row[f"{name}_at"], value)]
    return found
