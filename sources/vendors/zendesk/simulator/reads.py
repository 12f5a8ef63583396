"""Reads: lists, single records, many at once, sideloads, SLA policies, metrics."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import Refusal, not_found
from sources.vendors.zendesk.simulator.facts import MANY
from sources.vendors.zendesk.simulator.history import History
from sources.vendors.zendesk.simulator.pages import Paged, by_number, page
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Entry, Object, clocks, look, metric_set, show

_ASIDE = {
    "users": ("requester_id", "assignee_id"),
    "organizations": ("organization_id",),
    "groups": ("group_id",),
}


class Reads:
    """What is shown of the desk, at the clock's time."""

    def __init__(self, desk: Desk, clock: Clock, history: History) -> None:
        self._desk, self._clock, self._history = desk, clock, history

    async def index(self, request: Request, kind: str) -> Object:
        """`GET /{kind}`, or those with one `external_id`."""
        rows: list[Entry] = list(self._desk.tables[kind].values())
        if kind != "groups" and "external_id" in request.query_params:
            rows = self._desk.having(kind, "external_id", [request.query_params["external_id"]])
        return self._paged(request, kind, rows)

    async def show(self, request: Request, kind: str) -> Object:
        """`GET /{kind}/{id}`."""
        return self.one(kind, self._desk.get(kind, request.path_params["id"]), request)

    async def many(self, request: Request, kind: str) -> Object:
        """`GET /{kind}/show_many?ids=` or `external_ids=`, a hundred at the most; ids that nothing has are left out."""
        external = "external_ids" in request.query_params
        text = request.query_params.get("external_ids" if external else "ids", "")
        keys = [each.strip() for each in text.split(",") if each.strip()]
        if len(keys) > MANY:
            raise Refusal(400, "TooManyValues", f"Number of ids exceeds the limit of {MANY}")
        if not keys:
            raise Refusal(400, "BadRequest", "Parameter ids or external_ids is required")
        if external:
            rows = self._desk.having(kind, "external_id", keys) if kind != "groups" else []
        else:
            rows = self._desk.many(kind, keys)
        about = {"count": len(rows), "next_page": None, "previous_page": None}
        return self.rendered(kind, Paged(rows, about), request)

    async def tickets_of(self, request: Request, field: str, owners: str) -> Object:
        """`GET /organizations/{id}/tickets`, `GET /users/{id}/tickets/requested`."""
        owner = self._desk.get(owners, request.path_params["id"])
        rows = self._desk.having("tickets", field, [str(look(owner, "id"))])
        return self._paged(request, "tickets", rows)

    async def users_of(self, request: Request) -> Object:
        """`GET /organizations/{id}/users`."""
        owner = self._desk.get("organizations", request.path_params["id"])
        return self._paged(request, "users", self._desk.having("users", "organization_id", [str(look(owner, "id"))]))

    async def policies(self, request: Request) -> Object:
        """`GET /slas/policies`: all at once."""
        rows = self._desk.policies
        return {"sla_policies": rows, "count": len(rows), "next_page": None, "previous_page": None}

    async def policy(self, request: Request) -> Object:
        """`GET /slas/policies/{id}`."""
        for each in self._desk.policies:
            if str(each["id"]) == request.path_params["id"]:
                return {"sla_policy": each}
        raise not_found()

    async def all_metrics(self, request: Request) -> Object:
        """`GET /ticket_metrics`."""
        paged = page(list(self._desk.tables["tickets"].values()), dict(request.query_params), place(request))
        return {"ticket_metrics": [self.metrics(row) for row in paged.rows], **paged.about}

    async def one_metrics(self, request: Request) -> Object:
        """`GET /tickets/{id}/metrics` and `GET /ticket_metrics/{id}`: both ids are the ticket's."""
        return {"ticket_metric": self.metrics(self._desk.get("tickets", request.path_params["id"]))}

    async def audits(self, request: Request) -> Object:
        """`GET /tickets/{id}/audits`: what was done, the oldest first."""
        return self._told(request, "audits", self._history.audits(self._ticket(request)))

    async def comments(self, request: Request) -> Object:
        """`GET /tickets/{id}/comments`: what was said, the oldest first."""
        return self._told(request, "comments", self._history.comments(self._ticket(request)))

    def _ticket(self, request: Request) -> Entry:
        return self._desk.get("tickets", request.path_params["id"])

    def _told(self, request: Request, name: str, rows: list[Object]) -> Object:
        paged = page(rows, dict(request.query_params), place(request))
        return {name: paged.rows, **paged.about}

    def metrics(self, ticket: Entry) -> Object:
        """The ticket's metrics."""
        measures = self._desk.measures(ticket)
        return metric_set(ticket, measures.reopens, measures.solved_at)

    # ------------------------------------------------------------ rendering

    def one(self, kind: str, entry: Entry, request: Request) -> Object:
        """One record under its own name, with sideloads."""
        shown = self.rendered(kind, Paged([entry], {}), request)
        return {SINGULAR[kind]: shown.pop(kind)[0], **shown}

    def rendered(self, kind: str, paged: Paged, request: Request) -> Object:
        """The rows of a page under their kind, with the sideloads of `include=`: `slas` and `metric_sets` within each
        ticket, `users`, `organizations` and `groups` beside them."""
        wanted = {each.strip() for each in request.query_params.get("include", "").split(",")}
        shown: Object = {kind: [self._whole(kind, row, wanted) for row in paged.rows]}
        for name, fields in _ASIDE.items():
            if name in wanted and name != kind:
                shown[name] = [show(each) for each in self._referred(paged.rows, fields, name)]
        return {**shown, **paged.about}

    def _whole(self, kind: str, row: Entry, wanted: set[str]) -> Object:
        made = show(row)
        if kind != "tickets":
            return made
        if "slas" in wanted:
            made["slas"] = clocks(self._desk.measures(row).slas, self._clock.now())
        if "metric_sets" in wanted:
            made["metric_set"] = self.metrics(row)
        return made

    def _referred(self, rows: Sequence[Entry], fields: Sequence[str], kind: str) -> list[Entry]:
        return self._desk.many(kind, [str(look(row, field)) for row in rows for field in fields])

    def _paged(self, request: Request, kind: str, rows: Sequence[Entry]) -> Object:
        rows = sorted(rows, key=lambda row: int(look(row, "id"))) if len(rows) < MANY else rows
        return self.rendered(kind, page(rows, dict(request.query_params), place(request)), request)

    def numbered(self, request: Request, kind: str, rows: Sequence[Entry]) -> Object:
        """A list that only has pages by number."""
        return self.rendered(kind, by_number(rows, dict(request.query_params), place(request)), request)


def place(request: Request) -> str:
    """The address of what was asked for, as the caller wrote it and without its query."""
    return f"{str(request.base_url).rstrip('/')}{request.scope.get('spelled', request.url.path)}"
