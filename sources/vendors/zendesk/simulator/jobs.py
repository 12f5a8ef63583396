"""Changes of many tickets at once: a job that is asked after, whose rows succeed or fail one by one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.errors import Refusal, not_found
from sources.vendors.zendesk.simulator.shapes import Object, url

Change = tuple[str, Object]  # a ticket's id, and what it is given


class _Job(msgspec.Struct):
    key: str
    changes: Sequence[Change]
    due: float
    results: list[Object] | None = None
    message: str | None = None


class Jobs:
    """Jobs of one account: each is done `seconds` after it was asked for, `most` wait at once."""

    def __init__(self, clock: Clock, seconds: float, most: int, change: Callable[[str, Object], object]) -> None:
        self._clock, self._seconds, self._most, self._change = clock, seconds, most, change
        self._jobs: dict[str, _Job] = {}
        self._waiting: list[_Job] = []

    def start(self, changes: Sequence[Change]) -> Object:
        """A queued job; its answer says so even where it is done at once."""
        if len(changes) > facts.MANY:
            raise Refusal(400, "TooManyValues", f"Number of tickets exceeds the limit of {facts.MANY}")
        if len(self._waiting) >= self._most:
            raise Refusal(429, "TooManyJobs", facts.MANY_JOBS, headers={"retry-after": "1"})
        job = _Job(secrets.token_hex(16), changes, self._clock.now().timestamp() + self._seconds)
        self._jobs[job.key] = job
        self._waiting.append(job)
        queued = self._shown(job)
        self.settle()
        return queued

    def show(self, key: str) -> Object:
        """How far one is; raises the vendor's 404."""
        if key not in self._jobs:
            raise not_found()
        return self._shown(self._jobs[key])

    def settle(self) -> None:
        """Does those that are due."""
        now = self._clock.now()
        while self._waiting and self._waiting[0].due <= now.timestamp():
            job = self._waiting.pop(0)
            job.results = [self._result(key, given) for key, given in job.changes]
            job.message = f"Completed at {now:%Y-%m-%d %H:%M:%S} +0000"

    def _result(self, key: str, given: Object) -> Object:
        about = {"action": "update", "id": int(key) if key.isdecimal() else key}
        try:
            self._change(key, given)
        except Refusal as refusal:
            return {**about, "success": False, "error": refusal.error, "details": refusal.said}
        return {**about, "success": True, "status": "Updated"}

    @staticmethod
    def _shown(job: _Job) -> Object:
        status = {
            "id": job.key,
            "job_type": "Bulk Update Ticket",
            "url": url("job_statuses", job.key),
            "total": len(job.changes),
            "progress": len(job.results) if job.results is not None else None,
            "status": "completed" if job.results is not None else "queued",
            "message": job.message,
            "results": job.results,
        }
        return {"job_status": status}
