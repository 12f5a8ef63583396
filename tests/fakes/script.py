"""A vendor by script: a `Send` that answers from functions, counts, and remembers what it was sent."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from sources.ports import Call, Reply

Answer = Callable[["Request"], Reply]


class Request(msgspec.Struct):
    """A call, taken apart."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """An answer; text stays text, everything else becomes JSON."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


class Script:
    """`token` answers calls of the operation `token`, `answer` all others. `faults` go before `answer`, one each.

    `reached` is set from the first call on, `asked` from the first that is not for a token.
    """

    def __init__(self, token: Answer, answer: Answer) -> None:
        self._token, self._answer = token, answer
        self.requests: list[Request] = []
        self.tokens: list[Request] = []
        self.faults: list[Reply | Exception] = []
        self.at_once = self.most_at_once = 0
        self.reached, self.asked = asyncio.Event(), asyncio.Event()

    async def send(self, call: Call) -> Reply:
        parts = urlsplit(call.url)
        pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(call.method, parts.path, pairs, dict(call.headers), call.body or b"")
        self.reached.set()
        is_token = call.operation == "token"
        (self.tokens if is_token else self.requests).append(request)  # it was sent, also if nobody waits for its answer
        if not is_token:
            self.asked.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        if is_token:
            return self._token(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        return self._answer(request)
