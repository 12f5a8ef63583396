"""Writes with Prefer: respond-async: a job, its one task, and the task's result."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.errors import Refusal, missing

_FIRST = 123_456
_APPLIED = {"Preference-Applied": "respond-async"}


class Job(msgspec.Struct, frozen=True):
    """A job that has run: here it is done before anybody can ask."""

    id: int
    result: Response


class Jobs:
    """The account's jobs; an idempotency key belongs to the first job that brought it."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._keys: dict[str, int] = {}

    def refuse_repeat(self, key: str | None) -> None:
        """Raises 400 Conflict with the Location of the first job."""
        if key is not None and (first := self._keys.get(key)) is not None:
            headers = {**_APPLIED, "Location": f"{facts.ROOT}/async/v1/job/{first}"}
            raise Refusal(400, "IDEMPOTENCY_ERROR", facts.SAME_KEY, headers=headers)

    def add(self, request: Request, key: str | None, result: Response) -> Response:
        """202 with the job's Location."""
        job = Job(_FIRST + len(self._jobs), result)
        self._jobs[job.id] = job
        if key is not None:
            self._keys[key] = job.id
        return Response(status_code=202, headers={**_APPLIED, "Location": _address(request, job)})

    async def show(self, request: Request) -> Response:
        """GET async/v1/job/{job}."""
        job = self._job(request)
        return JSONResponse(
            {"id": str(job.id), "completed": True, "progress": "succeeded", "task": _task_link(request, job)}
        )

    async def tasks(self, request: Request) -> Response:
        """GET async/v1/job/{job}/task."""
        job = self._job(request)
        own = [{"rel": "self", "href": f"{_address(request, job)}/task/1"}]
        items = [{"id": "1", "completed": True, "progress": _progress(job), "links": own}]
        return JSONResponse({"links": [], "items": items, "count": 1, "offset": 0, "hasMore": False, "totalResults": 1})

    async def result(self, request: Request) -> Response:
        """GET async/v1/job/{job}/task/1/result: the answer the same request would have had at once."""
        job = self._job(request)
        if request.path_params["task"] != 1:
            raise missing()
        return job.result

    def _job(self, request: Request) -> Job:
        if (job := self._jobs.get(request.path_params["job"])) is None:
            raise missing()
        return job


def _progress(job: Job) -> str:
    return "succeeded" if job.result.status_code < 400 else "failed"


def _task_link(request: Request, job: Job) -> dict[str, object]:
    return {"links": [{"rel": "self", "href": f"{_address(request, job)}/task"}]}


def _address(request: Request, job: Job) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{facts.ROOT}/async/v1/job/{job.id}"
