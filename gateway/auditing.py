"""Where denied and masked reads are put on record: the store of governed writes, a file, or nowhere."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

from gateway.settings import Settings, SettingsError
from gateway.telemetry.reads import ReadAudit, RowHash, Sink, Telling
from gateway.writing import Writing
from sources.store.audit_file import AuditFile


class FileSink:
    """A file, written in a thread."""

    def __init__(self, file: AuditFile) -> None:
        self._file = file

    async def append(self, telling: Telling) -> None:
        """Appends entries. Raises StoreAway."""
        await asyncio.to_thread(lambda: self._file.append(telling()))


def read_audit(settings: Settings, writing: Writing) -> ReadAudit:
    """The audit of reads that the settings want; nothing is opened before it is started. Raises SettingsError."""
    sink: Sink | None = None
    if settings.audit.file is None and settings.writes.on:
        sink = writing
    elif settings.audit.file is not None:
        path = Path(settings.audit.file)
        if not path.parent.is_dir():
            raise SettingsError(f"[audit] `file` is `{path}`, and its folder does not exist: make it")
        sink = FileSink(AuditFile(path, f"reads-{uuid.uuid4().hex[:12]}"))
    zones = settings.audit.zones
    nameless = [name for name, source in settings.sources.items() if zones and source.zone not in zones]
    return ReadAudit(settings.audit, sink, row_hash(settings), nameless)


def row_hash(settings: Settings) -> RowHash:
    """How keys of rows are hashed: by a key of this process's own where the settings have none."""
    key = settings.policies.hash_key
    return RowHash(key.reveal().encode() if key is not None else None)
