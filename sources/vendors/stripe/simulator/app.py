"""The application: authentication, routes, pages, answers."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock, Written, simulator_app
from sources.vendors.stripe.simulator import facts, features, forms
from sources.vendors.stripe.simulator.changes import CHANGES, Change
from sources.vendors.stripe.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.stripe.simulator.errors import Refusal, unknown
from sources.vendors.stripe.simulator.expand import expanded
from sources.vendors.stripe.simulator.keys import Keys
from sources.vendors.stripe.simulator.lists import LISTINGS, Listing, cut, limit, page
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.passing import pass_time
from sources.vendors.stripe.simulator.search import compile_query
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.store import Store

Answer = Callable[[Request, dict[str, Any]], Object]


class Limits(msgspec.Struct, frozen=True):
    """`per_second` requests of the whole account (None: any number); `search_lag` seconds before a search finds what
    was written; `work` seconds that a write takes, during which its object is locked and its key in use."""

    per_second: int | None = None
    search_lag: float = 0.0
    work: float = 0.0


class Account:
    """One account: its store, its keys, its limits."""

    def __init__(self, enterprise: Enterprise, clock: Clock, limits: Limits, credentials: Credentials) -> None:
        self.store = Store(enterprise.billing)
        self.clock, self.limits, self.credentials = clock, limits, credentials
        self.keys = Keys(clock)
        self.office = Office(self.store, clock, Written(clock))
        self._locked: set[str] = set()
        self._window: tuple[int, int] = (0, 0)

    # ------------------------------------------------------------ every request

    def route(self, path: str, answer: Answer, method: str = "GET") -> Route:
        """A route whose answer is an object, expanded as asked."""

        async def respond(request: Request) -> Response:
            headers = {
                "request-id": f"req_{secrets.token_hex(7)}",
                "stripe-version": request.headers.get("stripe-version", facts.VERSION),
            }
            try:
                status, body = await self._answered(request, answer, headers)
            except Refusal as refusal:
                response = refusal.response()
                response.headers.update(headers)
                return response
            return JSONResponse(body, status, headers)

        return Route(path, respond, methods=[method])

    async def _answered(self, request: Request, answer: Answer, headers: dict[str, str]) -> tuple[int, Object]:
        self._admit(request)
        raw = await request.body()
        try:
            parameters = forms.parse(raw.decode() or request.url.query)
        except UnicodeDecodeError:
            raise Refusal(400, "Invalid request: the body is no UTF-8.") from None
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return await self._executed(request, answer, parameters, None)
        known = self.keys.known(key, request.url.path, raw)
        if known is not None:
            headers["idempotent-replayed"] = "true"
            return known.status, known.body
        self.keys.begin(key)
        try:
            status, body = await self._executed(request, answer, parameters, key)
            self.keys.remember(key, request.url.path, raw, status, body)
        except Refusal as refusal:
            if refusal.executed:
                self.keys.remember(key, request.url.path, raw, refusal.status, refusal.body)
            raise
        finally:
            self.keys.end(key)
        return status, body

    async def _executed(
        self, request: Request, answer: Answer, parameters: dict[str, Any], key: str | None
    ) -> tuple[int, Object]:
        if request.method != "GET" and self.limits.work:
            await self._work(request.url.path)
        self.office.key = None
        pass_time(self.office)
        self.office.key = key
        paths = parameters.get("expand", [])
        body = answer(request, parameters)
        return 200, expanded(body, paths if isinstance(paths, list) else [paths], self.store)

    async def _work(self, path: str) -> None:
        """A write takes its time, and nobody else writes to the same object meanwhile."""
        place = "/".join(path.split("/")[:4])
        if place.count("/") == 3 and place in self._locked:
            message = "This object cannot be accessed right now because another API request is accessing it."
            raise Refusal(429, message, code="lock_timeout")
        self._locked.add(place)
        try:
            await asyncio.sleep(self.limits.work)
        finally:
            self._locked.discard(place)

    def _admit(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key != self.credentials.key:
            shown = f"{key[:8]}****" if key else ""
            raise Refusal(401, f"Invalid API Key provided: {shown}")
        if self.limits.per_second is None:
            return
        second, count = int(time.monotonic()), self._window[1] + 1
        self._window = (second, count if second == self._window[0] else 1)
        if self._window[1] > self.limits.per_second:
            limited = {"stripe-rate-limited-reason": "global-rate", "stripe-should-retry": "true"}
            raise Refusal(429, "Request rate limit exceeded.", code="rate_limit", headers=limited)

    # ------------------------------------------------------------ objects

    def listed(self, listing: Listing, _request: Request, parameters: dict[str, Any]) -> Object:
        """A list."""
        return page(self.store, listing, parameters)

    def one(self, kind: str, request: Request, _parameters: dict[str, Any]) -> Object:
        """One object."""
        return self.store.get(kind, request.path_params["id"])

    def change(self, change: Change) -> Route:
        """A write."""

        def answer(request: Request, parameters: dict[str, Any]) -> Object:
            return change.do(self.office, request.path_params.get("id", ""), parameters)

        return self.route(change.path, answer, change.method)

    # ------------------------------------------------------------ searches and lists of their own

    def search(self, kind: str) -> Answer:
        """`/v1/{kind}/search`."""

        def answer(_request: Request, parameters: dict[str, Any]) -> Object:
            for name in parameters:
                if name not in ("query", "limit", "page", "expand"):
                    raise unknown(name)
            if "query" not in parameters:
                raise Refusal(400, "Missing required param: query.", code="parameter_missing", param="query")
            test = compile_query(kind, parameters["query"])
            found = [
                one for key in self.store.ids(kind) if self._indexed(key) and test(one := self.store.get(kind, key))
            ]
            found = [each for each in found if not each.get("deleted")]
            size, start = limit(parameters), self._page(parameters.get("page"))
            rows = found[start : start + size]
            more = len(found) > start + size
            return {
                "object": "search_result",
                "url": f"/v1/{kind}/search",
                "has_more": more,
                "next_page": f"page_{start + size}" if more else None,
                "data": rows,
            }

        return answer

    def _indexed(self, key: str) -> bool:
        written = self.store.written_at.get(key)
        return written is None or written + self.limits.search_lag <= self.clock.now().timestamp()

    @staticmethod
    def _page(token: str | None) -> int:
        if token is None:
            return 0
        if not token.startswith("page_") or not token[5:].isdigit():
            raise Refusal(400, "Invalid page.", param="page")
        return int(token[5:])

    def lines(self, request: Request, parameters: dict[str, Any]) -> Object:
        """`/v1/invoices/{id}/lines`."""
        key = request.path_params["id"]
        self.store.get("invoices", key)
        rows = {each["id"]: each for each in self.store.every_line(key)}
        return cut(list(rows), parameters, rows.__getitem__, [], f"/v1/invoices/{key}/lines")

    def note_lines(self, request: Request, parameters: dict[str, Any]) -> Object:
        """`/v1/credit_notes/{id}/lines`: of the notes in the book there are none."""
        key = request.path_params["id"]
        self.store.get("credit_notes", key)
        rows = {str(place): each for place, each in enumerate(self.store.every_line(key))}
        return cut(list(rows), parameters, rows.__getitem__, [], f"/v1/credit_notes/{key}/lines")

    def features(self, request: Request, parameters: dict[str, Any]) -> Object:
        """`/v1/products/{id}/features`."""
        return features.page(self.store, request.path_params["id"], parameters)

    def feature(self, request: Request, _parameters: dict[str, Any]) -> Object:
        """`/v1/products/{id}/features/{feature}`."""
        return features.one(self.store, request.path_params["id"], request.path_params["feature"])

    def summaries(self, request: Request, parameters: dict[str, Any]) -> Object:
        """`/v1/billing/meters/{id}/event_summaries`: one row for the window, or one for each day or hour."""
        meter = request.path_params["id"]
        self.store.get("meters", meter)
        for name in ("customer", "start_time", "end_time"):
            if name not in parameters:
                raise Refusal(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        start, end = int(parameters["start_time"]), int(parameters["end_time"])
        step = {"day": 86_400, "hour": 3_600}.get(parameters.get("value_grouping_window", ""), max(end - start, 1))
        formula = self.store.get("meters", meter)["default_aggregation"]["formula"]
        windows: dict[int, list[Decimal]] = {}
        for each in self.store.book.usage:
            at = int(each.at.timestamp())
            if each.meter_id == meter and each.customer_id == parameters["customer"] and start <= at < end:
                windows.setdefault(start + (at - start) // step * step, []).append(each.quantity)
        rows = [
            {
                "id": f"mtrusg_{meter}_{begin}",
                "object": "billing.meter_event_summary",
                "aggregated_value": float(_aggregated(formula, quantities)),
                "end_time": min(begin + step, end),
                "livemode": False,
                "meter": meter,
                "start_time": begin,
            }
            for begin, quantities in sorted(windows.items(), reverse=True)
        ]
        known = {row["id"]: row for row in rows}
        paging: dict[str, Any] = {name: parameters[name] for name in ("limit", "starting_after") if name in parameters}
        return cut(list(known), paging, known.__getitem__, [], f"/v1/billing/meters/{meter}/event_summaries")


def _aggregated(formula: str, quantities: list[Decimal]) -> Decimal:
    if formula == "count":
        return Decimal(len(quantities))
    return quantities[-1] if formula == "last" else sum(quantities, Decimal(0))


def create_simulator(
    enterprise: Enterprise,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    credentials: Credentials = DEVELOPMENT,
) -> Starlette:
    """A Stripe account that holds the enterprise's billing book."""
    account = Account(enterprise, clock or Clock(enterprise.now), limits or Limits(), credentials)
    routes = [account.route(f"/v1/{kind}/search", account.search(kind)) for kind in facts.SEARCHABLE]
    routes += [
        account.route("/v1/invoices/{id}/lines", account.lines),
        account.route("/v1/credit_notes/{id}/lines", account.note_lines),
        account.route("/v1/products/{id}/features", account.features),
        account.route("/v1/products/{id}/features/{feature}", account.feature),
        account.route("/v1/billing/meters/{id}/event_summaries", account.summaries),
    ]
    routes += [account.change(change) for change in CHANGES]
    for listing in LISTINGS:
        routes.append(account.route(listing.path, partial(account.listed, listing)))
        routes.append(account.route(f"{listing.path}/{{id}}", partial(account.one, listing.kind)))
    app = simulator_app(routes, clock=account.clock, written=account.office.written, holdings=account.store.holdings)
    app.add_exception_handler(404, _unrecognised)
    app.state.account = account
    return app


async def _unrecognised(request: Request, _error: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return Refusal(404, message).response()
