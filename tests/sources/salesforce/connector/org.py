"""A small Salesforce for the connector: tokens, queries alone and in batches, pages."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sources.pipeline.reading import reading
from sources.ports import Reply
from sources.settings import Secret
from sources.vendors.salesforce.connector import SalesforceConnector
from sources.vendors.salesforce.settings import SalesforceSettings
from tests.fakes.script import Request, Script, reply

NOW = 1_795_000_000.0
Row = dict[str, Any]


def account(key: str, **changes: Any) -> Row:
    return {"Id": key, "Name": f"Account {key}", "Type": "Customer", "Status__c": "Active"} | changes


def refusal(status: int, code: str, message: str = "words of the vendor", **headers: str) -> Reply:
    return reply([{"message": message, "errorCode": code, "fields": []}], status, **headers)


class Org:
    """Holds accounts. `page_size` rows a page; `part` may answer a query of a batch instead: (status, body)."""

    def __init__(self, *accounts: Row, page_size: int = 2_000) -> None:
        self.accounts, self.page_size = {row["Id"]: row for row in accounts}, page_size
        self.script = Script(self.token, self.answer)
        self.now = NOW
        self.part: Callable[[str], tuple[int, Any] | None] = lambda _query: None
        self.pages: dict[str, list[Row]] = {}
        self.granted: dict[str, Any] = {}

    def connector(self, **settings: Any) -> SalesforceConnector:
        given: Row = {
            "vendor": "salesforce", "url": "https://org.test", "client_id": "c", "client_secret": Secret("s"),
            "window": 0.0,
        }  # fmt: skip
        send = reading(self.script.send)
        return SalesforceConnector("crm", SalesforceSettings(**given | settings), send, lambda: self.now)

    @property
    def tokens(self) -> list[str]:
        """Which token each call carried."""
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.script.requests]

    def token(self, request: Request) -> Reply:
        return reply({"access_token": f"token-{len(self.script.tokens)}", "token_type": "Bearer"} | self.granted)

    def answer(self, request: Request) -> Reply:
        if request.path.endswith("/composite/batch"):
            results = [self._part(each["url"]) for each in request.json["batchRequests"]]
            return reply({"hasErrors": any(each["statusCode"] != 200 for each in results), "results": results})
        if request.path.endswith("/limits"):
            return reply({"DailyApiRequests": {"Max": 15_000, "Remaining": 14_998}})
        if request.path in self.pages:
            return reply(self._page(self.pages.pop(request.path)))
        return reply(self._page(self._found(request.query["q"])))

    def _part(self, url: str) -> Row:
        query = dict(parse_qsl(urlsplit(url).query))["q"]
        status, body = self.part(query) or (200, self._page(self._found(query)))
        return {"statusCode": status, "result": body}

    def _found(self, query: str) -> list[Row]:
        keys = re.findall(r"'(\w+)'", query)
        return [self.accounts[key] for key in keys if key in self.accounts]

    def _page(self, rows: list[Row]) -> Row:
        shown, rest = rows[: self.page_size], rows[self.page_size :]
        page: Row = {"totalSize": len(rows), "done": not rest, "records": shown}
        if rest:
            page["nextRecordsUrl"] = f"/services/data/v66.0/query/01g-{len(self.script.requests)}-{len(rest)}"
            self.pages[page["nextRecordsUrl"]] = rest
        return page
