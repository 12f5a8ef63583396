"""The trusted documents of a running gateway: warm before it is ready, exchanged when the manifests change."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec

from gateway.engine.documents import Refused
from gateway.engine.engine import Engine
from gateway.engine.manifests import ManifestErrors, Manifests, load_manifests
from gateway.engine.recording import Recording
from gateway.engine.trust import Trust, Untrusted
from gateway.engine.warm import Roles, Warmer, failures
from gateway.settings import DocumentSettings, Limits

_RECORDED = 10.0  # seconds between two writings of the recording
_log = logging.getLogger("opsgraph.documents")

Signature = tuple[tuple[str, int, int], ...]


class Standing(msgspec.Struct, frozen=True):
    """How the documents are. `warm` of them are planned; `stale`: newer manifests are there and cannot be used."""

    ready: bool
    clients: int
    documents: int
    warm: int
    failed: int
    stale: bool


class TrustedDocuments:
    """Loads the manifests of the settings when it is made; raises ManifestErrors. `attend` has to be called before
    `run`, with the engine that judges by `trust`."""

    def __init__(self, settings: DocumentSettings, limits: Limits, told: Untrusted) -> None:
        self._settings, self._limits = settings, limits
        self._folder = Path(settings.directory) if settings.directory is not None else None
        recording = None
        if settings.mode == "record" and settings.recording is not None:
            recording = Recording(Path(settings.recording), settings.recorded)
        self._seen = self._signature()
        manifests = load_manifests(self._folder) if self._folder is not None else None
        self.trust = Trust(settings, limits, manifests, recording=recording, told=told)
        self._warmer: Warmer
        self._warm = self._failed = 0
        self._ready, self._stale = not manifests, False
        self._again = asyncio.Event()

    def attend(self, engine: Engine, roles: Roles) -> None:
        """Reads and validates every document; raises ManifestErrors with all that is wrong."""
        self._warmer = Warmer(engine, roles)
        mistakes = list(self._warmer.mistakes(self._manifests))
        if mistakes:
            raise ManifestErrors(mistakes)

    @property
    def _manifests(self) -> Manifests:
        return self.trust.manifests or Manifests()

    @property
    def standing(self) -> Standing:
        """How they are."""
        manifests = self._manifests
        clients, documents = len(manifests.by_client), len(manifests)
        return Standing(self._ready, clients, documents, self._warm, self._failed, self._stale)

    def replan(self) -> None:
        """Other rules are in force: everything is planned anew, while the gateway goes on."""
        self._again.set()

    async def run(self) -> None:
        """Warms, watches and records until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_warm())
                if self._folder is not None and self._settings.poll > 0:
                    tasks.create_task(self._watch(self._settings.poll))
                if self.trust.recording is not None:
                    tasks.create_task(self.trust.recording.keep(_RECORDED))
        except Exception:
            _log.exception("trusted documents are no longer attended to: restart the gateway")
            raise

    async def _keep_warm(self) -> None:
        while True:
            self._again.clear()
            await self._plan()
            self._ready = True
            await self._again.wait()

    async def _plan(self) -> None:
        """Plans every document for each of its roles, a turn of the loop for each: requests are answered meanwhile."""
        self._warm = self._failed = planned = 0
        for each in self._manifests:
            failed = False
            for role in self._warmer.scope(each):
                if planned >= self._limits.remembered:
                    _log.warning("more plans than `[limits] remembered` keeps (%d): the rest waits", planned)
                    return
                try:
                    planned += sum(1 for _ in self._warmer.plans(each, role))
                except Refused as error:
                    failed = True
                    _log.error("%s: cannot be run as %s: %s", each.place, role, failures(error))
                await asyncio.sleep(0)
            self._warm, self._failed = self._warm + (not failed), self._failed + failed

    async def _watch(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            seen = await asyncio.to_thread(self._signature)
            if seen != self._seen:
                self._seen = seen
                await self.reload()

    async def reload(self) -> None:
        """Takes changed manifests into use where nothing is wrong with them; otherwise says what, and those in force
        stay."""
        assert self._folder is not None
        try:
            manifests = await asyncio.to_thread(load_manifests, self._folder)
            mistakes = await self._mistakes(manifests)
            if mistakes:
                raise ManifestErrors(mistakes)
        except (ManifestErrors, OSError) as error:
            self._stale = True
            _log.error("the changed manifests cannot be used, those before stay in force:\n%s", error)
            return
        self._stale = False
        if manifests != self.trust.manifests:
            self.trust.manifests = manifests
            self._again.set()
            _log.warning("%d documents of %d clients are in force", len(manifests), len(manifests.by_client))

    async def _mistakes(self, manifests: Manifests) -> list[str]:
        found: list[str] = []
        for each in manifests:
            found += self._warmer.mistakes_of(each)
            await asyncio.sleep(0)
        return found

    def _signature(self) -> Signature:
        """What a change of the files changes: their names, times and sizes, those of the texts too."""
        if self._folder is None:
            return ()
        found = []
        for path in sorted(self._folder.rglob("*")):
            try:
                stat = path.stat()
            except OSError:
                continue  # it went away just now: the next look sees what came instead
            found.append((path.as_posix(), stat.st_mtime_ns, stat.st_size))
        return tuple(found)
