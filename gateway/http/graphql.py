"""GraphQL over HTTP: which media types, which status, one question out of a request."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response as HttpResponse

from gateway.engine.answer import refused
from gateway.engine.engine import Engine, Question, Response
from gateway.http.bodies import BodyRefused, read_body
from gateway.identity.verify import Unauthenticated, Verifier

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
_CORRELATION = re.compile(r"[A-Za-z0-9_\-.]{8,64}\Z")


class BadRequest(Exception):
    """A request that is no GraphQL request."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


class GraphQLEndpoint:
    """The `/graphql` route. Tokens are checked before a body is read."""

    def __init__(self, engine: Engine, verifier: Verifier, *, body_bytes: int, body_timeout: float) -> None:
        self._engine, self._verifier = engine, verifier
        self._body_bytes, self._body_timeout = body_bytes, body_timeout

    async def respond(self, request: Request) -> HttpResponse:
        """Answers one request."""
        correlation_id = _correlation_id(request)
        media_type = accepted(request.headers.get("accept"))
        try:
            if media_type is None:
                raise BadRequest(406, f"accept `{RESPONSE_JSON}` or `{JSON}`")
            header = request.headers.get("authorization")
            principal = await self._verifier.principal(None if header is None else header.encode("latin-1"))
            question = await self._question(request)
        except Unauthenticated as error:
            challenge = {"www-authenticate": 'Bearer realm="opsgraph"'}
            return self._refusal(401, "UNAUTHENTICATED", str(error), media_type, correlation_id, challenge)
        except BadRequest as error:
            return self._refusal(error.status, "BAD_INPUT", str(error), media_type, correlation_id, error.headers)
        except BodyRefused as error:
            return self._refusal(error.status, "BAD_INPUT", str(error), media_type, correlation_id, {})
        response = await self._engine.run(question, principal, correlation_id)
        return _http(_status(response, media_type), response.body, media_type, correlation_id)

    async def _question(self, request: Request) -> Question:
        if request.method == "GET":
            return from_query(request)
        content_type = request.headers.get("content-type", "")
        name, _, parameters = content_type.partition(";")
        if name.strip().lower() != JSON:
            raise BadRequest(415, f"send the request as `{JSON}`", {"accept-post": JSON})
        charset = re.search(r"charset=\"?([^\s;\"]+)", parameters, re.IGNORECASE)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise BadRequest(415, f"`{charset[1]}` is not supported: send UTF-8")
        return from_body(await read_body(request, self._body_bytes, self._body_timeout))

    def _refusal(
        self,
        status: int,
        code: str,
        message: str,
        media_type: str | None,
        correlation_id: str,
        headers: Mapping[str, str],
    ) -> HttpResponse:
        body = refused([GraphQLError(message, extensions={"code": code, "retryable": False})], correlation_id)
        return _http(status, body, media_type or JSON, correlation_id, headers)


def accepted(header: str | None) -> str | None:
    """The media type to answer with; None where the client takes neither of ours."""
    if not header:
        return JSON
    best: tuple[float, int, str] | None = None
    for index, part in enumerate(header.split(",")):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        offered = {RESPONSE_JSON: RESPONSE_JSON, JSON: JSON, "*/*": JSON, "application/*": JSON}.get(name)
        quality = _quality(parameters)
        if offered is None or quality == 0 or any(each == "charset=utf-16" for each in parameters):
            continue
        if best is None or (quality, -index) > best[:2]:
            best = (quality, -index, offered)
    return best[2] if best else None


def _quality(parameters: list[str]) -> float:
    for each in parameters:
        if each.startswith("q="):
            try:
                return float(each[2:])
            except ValueError:
                return 0.0
    return 1.0


def from_query(request: Request) -> Question:
    """The question of a GET request; raises BadRequest."""
    parameters = request.query_params
    if len(parameters.getlist("query")) > 1:
        raise BadRequest(400, "`query` is given twice")
    return _question(
        {
            "query": parameters.get("query"),
            "operationName": parameters.get("operationName") or None,
            "variables": _json_object("variables", parameters.get("variables")),
            "extensions": _json_object("extensions", parameters.get("extensions")),
        },
        may_mutate=False,
    )


def from_body(body: bytes) -> Question:
    """The question of a POST body; raises BadRequest."""
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(400, "the body is no JSON") from None
    if isinstance(parsed, list):
        raise BadRequest(400, "the body is a list: send one operation at a time")
    if not isinstance(parsed, dict):
        raise BadRequest(400, "the body is no JSON object")
    return _question(parsed, may_mutate=True)


def _question(parameters: Mapping[str, Any], *, may_mutate: bool) -> Question:
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if not isinstance(query, str):
        raise BadRequest(400, "`query` is missing: send the document as a text")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise BadRequest(400, f"`{key}` is no object")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` is no text")
    return Question(query, variables, name, may_mutate)


def _json_object(name: str, text: str | None) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(400, f"`{name}` is no JSON") from None


def _status(response: Response, media_type: str | None) -> int:
    """A request that did not run is 400 to those who understand the new media type; the old one always said 200."""
    if response.method_not_allowed:
        return 405
    return 200 if response.started or media_type == JSON else 400


def _http(
    status: int,
    body: Mapping[str, Any],
    media_type: str | None,
    correlation_id: str,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    extra = {"content-type": f"{media_type or JSON}; charset=utf-8", "x-correlation-id": correlation_id}
    if status == 405:
        extra["allow"] = "POST"
    extra |= {"cache-control": "no-store", "vary": "accept, authorization"}
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), status, {**extra, **(headers or {})})


def _correlation_id(request: Request) -> str:
    given = request.headers.get("x-correlation-id", "")
    return given if _CORRELATION.match(given) else secrets.token_hex(8)
