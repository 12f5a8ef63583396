"""The simulator's address space: who may pass, and who answers what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock, Holdings, Written, simulator_app
from sources.vendors.zendesk.simulator.changes import Changes
from sources.vendors.zendesk.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import Refusal
from sources.vendors.zendesk.simulator.facts import API, TOKEN_PATH
from sources.vendors.zendesk.simulator.finding import Finding
from sources.vendors.zendesk.simulator.gate import Gate, Limits
from sources.vendors.zendesk.simulator.history import History
from sources.vendors.zendesk.simulator.holdings import holdings
from sources.vendors.zendesk.simulator.identity import Identity
from sources.vendors.zendesk.simulator.jobs import Jobs
from sources.vendors.zendesk.simulator.reads import Reads
from sources.vendors.zendesk.simulator.shapes import Object, integration
from sources.vendors.zendesk.simulator.tickets import Tickets
from sources.vendors.zendesk.simulator.writes import Writes

Answer = Callable[[Request], Awaitable[Object | Response]]
_STANDARD = Limits()
_ANONYMOUS: Object = {
    "id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user", "active": False,
}  # fmt: skip


def create_simulator(
    enterprise: Enterprise,
    *,
    clock: Clock | None = None,
    limits: Limits = _STANDARD,
    credentials: Credentials = DEVELOPMENT,
) -> Starlette:
    """A Zendesk account that holds the enterprise's support book; `clock` defaults to the enterprise's own present."""
    time = clock or Clock(enterprise.now)
    desk = Desk(enterprise.support, integration(enterprise.now, credentials.email), limits.search_lag)
    written = Written(time)
    account = _Account(desk, time, limits, Identity(credentials, time), written)
    app = simulator_app(
        account.routes(), clock=time, token_paths=[TOKEN_PATH], written=written, holdings=account.holdings
    )
    app.add_middleware(_Suffix)
    app.state.identity = account.identity
    return app


class _Account:
    """One account: the parts that answer, and the guard before them."""

    def __init__(self, desk: Desk, clock: Clock, limits: Limits, identity: Identity, written: Written) -> None:
        self.identity, self._gate = identity, Gate(limits, clock)
        self._caller = desk.integration
        self._desk, self._history = desk, History(desk)
        history, writes = self._history, Writes(desk, clock, written)
        tickets = Tickets(desk, clock, writes, history, written)
        self._jobs = Jobs(clock, limits.job_seconds, limits.jobs_at_once, tickets.change)
        self._reads = Reads(desk, clock, history)
        self._finding = Finding(desk, clock, self._gate, self._reads)
        self._changes = Changes(writes, tickets, self._jobs, self._gate)

    def holdings(self) -> Holdings:
        """All that the account holds."""
        return holdings(self._desk, self._history)

    def routes(self) -> list[BaseRoute]:
        """First match wins: what has a name goes before what has an id."""
        reads, finding = self._reads, self._finding
        return [
            Route(TOKEN_PATH, self.identity.token, methods=["POST"]),
            Route(f"{API}/users/me", self._guarded(self._me, None)),
            self._route("search", finding.search),
            self._route("search/count", finding.count),
            self._route("search/export", finding.export),
            self._route("incremental/tickets/cursor", finding.changed_tickets, scope="tickets"),
            self._route("organizations/search", finding.organizations),
            self._route("organizations/autocomplete", finding.autocomplete),
            self._route("users/search", finding.users),
            self._route("slas/policies", reads.policies),
            self._route("slas/policies/{id}", reads.policy),
            self._route("ticket_metrics", reads.all_metrics, scope="tickets"),
            self._route("ticket_metrics/{id}", reads.one_metrics, scope="tickets"),
            self._route("tickets/{id}/metrics", reads.one_metrics),
            self._tickets_of("organizations/{id}/tickets", "organization_id", "organizations"),
            self._tickets_of("users/{id}/tickets/requested", "requester_id", "users"),
            self._route("organizations/{id}/users", reads.users_of, scope="users"),
            self._route("tickets/{id}/audits", reads.audits, scope="audits"),
            self._route("tickets/{id}/comments", reads.comments),
            self._route("tickets", self._changes.create_ticket, "POST"),
            self._route("tickets/update_many", self._changes.change_tickets, "PUT"),
            self._route("job_statuses/{id}", self._changes.job),
            self._route("tickets/{id}", self._changes.change_ticket, "PUT"),
            *(route for kind in ("organizations", "users") for route in self._writes_of(kind)),
            *(route for kind in ("organizations", "users", "tickets", "groups") for route in self._reads_of(kind)),
            Route(f"{API}/{{rest:path}}", self._guarded(self._nothing, ""), methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    def _reads_of(self, kind: str) -> list[Route]:
        return [
            self._route(kind, partial(self._reads.index, kind=kind)),
            self._route(f"{kind}/show_many", partial(self._reads.many, kind=kind)),
            self._route(f"{kind}/{{id}}", partial(self._reads.show, kind=kind)),
        ]

    def _writes_of(self, kind: str) -> list[Route]:
        return [
            self._route(kind, partial(self._changes.create, kind=kind), "POST"),
            self._route(f"{kind}/create_or_update", partial(self._changes.upsert, kind=kind), "POST"),
            self._route(f"{kind}/{{id}}", partial(self._changes.change, kind=kind), "PUT"),
        ]

    def _tickets_of(self, path: str, field: str, owners: str) -> Route:
        return self._route(path, partial(self._reads.tickets_of, field=field, owners=owners), scope="tickets")

    def _route(self, path: str, answer: Answer, method: str = "GET", scope: str | None = None) -> Route:
        resource = scope or path.partition("/")[0]
        return Route(f"{API}/{path}", self._guarded(answer, resource), methods=[method])

    def _guarded(self, answer: Answer, resource: str | None) -> Callable[[Request], Awaitable[Response]]:
        """The limit first, then the caller (unless `resource` is None), then the answer; all tell of the limit."""

        async def serve(request: Request) -> Response:
            try:
                self._gate.passed()
                self._jobs.settle()
                if resource is not None:
                    self.identity.check(request, resource)
                made = await answer(request)
            except Refusal as refusal:
                return refusal.response(self._gate.headers())
            response = made if isinstance(made, Response) else JSONResponse(made)
            response.headers.update(self._gate.headers())
            return response

        return serve

    async def _me(self, request: Request) -> Object:
        """Who calls; bad old-style credentials are somebody anonymous, with status 200."""
        return {"user": self._caller if self.identity.known(request) else _ANONYMOUS}

    async def _nothing(self, request: Request) -> Response:
        raise Refusal(404, "InvalidEndpoint", "Not found")


class _Suffix:
    """Every path may end in `.json`; `spelled` keeps what the caller wrote, for links."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith(".json"):
            scope = {**scope, "path": scope["path"].removesuffix(".json"), "spelled": scope["path"]}
        await self._app(scope, receive, send)
