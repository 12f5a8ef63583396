"""A worker: runs the governed writes that gateways accept, and makes the rounds; over HTTP it only tells how it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.app import Watchers, shared_ledger
from gateway.engine.reload import watch
from gateway.engine.shapes import open_policies
from gateway.http.front import Front
from gateway.http.health import livez
from gateway.settings import Settings, SettingsError
from gateway.telemetry.exposition import CONTENT_TYPE, gauge, text
from gateway.telemetry.meters import of_sources
from gateway.writing import Condition, Writing
from policies.store import PolicyStore
from resolvers.registry import names
from resolvers.sagas.settings import WritesSettings
from resolvers.schema import build_schema
from sources.cache import Cache
from sources.catalog import Catalog, open_catalog
from sources.durable import Role
from sources.overview import overview

if TYPE_CHECKING:
    from sources.store.worklist import Waiting

_WELL = (Condition.OPEN, Condition.PAUSED)


def create_worker(settings: Settings, executor: str | None = None) -> Front:
    """A worker over the settings of its gateways; opens nothing until it is asked.

    It is a worker whatever `role` they have, and never has their `executor`: `executor` names it, or it names itself.
    Raises SettingsError, and what `create_app` raises for rules and sources that cannot be used.
    """
    writes = _working(settings.writes, executor)
    watchers = Watchers()
    ledger = shared_ledger(settings.cache)
    catalog = open_catalog(
        settings.sources, settings.owners, cache=Cache(settings.cache), ledger=ledger, observers=watchers.observers
    )
    policies = open_policies(settings.policies, build_schema()._schema, names())
    writing = Writing(writes, catalog, policies, worker=True)
    state = State(catalog, policies, writing, watchers)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Front) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch(policies, settings.policies.poll, lambda: None))
        await writing.open()
        yield
        await writing.close()  # first: its steps still ask the sources
        watching.cancel()
        await catalog.close()
        if ledger is not None:
            await ledger.close()

    routes = [Route("/livez", livez), Route("/readyz", state.readyz), Route("/metrics", state.metrics)]
    app = Front({}, routes=routes, lifespan=lifespan)
    app.state.writing, state.front = writing, app
    return app


def _working(writes: WritesSettings, executor: str | None) -> WritesSettings:
    """The settings of a gateway as a worker's."""
    if not writes.on:
        raise SettingsError("[writes] there is no `store`, so there is nothing to run: name the one of the gateways")
    try:
        return msgspec.structs.replace(writes, role=Role.WORKER, executor=executor)
    except ValueError as error:
        raise SettingsError(f"[writes] {error}") from None


class State:
    """What a worker tells of itself. Like a gateway's, it is not for outsiders."""

    front: Front

    def __init__(self, catalog: Catalog, policies: PolicyStore, writing: Writing, watchers: Watchers) -> None:
        self._catalog, self._policies, self._writing, self._watchers = catalog, policies, writing, watchers

    async def readyz(self, _request: Request) -> Response:
        """Ready means that it runs what is accepted: our own tables answer, and it is not about to stop."""
        condition, draining = await self._writing.condition(), self.front.draining
        office, well = self._writing.office, condition in _WELL
        made = await office.rounds() if office is not None and well else []
        sources = overview(self._catalog, self._watchers.journal.histories())
        status = self._policies.status
        body: dict[str, Any] = {
            "ready": well and not draining,
            "draining": draining,
            "executor": office.writes.room.chain if office is not None else None,
            "writes": condition,
            "sources": {each.name: each.condition.value for each in sources},
            "policies": {"digest": status.digest, "stale": status.last_error is not None},
            "rounds": {
                each.name: {"begunAt": each.begun_at.isoformat(), "begunBy": each.begun_by, "done": each.done}
                for each in made
            },
        }
        return JSONResponse(body, 200 if body["ready"] else 503)

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus: this worker's calls to the sources; and of our own tables, which every worker tells alike,
        what waits and how long ago each round was begun."""
        sources = overview(self._catalog, self._watchers.journal.histories())
        families = [*self._watchers.meters.lines(), *of_sources(sources)]
        office = self._writing.office
        if office is not None and await self._writing.condition() in _WELL:
            now = datetime.now(UTC)
            ages = [({"round": each.name}, (now - each.begun_at).total_seconds()) for each in await office.rounds()]
            families += [
                gauge("opsgraph_round_age_seconds", "How long ago a round was begun last.", ages),
                *_of_waiting(await office.waiting()),
            ]
        return Response(text(families), media_type=None, headers={"content-type": CONTENT_TYPE})


def _of_waiting(waiting: Waiting) -> Iterator[Iterable[str]]:
    operations = [({"state": state}, count) for state, count in sorted(waiting.operations.items())]
    exceptions = [
        ({"owner": owner, "late": "yes" if late else "no"}, count)
        for (owner, late), count in sorted(waiting.exceptions.items())
    ]
    approvals = [({"role": role}, count) for role, count in sorted(waiting.approvals.items())]
    yield gauge("opsgraph_operations_under_way", "Governed writes that have not ended.", operations)
    yield gauge("opsgraph_exceptions_open", "What waits for its owner; late: not cleared in time.", exceptions)
    yield gauge("opsgraph_approvals_waiting", "Questions that nobody has answered, by the role asked.", approvals)
