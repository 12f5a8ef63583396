"""The audit in a file, where there is no store: a line of JSON for each entry, chained like the store's, never sealed.

Every process begins a chain of its own, so several may write to one file, and another one in every new file, so that a
file that was moved away and the next one each hold by themselves. What is cut off at the end of a chain is not noticed:
whoever needs that keeps governed writes' tables, which are sealed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from sources.store.chain import Break, Entry, Event, Said, Wanted, broken, canonical, link
from sources.store.errors import StoreAway


class _Line(msgspec.Struct, frozen=True):
    chain: str
    sequence: int
    at: datetime
    body: str
    previous: str
    hash: str


class AuditFile:
    """Appends to the file at `path`, in the chain of this process. Blocks: call it in a thread."""

    def __init__(self, path: Path, chain: str) -> None:
        self._path, self._name = path, chain
        self._chain, self._files = chain, 1
        self._sequence, self._previous = 0, ""

    def append(self, said: Sequence[Said]) -> None:
        """Writes the events; they are on the disk when this returns. Raises StoreAway where the file cannot be written,
        and then the chain goes on from where it was."""
        if self._sequence and not (self._path.exists() and self._path.stat().st_size):
            self._files += 1
            self._chain, self._sequence, self._previous = f"{self._name}.{self._files}", 0, ""
        sequence, previous, lines = self._sequence, self._previous, []
        for event, at in said:
            sequence += 1
            body = canonical(event)
            digest = link(self._chain, sequence, at, body, previous)
            lines.append(canonical(_Line(self._chain, sequence, at, body, previous, digest)))
            previous = digest
        try:
            self._write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise StoreAway(f"`{self._path}` cannot be written ({error.strerror}): see to `[audit] file`") from error
        self._sequence, self._previous = sequence, previous

    def _write(self, content: bytes) -> None:
        """All of it or nothing: what a full disk took by half is taken away again. A line that somebody else left
        unfinished stays a line of its own."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)  # for its owner's eyes
        with os.fdopen(descriptor, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            start = file.seek(0, os.SEEK_END)
            try:
                file.write(content if _ends_a_line(file, start) else b"\n" + content)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(file.fileno(), start)
                raise


def _ends_a_line(file: IO[bytes], end: int) -> bool:
    if end == 0:
        return True
    file.seek(end - 1)
    return file.read(1) == b"\n"


def listed(path: Path, wanted: Wanted, first: int = 100) -> list[Entry]:
    """The newest entries that fit, the newest first; a line that is no entry is passed over."""
    texts, found = wanted.texts(), list[_Line]()
    for line in _lines(path):
        if line is not None and wanted.spans(line.at) and all(text in line.body for text in texts):
            found.append(line)
            if len(found) > 2 * first:
                found = _newest(found, first)
    return [_entry(line) for line in _newest(found, first)]


def _newest(found: list[_Line], first: int) -> list[_Line]:
    return sorted(found, key=lambda line: (line.at, line.chain, line.sequence), reverse=True)[:first]


def _entry(line: _Line) -> Entry:
    event = msgspec.json.decode(line.body, type=Event)
    return Entry(
        chain=line.chain, sequence=line.sequence, at=line.at, event=event, previous=line.previous, hash=line.hash
    )


def verify(path: Path) -> Iterator[Break]:
    """Every place where a chain of the file does not hold. Of a line that cannot be read its number is told."""
    ends: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(_lines(path), 1):
        if line is None:
            yield Break("line", number, "cannot be read")
            continue
        row: dict[str, Any] = msgspec.structs.asdict(line)
        yield from broken(row, line.chain, *ends.get(line.chain, (0, "")))
        ends[line.chain] = (line.sequence, line.hash)


def _lines(path: Path) -> Iterator[_Line | None]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:
                yield None
