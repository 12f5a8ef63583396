"""The application: authentication, limits, routes."""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock, simulator_app
from sources.vendors.zendesk.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.zendesk.simulator.desk import Desk, Object
from sources.vendors.zendesk.simulator.errors import Refusal, not_found
from sources.vendors.zendesk.simulator.pages import by_number, ordered, page
from sources.vendors.zendesk.simulator.search import compile_query
from sources.vendors.zendesk.simulator.writes import Writes

TOKEN_PATH = "/oauth/tokens"  # noqa: S105 - a path
_MANY, _SEARCH_MOST = 100, 1_000
_SINGULAR = {"organizations": "organization", "users": "user", "tickets": "ticket", "groups": "group"}
Handler = Callable[[Request], Awaitable[Object | Response]]


class Limits(msgspec.Struct, frozen=True):
    """`per_minute` requests of the account (None: any number); `search_lag` seconds until a search finds a ticket."""

    per_minute: int | None = None
    search_lag: float = 0.0


class Account:
    """One account: its desk, its tokens, its limits."""

    def __init__(self, enterprise: Enterprise, clock: Clock, limits: Limits, credentials: Credentials) -> None:
        self.desk = Desk(enterprise.support)
        self.clock, self.limits, self.credentials = clock, limits, credentials
        self.writes = Writes(self.desk, clock)
        self._tokens: dict[str, float] = {}
        self._minute: tuple[int, int] = (0, 0)

    def route(self, path: str, handler: Handler, *methods: str, open_to_all: bool = False) -> Route:
        """A route below the API, with or without `.json`."""

        async def respond(request: Request) -> Response:
            try:
                headers = self._count()
                if not open_to_all:
                    self._authenticate(request)
                answer = await handler(request)
            except Refusal as refusal:
                return refusal.response()
            if isinstance(answer, Response):
                return answer
            return JSONResponse(answer, headers=headers)

        return Route(f"/api/v2{path}", respond, methods=list(methods or ("GET",)))

    # ------------------------------------------------------------ who, and how often

    async def token(self, request: Request) -> Response:
        """`POST /oauth/tokens`: client credentials, from JSON or a form."""
        try:
            given = json.loads(await request.body())
        except ValueError:
            given = {}
        known = self.credentials
        if given.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if (given.get("client_id"), given.get("client_secret")) != (known.client_id, known.client_secret):
            return JSONResponse({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        life = given.get("expires_in", 7_200)
        if not isinstance(life, int) or not 300 < life < 172_800:
            return JSONResponse({"error": "invalid_request", "error_description": "expires_in is out of range"}, 400)
        token = secrets.token_hex(24)
        self._tokens[token] = self.clock.now().timestamp() + life
        scope = given.get("scope", "read")
        return JSONResponse({"access_token": token, "token_type": "bearer", "scope": scope, "expires_in": life})

    def _authenticate(self, request: Request) -> None:
        if not self._known(request):
            scheme = request.headers.get("authorization", "").partition(" ")[0]
            if scheme == "Bearer":
                raise Refusal(
                    401, "invalid_token", "The access token provided is expired, revoked, malformed or invalid."
                )
            raise Refusal(401, "Couldn't authenticate you")

    def _known(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return self._tokens.get(value, 0) > self.clock.now().timestamp()
        if scheme == "Basic":
            expected = f"{self.credentials.email}/token:{self.credentials.api_token}"
            return secrets.compare_digest(value, base64.b64encode(expected.encode()).decode())
        return False

    def expire(self) -> None:
        """Ends every token."""
        self._tokens.clear()

    def _count(self) -> dict[str, str]:
        limit = self.limits.per_minute
        now = self.clock.now().timestamp()
        minute = int(now // 60)
        self._minute = (minute, self._minute[1] + 1 if minute == self._minute[0] else 1)
        shown = limit if limit is not None else 2_500
        left = max(0, shown - self._minute[1])
        reset = str(math.ceil(60 - now % 60))
        if limit is not None and self._minute[1] > limit:
            waiting = {"retry-after": reset, "x-rate-limit": str(shown), "x-rate-limit-remaining": "0"}
            raise Refusal(
                429,
                "APIRateLimitExceeded",
                "Number of allowed API requests per minute exceeded",
                headers=waiting,
                text=True,
            )
        return {
            "x-rate-limit": str(shown),
            "x-rate-limit-remaining": str(left),
            "ratelimit-limit": str(shown),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": reset,
        }

    # ------------------------------------------------------------ reads

    async def me(self, request: Request) -> Object:
        """Who calls; bad old-style credentials are somebody anonymous, with status 200."""
        if self._known(request):
            return {"user": {"id": 1, "name": "Integration", "email": self.credentials.email, "role": "admin"}}
        if request.headers.get("authorization", "").startswith("Bearer"):
            raise Refusal(401, "invalid_token", "The access token provided is expired, revoked, malformed or invalid.")
        return {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}

    def lister(self, kind: str) -> Handler:
        """`GET /{kind}`."""

        async def answer(request: Request) -> Object:
            rows = ordered(list(self.desk.objects[kind].values()), None)
            if "external_id" in request.query_params:
                rows = self.desk.by_external(kind, [request.query_params["external_id"]])
            return self._sided(kind, page(rows, kind, dict(request.query_params), _place(request)), request)

        return answer

    def shower(self, kind: str) -> Handler:
        """`GET /{kind}/{id}`."""

        async def answer(request: Request) -> Object:
            found = self.desk.get(kind, _key(request))
            sided = self._sided(kind, {kind: [found]}, request)
            return {_SINGULAR[kind]: sided.pop(kind)[0], **sided}

        return answer

    def many(self, kind: str) -> Handler:
        """`GET /{kind}/show_many?ids=` or `external_ids=`, a hundred at the most."""

        async def answer(request: Request) -> Object:
            external = "external_ids" in request.query_params
            text = request.query_params.get("external_ids" if external else "ids", "")
            keys = [each.strip() for each in text.split(",") if each.strip()]
            if not keys or len(keys) > _MANY:
                raise Refusal(400, "TooManyIds" if keys else "MissingIds", f"Give 1 to {_MANY} ids")
            rows = self.desk.by_external(kind, keys) if external else self.desk.many(kind, keys)
            shown = {kind: rows, "count": len(rows), "next_page": None, "previous_page": None}
            return self._sided(kind, shown, request)

        return answer

    async def tickets_of(self, request: Request) -> Object:
        """`GET /organizations/{id}/tickets`."""
        organization = self.desk.get("organizations", request.path_params["id"])
        rows = [self.desk.objects["tickets"][key] for key in self.desk.tickets_of[organization["id"]]]
        shown = page(ordered(rows, None), "tickets", dict(request.query_params), _place(request))
        return self._sided("tickets", shown, request)

    async def search(self, request: Request) -> Object:
        """`GET /search`: by number only, a thousand results at the most."""
        parameters = dict(request.query_params)
        rows = self._found(parameters.get("query", ""))
        field = parameters.get("sort_by", "created_at")
        descending = parameters.get("sort_order", "desc") == "desc"
        rows.sort(key=lambda row: (str(row.get(field) or ""), row["id"]), reverse=descending)
        shown = by_number(rows, "results", parameters, _place(request))
        size, number = int(parameters.get("per_page", _MANY)), int(parameters.get("page", 1))
        if (number - 1) * min(size, _MANY) >= _SEARCH_MOST:
            raise Refusal(422, "invalid", "Requested response size was greater than Search Response Limits")
        return {**shown, "facets": None}

    async def export(self, request: Request) -> Object:
        """`GET /search/export`: by cursor, one kind."""
        parameters = dict(request.query_params)
        kind = f"{parameters.get('filter[type]', 'ticket')}s"
        rows = [row for row in self._found(parameters.get("query", "")) if row["result_type"] == kind[:-1]]
        parameters.setdefault("page[size]", str(_MANY))
        return page(rows, "results", parameters, _place(request))

    def _found(self, query: str) -> list[Object]:
        kinds, test = compile_query(query)
        now = self.clock.now().timestamp()
        return [
            {**row, "result_type": _SINGULAR[kind]}
            for kind in kinds
            for row in self.desk.objects[kind].values()
            if self.desk.written_at.get(row["id"], 0) + self.limits.search_lag <= now and test(row)
        ]

    def finder(self, kind: str) -> Handler:
        """`GET /organizations/search` and `/users/search`."""

        async def answer(request: Request) -> Object:
            parameters = dict(request.query_params)
            if "external_id" in parameters:
                rows = self.desk.by_external(kind, [parameters["external_id"]])
            elif "name" in parameters:
                wanted = parameters["name"].lower()
                rows = [row for row in self.desk.objects[kind].values() if str(row["name"]).lower() == wanted]
            else:
                _, test = compile_query(parameters.get("query", ""))
                rows = [row for row in self.desk.objects[kind].values() if test(row)]
            return by_number(rows, kind, parameters, _place(request))

        return answer

    async def incremental(self, request: Request) -> Object:
        """`GET /incremental/tickets/cursor`."""
        parameters = request.query_params
        since = float(parameters.get("cursor") or parameters.get("start_time") or 0)
        rows = [row for row in self.desk.objects["tickets"].values() if row["generated_timestamp"] > since]
        rows.sort(key=lambda row: (row["generated_timestamp"], row["id"]))
        shown = rows[:1_000]
        after = str(shown[-1]["generated_timestamp"]) if shown else str(since)
        return {
            "tickets": shown,
            "after_cursor": after,
            "after_url": f"{_place(request)}?cursor={after}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(rows) <= 1_000,
        }

    async def policies(self, _request: Request) -> Object:
        """`GET /slas/policies`."""
        rows = self.desk.policies
        return {"sla_policies": rows, "count": len(rows), "next_page": None, "previous_page": None}

    def _sided(self, kind: str, shown: Object, request: Request) -> Object:
        """Sideloads: `include=users,organizations,groups,slas`."""
        wanted = request.query_params.get("include", "").split(",")
        rows: list[Object] = shown[kind]
        if "slas" in wanted and kind == "tickets":
            shown[kind] = [{**row, "slas": {"policy_metrics": self.desk.slas.get(row["id"], [])}} for row in rows]
        for name, fields in (
            ("users", ("requester_id", "assignee_id")),
            ("organizations", ("organization_id",)),
            ("groups", ("group_id",)),
        ):
            if name in wanted:
                keys = dict.fromkeys(str(row[field]) for row in rows for field in fields if row.get(field))
                shown[name] = self.desk.many(name, keys)
        return shown

    # ------------------------------------------------------------ writes

    async def create_ticket(self, request: Request) -> Response:
        """`POST /tickets`."""
        body = await request.body()
        made, lookup = self.writes.ticket(_wrapped(body, "ticket"), request.headers.get("idempotency-key"), body)
        headers = {"location": f"{request.base_url}api/v2/tickets/{made['id']}.json"}
        headers |= {"x-idempotency-lookup": lookup} if lookup else {}
        return JSONResponse({"ticket": made, "audit": {"ticket_id": made["id"], "events": []}}, 201, headers)

    async def change_ticket(self, request: Request) -> Object:
        """`PUT /tickets/{id}`."""
        return {"ticket": self.writes.change_ticket(_key(request), _wrapped(await request.body(), "ticket"))}

    def creator(self, kind: str, *, upsert: bool = False) -> Handler:
        """`POST /organizations`, `/users`, and their `create_or_update`."""

        async def answer(request: Request) -> Response:
            given = _wrapped(await request.body(), _SINGULAR[kind])
            write = self.writes.organization if kind == "organizations" else self.writes.user
            known = self.desk.by_external(kind, [str(given.get("external_id"))]) if upsert else []
            made = write(given, str(known[0]["id"])) if known else write(given)
            place = f"{request.base_url}api/v2/{kind}/{made['id']}.json"
            return JSONResponse({_SINGULAR[kind]: made}, 200 if known else 201, {"location": place})

        return answer

    def changer(self, kind: str) -> Handler:
        """`PUT /organizations/{id}`, `/users/{id}`."""

        async def answer(request: Request) -> Object:
            given = _wrapped(await request.body(), _SINGULAR[kind])
            write = self.writes.organization if kind == "organizations" else self.writes.user
            return {_SINGULAR[kind]: write(given, _key(request))}

        return answer


def _wrapped(body: bytes, name: str) -> Object:
    try:
        given = json.loads(body)
    except ValueError:
        raise Refusal(400, "InvalidJSON", "The request body is no JSON", text=True) from None
    if not isinstance(given, dict) or not isinstance(given.get(name), dict):
        raise Refusal(400, f"Parameter {name} is required", None)
    wrapped: Object = given[name]
    return wrapped


def _key(request: Request) -> str:
    return str(request.path_params["id"]).removesuffix(".json")


def _place(request: Request) -> str:
    return f"{request.base_url}{request.url.path.lstrip('/')}"


class _Suffix:
    """Every path may end in `.json`."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith(".json"):
            scope = {**scope, "path": scope["path"].removesuffix(".json")}
        await self._app(scope, receive, send)


def create_simulator(
    enterprise: Enterprise,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    credentials: Credentials = DEVELOPMENT,
) -> Starlette:
    """A Zendesk account that holds the enterprise's support book."""
    account = Account(enterprise, clock or Clock(enterprise.now), limits or Limits(), credentials)
    routes = [
        Route(TOKEN_PATH, account.token, methods=["POST"]),
        account.route("/users/me", account.me, open_to_all=True),
        account.route("/search", account.search),
        account.route("/search/export", account.export),
        account.route("/incremental/tickets/cursor", account.incremental),
        account.route("/slas/policies", account.policies),
        account.route("/organizations/search", account.finder("organizations")),
        account.route("/users/search", account.finder("users")),
        account.route("/organizations/{id}/tickets", account.tickets_of),
    ]
    for kind in ("organizations", "users", "tickets", "groups"):
        routes.append(account.route(f"/{kind}", account.lister(kind)))
        routes.append(account.route(f"/{kind}/show_many", account.many(kind)))
    for kind in ("organizations", "users"):
        routes.append(account.route(f"/{kind}", account.creator(kind), "POST"))
        routes.append(account.route(f"/{kind}/create_or_update", account.creator(kind, upsert=True), "POST"))
        routes.append(account.route(f"/{kind}/{{id}}", account.changer(kind), "PUT"))
    routes.append(account.route("/tickets", account.create_ticket, "POST"))
    routes.append(account.route("/tickets/{id}", account.change_ticket, "PUT"))
    routes += [account.route(f"/{kind}/{{id}}", account.shower(kind)) for kind in _SINGULAR]
    app = simulator_app(routes, clock=account.clock, token_paths=[TOKEN_PATH])
    app.add_middleware(_Suffix)
    app.add_exception_handler(404, _missing)
    app.state.account = account
    return app


async def _missing(_request: Request, _error: Exception) -> Response:
    return not_found().response()
