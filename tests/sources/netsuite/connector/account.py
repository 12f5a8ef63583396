"""A small NetSuite for the connector: signed assertions for tokens, SuiteQL answered from a table, alone or as a union."""

import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sources.pipeline.reading import reading
from sources.ports import Reply
from sources.settings import Secret
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.connector import NetSuiteConnector
from sources.vendors.netsuite.settings import NetSuiteSettings
from tests.fakes.script import Request, Script, reply

NOW = 1_795_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
Row = dict[str, Any]
ENTITY: Row = {"id": "2", "code": "DE01", "name": "Acme GmbH", "country": "DE", "currency": "EUR", "inactive": "F"}


def refusal(status: int, code: str, detail: str = "words of the vendor", **headers: str) -> Reply:
    said = [{"detail": detail, "o:errorCode": code}]
    return reply({"type": "t", "title": "Bad", "status": status, "o:errorDetails": said}, status, **headers)


class Account:
    """Answers any query with rows that are asked for by key: items of that code, subsidiaries of that code."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes
        self.script = Script(self.token, self.answer)
        self.now = NOW
        self.granted: Row = {}

    def connector(self, **settings: Any) -> NetSuiteConnector:
        given: Row = {
            "vendor": "netsuite", "url": "https://acme.test", "client_id": "c", "certificate_id": "k",
            "private_key": Secret(KEY), "algorithm": "ES256", "window": 0.0,
        }  # fmt: skip
        send = reading(self.script.send)
        return NetSuiteConnector("erp", NetSuiteSettings(**given | settings), send, lambda: self.now)

    def token(self, request: Request) -> Reply:
        return reply({"access_token": f"token-{len(self.script.tokens)}", "expires_in": "3600"} | self.granted)

    def answer(self, request: Request) -> Reply:
        query, parameters = request.json["q"], list(request.json.get("params", []))
        rows: list[Row] = []
        for number, part in enumerate(query.split(" UNION ALL ")):
            wanted, parameters = parameters[: part.count("?")], parameters[part.count("?") :]
            found = [self._row(part, code) for code in self.codes if code in wanted or not wanted]
            if " UNION ALL " in query:
                found = [
                    {"q": str(number), **{f"c{at}": value for at, value in enumerate(row.values())}} for row in found
                ]
            else:
                found = [{f"x_{name}": value for name, value in row.items()} for row in found]
            rows += found
        limit = int(request.query["limit"])
        items = [{"links": [], **{name: value for name, value in row.items() if value is not None}} for row in rows]
        return reply({"items": items[:limit], "hasMore": len(items) > limit, "count": len(items[:limit])})

    def _row(self, part: str, code: str) -> Row:
        columns = facts.ITEM if "FROM item" in part else facts.ENTITY
        known = {**ENTITY, "id": f"7{self.codes.index(code)}", "code": code, "type": "Service"}
        return {name: known.get(name) for name in columns}


def selects(query: str) -> int:
    """How many queries a request holds."""
    return len(re.split(" UNION ALL ", query))
